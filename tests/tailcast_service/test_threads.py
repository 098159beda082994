"""Threads that nobody waits for do what they are given, and keep no process alive."""

import subprocess
import sys
import threading

import pytest

from tailcast_service.threads import DaemonThreads
from tests.patience import PATIENCE_SECONDS


def test_calls_are_done_by_no_more_threads_than_were_asked_for() -> None:
    """Results and errors come back; an idle thread is used again."""
    threads = DaemonThreads(2, name="test")
    names = {threads.submit(threading.current_thread).result(20).name for _ in range(9)}
    assert names <= {"test 1", "test 2"}
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(20)
    held = threading.Event()
    waiting = [threads.submit(held.wait, PATIENCE_SECONDS) for _ in range(3)]
    # The third has not begun: it can be taken back, and is never called.
    assert waiting[2].cancel()
    held.set()
    assert [one.result(20) for one in waiting[:2]] == [True, True]
    threads.shutdown()
    with pytest.raises(RuntimeError):
        threads.submit(int)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_call_that_hangs_does_not_keep_a_loop_or_process(loop: str) -> None:
    """Though it is the loop's own executor that has it."""
    program = f"""
import asyncio, threading, {loop}
from tailcast_service.threads import library_threads
async def main():
    asyncio.get_running_loop().set_default_executor(library_threads())
    begun = threading.Event()
    hung = asyncio.ensure_future(
        asyncio.to_thread(lambda: (begun.set(), threading.Event().wait()))
    )
    await asyncio.to_thread(begun.wait)
with asyncio.Runner(loop_factory={loop}.new_event_loop) as runner:
    runner.run(main())
"""
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=PATIENCE_SECONDS
    )
