"""Where files were rotated away, and whether the run went on in the next one.

It does, unless the first step there is none above the first of the run, while the run
was farther: then another run began under the name.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tailcast_index.fold.summary import Span
from tailcast_streams.cuts import is_rotation
from tailcast_streams.entries import Entry
from tailcast_streams.position import EntryID


# Of how many rotations the markers are kept, the latest ones.
MAX_ROTATIONS: Final = 100


class Joint(NamedTuple):
    """Where another file follows on."""

    # The marker of its generation, and the entry before that.
    id: EntryID
    previous: EntryID


class Rotations:
    """The rotations of one session, and the one that is not decided yet."""

    def __init__(self) -> None:
        # Where another file follows on, behind which no record with a step was read.
        self.joint: Joint | None = None
        # How many rotations there were, and the markers of the latest.
        self.count = 0
        self.latest: deque[EntryID] = deque(maxlen=MAX_ROTATIONS)

    def note(self, marker: Entry, *, has_records: bool) -> None:
        """Note a marker that left something, if anything was before it."""
        is_rotated = is_rotation(marker.details)
        if is_rotated:
            self.latest.append(marker.id)
            self.count += 1
        # One that keeps nothing of its own file is where that follows on.
        follows_on = is_rotated or not marker.id.offset
        if has_records and follows_on and self.joint is None:
            self.joint = Joint(marker.id, marker.previous)

    def go_back(self, to: EntryID) -> None:
        """Forget what is behind an entry: it is passed again."""
        while self.latest and self.latest[-1] > to:
            self.latest.pop()
            self.count -= 1
        if self.joint is not None and self.joint.id > to:
            self.joint = None

    def dump(self) -> list[Any]:
        """What `load` goes on from."""
        joint = None if self.joint is None else [*map(str, self.joint)]
        return [self.count, [*map(str, self.latest)], joint]

    @classmethod
    def load(cls, dumped: Sequence[Any]) -> "Rotations":
        """Go on from what was stored. Raises ValueError and the like."""
        rotations = cls()
        rotations.count, latest, joint = dumped
        rotations.latest.extend(map(EntryID.parse, latest))
        rotations.joint = joint and Joint(*map(EntryID.parse, joint))
        return rotations


def begins_anew(step: float, reached: Span) -> bool:
    """Whether a step behind a joint is that of another run.

    Args:
        step: the first one there.
        reached: what the run had reached.
    """
    first, highest = reached.first, reached.highest
    if first is None or highest is None:
        return False
    return step <= first and step < highest
