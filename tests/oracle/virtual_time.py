"""A loop whose time passes only where nothing is left to be done, and then at once.

What a tailer does in minutes happens in milliseconds, and the same each time: there are
no threads, and what waits for one is done by the loop.
"""

import asyncio
import selectors
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tailcast_tailer.files import threads


# The wall clock when the steady one was at 0.
EPOCH_SECONDS = 1_800_000_000.0
# The packages whose modules ask for the time themselves.
_WITH_CLOCKS = ("tailcast_tailer", "tailcast_streams.memory")


class _Selector(selectors.DefaultSelector):
    """Never waits: time passes instead."""

    now = 1_000.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        # The system is asked only if somebody listens to it, beside the loop itself.
        ready = super().select(0) if len(self.get_map()) > 1 else []
        # As everywhere, no two looks at the clock are at the same time. What is due at
        # a time that no float tells from now would else be due for ever.
        self.now += 1e-7
        if not ready and timeout != 0:
            assert timeout is not None, "nothing will ever happen any more"
            self.now += max(timeout, 1e-6)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        # How far the wall clock was set.
        self._clock_set = 0.0
        # How long what is given to a thread takes to begin.
        self.thread_seconds = 0.0

    def time(self) -> float:
        """The steady clock, seconds."""
        return self._virtual.now

    def wall_time(self) -> float:
        """The wall clock, seconds."""
        return EPOCH_SECONDS + self._virtual.now + self._clock_set

    def set_clock(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._clock_set += seconds

    def call_soon_threadsafe(  # type: ignore[override]  # there are no threads
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def pass_time(self, seconds: float) -> None:
        """Let this time pass, and whatever happens meanwhile."""
        self.run_until_complete(asyncio.sleep(seconds))

    def rule_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have all modules ask this loop for the time, and do without threads."""
        clock = SimpleNamespace(
            time=self.wall_time,
            monotonic=self.time,
            time_ns=lambda: int(self.wall_time() * 1e9),
        )
        for module in modules_with(time, *_WITH_CLOCKS):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(threads, "DaemonThreads", self._threads)

    def _threads(self, _threads: int, *, name: str) -> "_Threads":
        del name
        return _Threads(self)


def modules_with(wanted: ModuleType, *packages: str) -> list[ModuleType]:
    """The modules of packages that have another one under its own name."""
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(packages) and vars(module).get(wanted.__name__) is wanted
    ]


class _Threads:
    """What is given to a thread is done by the loop, perhaps later."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def start(self, call: Callable[[], None]) -> None:
        if self._loop.thread_seconds:
            self._loop.call_later(self._loop.thread_seconds, call)
        else:
            self._loop.call_soon(call)

    def shutdown(self) -> None:
        """Nothing is left behind."""
