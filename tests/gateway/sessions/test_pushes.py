"""What is pushed is taken where it follows; else the session is read."""

from functools import partial

import pytest

from tailcast_gateway.sessions import feed as feed_module
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.notification import format_moved
from tailcast_streams.position import Cursor
from tailcast_streams.pushes import Push
from tests.gateway.entries import chain, cursor
from tests.gateway.sessions.feed_rig import Feeding
from tests.gateway.sessions.rig import until, within
from tests.gateway.stage import records, told
from tests.gateway.stored import store


def push(
    *offsets: int, after: str = "1-10", life: str = "i", written_ms: int = 0
) -> Push:
    """Records of a chain that were appended behind one of it."""
    entries = tuple(chain(*offsets, previous=after))
    return Push("a", life, cursor(after), written_ms, entries)


HINT = format_moved("a", 0)


def _is_at(rig: Feeding, end: Cursor) -> bool:
    return rig.hub.watched["a"].window.end == end


async def watched(rig: Feeding) -> None:
    """A session that was read up to 1-10, and has more by now."""
    await rig.stored("a", 10)
    rig.broker.news_of.clear()
    await store(rig.broker, "a", 20, 30)


async def test_what_follows_is_taken_without_a_read() -> None:
    """And so is what follows that; each notification of both says nothing new."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")
    rig.feed._heard([push(20, written_ms=4_000), HINT, push(30, after="1-20"), HINT])
    assert records(told(client)) == [20, 30]
    assert rig.hub.watched["a"].window.end == cursor("1-30")
    assert not rig.feed._dirty
    assert rig.broker.news_of == []
    assert rig.metric('pushes_total{outcome="taken"}') == 2
    assert rig.metric("lag_seconds_sum") == 1


@pytest.mark.parametrize(
    "pushes",
    [
        # One was lost.
        [push(30, after="1-20")],
        # They came in another order.
        [push(30, after="1-20"), push(20)],
        # One came twice, and so did the other.
        [push(20), push(20), push(30, after="1-20"), push(30, after="1-20")],
        # It is of another life.
        [push(20, life="j")],
        # It is behind another record of that place.
        [push(20)._replace(after=Cursor(cursor("1-10").id, 5))],
        # It is behind the place, or has nothing.
        [push(20, after="1-5")],
        [push()],
    ],
)
async def test_what_does_not_follow_is_read(pushes: list[Push]) -> None:
    """Once, whole and in order, whatever came."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")
    for one in pushes:
        rig.feed._heard([one, HINT])
    assert rig.metric('pushes_total{outcome="read"}') >= 1
    await rig.read()
    assert records(told(client)) == [20, 30]


async def test_a_session_that_is_to_be_read_is_read() -> None:
    """What was marked may be what the push does not know."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")
    rig.feed.mark("a")
    rig.feed._heard([push(20), HINT])
    assert records(told(client)) == []
    await rig.read()
    assert records(told(client)) == [20, 30]


async def test_a_push_that_comes_during_a_read() -> None:
    """It is taken, and what was read meanwhile is not given twice."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")
    rig.feed._heard([HINT])

    async def read() -> None:
        await rig.read()

    with rig.broker.silent():
        rig.spawn(read())
        await until(lambda: bool(rig.broker.news_of))
        rig.feed._heard([push(20), HINT])
    await rig.quiet()
    await rig.read()
    assert records(told(client)) == [20, 30]


async def test_a_notification_that_comes_later_has_it_read() -> None:
    """It may be of another append; to read once too often does no harm."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")
    rig.feed._heard([push(20)])
    rig.feed._heard([HINT])
    await rig.read()
    assert records(told(client)) == [20, 30]


async def test_what_fails_over_a_push(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a failure of that session alone, of which nothing is taken meanwhile."""
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")

    def fail(*_args: object) -> None:
        raise LookupError("a bad push")

    with monkeypatch.context() as patch:
        patch.setattr(rig.feed._pushes, "_take", fail)
        rig.feed._heard([push(20), HINT])
    assert rig.counted("defects", '{over="session"}') == 1
    rig.feed._heard([push(20), HINT])
    await rig.read()
    assert records(told(client)) == []
    for task in rig.tasks:
        task.cancel()


async def test_what_nobody_watches_any_more() -> None:
    """It is let go of."""
    rig = Feeding()
    rig.feed._heard([push(20)])
    assert not rig.feed._dirty
    assert rig.hub.watched == {}


async def test_sessions_that_move_are_watched_as_long_as_somebody_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the first notification on, and again after a lost connection."""
    monkeypatch.setattr(feed_module, "RETRY_SECONDS", 0.0)
    rig = Feeding()
    await watched(rig)
    client = rig.client("a")

    async def appends(first: int) -> None:
        """The first is read, and the next ones are pushed."""
        await until(lambda: bool(rig.broker._listeners))
        await store(rig.broker, "a", first)
        await until(lambda: "a" in rig.feed._dirty)
        await rig.read()
        for end in (first + 10, first + 20):
            await store(rig.broker, "a", end)
            there = cursor(f"1-{end}")
            await until(partial(_is_at, rig, there))

    async def over_a_lost_connection() -> None:
        await appends(40)
        rig.broker.drop_listeners(BrokerUnavailable("lost"))
        await until(lambda: not rig.broker._listeners)
        await appends(70)

    rig.spawn(over_a_lost_connection())
    await within(rig.feed.loops["listen"], lambda: not rig.tasks)
    assert records(told(client)) == [20, 30, 40, 50, 60, 70, 80, 90]
    assert rig.metric('pushes_total{outcome="taken"}') == 4
