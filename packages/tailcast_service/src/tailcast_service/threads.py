"""Threads for calls that may hang: the process ends without waiting for them.

A call to a file system or a name server that does not answer cannot be cancelled. At
the exit Python waits for the threads of its own pools, however long they take. It does
not wait for these. Calls that have not begun by then are dropped.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, TypeVar


__all__ = ["DaemonThreads", "library_threads", "settle"]

# The threads of a loop's own executor, which resolves names.
LIBRARY_THREADS = 4

_P = ParamSpec("_P")
_T = TypeVar("_T")


class DaemonThreads(ThreadPoolExecutor):
    """A pool of daemon threads; a loop demands this base class of its executor."""

    def __init__(self, threads: int, *, name: str) -> None:
        """Make a pool; a thread is started when there is work and none is idle."""
        super().__init__(threads, thread_name_prefix=name)
        self._name = name
        self._most = threads
        self._count = 0
        # The next calls; None ends a thread.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # How many threads are idle.
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._is_over = False

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Call a function in one of the threads."""
        future: Future[_T] = Future()
        self.start(lambda: settle(future, lambda: fn(*args, **kwargs)))
        return future

    def start(self, call: Callable[[], None]) -> None:
        """Call a function that must not raise in one of the threads."""
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
        """Let the threads end after their present calls, without waiting for them."""
        del wait, cancel_futures
        with self._lock:
            self._is_over = True
            for _ in range(self._count):
                self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            # Otherwise the frame would keep it, and all that it holds, until the next
            # call.
            del call
            self._idle.release()


def library_threads() -> DaemonThreads:
    """The threads in which libraries work beside a loop: its default executor."""
    return DaemonThreads(LIBRARY_THREADS, name="library")


def settle(future: Future[_T], work: Callable[[], _T]) -> None:
    """Do the work for a future, unless it was cancelled before it began."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # the future raises it
        future.set_exception(error)
    else:
        future.set_result(result)
