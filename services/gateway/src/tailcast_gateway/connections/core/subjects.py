"""How many connections each subject of tokens has.

Pure.
"""

from collections import Counter


class Subjects:
    """The connections of each subject; nobody in particular ("") is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def is_full(self, sub: str) -> bool:
        """Whether a subject has as many connections as it may."""
        return self._open.get(sub, 0) >= self._most

    def enter(self, sub: str) -> None:
        """Count a connection."""
        if sub:
            self._open[sub] += 1

    def leave(self, sub: str) -> None:
        """Count that a connection has ended."""
        if sub:
            self._open[sub] -= 1
            if not self._open[sub]:
                del self._open[sub]
