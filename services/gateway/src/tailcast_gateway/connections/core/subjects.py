"""How much each subject of tokens has: connections, or exports.

Pure.
"""

from collections import Counter


class Subjects:
    """What each subject has; nobody in particular ("") is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def is_full(self, sub: str) -> bool:
        """Whether a subject has as many as it may."""
        return self._open.get(sub, 0) >= self._most

    def enter(self, sub: str) -> None:
        """Count one more."""
        if sub:
            self._open[sub] += 1

    def leave(self, sub: str) -> None:
        """Count that one has ended."""
        if sub:
            self._open[sub] -= 1
            if not self._open[sub]:
                del self._open[sub]
