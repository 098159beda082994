"""How much each subject of tokens has: connections, or exports.

Pure.
"""

from collections import Counter

from tailcast_gateway.limits import (
    CONNECTIONS_OF_TOKEN,
    CONNECTIONS_PER_SUBJECT,
    Limit,
)
from tailcast_gateway.views.grant import Grant


class Subjects:
    """What each subject has; nobody in particular ("") is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def is_full(self, sub: str, most: int | None = None) -> bool:
        """Whether a subject has as many as each may, or so many."""
        return self._open.get(sub, 0) >= (self._most if most is None else most)

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


def limit_of(subjects: Subjects, grant: Grant) -> Limit | None:
    """The limit at which somebody is who begins a connection; None if at none.

    `subjects` counts connections.
    """
    if subjects.is_full(grant.sub):
        return CONNECTIONS_PER_SUBJECT
    is_last = grant.connections is not None and subjects.is_full(
        grant.sub, grant.connections
    )
    return CONNECTIONS_OF_TOKEN if is_last else None
