"""How loops wait: for an event, and before they try again."""

import asyncio
import contextlib
import random


# A tick is skipped that comes after less than this share of its seconds.
NEARLY_SHARE = 8


async def wait_or_timeout(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, at most these seconds; returns whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def next_tick(seconds: float) -> None:
    """Wait until the loop's clock shows the next multiple of so many seconds.

    What looks again and again waits so: all of it wakes the process at once, which
    costs less than as many wake-ups. A time that is nearly there is skipped.
    """
    await asyncio.sleep(until_tick(asyncio.get_running_loop().time(), seconds))


def until_tick(now: float, seconds: float) -> float:
    """The seconds until then."""
    left = seconds - now % seconds
    return left if left > seconds / NEARLY_SHARE else left + seconds


def jittered(delay: float) -> float:
    """The delay, or by chance up to twice as much, so that waiters do not coincide."""
    return delay * (1 + random.random())  # noqa: S311  # chance need not be secret
