"""Connections whose time is limited are looked at when it is time."""

import asyncio
import gc
import weakref
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tailcast_gateway.connections import expiry
from tailcast_gateway.connections.expiry import Expiry


class Clock:
    """The time, and how often somebody asked for it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return self.now


class Connection:
    """Notes when it is looked at, and says when to look again."""

    def __init__(self, again: float | None = None) -> None:
        self.again = again
        self.looks: list[float] = []
        self.failures: list[Exception] = []
        self.is_over = False

    @property
    @contextmanager
    def isolated(self) -> Generator[None]:
        try:
            yield
        except LookupError as error:
            self.failures.append(error)

    def look_at_time(self, now: float) -> float | None:
        self.looks.append(now)
        if self.again is not None and self.again < 0:
            raise LookupError("a bad connection")
        return self.again


@pytest.fixture
def clock() -> Clock:
    """The clock of a test."""
    return Clock()


@pytest.fixture
def watched(clock: Clock) -> Expiry:
    """What looks at connections by that clock."""
    return Expiry(now=clock)


def test_each_is_looked_at_when_it_is_time(clock: Clock, watched: Expiry) -> None:
    """And again when it says so; a time that is told later counts, sooner or later."""
    one, again, sooner, later = (Connection() for _ in range(4))
    again.again = 300.0
    watched.watch(one, 200.0)
    watched.watch(again, 200.0)
    watched.watch(sooner, 999.0)
    watched.watch(sooner, 150.0)
    watched.watch(later, 150.0)
    watched.watch(later, 999.0)
    for now in (149.0, 150.0, 200.0, 299.0, 300.0):
        clock.now = now
        again.again = 300.0 if now < 300.0 else None
        watched.look()
    assert (one.looks, again.looks) == ([200.0], [200.0, 300.0])
    # Whoever says that it is time is looked at the next time.
    watched.watch(again, 300.0)
    again.again = 300.0
    watched.look()
    assert len(again.looks) == 3
    assert (sooner.looks, later.looks) == ([150.0], [])


def test_a_failure_over_one_is_its_own(clock: Clock, watched: Expiry) -> None:
    """The others are looked at; whoever has ended is not."""
    bad, good, over = Connection(-1.0), Connection(), Connection()
    for connection in (bad, good, over):
        watched.watch(connection, 100.0)
    over.is_over = True
    watched.look()
    assert [str(error) for error in bad.failures] == ["a bad connection"]
    assert (good.looks, over.looks) == ([100.0], [])


def test_of_those_that_left_nothing_stays(watched: Expiry) -> None:
    """However many come and go before their time."""
    there = Connection()
    watched.watch(there, 1e9)

    def come_and_go() -> "weakref.ref[Connection]":
        connection = Connection()
        watched.watch(connection, 1e9)
        watched.forget(connection)
        return weakref.ref(connection)

    left = [come_and_go() for _ in range(10_000)]
    gc.collect()
    assert sum(one() is not None for one in left) <= 1


async def test_it_rests_where_nobody_s_time_is_limited(
    clock: Clock, watched: Expiry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at no clock, before there is a connection and after the last."""
    monkeypatch.setattr(expiry, "EXPIRY_LOOK_SECONDS", 0.0)
    (loop,) = watched.loops.values()
    task = asyncio.ensure_future(loop())
    try:
        for rounds in range(3):
            for _ in range(20):
                await asyncio.sleep(0)
            assert clock.asked == rounds
            watched.watch(Connection(), clock.now)
            while clock.asked == rounds:
                await asyncio.sleep(0)
    finally:
        task.cancel()
