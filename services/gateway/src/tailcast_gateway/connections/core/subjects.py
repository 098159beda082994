"""How much each subject of tokens has: connections, or exports.

Pure.
"""

from collections import Counter


class Subjects:
    """What each subject has; nobody in particular ("") is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def is_full(self, sub: str, most: int | None = None) -> bool:
        """Whether a subject has as many as it may; `most` of it if that is less."""
        bound = self._most if most is None else min(most, self._most)
        return self._open.get(sub, 0) >= bound

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
