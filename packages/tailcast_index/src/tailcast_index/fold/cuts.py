"""Which entries of a stream are of lines that are gone, by all the markers in it.

What one marker cuts is said by `tailcast_streams.cuts`. That a run did not go on behind
a rotation cuts all that is before it.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

from tailcast_streams.cuts import Cut, cut_by, is_rotation
from tailcast_streams.entries import Entry


class Cuts:
    """The cuts that are known, some of them perhaps before their markers are read."""

    def __init__(self, cuts: Iterable[Cut] = (), *, seen: int = 0, since: int = 0):
        # In the order of their generations; none of what another one cuts as well.
        self._cuts: list[Cut] = []
        # The last generation whose marker is known, and the one with which the file
        # began that has the path: 0 if none was rotated away.
        self._seen, self._since = seen, since
        for cut in cuts:
            self.add(cut)

    def note(self, marker: Entry) -> Cut | None:
        """Note a marker; returns what it cuts, None for nothing.

        It may be known already, and so may later ones.
        """
        generation = marker.id.generation
        if generation <= self._seen:
            return next(
                (one for one in self._cuts if one.generation == generation), None
            )
        self._seen = generation
        cut = cut_by(marker.id, marker.details, self._since)
        if cut is not None:
            self.add(cut)
        elif is_rotation(marker.details):
            self._since = generation
        return cut

    def add(self, cut: Cut) -> None:
        """Add a cut."""
        if any(_covers(one, cut) for one in self._cuts):
            return
        cuts = [one for one in self._cuts if not _covers(cut, one)]
        self._cuts = sorted([*cuts, cut])

    def kept_of(self, generation: int) -> float:
        """The offset behind which entries of a generation are gone; else infinity."""
        kept = [
            one.kept for one in self._cuts if one.since <= generation < one.generation
        ]
        return min(kept, default=inf)

    def leave_some(self, generation: int) -> bool:
        """Whether anything may be left of generations before one, by what is known."""
        return generation > 1 and not any(
            one.generation > generation and not (one.since or one.kept)
            for one in self._cuts
        )

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """All of them, in the order of their generations."""
        return tuple(self._cuts)

    def dump(self) -> list[Any]:
        """What `load` goes on from."""
        return [self._cuts, self._seen, self._since]

    @classmethod
    def load(cls, dumped: Sequence[Any]) -> "Cuts":
        """Go on from what was stored. Raises ValueError and the like."""
        cuts, seen, since = dumped
        return cls((Cut(*one) for one in cuts), seen=seen, since=since)


def _covers(one: Cut, other: Cut) -> bool:
    """Whether a cut stands for another one: it is later, and cuts no less."""
    return (
        one.generation >= other.generation
        and one.kept <= other.kept
        and one.since <= other.since
    )
