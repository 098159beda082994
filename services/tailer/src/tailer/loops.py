"""How loops run together, end together, and wait."""

import asyncio
from collections.abc import Coroutine, Sequence


CANCEL_AGAIN_SECONDS = 0.2


async def run_together(loops: Sequence[Coroutine[None, None, None]]) -> None:
    """Run until one fails or we are cancelled; afterwards none is left.

    Like a task group, but it cancels until all have ended: in Python 3.11 a library's
    `asyncio.wait_for` may lose a cancellation, and a group would wait for ever.
    """
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        while pending := [task for task in tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
