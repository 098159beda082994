"""Which devices answer at once, so that the event loop itself may look at their files.

Those of this machine, as long as they do: one that was waited for is left to threads
for a while. Nothing is known of a device, and so it is not asked here, before a thread
was at a file of it.
"""

import math
from collections.abc import Callable
from resource import RUSAGE_THREAD, getrusage
from time import perf_counter

from tailcast_tailer.files.file_system import is_local
from tailcast_tailer.files.threads import Device


# Whoever is waited for longer, for one file, is slow; and how long that counts.
PROMPT_SECONDS = 0.05
SLOW_SECONDS = 60.0
# How long a device is known: its number may come to be another one's.
KNOWN_SECONDS = 10.0


class Devices:
    """The devices of one tailer's files."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Whether each is one of this machine, and when that was found.
        self._are_local: dict[int, tuple[bool, float]] = {}
        # Until when those that were slow are left to threads.
        self._slow_until: dict[int, float] = {}

    def meet(self, device: int, path: str) -> None:
        """A file of it was looked at, by this path. Blocking, for worker threads."""
        now = self._clock()
        _, known_at = self._are_local.get(device, (False, -math.inf))
        if now - known_at >= KNOWN_SECONDS:
            self._are_local[device] = is_local(path), now

    def are_prompt(self, device: Device) -> bool:
        """Whether files of this device may be looked at in the loop."""
        if device is None or not self._are_local.get(device, (False, 0.0))[0]:
            return False
        return not self._slow_until or self._clock() >= self._slow_until.get(device, 0)

    def was_slow(self, device: Device) -> None:
        """The loop waited for it."""
        if device is not None:
            self._slow_until[device] = self._clock() + SLOW_SECONDS


class Patience:
    """Tells whether this thread was kept waiting, or only others had the processor."""

    def __init__(self) -> None:
        self._began = perf_counter()
        self._waits = _waits()

    def begin(self) -> None:
        """Something begins that may have to wait."""
        self._began = perf_counter()

    def seconds(self) -> float:
        """How long it took, if that was too long and it had to wait; else 0."""
        seconds = perf_counter() - self._began
        if seconds <= PROMPT_SECONDS:
            return 0.0
        before, self._waits = self._waits, _waits()
        return seconds if self._waits > before else 0.0


def _waits() -> int:
    """How often this thread gave the processor up of itself."""
    return getrusage(RUSAGE_THREAD).ru_nvcsw
