"""How late the news is: how long what is written takes until it is read here.

Pure; times are arguments, in monotonic seconds. Two things say so: canaries, which a
replica sends to itself through the broker all the time, and new lines, which have the
time at which they were written. A canary that has not come back counts by its age, so
the lag grows while the broker does not answer.
"""

from collections import deque
from typing import Final


# For how long the largest lag of lines counts, seconds.
LINES_SECONDS: Final = 10.0
# The most canaries that are awaited; of more, the oldest and the newest count.
MAX_AWAITED: Final = 32


class Lag:
    """The canaries and lines of one replica."""

    def __init__(self) -> None:
        # The canaries that have not come back: number and when each was sent.
        self._awaited: deque[tuple[int, float]] = deque()
        # How long the last one took, seconds.
        self._took = 0.0
        # The largest lags of lines, in milliseconds, and until when each counts. Times
        # rise and lags fall.
        self._lines: deque[tuple[float, float]] = deque()

    def sent(self, number: int, now: float) -> None:
        """Note that a canary is sent; numbers rise."""
        if len(self._awaited) >= MAX_AWAITED:
            self._awaited.pop()
        self._awaited.append((number, now))

    def returned(self, number: int, now: float) -> None:
        """Note that a canary came back; those before it will not any more."""
        while self._awaited and self._awaited[0][0] <= number:
            self._took = now - self._awaited.popleft()[1]

    def line_read(self, lag_ms: float, now: float) -> None:
        """Note how long after it was written a line was read."""
        while self._lines and self._lines[-1][1] <= lag_ms:
            self._lines.pop()
        self._lines.append((now + LINES_SECONDS, lag_ms))

    def milliseconds(self, now: float) -> int:
        """How late what is read now may be."""
        while self._lines and self._lines[0][0] < now:
            self._lines.popleft()
        age = now - self._awaited[0][1] if self._awaited else 0.0
        lines = self._lines[0][1] if self._lines else 0.0
        return round(max(1_000 * max(age, self._took), lines, 0.0))
