"""Makes Python's garbage collector run less often, since it finds almost nothing.

Our objects are freed with their last reference; where connections end, cycles are
broken by hand. The collector stays on for the cycles of libraries. But it should not
look through all living objects after every few hundred records.
"""

import asyncio
import gc

from tailcast_service.pauses import wait_or_timeout


__all__ = ["collect_after", "collect_rarely", "keep_what_is_loaded"]

# How many new containers start a collection of the youngest generation: several pages
# of records, which take a few milliseconds. (Python's default 700 is less than a page.)
YOUNG_OBJECTS = 50_000
# How many collections of a generation come before one of the next older generation.
YOUNG_LOOKS = 20
MIDDLE_LOOKS = 20


def collect_rarely() -> None:
    """Let the collector wait for many new objects; call it before all imports.

    They make hundreds of thousands of objects that stay, and would be looked at again
    and again.
    """
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)


def keep_what_is_loaded() -> None:
    """Never look through the objects of now; call it when all is loaded.

    What is garbage among them stays: a hundred objects, which to find would take longer
    than a tenth of all imports.
    """
    gc.freeze()


async def collect_after(begun: asyncio.Event, *, most_seconds: float) -> None:
    """Let the collector rest until a service has begun, for so long at most.

    Nearly all that it makes meanwhile stays, and is never looked through after that.
    """
    gc.disable()
    try:
        await wait_or_timeout(begun, most_seconds)
    finally:
        gc.freeze()
        gc.enable()
