"""Threads for calls that may hang, which nobody waits for at the end of a process.

A call to a file system or a resolver that does not answer cannot be taken back. Python
waits for the threads of its own pools before it exits, however long they take; it does
not wait for these. What was asked of them and has not begun is dropped with them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, TypeVar


__all__ = ["DaemonThreads", "library_threads", "settle"]

# For a loop's own executor, which resolves names.
LIBRARY_THREADS = 4

_P = ParamSpec("_P")
_T = TypeVar("_T")


class DaemonThreads(ThreadPoolExecutor):
    """A pool of daemon threads; of this base, as a loop wants its executor."""

    def __init__(self, threads: int, *, name: str) -> None:
        """Prepare; a thread is started when there is work and none is idle."""
        super().__init__(threads, thread_name_prefix=name)
        self._name = name
        self._most = threads
        self._count = 0
        # What is to be called next; None ends a thread.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # How many threads wait for a call that nobody has given them yet.
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._is_over = False

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Have it called in one of the threads."""
        future: Future[_T] = Future()
        self.start(lambda: settle(future, lambda: fn(*args, **kwargs)))
        return future

    def start(self, call: Callable[[], None]) -> None:
        """Have it called in one of the threads; it must not raise."""
        with self._lock:
            if self._is_over:
                raise RuntimeError("these threads have been told to end")
            self._calls.put(call)
            if self._idle.acquire(blocking=False) or self._count >= self._most:
                return
            self._count += 1
            name = f"{self._name} {self._count}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end when they have done what was begun; wait for none."""
        del wait, cancel_futures
        with self._lock:
            self._is_over = True
            for _ in range(self._count):
                self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            # Or the frame would keep it, and all that it holds, until the next one.
            del call
            self._idle.release()


def library_threads() -> DaemonThreads:
    """Threads for what libraries do beside a loop: its own executor."""
    return DaemonThreads(LIBRARY_THREADS, name="library")


def settle(future: Future[_T], work: Callable[[], _T]) -> None:
    """Do the work for a future, unless it was cancelled before it began."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # whoever waits is told
        future.set_exception(error)
    else:
        future.set_result(result)
