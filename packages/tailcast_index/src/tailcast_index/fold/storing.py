"""What of an index is stored, and what is to be written of it since.

What was folded is an argument; nothing is decided here but which of it is written.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.json import encode

from tailcast_index.fold.folding import Folding
from tailcast_index.fold.run import Run
from tailcast_index.fold.stored import fields_of, records_of
from tailcast_index.meaning import Chooser
from tailcast_index.rollups import Extent
from tailcast_streams.indexes import NEEDS_FIELD, IndexWrite
from tailcast_streams.position import BEFORE_ALL, EntryID


# How often the latest record is stored besides its entry while records come.
KEPT_EVERY_MS: Final = 10_000
# What the chooser knows is stored once in so many records: whoever goes on shows it
# those again that it has not looked at then.
CHOOSER_EVERY: Final = 1_024


class Storing:
    """The writes of one index, each of which follows on from the one before."""

    def __init__(self, session: str, incarnation: str, at: str) -> None:
        """Begin with an index that replaces what is stored.

        Args:
            session: its name.
            incarnation: of the stream that is folded.
            at: the `at` of what is stored; "" for nothing.
        """
        self._session = session
        self._incarnation = incarnation
        # The `at` of what is stored, "" for nothing, and the fields, by their names.
        self.at = at
        self._fields: Mapping[str, bytes] = {}
        # Whether the next write drops all that is stored, and whether what is stored of
        # roll-ups and places is this index's own, and stays.
        self._begins, self.has_parts = True, False
        # How many records of what is stored a cut has left, None if nothing was cut.
        self._kept_records: int | None = None
        # When the latest record was stored besides its entry.
        self._kept_ms = 0
        # How many records there were when the chooser was stored.
        self._chosen_at = 0

    def go_on(self, fields: Mapping[str, bytes], run: Run) -> None:
        """Go on with what is stored: these fields, which say this."""
        self._fields, self._begins, self.has_parts = fields, False, True
        self._kept_ms, self._chosen_at = run.arrived_ms, run.records

    def begin(self) -> None:
        """Replace all that is stored with the next write."""
        self._begins, self.has_parts, self._kept_records = True, False, None
        self._kept_ms = self._chosen_at = 0

    def cut(self, records: int) -> None:
        """The same, but for the roll-ups and places of the first so many records."""
        self._begins = True
        self._kept_ms = self._chosen_at = 0
        if self.has_parts:
            kept = self._kept_records
            self._kept_records = records if kept is None else min(kept, records)

    def take(self, folding: Folding, at: str, *, is_resting: bool) -> IndexWrite | None:
        """What is to be written since the last call; None if nothing is.

        Args:
            folding: what was folded.
            at: up to where that is true, as it is stored.
            is_resting: whether the session rests: then the latest record is written
                too, which else is only so from time to time.
        """
        run, rollups = folding.run, folding.rollups
        if rollups is None or folding.cursor.id == BEFORE_ALL:
            return None
        rolled = rollups.take_changes(rests=is_resting)
        fields = fields_of(run)
        fields["resume"] = encode(folding.dump())
        fields["rollups"] = rollups.extent.dump()
        fields |= self._rare_fields(folding, is_resting=is_resting)
        stored: Mapping[str, bytes] = {} if self._begins else self._fields
        chosen = fields.get("chooser", stored.get("chooser", b""))
        needs = _needs_after(folding, rollups.extent, chosen)
        fields[NEEDS_FIELD] = str(needs).encode()
        changed = {
            name: text for name, text in fields.items() if stored.get(name) != text
        }
        if at == self.at and not (changed or rolled.chunks or rolled.dropped):
            return None
        write = IndexWrite(
            session=self._session,
            expected=self.at,
            at=at,
            begins=self._begins,
            keep_records=self._kept_records,
            fields=changed,
            metrics=run.figures.take_changed(),
            places=run.places.take(),
            chunks=rolled.chunks,
            dropped=rolled.dropped,
            emergencies=folding.take_emergencies(
                self._session, self._incarnation, begins=self._begins
            ),
        )
        self._fields = {**stored, **changed}
        self.at, self._begins = at, False
        self.has_parts, self._kept_records = True, None
        return write

    def _rare_fields(self, folding: Folding, *, is_resting: bool) -> dict[str, bytes]:
        """What is long, and written from time to time."""
        run, chooser = folding.run, folding.chooser
        fields: dict[str, bytes] = {}
        if chooser is None:
            fields["chooser"] = b""
        elif (
            is_resting or self._begins or run.records - self._chosen_at >= CHOOSER_EVERY
        ):
            self._chosen_at = run.records
            fields["chooser"] = _chooser_text(chooser, folding.looked)
        if is_resting or run.arrived_ms - self._kept_ms >= KEPT_EVERY_MS:
            self._kept_ms = run.arrived_ms
            fields |= records_of(run)
        return fields


def _needs_after(folding: Folding, extent: Extent, chosen: bytes) -> EntryID:
    """Behind which entry one that goes on from what is stored reads the stream."""
    lacking = [folding.cursor.id]
    if extent.records < folding.run.records:
        lacking.append(extent.to)
    if looked := chosen.partition(b" ")[0]:
        lacking.append(EntryID.parse(looked.decode()))
    return min(lacking)


def _chooser_text(chooser: Chooser, looked: EntryID) -> bytes:
    """What the chooser knows, behind the last entry that it has looked at."""
    return b"%b %b" % (str(looked).encode(), chooser.dump())
