"""What of a replay is told, and how."""

import pytest

from tailcast_gateway.sessions import sampling
from tailcast_gateway.views.filters import Filter
from tailcast_gateway.views.view import View
from tailcast_index.fold import Rewind
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, EntryID
from tests.gateway.delivery.chase import Chase
from tests.gateway.entries import chain, cursor, entry
from tests.gateway.stage import (
    NOBODY,
    records,
    socket_of,
    told,
)


pytestmark = pytest.mark.usefixtures("prompt")


async def test_who_fell_behind_gets_the_newest_record_where_a_rate_is_set() -> None:
    """With what is no record, and how many records it stands for."""
    stage = Chase()
    channel = stage.watch("a")
    alarm = entry("1-15", "1-10", b'{"o":15}', Kind.EMERGENCY)
    later = chain(20, 30, previous="1-15")
    stage.come(channel, [*chain(10), alarm, *later])
    follower = stage.follow(channel, BEGINNING_CURSOR, View(max_rate=1.0))
    await stage.quiet()
    first, last = told(follower.client)
    assert (first["type"], "sampled" in first) == ("emergency", False)
    assert (records([last]), last["sampled"]) == ([30], {"of": 3})


async def test_a_replay_has_all_records_where_a_rate_is_set() -> None:
    """Rates are of live records."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    view = View(max_rate=1.0)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]


async def test_a_replay_is_reduced_and_what_came_since_is_not() -> None:
    """From the end that there was when it began."""
    stage = Chase()
    channel = await stage.stored(*range(10, 1_010, 10))
    view = View(max_points=4)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    stage.broker.reads_on.clear()
    await stage.turns()
    await stage.broker.store("a", 1_010)
    stage.follow_on(channel, 1_010)
    stage.broker.reads_on.set()
    await stage.quiet()
    messages = told(follower.client)
    found = records(messages)
    assert len(found) <= 5
    assert (found[0], found[-2:]) == (10, [1_000, 1_010])
    assert found == sorted(set(found))
    counts = [one["sampled"]["of"] for one in messages if "sampled" in one]
    assert sum(counts) == 100
    assert all(one["replayed"] for one in messages if one["type"] == "telemetry")
    assert "sampled" not in messages[-2]


async def test_a_replay_that_has_been_reduced_is_so_no_more() -> None:
    """All that comes until it is over is told; nor is one that fell behind."""
    stage = Chase()
    channel = await stage.stored(*range(10, 510, 10))
    view = View(max_points=2)
    replayed = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    replayed.is_sampled = True
    behind = stage.follow(channel, BEGINNING_CURSOR, view)
    await stage.quiet()
    for follower in (replayed, behind):
        assert records(told(follower.client)) == [*range(10, 510, 10)]


async def test_a_reduced_replay_is_sent_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And says where the run fell back; all that it leaves out is counted."""
    monkeypatch.setattr(sampling, "MAX_CHOSEN_READ", 2)
    stage = Chase()
    channel = await stage.stored(*range(10, 1_010, 10), kept=0)
    stage.falls = [Rewind(EntryID(1, 500), 5, 9)]
    view = View(max_points=10)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    await stage.quiet()
    messages = told(follower.client)
    found = records(messages)
    assert 5 <= len(found) <= 10
    assert (found[0], found[-1]) == (10, 1_000)
    counts = [one["sampled"]["of"] for one in messages if "sampled" in one]
    assert sum(counts) == 100
    assert len(counts) > 1
    assert [one["type"] for one in messages].count("rewind") == 1
    assert messages[-1]["type"] == "caught_up"


async def test_a_replay_of_few_records_comes_whole() -> None:
    """It need not be reduced."""
    stage = Chase()
    channel = await stage.stored(*range(10, 60, 10))
    view = View(max_points=5)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20, 30, 40, 50]


def document(offset: int, session: str, news: str = "1") -> Entry:
    """A whole-file emergency."""
    details = {"session": session, "id": f"i{offset}", "path": "p", "news": news}
    previous = f"1-{offset - 1}" if offset > 1 else "0-0"
    return entry(f"1-{offset}", previous, b"{}", Kind.EMERGENCY, details)


@pytest.mark.parametrize("is_replay", [True, False])
async def test_documents_are_those_that_concern_a_client(*, is_replay: bool) -> None:
    """What is no news is for those alone who asked for what was."""
    stage = Chase()
    channel = stage.watch(EMERGENCIES, NOBODY)
    stage.come(
        channel, [document(1, "a", news="0"), document(2, "a"), document(3, "b")]
    )
    follower = stage.follow(channel, NOTHING, is_replay=is_replay)
    await stage.quiet()
    found = [one["id"] for one in told(follower.client) if one["type"] == "emergency"]
    assert found == (["i1", "i2"] if is_replay else ["i2"])


async def test_what_is_held_back_by_a_filter_is_passed_over() -> None:
    """Nothing is written for it."""
    stage = Chase()
    channel = await stage.stored(10, 20)

    def matches(_fields: object) -> bool:
        return False

    nothing = Filter("nothing", matches)
    follower = stage.follow(channel, BEGINNING_CURSOR, View(where=nothing))
    await stage.quiet()
    assert socket_of(follower.client).written == []
    assert not follower.is_current
    assert stage.counted("writes") == 0


async def test_a_replay_says_where_the_run_fell_back() -> None:
    """Between its records, whatever page or slice they are in."""
    stage = Chase()
    channel = await stage.stored(*range(10, 510, 10), kept=200)
    stage.falls = [Rewind(EntryID(1, at), 5, 9) for at in (30, 30, 490)]
    follower = stage.follow(channel, BEGINNING_CURSOR, is_replay=True)
    await stage.quiet()
    messages = told(follower.client)
    shown = [one["cursor"].split("-")[1] for one in messages if one["type"] == "rewind"]
    assert shown == ["20", "20", "480"]
    assert [one["at"] for one in messages if one["type"] == "rewind"] == [
        str(cursor("1-30")), str(cursor("1-30")), str(cursor("1-490")),
    ]  # fmt: skip  # one glance
    assert records(messages) == [*range(10, 510, 10)]
    before = "1-0-00000000"
    for message in messages:
        if message["type"] == "telemetry":
            assert message["prev"] == before
        before = message["cursor"]
