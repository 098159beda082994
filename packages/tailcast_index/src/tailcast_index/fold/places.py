"""Places: marks in a stream with what the run had reached there.

From them a step or a time is found in few reads, whatever the order of lines: what was
reached so far never falls. The record that reached it lies behind the last place at
which it was not reached yet, at most 1,024 records or 256 KiB away.
"""

from tailcast_streams.indexes import Place
from tailcast_streams.position import EntryID


# How far places lie apart, the nearer of both.
PLACE_RECORDS = 1_024
PLACE_BYTES = 256 * 1024


class PlaceMarks:
    """Where the last place is, and those that are not stored yet."""

    def __init__(self, records: int = 0, offset: int = 0) -> None:
        self._records = records
        self._offset = offset
        self._places: list[Place] = []

    def is_due(self, id: EntryID, records: int) -> bool:
        """Whether another place is due at an entry, with so many records up to it."""
        return (
            records - self._records >= PLACE_RECORDS
            or id.offset - self._offset >= PLACE_BYTES
        )

    def add(
        self, id: EntryID, records: int, step: float | None, time_ms: int | None
    ) -> None:
        """Add a place, with the highest step and time up to it."""
        self._records, self._offset = records, id.offset
        self._places.append(Place(id, records, step, time_ms))

    def take(self) -> list[Place]:
        """The places that were added since the last call."""
        places, self._places = self._places, []
        return places

    def dump(self) -> list[int]:
        """What a new one begins with."""
        return [self._records, self._offset]
