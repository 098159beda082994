"""Whether whoever reads a service's metrics has read the last of them.

What is counted shortly before a process ends, and read by nobody, was never counted: a
defect that ended it, or that it was told to end. So who reads often is waited for once.
What the metrics are is not known here.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from tailcast_service.pauses import wait_or_timeout


__all__ = ["LONGEST_SECONDS", "Readers"]

# Whoever reads less often is not waited for. Prometheus reads every 15 s if it is told
# to do so by its own example.
LONGEST_SECONDS = 16.0
# What a read may come later than the one before it did, seconds.
SLACK_SECONDS = 1.0


class Readers:
    """Notes reads of one service's metrics."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock` in monotonic seconds."""
        self._clock = clock
        # How often they have been read.
        self.reads = 0
        # When the last read was, and how long after the one before it.
        self._read_at = self._interval = float("inf")
        self._is_read = asyncio.Event()

    def note(self) -> None:
        """They are read now."""
        now = self._clock()
        if self.reads:
            self._interval = now - self._read_at
        self._read_at = now
        self.reads += 1
        self._is_read.set()

    @property
    def patience_seconds(self) -> float:
        """How long to wait for the next read; 0 if none is to be expected soon."""
        if self._interval > LONGEST_SECONDS:
            return 0.0
        return max(0.0, self._read_at + self._interval + SLACK_SECONDS - self._clock())

    async def wait(self, *, reads: int) -> None:
        """Until they have been read more than so many times, or nobody will soon."""
        if self.reads > reads:
            return
        self._is_read.clear()
        await wait_or_timeout(self._is_read, self.patience_seconds)
