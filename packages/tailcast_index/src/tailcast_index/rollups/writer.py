"""The writer's half of roll-ups: records in, chunks out.

Pure; one owner changes it. In memory are the records that are in no bucket yet, at most
32, and of each level the rows of one chunk that is not complete. What was stored before
is read once, when a session is taken up again or was cut: `missing` says what.

The last record of a session is in no bucket while it is the last, so that a series ends
with it as it is.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from tailcast_index.meaning import AlikeRecords, Point
from tailcast_index.rollups.alike import Alike
from tailcast_index.rollups.buckets import (
    NumberOf,
    reached_after,
    rows_of_bucket,
)
from tailcast_index.rollups.layout import (
    CHUNK_RECORDS,
    CHUNK_ROWS,
    FAR_ROW,
    FIRST_FIELD,
    NEAR_ROW,
    NO_EXTENT,
    OPEN_FIELD,
    Extent,
    Reached,
    RollupChanges,
    field,
    fields,
    read_reached,
    rows_of,
    unpack_rows,
)
from tailcast_index.rollups.open_chunk import OpenChunk, lift
from tailcast_index.rollups.records import Record, pack_records, read_records
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID


_BUCKET: Final = LEVELS[0]
_FIRST: Final = (_BUCKET, FIRST_FIELD)
_OPEN: Final = (_BUCKET, OPEN_FIELD)
_NOTHING: Final = Reached(NO_EXTENT.to)


class Rollups:
    """The roll-ups of one session, as they grow."""

    def __init__(
        self, number_of: NumberOf, extent: Extent = NO_EXTENT, *, metrics: int = 0
    ) -> None:
        """Begin, or go on with what is stored.

        Args:
            number_of: the number of a metric by its name; None to leave it out. The
                same number whenever it is asked.
            extent: how far stored roll-ups go; unless they are empty, `give` is called
                before anything else.
            metrics: numbers are below this, as far as they are stored.
        """
        self._number_of = number_of
        # How many records were added, and the ID of the last one.
        self.records = 0
        self.to = NO_EXTENT.to
        self._extent = extent
        # Records that are in no bucket yet: in the one form or the other.
        self._pending: list[Record] = []
        self._alike = Alike()
        self._open = [OpenChunk() for _ in LEVELS]
        # What was reached at the end of the last bucket, and of the last chunk.
        self._reached = self._chunk_reached = _NOTHING
        self._changed: dict[Chunk, bytes] = {}
        self._dropped: dict[Chunk, None] = {}
        # What `give` is to be called with: empty unless something is missing.
        self.missing: Sequence[Chunk] = ()
        if extent.records:
            self.missing = self._stored_parts(metrics)

    @property
    def rolled(self) -> int:
        """How many records are in complete chunks, the first one included."""
        return self._extent.rolled

    @property
    def extent(self) -> Extent:
        """How far the stored roll-ups go, once all changes are written."""
        return self._extent

    def add(self, id: EntryID, point: Point) -> None:
        """Add the next record."""
        self.records += 1
        self.to = id
        if self.records == 1:
            self._begin(id, point)
            return
        if len(self._alike) == _BUCKET:
            self._close_alike()
        elif self._alike:
            self._unfold()
        self._pending.append((id, point))
        if len(self._pending) > _BUCKET:
            self._close_bucket()

    @property
    def room(self) -> int:
        """How many records `add_all` may be called with."""
        return _BUCKET - (len(self._pending) + len(self._alike)) % _BUCKET

    def add_all(self, ids: Sequence[EntryID], columns: AlikeRecords) -> None:
        """Add the next records, which are alike; the first one of all was added."""
        self.records += columns.records
        self.to = ids[-1]
        if len(self._alike) == _BUCKET:
            self._close_alike()
        elif len(self._pending) == _BUCKET:
            self._close_bucket()
        if self._pending or not self._alike.takes(columns):
            self._unfold()
            self._pending += zip(ids, columns.points(), strict=True)
        else:
            self._alike.add(ids, columns)

    def take_changes(self, *, rests: bool = False) -> RollupChanges:
        """What is to be written since the last call.

        Args:
            rests: whether nothing more is expected soon. Then all records are stored,
                those too that are in no complete chunk yet; so the curve is whole
                though the stream be trimmed.
        """
        if rests and self._extent.records < self.records:
            self._unfold()
            self._store_rest()
        changes = RollupChanges(self._changed, tuple(self._dropped))
        self._changed, self._dropped = {}, {}
        return changes

    def truncate(self, records: int, *, metrics: int) -> int:
        """Forget the records behind the first so many, at least.

        Returns how many are kept; the next one that is added is the one behind them.
        What is `missing` then is to be given before that.

        Args:
            records: how many may be kept.
            metrics: numbers of metrics are below this.
        """
        if records >= self.records:
            return self.records
        if records < self._extent.rolled:
            chunks = (records - 1) // CHUNK_RECORDS
            kept: int = max(0, 1 + chunks * CHUNK_RECORDS)
            self._cut_stored(kept, metrics)
            return kept
        self._unfold()
        self._forget_rest(range(metrics))
        chunk, rolled = self._open[0], self._extent.rolled
        buckets = (records - rolled) // _BUCKET
        if buckets < len(chunk.reached):
            chunk.cut(buckets, NEAR_ROW.size)
            self._pending.clear()
        else:
            del self._pending[records - rolled - len(chunk.reached) * _BUCKET :]
        self._settle()
        return self.records

    def give(self, chunks: Sequence[bytes | None]) -> None:
        """Go on with what was stored: the fields in `missing`, None for what is not.

        Raises ValueError if something is not there, or not as it is written here: then
        the roll-ups are to be made anew.
        """
        stored = dict(zip(self.missing, chunks, strict=True))
        # What is not written yet is newer.
        stored.update({name: None for name in self._dropped if name in stored})
        stored.update({name: self._changed.get(name, stored[name]) for name in stored})
        self.missing = ()
        self._reached = self._chunk_reached = self._read_start(stored)
        rows = rows_of(self._extent.rolled)
        for level, row in enumerate(rows):
            if level and row % CHUNK_ROWS:
                self._read_chunk(stored, level, row // CHUNK_ROWS)
                self._cut_chunk(stored, level, row)
        if self._extent.opened > self._extent.rolled:
            if (records := stored[_OPEN]) is None:
                raise ValueError("records are missing")
            self._pending = read_records(records)
            if self._extent.opened - self._extent.rolled > len(self._pending):
                self._read_chunk(stored, 0, rows[0] // CHUNK_ROWS)
        self._extent = self._extent._replace(rolled_to=self._chunk_reached.id)
        self._settle()

    # Going on.

    def _begin(self, id: EntryID, point: Point) -> None:
        self._extent = self._extent._replace(rolled=1, rolled_to=id)
        self._reached = self._chunk_reached = reached_after(_NOTHING, [(id, point)])
        self._set(_FIRST, pack_records([(id, point)]))

    def _close_bucket(self) -> None:
        records = self._pending[:_BUCKET]
        del self._pending[:_BUCKET]
        self._reached = reached_after(self._reached, records)
        bucket = len(self._open[0].reached)
        self._end_bucket(rows_of_bucket(bucket, records, self._number_of))

    def _close_alike(self) -> None:
        self._reached = self._alike.reached(self._reached)
        bucket = len(self._open[0].reached)
        self._end_bucket(self._alike.rows(bucket, self._number_of))
        self._alike.clear()

    def _unfold(self) -> None:
        """Have all records that are in no bucket one by one."""
        self._pending += self._alike.take_records()

    def _end_bucket(self, rows: Iterable[tuple[int, bytes]]) -> None:
        chunk = self._open[0]
        for number, packed in rows:
            chunk.add(number, packed)
        chunk.reached.append(self._reached)
        if len(chunk.reached) == CHUNK_ROWS:
            self._close_chunk()

    def _close_chunk(self) -> None:
        """Store a chunk of the first level, and what that makes of those above."""
        rows = rows_of(self._extent.rolled)
        numbers: Iterable[int] = self._open[0].rows
        for level, row in enumerate(rows):
            chunk = self._open[level]
            self._store(level, row // CHUNK_ROWS, numbers)
            if len(chunk.reached) < CHUNK_ROWS:
                break
            self._open[level] = OpenChunk()
            if level + 1 < len(LEVELS):
                lift(level, chunk, self._open[level + 1])
            numbers = chunk.rows
        if self._extent.opened:
            self._drop(_OPEN)
        self._chunk_reached = self._reached
        self._extent = Extent(
            self._extent.rolled + CHUNK_RECORDS, self._chunk_reached.id
        )

    def _store(self, level: int, chunk: int, numbers: Iterable[int]) -> None:
        own, size = self._open[level], LEVELS[level]
        self._set((size, field(chunk)), b"".join(one.pack() for one in own.reached))
        for number in numbers:
            self._set((size, field(chunk, number)), bytes(own.rows[number]))

    def _store_rest(self) -> None:
        chunk = self._open[0]
        if chunk.reached:
            index = rows_of(self._extent.rolled)[0] // CHUNK_ROWS
            self._store(0, index, chunk.rows)
        self._set(_OPEN, pack_records(self._pending))
        self._extent = self._extent._replace(opened=self.records, opened_to=self.to)

    # Cutting.

    def _cut_stored(self, kept: int, metrics: int) -> None:
        """Go back to a chunk that is stored; what goes on from there is missing."""
        numbers = range(metrics)
        self._forget_rest(numbers)
        before, after = rows_of(self._extent.rolled), rows_of(kept)
        for level, (old, new) in enumerate(zip(before, after, strict=True)):
            chunks = range(-(-new // CHUNK_ROWS), -(-old // CHUNK_ROWS))
            for one in fields(level, chunks, numbers):
                self._drop(one)
        if not kept:
            self._drop(_FIRST)
        self._extent = Extent(kept)
        self._pending = []
        self._alike.clear()
        self._open = [OpenChunk() for _ in LEVELS]
        self._reached = self._chunk_reached = _NOTHING
        self.records, self.to = kept, NO_EXTENT.to
        if kept:
            self.missing = self._stored_parts(metrics)

    def _forget_rest(self, numbers: range) -> None:
        """Drop what was stored when the session rested."""
        if self._extent.opened:
            chunk = rows_of(self._extent.rolled)[0] // CHUNK_ROWS
            for one in (_OPEN, *fields(0, range(chunk, chunk + 1), numbers)):
                self._drop(one)
        self._extent = self._extent._replace(opened=0, opened_to=NO_EXTENT.to)

    def _settle(self) -> None:
        """Count what is in memory."""
        reached = self._open[0].reached
        self._reached = reached[-1] if reached else self._chunk_reached
        self.to = self._pending[-1][0] if self._pending else self._reached.id
        in_buckets = len(reached) * _BUCKET
        self.records = self._extent.rolled + in_buckets + len(self._pending)

    # Reading what was stored.

    def _stored_parts(self, metrics: int) -> Sequence[Chunk]:
        """What a session goes on from."""
        rolled, numbers = self._extent.rolled, range(metrics)
        rows = rows_of(rolled)
        parts: list[Chunk] = [_FIRST]
        if rolled > 1:
            parts = [(_BUCKET, field(rows[0] // CHUNK_ROWS - 1))]
        for level, row in enumerate(rows):
            if level and row % CHUNK_ROWS:
                chunk = row // CHUNK_ROWS
                parts += fields(level, range(chunk, chunk + 1), numbers)
        if self._extent.opened > rolled:
            chunk = rows[0] // CHUNK_ROWS
            parts += _OPEN, *fields(0, range(chunk, chunk + 1), numbers)
        return parts

    def _read_start(self, stored: dict[Chunk, bytes | None]) -> Reached:
        """What was reached at the end of what is rolled up."""
        first, *_ = stored
        if (chunk := stored[first]) is None:
            raise ValueError("what was reached is missing")
        if first == _FIRST:
            return reached_after(_NOTHING, read_records(chunk))
        return read_reached(chunk)[-1]

    def _read_chunk(
        self, stored: dict[Chunk, bytes | None], level: int, index: int
    ) -> None:
        size, chunk = LEVELS[level], self._open[level]
        if (reached := stored[size, field(index)]) is None:
            raise ValueError(f"chunk {index} of level {size} is missing")
        chunk.reached = read_reached(reached)
        for (at, name), rows in stored.items():
            own, _, number = name.partition(":")
            if at == size and own == str(index) and number and rows is not None:
                unpack_rows(level, rows)
                chunk.rows[int(number)] = bytearray(rows)

    def _cut_chunk(
        self, stored: dict[Chunk, bytes | None], level: int, row: int
    ) -> None:
        """Write a chunk anew that has more rows than are left."""
        size, chunk, index = LEVELS[level], self._open[level], row // CHUNK_ROWS
        numbers = list(chunk.rows)
        if len(chunk.reached) < row % CHUNK_ROWS:
            raise ValueError(f"chunk {index} of level {size} is too short")
        if len(chunk.reached) > row % CHUNK_ROWS:
            chunk.cut(row % CHUNK_ROWS, FAR_ROW.size)
            self._store(level, index, ())
        for number in numbers:
            name = size, field(index, number)
            rows = bytes(chunk.rows.get(number, b""))
            if not rows:
                self._drop(name)
            elif rows != stored[name]:
                self._set(name, rows)

    def _set(self, name: Chunk, data: bytes) -> None:
        self._changed[name] = data
        self._dropped.pop(name, None)

    def _drop(self, name: Chunk) -> None:
        self._dropped[name] = None
        self._changed.pop(name, None)
