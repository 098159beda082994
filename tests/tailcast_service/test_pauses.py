"""Loops wait for events within a time, and try again apart from each other."""

import asyncio

import pytest

from tailcast_service.pauses import (
    jittered,
    until_tick,
    wait_or_timeout,
)


async def test_an_event_ends_the_wait() -> None:
    """However long the wait may be."""
    event = asyncio.Event()
    waiting = asyncio.create_task(wait_or_timeout(event, 3_600))
    await asyncio.sleep(0)
    event.set()
    assert await waiting
    assert await wait_or_timeout(event, None)


async def test_time_ends_the_wait() -> None:
    """An event that does not come is said not to have come."""
    assert not await wait_or_timeout(asyncio.Event(), 0.001)


def test_a_delay_is_spread_over_its_double() -> None:
    """It is never shorter."""
    delays = [jittered(2.0) for _ in range(200)]
    assert all(2.0 <= delay < 4.0 for delay in delays)
    assert max(delays) - min(delays) > 1.0


@pytest.mark.parametrize(
    ("now", "left"), [(7.0, 2.0), (7.5, 1.5), (8.5, 0.5), (8.875, 2.125), (9.0, 2.0)]
)
def test_ticks_are_at_the_same_times_for_all(now: float, left: float) -> None:
    """The multiples of their seconds; one that is nearly there is skipped."""
    assert until_tick(now - 1.0, 2.0) == left
