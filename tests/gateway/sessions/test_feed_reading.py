"""What is read of sessions that moved, and who is given it."""

import asyncio

import pytest

from tailcast_gateway.delivery.core.channel import FollowerState
from tailcast_gateway.sessions import feed as feed_module
from tailcast_gateway.sessions.feed import (
    LARGE_RECORD_BYTES,
    MAX_ENTRIES,
    READ_BYTES,
)
from tailcast_streams.position import BEFORE_ALL, EntryID
from tests.gateway.entries import cursor
from tests.gateway.sessions.feed_rig import Feeding
from tests.gateway.sessions.rig import turns, until
from tests.gateway.stage import NOBODY, records, socket_of, told
from tests.gateway.stored import store


async def test_sessions_that_moved_together_are_read_together() -> None:
    """One round trip, however often each was named."""
    rig = Feeding()
    for name in "abc":
        await rig.stored(name, 10)
        await store(rig.broker, name, 20)
    rig.hear("a", "b", "a", "c", "a")
    await rig.read()
    assert [names for names, _ in rig.broker.news_of] == [["a", "b", "c"]]
    assert {one.window.end for one in rig.hub.watched.values()} == {cursor("1-20")}


async def test_more_sessions_than_one_round_trip_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are in the next one."""
    monkeypatch.setattr(feed_module, "MAX_SESSIONS", 2)
    rig = Feeding()
    for name in "abc":
        await rig.stored(name, 10)
        await store(rig.broker, name, 20)
    rig.hear("a", "b", "c")
    await rig.read()
    assert [names for names, _ in rig.broker.news_of] == [["a", "b"], ["c"]]


async def test_large_records_are_read_apart_and_fewer_at_a_time() -> None:
    """What one answer weighs is bounded, and small records do not wait for it."""
    rig = Feeding()
    large = b'{"x":"%b"}' % (b"x" * 2 * LARGE_RECORD_BYTES)
    await rig.stored("large", 10, record=large)
    await rig.stored("small", 10)
    for name in ("large", "small"):
        await store(rig.broker, name, 20)
    rig.hear("large", "small")
    await rig.read()
    (small, small_limit), (names, limit) = rig.broker.news_of
    assert (small, names) == (["small"], ["large"])
    assert small_limit == MAX_ENTRIES
    assert limit <= READ_BYTES / len(large)


async def test_a_session_whose_records_grow() -> None:
    """It is read in smaller pieces from then on."""
    rig = Feeding()
    await rig.stored("a", 10)
    for offset in (20, 30):
        await store(rig.broker, "a", offset, record=b'{"x":"%b"}' % (b"x" * 65_536))
        rig.hear("a")
        await rig.read()
    (_, first), (_, second) = rig.broker.news_of
    assert first == MAX_ENTRIES
    assert second < 50


async def test_more_than_one_read_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read on until nothing is left, and nothing comes twice."""
    monkeypatch.setattr(feed_module, "MAX_ENTRIES", 4)
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", *range(20, 130, 10))
    rig.hear("a")
    await rig.read()
    assert records(told(client)) == [*range(20, 130, 10)]


async def test_a_session_that_nobody_watches_any_more() -> None:
    """It is not read."""
    rig = Feeding()
    channel = await rig.stored("a", 10)
    rig.hear("a")
    rig.hub.close(channel)
    await rig.read()
    assert rig.broker.news_of == []


