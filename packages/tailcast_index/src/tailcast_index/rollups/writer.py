"""The writer's half of roll-ups: records in, chunks out.

Pure; one owner changes it. In memory are the records that are in no bucket yet, at most
32, and of each level the rows of one chunk that is not complete. What was stored before
is read once, when a session is taken up again or is cut: `missing` says what.

The last record of a session is in no bucket while it is the last, so that a series ends
with it as it is.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Final

from tailcast_index.meaning import AlikeRecords, Point
from tailcast_index.rollups.alike import Alike
from tailcast_index.rollups.asking import Asking, StoredChunks, buckets_left
from tailcast_index.rollups.buckets import (
    NumberOf,
    reached_after,
    rows_of_bucket,
)
from tailcast_index.rollups.checking import check_chunk, divided_chunks
from tailcast_index.rollups.layout import (
    CHUNK_RECORDS,
    CHUNK_ROWS,
    FACTOR,
    FAR_ROW,
    FIRST_FIELD,
    NEAR_ROW,
    NO_EXTENT,
    OPEN_FIELD,
    Extent,
    Reached,
    RollupChanges,
    Row,
    chunk_of,
    field,
    fields,
    read_reached,
    rows_of,
    unpack_rows,
)
from tailcast_index.rollups.left import Left, total_of
from tailcast_index.rollups.open_chunk import OpenChunk, lift
from tailcast_index.rollups.records import Record, pack_records, read_records
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID


_BUCKET: Final = LEVELS[0]
_FIRST: Final = (_BUCKET, FIRST_FIELD)
_OPEN: Final = (_BUCKET, OPEN_FIELD)
_NOTHING: Final = Reached(NO_EXTENT.to)
# So many fields that a cut left over are named in one write, about.
MOST_DROPPED: Final = 5_000


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
        self._alike = Alike(number_of)
        self._open = [OpenChunk() for _ in LEVELS]
        # What was reached at the end of the last bucket, and of the last chunk.
        self._reached = self._chunk_reached = _NOTHING
        self._changed: dict[Chunk, bytes] = {}
        self._dropped: dict[Chunk, None] = {}
        # What the last cut left.
        self.left: Left | None = None
        # What `give` is to be called with: empty unless something is missing.
        self.missing: Sequence[Chunk] = ()
        self._asking: Asking[None] | None = None
        if extent.records:
            self._ask(self._go_on(range(metrics)))

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
        self._drop_over()
        changes = RollupChanges(self._changed, tuple(self._dropped))
        self._changed, self._dropped = {}, {}
        return changes

    def cut(self, has: Callable[[EntryID], bool], *, metrics: int) -> None:
        """Forget the records that are gone.

        What is `missing` then is to be given before anything else; nothing has changed
        until all of it was, so that it can be begun again. Of a bucket that has some of
        these records all are forgotten. `left` says what there is then.

        Args:
            has: whether a record is still there. There are records, and behind one that
                is gone all are.
            metrics: numbers of metrics are below this.
        """
        self._ask(self._cut(has, range(metrics)))

    def give(self, chunks: Sequence[bytes | None]) -> None:
        """Go on with what was stored: the fields in `missing`, None for what is not.

        Raises ValueError if something is not there, or not as it is written here: then
        the roll-ups are to be made anew.
        """
        assert self._asking is not None  # noqa: S101  # something is missing
        stored = dict(zip(self.missing, chunks, strict=True))
        # What is not written yet is newer.
        stored.update({name: None for name in self._dropped if name in stored})
        stored.update({name: self._changed.get(name, stored[name]) for name in stored})
        self.missing = ()
        try:
            self.missing = self._asking.send(stored)
        except StopIteration:
            self._asking = None

    def _ask(self, asking: Asking[None]) -> None:
        self._asking = asking
        self.missing = next(asking)

    def _go_on(self, numbers: range) -> Asking[None]:
        """Go on from what is stored."""
        stored = yield _parts_of(self._extent, numbers)
        self._take_up(stored)

    def _take_up(self, stored: StoredChunks) -> None:
        extent = self._extent
        self._reached = self._chunk_reached = _reached_at(extent, stored)
        rows = rows_of(extent.rolled)
        for level, row in enumerate(rows):
            if level and row % CHUNK_ROWS:
                self._read_chunk(stored, level, row // CHUNK_ROWS)
                self._cut_chunk(stored, level, row)
        if extent.has_rest:
            if (records := stored[_OPEN]) is None:
                raise ValueError("records are missing")
            self._pending = read_records(records)
            if extent.opened - extent.rolled > len(self._pending):
                self._read_chunk(stored, 0, rows[0] // CHUNK_ROWS)
        self._extent = extent._replace(rolled_to=self._chunk_reached.id)
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
        self._end_bucket(self._alike.rows(bucket))
        self._alike.clear()

    def _unfold(self) -> None:
        """Have all records that are in no bucket one by one."""
        self._pending += self._alike.take_records()

    def _end_bucket(self, rows: Iterable[tuple[int, bytes]]) -> None:
        chunk = self._open[0]
        chunk.add_all(rows)
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
        over = self._extent.over, self._extent.numbers
        self._extent = Extent(
            self._extent.rolled + CHUNK_RECORDS, self._chunk_reached.id
        )
        if over[0] > self._extent.rolled:
            self._extent = self._extent._replace(over=over[0], numbers=over[1])

    def _store(self, level: int, chunk: int, numbers: Iterable[int]) -> None:
        own, size = self._open[level], LEVELS[level]
        self._set((size, field(chunk)), b"".join(one.pack() for one in own.reached))
        for number in numbers:
            self._set((size, field(chunk, number)), bytes(own.rows[number]))
        is_new = not level or len(own.reached) == CHUNK_ROWS // FACTOR
        if is_new and chunk < _chunks_of(self._extent.over)[level]:
            self._drop_others(level, chunk, own.rows)

    def _store_rest(self) -> None:
        chunk = self._open[0]
        if chunk.reached:
            self._store(0, self._open_chunk, chunk.rows)
        elif self._extent.over > self._extent.rolled:
            self._drop_chunk(0, self._open_chunk)
        self._set(_OPEN, pack_records(self._pending))
        self._extent = self._extent._replace(opened=self.records, opened_to=self.to)

    # Cutting.

    def _cut(self, has: Callable[[EntryID], bool], numbers: range) -> Asking[None]:
        extent = self._extent
        rolled, buckets = extent.rolled, len(self._open[0].reached)
        is_rolled = not has(self._chunk_reached.id)
        if is_rolled:
            chunks, buckets = divmod((yield from buckets_left(has, rolled)), CHUNK_ROWS)
            rolled = 1 + chunks * CHUNK_RECORDS
        kept = Extent(rolled)
        stored = yield self._wanted(kept, numbers, is_rolled=is_rolled and buckets > 0)
        first = self._first(stored)
        if not has(first[0]):
            self._forget_all()
            return
        if is_rolled:
            self._check(kept, stored, numbers, has_buckets=buckets > 0)
        ends = _chunks_of(rolled)
        self._changed = {
            name: data
            for name, data in self._changed.items()
            if (chunk := chunk_of(name)) is None or chunk < ends[LEVELS.index(name[0])]
        }
        # The rest was stored in the chunk behind those that are complete.
        before = extent.rolled + CHUNK_RECORDS * extent.has_rest
        self._extent = kept._replace(
            rolled_to=extent.rolled_to,
            over=max(before, extent.over),
            numbers=max(numbers.stop, extent.numbers),
        )
        if is_rolled:
            self._pending = []
            self._alike.clear()
            self._open = [OpenChunk() for _ in LEVELS]
            self._take_up(stored)
            if buckets:
                self._read_chunk(stored, 0, self._open_chunk)
                self._open[0].cut(buckets, NEAR_ROW.size)
        else:
            self._cut_rest(has)
        self._settle()
        self._store_rest()
        self.left = self._what_is_left(first, stored, numbers)

    def _check(
        self, kept: Extent, stored: StoredChunks, numbers: range, *, has_buckets: bool
    ) -> None:
        """Check the chunks of which a cut keeps a part. Raises ValueError."""
        own = rows_of(self._extent.rolled)
        rows = rows_of(kept.rolled)

        def rows_at(level: int, chunk: int, number: int) -> bytes:
            if chunk == own[level] // CHUNK_ROWS:
                return bytes(self._open[level].rows.get(number, b""))
            return stored[LEVELS[level], field(chunk, number)] or b""

        for level, chunk in divided_chunks(self._extent.rolled, kept.rolled):
            is_kept = rows[level] % CHUNK_ROWS > 0 if level else has_buckets
            # Nothing is above the last level.
            if is_kept and level + 1 < len(LEVELS):
                check_chunk(level, chunk, numbers, rows_at)

    def _wanted(
        self, kept: Extent, numbers: range, *, is_rolled: bool
    ) -> Sequence[Chunk]:
        """What is needed to cut back to so much, and to tell what is left."""
        rows = rows_of(kept.rolled)
        parts = [_FIRST, *_parts_of(kept, numbers)]
        if is_rolled:
            chunk = rows[0] // CHUNK_ROWS
            parts += fields(0, range(chunk, chunk + 1), numbers)
        # Those that tell whether any is missing.
        for level, one in divided_chunks(self._extent.rolled, kept.rolled):
            parts += fields(level, range(one, one + 1), numbers)
        # All other chunks are in those of the levels above.
        top = range(rows[-1] // CHUNK_ROWS)
        return list(dict.fromkeys([*parts, *fields(len(rows) - 1, top, numbers)]))

    def _cut_rest(self, has: Callable[[EntryID], bool]) -> None:
        """Forget what is gone, all of which is in memory."""
        self._unfold()
        chunk = self._open[0]
        buckets = sum(has(one.id) for one in chunk.reached)
        if buckets < len(chunk.reached):
            chunk.cut(buckets, NEAR_ROW.size)
            self._pending = []
        self._pending = [one for one in self._pending if has(one[0])]

    def _forget_all(self) -> None:
        """Have nothing: whoever cut begins anew."""
        self.records, self.to = 0, NO_EXTENT.to
        self.left = None

    def _first(self, stored: StoredChunks) -> Record:
        if (first := stored[_FIRST]) is None:
            raise ValueError("the first record is missing")
        return read_records(first)[0]

    def _what_is_left(
        self, first: Record, stored: StoredChunks, numbers: range
    ) -> Left:
        rows: dict[int, list[list[Row]]] = {}
        level = len(LEVELS) - 1
        for chunk in range(rows_of(self._extent.rolled)[level] // CHUNK_ROWS):
            for number in numbers:
                if complete := stored[LEVELS[level], field(chunk, number)]:
                    rows.setdefault(number, []).append([*unpack_rows(level, complete)])
        for level, own in reversed([*enumerate(self._open)]):
            for number, packed in own.rows.items():
                rows.setdefault(number, []).append([*unpack_rows(level, packed)])
        reached = self._reached
        if self._pending:
            reached = reached_after(reached, self._pending)
        totals = {number: total_of(one) for number, one in rows.items()}
        return Left(first, totals, self._pending, reached)

    def _drop_over(self) -> None:
        """Drop some of what a cut left over, from its end."""
        extent = self._extent
        while extent.over and len(self._dropped) < MOST_DROPPED:
            over = max(extent.over - CHUNK_RECORDS, extent.rolled)
            ends = zip(_chunks_of(extent.over), _chunks_of(over), strict=True)
            for level, (end, start) in enumerate(ends):
                for chunk in range(start, end):
                    # Nothing is left over in a chunk that was stored again.
                    if level or chunk > self._open_chunk or not extent.has_rest:
                        self._drop_chunk(level, chunk)
            if over == extent.rolled:
                over = 0
            extent = extent._replace(over=over, numbers=extent.numbers if over else 0)
        self._extent = extent

    def _drop_chunk(self, level: int, chunk: int) -> None:
        self._drop((LEVELS[level], field(chunk)))
        self._drop_others(level, chunk, ())

    def _drop_others(self, level: int, chunk: int, own: Container[int]) -> None:
        """Drop what a cut left over in a chunk of metrics that it has no rows of."""
        for number in range(self._extent.numbers):
            if number not in own:
                self._drop((LEVELS[level], field(chunk, number)))

    @property
    def _open_chunk(self) -> int:
        """The number of the chunk of the first level that is not complete."""
        return rows_of(self._extent.rolled)[0] // CHUNK_ROWS

    def _settle(self) -> None:
        """Count what is in memory."""
        reached = self._open[0].reached
        self._reached = reached[-1] if reached else self._chunk_reached
        self.to = self._pending[-1][0] if self._pending else self._reached.id
        in_buckets = len(reached) * _BUCKET
        self.records = self._extent.rolled + in_buckets + len(self._pending)

    # Reading what was stored.

    def _read_chunk(self, stored: StoredChunks, level: int, index: int) -> None:
        size, chunk = LEVELS[level], self._open[level]
        if (reached := stored[size, field(index)]) is None:
            raise ValueError(f"chunk {index} of level {size} is missing")
        chunk.reached = read_reached(reached)
        for (at, name), rows in stored.items():
            own, _, number = name.partition(":")
            if at == size and own == str(index) and number and rows is not None:
                unpack_rows(level, rows)
                chunk.rows[int(number)] = bytearray(rows)

    def _cut_chunk(self, stored: StoredChunks, level: int, row: int) -> None:
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


def _parts_of(extent: Extent, numbers: range) -> Sequence[Chunk]:
    """What a session goes on from."""
    rolled = extent.rolled
    rows = rows_of(rolled)
    parts: list[Chunk] = [_start_of(extent)]
    for level, row in enumerate(rows):
        if level and row % CHUNK_ROWS:
            chunk = row // CHUNK_ROWS
            parts += fields(level, range(chunk, chunk + 1), numbers)
    if extent.has_rest:
        chunk = rows[0] // CHUNK_ROWS
        parts += _OPEN, *fields(0, range(chunk, chunk + 1), numbers)
    return parts


def _start_of(extent: Extent) -> Chunk:
    """The field that says what was reached at the end of complete chunks."""
    if extent.rolled == 1:
        return _FIRST
    return _BUCKET, field(rows_of(extent.rolled)[0] // CHUNK_ROWS - 1)


def _reached_at(extent: Extent, stored: StoredChunks) -> Reached:
    """What was reached at the end of complete chunks."""
    name = _start_of(extent)
    if (chunk := stored[name]) is None:
        raise ValueError("what was reached is missing")
    if name == _FIRST:
        return reached_after(_NOTHING, read_records(chunk))
    return read_reached(chunk)[-1]


def _chunks_of(rolled: int) -> list[int]:
    """How many chunks of each level are stored, complete or not."""
    return [-(-row // CHUNK_ROWS) for row in rows_of(rolled)]
