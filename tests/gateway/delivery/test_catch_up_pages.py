"""What becomes of pages that were read for who is behind."""

import asyncio

import pytest

from tailcast_gateway.delivery.core.channel import (
    Channel,
    Follower,
    FollowerState,
)
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.views.thinning import Kept
from tailcast_gateway.views.view import View
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID
from tests.gateway.delivery.chase import Chase, kinds, never
from tests.gateway.entries import chain, cursor, head, id_of, marker
from tests.gateway.stage import (
    records,
    socket_of,
    told,
    written,
)


pytestmark = pytest.mark.usefixtures("prompt")


async def read_page(
    stage: Chase, channel: Channel, at: Cursor = BEGINNING_CURSOR
) -> Follower:
    """A follower for which a page is being read that is not there yet."""
    stage.broker.reads_on.clear()
    follower = stage.follow(channel, at)
    await stage.turns()
    assert stage.broker.pages
    return follower


async def come(stage: Chase) -> None:
    """Let the page come; what is to be read after it never does."""
    (task,) = stage.tasks
    stage.broker.reads_on.set()
    await asyncio.wait([task])


async def test_a_page_for_who_is_gone_is_dropped() -> None:
    """Closed or dropped."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    follower = await read_page(stage, channel)
    follower.client.is_closed = True
    await come(stage)
    other = await read_page(stage, channel)
    stage.hub.leave(other.client)
    other.client.is_closed = False
    await come(stage)
    assert written(follower.client) == written(other.client) == b""


async def test_a_page_for_a_socket_that_is_full_meanwhile_is_dropped() -> None:
    """It is read again when that takes more."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    follower = await read_page(stage, channel)
    socket_of(follower.client).paused = True
    await come(stage)
    await stage.quiet()
    assert written(follower.client) == b""
    assert follower.cursor == BEGINNING_CURSOR


@pytest.mark.parametrize("what", ["place", "epoch", "state"])
async def test_a_page_for_another_place_is_dropped(what: str) -> None:
    """Where its follower has been moved, or its session begun anew."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30, kept=0)
    follower = await read_page(stage, channel)
    if what == "place":
        follower.cursor = cursor("1-20")
    elif what == "epoch":
        channel.epoch += 1
    else:
        follower.state = FollowerState.WAITING
        follower.client.behind.clear()
    await come(stage)
    assert written(follower.client) == b""


async def test_a_page_reaches_no_further_than_the_window() -> None:
    """What is beyond comes through that, to all at once."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    await stage.broker.store("a", 30)
    follower = stage.follow(channel, BEGINNING_CURSOR)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]
    assert not follower.is_current


async def test_what_has_come_into_the_window_is_taken_from_there() -> None:
    """Where it begins at the follower's place by now."""
    stage = Chase()
    await stage.broker.store("a", 10, 20)
    channel = stage.watch("a", head([marker("2-0", "1-20")]))
    follower = await read_page(stage, channel, cursor("1-10"))
    channel.window = stage.watch("b", head(chain(10))).window
    channel.window.extend(chain(20, 30, previous="1-10"))
    await come(stage)
    assert records(told(follower.client)) == [20, 30]


async def test_a_broker_that_is_away_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not before a pause."""
    never(monkeypatch)
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    stage.broker.failure = BrokerUnavailable("away")
    follower = stage.follow(channel, BEGINNING_CURSOR)
    await stage.turns()
    assert len(stage.broker.pages) == 1
    stage.broker.failure = None
    (task,) = stage.tasks
    task.cancel()
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]
    assert stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}') >= 1


async def test_a_page_is_asked_for_again_when_the_broker_is_back() -> None:
    """Without a word to the client."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    stage.broker.failure = BrokerUnavailable("away")
    follower = stage.follow(channel, BEGINNING_CURSOR)
    while len(stage.broker.pages) < 3:
        await asyncio.sleep(0)
    stage.broker.failure = None
    await stage.quiet()
    assert kinds(told(follower.client)) == ["telemetry"]
    assert not follower.client.is_closed


async def test_what_follows_may_have_been_trimmed() -> None:
    """A gap, and on after it; not at the oldest, which may be trimmed next."""
    stage = Chase()
    channel = await stage.stored(*range(10, 1_010, 10), kept=0)
    await stage.broker.trim("a", id_of("1-30"))
    follower = stage.follow(channel, cursor("1-10"))
    await stage.quiet()
    gap, *rest = told(follower.client)
    assert (gap["type"], gap["reason"]) == ("gap", "trimmed")
    assert gap["from"] == str(cursor("1-10"))
    found = records(rest)
    assert found == [*range(found[0], 1_010, 10)]
    assert Cursor.parse(gap["to"]).id == EntryID(1, found[0] - 10)
    assert 30 < found[0] < 200
    assert follower.failures == 0
    assert stage.asked.marked == ["a"]


async def test_who_comes_with_a_place_that_was_trimmed_goes_on_at_the_oldest() -> None:
    """Retention has not overtaken it."""
    stage = Chase()
    await stage.stored(*range(10, 1_010, 10), kept=0)
    await stage.broker.trim("a", id_of("1-30"))
    client = stage.client("a", starts={"a": cursor("1-10")})
    await stage.quiet()
    assert records(told(client)) == [*range(30, 1_010, 10)]


@pytest.mark.parametrize(("failures", "is_found"), [(1, True), (2, False)])
async def test_who_fails_again_and_again_is_looked_up_after_a_pause(
    monkeypatch: pytest.MonkeyPatch, failures: int, *, is_found: bool
) -> None:
    """The first time at once."""
    never(monkeypatch)
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, NOTHING, failures=failures)
    stage.followers.look_up(follower, cursor("1-10"))
    await stage.turns()
    assert (follower.state is not FollowerState.LOOKING_UP) is is_found
    for task in stage.tasks:
        task.cancel()


async def test_what_was_chosen_and_is_gone_is_looked_up() -> None:
    """The client is told the gap, and what is left is chosen from."""
    stage = Chase()
    channel = await stage.stored(*range(10, 90, 10), kept=0)
    view = View(max_points=3)
    follower = stage.follow(channel, cursor("1-10"), view, is_replay=True)
    kept = [Kept(id_of(f"1-{at}"), 1) for at in (20, 50)]
    follower.sample = Sample(kept, cursor("1-80"))
    await stage.broker.trim("a", id_of("1-40"))
    await stage.quiet()
    gap, *messages = told(follower.client)
    assert (gap["type"], gap["from"]) == ("gap", str(cursor("1-10")))
    assert records(messages)[-1] == 80
    left = (80 - int(gap["to"].split("-")[1])) // 10
    assert sum(one["sampled"]["of"] for one in messages if "sampled" in one) == left


async def test_what_is_gone_again_and_again_is_passed_over() -> None:
    """Nobody waits for it."""
    stage = Chase()
    channel = await stage.stored(*range(10, 90, 10), kept=0)
    view = View(max_points=3)
    follower = stage.follow(channel, cursor("1-10"), view, is_replay=True, failures=1)
    kept = [Kept(id_of(f"1-{at}"), 1) for at in (25, 80)]
    follower.sample = Sample(kept, cursor("1-80"))
    await stage.quiet()
    assert records(told(follower.client)) == [80]