async def test_a_broker_that_is_away_when_something_moved() -> None:
    """It is read when the broker is back."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20)
    rig.hear("a")
    with rig.broker.away():
        assert not await rig.feed.read_dirty()
    await rig.read()
    assert records(told(client)) == [20]


async def test_a_session_that_comes_into_being() -> None:
    """Its state is taken before its first entries are, and they come from the first."""
    rig = Feeding()
    rig.watch("a", NOBODY)
    client = rig.client("a")
    await store(rig.broker, "a", 10, owner="t")
    rig.hear("a")
    await rig.read()
    channel = rig.hub.channels["a"]
    assert (channel.incarnation, channel.owner) == ("i", "t")
    assert channel.window.end == cursor("1-10")
    assert [follower for follower, _ in rig.asked.looked_up] == []
    assert client in channel.followers


async def test_a_session_that_comes_into_being_while_it_is_looked_for() -> None:
    """A9: its entries wait for its state, which tells history from news."""
    rig = Feeding()
    channel = rig.watch("a", NOBODY)
    client = rig.client("a")
    rig.hear("a")
    with rig.broker.silent():
        reading = asyncio.create_task(rig.read())
        await until(lambda: rig.broker.heads_of == [["a"]])
        await store(rig.broker, "a", 10, 20, backlog_end=20)
    await reading
    assert (channel.is_awaited, channel.window.size_bytes) == (True, 0)
    rig.hear("a")
    await rig.read()
    assert channel.history_end == channel.window.end.id == EntryID(1, 20)
    assert client.followers["a"].state is not FollowerState.NOT_CREATED


async def test_a_session_that_is_named_and_not_there() -> None:
    """Who waits for it goes on waiting."""
    rig = Feeding()
    rig.watch("a", NOBODY)
    client = rig.client("a")
    rig.hear("a")
    await rig.read()
    assert client.followers["a"].state is FollowerState.NOT_CREATED


async def test_a_session_all_of_which_was_trimmed_before_it_was_read() -> None:
    """Its window begins where the stream ends."""
    rig = Feeding()
    rig.watch("a", NOBODY)
    rig.client("a")
    await store(rig.broker, "a", 10)
    await rig.broker.trim("a", EntryID(2, 0))
    rig.hear("a")
    await rig.read()
    assert rig.hub.channels["a"].window.end == cursor("1-10")


async def test_the_entry_at_the_end_was_trimmed() -> None:
    """What follows it names it: nothing is begun anew."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20)
    await rig.broker.trim("a", EntryID(1, 20))
    rig.hear("a")
    await rig.read()
    assert records(told(client)) == [20]
    assert rig.hub.watched["a"].epoch == 0


async def test_more_was_trimmed_than_the_entry_at_the_end() -> None:
    """The window is begun anew, and who was live is looked up."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20, 30)
    await rig.broker.trim("a", EntryID(1, 30))
    rig.hear("a")
    await rig.read()
    channel = rig.hub.channels["a"]
    assert (channel.epoch, channel.window.end) == (1, cursor("1-30"))
    assert rig.asked.looked_up == [(client.followers["a"], cursor("1-10"))]
    assert told(client) == []


async def test_other_content_in_the_place_of_the_end() -> None:
    """A broker that lost its latest and was given other lines: begun anew."""
    rig = Feeding()
    await store(rig.broker, "a", 10)
    checkpoint = rig.broker.checkpoint()
    await rig.stored("a", 20)
    client = rig.client("a")
    rig.broker.roll_back(checkpoint)
    await store(rig.broker, "a", 20, record=b'{"o":21}')
    await store(rig.broker, "a", 30)
    rig.hear("a")
    await rig.read()
    assert rig.hub.watched["a"].epoch == 1
    assert rig.asked.looked_up == [(client.followers["a"], cursor("1-20"))]


async def test_the_same_place_in_another_life() -> None:
    """What follows it by its ID does not follow on from what was read."""
    rig = Feeding()
    await rig.stored("a", 10)
    rig.client("a")
    rig.broker.wipe()
    await store(rig.broker, "a", 10, 20, incarnation="other")
    await rig.broker.trim("a", EntryID(1, 20))
    rig.hear("a")
    await rig.read()
    channel = rig.hub.channels["a"]
    assert (channel.epoch, channel.incarnation) == (1, "other")


async def test_a_window_that_moved_while_its_session_was_read() -> None:
    """What was read before is void: it is read anew, and nothing comes twice."""
    rig = Feeding()
    channel = await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20, 30)
    rig.hear("a")
    with rig.broker.silent():
        rig.spawn(rig.read())
        await until(lambda: bool(rig.broker.news_of))
        await turns()
        rig.follow_on(channel, 20)
    await rig.quiet()
    assert records(told(client)) == [20, 30]
    assert rig.broker.heads_of == []


async def test_a_session_that_is_closed_while_it_is_looked_into() -> None:
    """Nothing is begun anew of what nobody watches any more."""
    rig = Feeding()
    channel = await rig.stored("a", 10)
    rig.broker.wipe()
    await store(rig.broker, "a", 20, incarnation="other")
    rig.hear("a")
    with rig.broker.silent():
        rig.spawn(rig.read())
        await until(lambda: bool(rig.broker.news_of))
        await turns()
    with rig.broker.silent():
        await until(lambda: bool(rig.broker.heads_of))
        rig.hub.close(channel)
    await rig.quiet()
    assert channel.epoch == 0
    assert rig.counted("defects", '{over="session"}') == 0


async def test_a_chain_that_breaks_in_what_was_read() -> None:
    """What lies before the break is given out, and nothing from behind it as its next.

    Only an entry that no tailer wrote does not name one before it.
    """
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20, 30, 40)
    entries = rig.broker._stored.streams["a"].entries
    entries[3] = entries[3]._replace(previous=BEFORE_ALL)
    rig.hear("a")
    await rig.read()
    assert records(told(client)) == [20]
    assert [names for names, _ in rig.broker.news_of] == [["a"], ["a"]]


async def test_a_hole_in_what_was_read() -> None:
    """Somebody deleted an entry by hand: a gap comes in its place."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20, 30, 40)
    del rig.broker._stored.streams["a"].entries[3]
    rig.hear("a")
    await rig.read()
    got = told(client)
    assert [one["type"] for one in got] == ["telemetry", "gap", "telemetry"]
    assert records([got[0], got[2]]) == [20, 40]
    assert len(rig.broker.news_of) == 1


