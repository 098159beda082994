"""A tailer as a process whose calls to files take their time, and may hang.

`python -m tests.tailer.slow_system SECONDS HUNG`: each call takes up to so long before
its effect and after it, and an open whose path has HUNG in it does not come back: that
is told on stderr. Whoever uses a descriptor that is not open, or closes it, is told on
stdout, at once.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeVar

from tailcast_service.exits import run_as_command
from tailcast_tailer.files import (
    file_system,
    kept_bytes,
    part_files,
    portions,
    rotated_files,
    rotation,
    session_file,
)
from tailcast_tailer.main import serve


_T = TypeVar("_T")

# All that open, read and close files.
TOUCHING = (
    file_system,
    kept_bytes,
    part_files,
    portions,
    rotated_files,
    rotation,
    session_file,
)


class SlowSystem:
    """What the modules that open and close files see instead of `os`."""

    def __init__(self, seconds: float, hung: str) -> None:
        self._seconds = seconds
        self._hung = hung
        self._chance = random.Random()
        # Descriptors that were opened here and are not closed yet.
        self._open: set[int] = set()
        self._lock = threading.Lock()

    def open(self, path: str, flags: int) -> int:
        if self._hung in path:
            print("it hangs", file=sys.stderr, flush=True)  # noqa: T201  # the answer
            threading.Event().wait()
        return self._slowly(lambda: self._opened(path, flags))

    def close(self, descriptor: int) -> None:
        self._slowly(lambda: self._closed(descriptor))

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        return self._used(descriptor, lambda: os.pread(descriptor, size, offset))

    def fstat(self, descriptor: int) -> os.stat_result:
        return self._used(descriptor, lambda: os.fstat(descriptor))

    def _opened(self, path: str, flags: int) -> int:
        with self._lock:
            descriptor = os.open(path, flags)
            self._open.add(descriptor)
            return descriptor

    def _closed(self, descriptor: int) -> None:
        with self._lock:
            self._check(descriptor)
            self._open.discard(descriptor)
            os.close(descriptor)

    def _used(self, descriptor: int, call: Callable[[], _T]) -> _T:
        try:
            return self._slowly(call)
        finally:
            self._check(descriptor)

    def _check(self, descriptor: int) -> None:
        if descriptor not in self._open:
            print(f"{descriptor} is not open here", flush=True)  # noqa: T201  # the answer

    def _slowly(self, call: Callable[[], _T]) -> _T:
        self._pause()
        result = call()
        self._pause()
        return result

    def _pause(self) -> None:
        time.sleep(self._chance.random() * self._seconds)


def main(seconds: str, hung: str) -> int:
    """Run the tailer; its exit code."""
    slow = SlowSystem(float(seconds), hung)
    names = {name: getattr(os, name) for name in dir(os) if not name.startswith("_")}
    calls = {name: getattr(slow, name) for name in ("open", "close", "pread", "fstat")}
    for module in TOUCHING:
        module.os = SimpleNamespace(**names | calls)  # type: ignore[attr-defined]  # the seam
    return run_as_command(serve)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
