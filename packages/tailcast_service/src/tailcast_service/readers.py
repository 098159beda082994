"""Whether a service's metrics have been read once more before the service ends.

If nothing reads the metrics after the last counts, these are lost: for example the
defect that ended the process. So a service waits for one more read before it ends, if
its metrics are read often.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from tailcast_service.pauses import wait_or_timeout


__all__ = ["LONGEST_SECONDS", "Readers"]

# If reads are further apart, the service does not wait. In Prometheus' example
# configuration they are 15 s apart.
LONGEST_SECONDS = 16.0
# How much later than expected a read may come, seconds.
SLACK_SECONDS = 1.0


class Readers:
    """Notes the reads of one service's metrics."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        # How often the metrics have been read.
        self.reads = 0
        # When the last read was, and how long after the one before it.
        self._read_at = self._interval = float("inf")
        self._is_read = asyncio.Event()

    def note(self) -> None:
        """Note that the metrics are read now."""
        now = self._clock()
        if self.reads:
            self._interval = now - self._read_at
        self._read_at = now
        self.reads += 1
        self._is_read.set()

    @property
    def patience_seconds(self) -> float:
        """How long to wait for the next read; 0 if none is expected soon."""
        if self._interval > LONGEST_SECONDS:
            return 0.0
        return max(0.0, self._read_at + self._interval + SLACK_SECONDS - self._clock())

    async def wait(self, *, reads: int) -> None:
        """Wait until there were more than `reads` reads, or none is expected soon."""
        if self.reads > reads:
            return
        self._is_read.clear()
        await wait_or_timeout(self._is_read, self.patience_seconds)
