"""Loops wait for events within a time, and try again apart from each other."""

import asyncio

from tailcast_service.pauses import jittered, wait_or_timeout


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
