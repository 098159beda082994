"""What was seen of a file before the turn that takes it.

While a portion of a backlog is on its way to the broker, the next one is read and cut
into lines. That is the look of the next turn, made early: if what is stored then is not
what it began at, it is of no use, and the turn looks itself.
"""

from weakref import WeakSet

from tailcast_tailer.files.looks import Look
from tailcast_tailer.files.portions import Place


# Files of one tailer that are read ahead of their turns: what bounds the memory. Where
# more of them have a backlog, one is read while others are appended anyway.
MOST_AHEAD = 4


class Ahead:
    """What was seen of one file, and from where."""

    def __init__(self, holders: "WeakSet[Ahead]") -> None:
        """`holders`: those of this tailer that have something."""
        self._holders = holders
        self._seen: tuple[Place, Look] | None = None

    @property
    def has_room(self) -> bool:
        """Whether there is room for one more."""
        return len(self._holders) < MOST_AHEAD

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return self._seen is None

    def keep(self, place: Place, look: Look) -> None:
        """Keep a look from this place."""
        self._seen = place, look
        self._holders.add(self)

    def take(self, place: Place) -> Look | None:
        """What was seen, if that was from this place; it is not kept any longer."""
        seen = self._seen
        self.drop()
        return seen[1] if seen is not None and seen[0] == place else None

    def drop(self) -> None:
        """Keep nothing."""
        self._seen = None
        self._holders.discard(self)