async def test_a_session_that_cannot_be_read() -> None:
    """The others are; it is not read until it has been begun anew."""
    rig = Feeding()
    for name in "abc":
        await rig.stored(name, 10)
        await store(rig.broker, name, 20)
    client = rig.client("a", "c")
    rig.broker.refused.add("b")
    rig.hear("a", "b", "c")
    await rig.read()
    assert records(told(client)) == [20, 20]
    rig.broker.news_of.clear()
    rig.hear("b")
    await rig.read()
    assert rig.broker.news_of == []
    assert len(rig.tasks) == 1
    for task in rig.tasks:
        task.cancel()
    await rig.quiet()


async def test_a_client_whose_socket_fails() -> None:
    """The others of its session are given what came."""
    rig = Feeding()
    await rig.stored("a", 10)
    bad, good = rig.client("a"), rig.client("a")
    socket_of(bad).failure = RuntimeError("broken")
    await store(rig.broker, "a", 20)
    rig.hear("a")
    await rig.read()
    assert records(told(good)) == [20]


async def test_how_late_a_line_is() -> None:
    """From when the oldest that is news was written; what says no time is not told."""
    rig = Feeding()
    for name in "ab":
        await rig.stored(name, 10)
        await store(rig.broker, name, 20)
    rig.hear("a", written_ms=2_000)
    rig.hear("a", written_ms=4_500)
    rig.hear("b")
    await rig.read()
    await store(rig.broker, "a", 30)
    rig.hear("a")
    await rig.read()
    assert rig.metric("lag_seconds_count") == 1
    assert rig.metric("lag_seconds_sum") == 3.0


async def test_how_long_a_hint_waited() -> None:
    """From the first one that named the session."""
    rig = Feeding()
    await rig.stored("a", 10)
    await store(rig.broker, "a", 20)
    rig.hear("a")
    rig.now += 2
    rig.hear("a")
    await rig.read()
    assert rig.metric("wake_seconds_sum") == 2.0


async def test_an_append_is_activity() -> None:
    """By the broker's clock for who is shown it, by the steady one for who waits."""
    rig = Feeding()
    channel = await rig.stored("a", 10)
    await store(rig.broker, "a", 20)
    rig.now += 7
    rig.hear("a")
    await rig.read()
    assert (channel.active_ms, channel.active_at) == (5_000, rig.now)
