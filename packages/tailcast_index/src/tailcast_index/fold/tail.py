"""The records behind what is stored of curves, kept as they are read to be drawn.

In place of roll-ups in an index that is read and not written: it is given the records
that those would be given.
"""

from collections.abc import Collection, Sequence

from tailcast_index.meaning import AlikeRecords, Point
from tailcast_index.rollups.records import Record
from tailcast_streams.position import BEFORE_ALL, EntryID


# So many records can be added at once.
BATCH = 32


class Tail:
    """The records behind an entry."""

    def __init__(
        self,
        records: int = 0,
        to: EntryID = BEFORE_ALL,
        *,
        names: Collection[str] | None = None,
    ) -> None:
        """Begin behind an entry, up to which there are so many records.

        What is kept of each record has these metrics alone, or all.
        """
        self._names = None if names is None else frozenset(names)
        # How many records there are up to the last one here, and its ID.
        self.records = records
        self.to = to
        # Those that were added.
        self.added: list[Record] = []

    def add(self, id: EntryID, point: Point) -> None:
        """Add the next record."""
        self.records += 1
        self.to = id
        if self._names is not None:
            kept = [pair for pair in point.values if pair[0] in self._names]
            point = point._replace(values=kept)
        self.added.append((id, point))

    def add_all(self, ids: Sequence[EntryID], columns: AlikeRecords) -> None:
        """Add the next records, which are alike."""
        if self._names is not None:
            columns = columns.only(self._names)
        self.records += columns.records
        self.to = ids[-1]
        self.added += zip(ids, columns.points(), strict=True)

    @property
    def room(self) -> int:
        """How many records `add_all` may be called with."""
        return BATCH
