"""The signals that end a service, handled inside its event loop.

They are SIGINT, SIGTERM, and SIGHUP: a terminal that is closed ends what runs in it in
the same order. Whoever is started with SIGHUP ignored (`nohup`) ignores it still.

A second signal must not interrupt a service that is ending, since it would leave its
clean-up half done. So after the first signal only the service decides how it ends.
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

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def taking_signals(on_signal: Callable[[signal.Signals], None]) -> Generator[None]:
    """Call `on_signal` in the running loop for each signal inside the block.

    Afterwards they are handled as before, or ignored if one has come.
    """
    loop = asyncio.get_running_loop()
    came = False

    def take(number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        # The loop's own handlers would not do: while one is removed, the next signal
        # would for a moment kill the process.
        loop.call_soon_threadsafe(on_signal, signal.Signals(number))

    before = {
        number: signal.signal(number, take)
        for number in SIGNALS
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if came else handler or signal.SIG_DFL)


async def until_signalled(
    service: Coroutine[None, None, None], *, end_seconds: float
) -> None:
    """Run a service until it ends; the first of the signals cancels it.

    Args:
        service: the service.
        end_seconds: how long it may take to end, before the process ends anyway.
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
                # It was not a signal: the caller was cancelled.
                task.cancel()
                raise


def leave_within(seconds: float) -> None:
    """End the process with 0 after some seconds, whatever it is doing then.

    Use it only if nothing can be lost by that.
    """
    # Nothing is flushed: a thread that hangs may hold a lock that this would need.
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()
