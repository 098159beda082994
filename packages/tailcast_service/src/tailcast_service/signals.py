"""The signals that end a service, SIGINT and SIGTERM, taken inside its loop.

Whoever is ending is not hurried by another signal: what it cleans up would be left half
done. So after the first one, nothing but the service itself decides how it ends, up to
the end of the process.
"""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from types import FrameType

from tailcast_service.threads import library_threads


__all__ = ["leave_within", "taking_signals", "until_signalled"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def taking_signals(on_signal: Callable[[signal.Signals], None]) -> Generator[None]:
    """Have each signal told in the running loop; one that came is the last to count.

    Afterwards both are as they were before, or ignored if one came.
    """
    loop = asyncio.get_running_loop()
    came = False

    def take(number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        # Not through the loop's own handlers: when it gives one back, the next signal
        # would kill the process for an instant.
        loop.call_soon_threadsafe(on_signal, signal.Signals(number))

    before = {number: signal.signal(number, take) for number in SIGNALS}
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(
                number, signal.SIG_IGN if came else before[number] or signal.SIG_DFL
            )


async def until_signalled(
    service: Coroutine[None, None, None], *, end_seconds: float
) -> None:
    """Run the service; SIGTERM and SIGINT cancel it, once, which is an orderly end.

    Args:
        service: what is run.
        end_seconds: how long it may take to end, before the process leaves as it is.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(library_threads())
    task = loop.create_task(service)
    is_told = False

    def end(_number: signal.Signals) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            task.cancel()
            leave_within(end_seconds)

    with taking_signals(end):
        try:
            await task
        except asyncio.CancelledError:
            if not (is_told and task.cancelled()):
                # Not the signal: whoever runs us wants to end.
                task.cancel()
                raise


def leave_within(seconds: float) -> None:
    """End the process with 0 after so long, whatever is under way then.

    Only for who has nothing to lose by it.
    """
    # Nothing is flushed: whoever hangs may hold the very lock that this would take.
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()
