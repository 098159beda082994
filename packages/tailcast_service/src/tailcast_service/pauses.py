"""How loops wait: for an event, and before they try again."""

import asyncio
import contextlib
import random


async def wait_or_timeout(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, at most for these seconds; return whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def jittered(delay: float) -> float:
    """The delay, or up to twice as much, by chance: those who wait come back apart."""
    return delay * (1 + random.random())  # noqa: S311  # chance need not be secret
