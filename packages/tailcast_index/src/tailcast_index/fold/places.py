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
    """When the next place is due, and those that are not stored yet."""

    def __init__(
        self, due_records: int = PLACE_RECORDS, due_offset: int = PLACE_BYTES
    ) -> None:
        # So many records, or a record that ends so far in the file, make another place.
        self.due_records = due_records
        self.due_offset = due_offset
        self._places: list[Place] = []

    def add(
        self, id: EntryID, records: int, step: float | None, time_ms: int | None
    ) -> None:
        """Add a place, with the highest step and time up to it."""
        self.due_records = records + PLACE_RECORDS
        self.due_offset = id.offset + PLACE_BYTES
        self._places.append(Place(id, records, step, time_ms))

    def cut(self, records: int) -> None:
        """Forget those that are not stored and have more records than this."""
        self._places = [one for one in self._places if one.records <= records]

    def take(self) -> list[Place]:
        """The places that were added since the last call."""
        places, self._places = self._places, []
        return places
