"""How loops wait: for an event, and before they try again."""

import asyncio
import contextlib
import random


async def wait_or_timeout(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, at most these seconds; returns whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def jittered(delay: float) -> float:
    """The delay, or by chance up to twice as much, so that waiters do not coincide."""
    return delay * (1 + random.random())  # noqa: S311  # chance need not be secret
