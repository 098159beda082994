"""How much of a rewritten file is as it was before: the proved common prefix.

Compares the entries that the stream still has of the current generation with the lines
that the file has now. Nothing is declared here, and nothing is written.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.position import MAX_OFFSET, EntryID
from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.portions import Portion
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Run


# Entries that are compared at a time.
PAGE_ENTRIES = 1_000


class NewFile(NamedTuple):
    """How to ask for what a file has now."""

    # Lines from an offset on.
    read_from: Callable[[int], Awaitable[Portion]]
    # Whether a proof of the first bytes holds.
    check_head: Callable[[str], Awaitable[Verdict]]
    # Its last line that a newline ends.
    last_line: Callable[[], Awaitable[Portion]]


def new_file(file: SessionFile, run: Run) -> NewFile:
    """Ask the file that has the path now."""

    async def read_from(offset: int) -> Portion:
        return await run(partial(file.read_from, offset))

    async def check_head(proof: str) -> Verdict:
        return await run(partial(file.check_head, proof))

    async def last_line() -> Portion:
        return await run(file.last_line)

    return NewFile(read_from, check_head, last_line)


async def common_prefix(
    writer: SessionWriter, session: str, stored: Stored, file: NewFile
) -> int:
    """Find the offset up to which the new file is what was appended; 0 if unproved."""
    comparison = await _compare(writer, session, stored, file)
    return 0 if comparison is None else comparison.agreed


async def is_as_stored(
    writer: SessionWriter,
    session: str,
    stored: Stored,
    file: NewFile,
    *,
    awaits_newline: bool,
) -> bool:
    """Whether all that is stored of a file's generation is in the file, as it is.

    Where the last line's newline is still to come, that line is not compared: it has
    been proved by the bytes before the place up to which the file was read.
    """
    comparison = await _compare(writer, session, stored, file)
    if comparison is None or comparison.parted_at is None:
        return True
    return awaits_newline and comparison.parted_at == stored.position.last_id


async def _compare(
    writer: SessionWriter, session: str, stored: Stored, file: NewFile
) -> "_Comparison | None":
    """Compare what is stored with a file; None if nothing shows where that begins."""
    start, generation = stored.generation_start, stored.position.generation
    after = EntryID(generation - 1, MAX_OFFSET)
    if start > 0:
        after = EntryID(generation, start - 1)
    page = await writer.read_after(session, after, limit=PAGE_ENTRIES)
    if not page:
        return None
    begin = _begin(page[0], generation)
    if begin is None or (begin > 0 and not await _has_head(file, stored)):
        return None
    comparison = _Comparison(file, stored, begin)
    await comparison.follow(writer, session, page)
    return comparison


async def has_other_line(
    writer: SessionWriter, session: str, stored: Stored, file: NewFile
) -> bool:
    """Whether a file's last line is a record that is not stored at its place.

    What was trimmed, left out, or kept from an earlier generation tells nothing.
    """
    portion = await file.last_line()
    if not portion.reading.entries:
        return False
    line = portion.reading.entries[-1]
    generation = stored.position.generation
    if not stored.generation_start < line.offset <= stored.position.offset:
        return False
    before = EntryID(generation, line.offset - 1)
    page = await writer.read_after(session, before, limit=1)
    if not page:
        # Lines that were rejected, or blank, were there.
        return stored.position.last_id.generation == generation
    entry = page[0]
    if entry.kind in (Kind.MARKER, Kind.GAP):
        return False
    if entry.id == EntryID(generation, line.offset):
        return line[:3] != (entry.id.offset, entry.kind, entry.record)
    return entry.previous.generation == entry.id.generation == generation


async def _has_head(file: NewFile, stored: Stored) -> bool:
    """Whether the head holds: all that proves what was trimmed, or skipped at first."""
    if not stored.head_proof:
        return False
    return await file.check_head(stored.head_proof) is Verdict.HOLDS


def _begin(oldest: Entry, generation: int) -> int | None:
    """The offset at which the oldest kept entry's line begins, or a line before it."""
    if oldest.kind is Kind.MARKER:
        return oldest.id.offset
    if oldest.previous.generation != generation:
        return None
    return oldest.previous.offset


class _Comparison:
    """Two flows of entries, one stored, one read from the file, side by side."""

    def __init__(self, file: NewFile, stored: Stored, begin: int) -> None:
        self._file = file
        self._stored = stored
        # The end of the last line that is in both, and the first entry that is not.
        self.agreed = 0
        self.parted_at: EntryID | None = None
        # How far the file was read, and the entries that were not compared yet.
        self._read_to = begin
        self._unread: deque[NewEntry] = deque()

    async def follow(
        self, writer: SessionWriter, session: str, page: list[Entry]
    ) -> None:
        """Compare page by page, until they part or all that is stored was there."""
        while page:
            for entry in page:
                if not await self._agrees(entry):
                    self.parted_at = entry.id
                    return
            # A long history must not keep other files from their turn.
            await asyncio.sleep(0)
            page = await writer.read_after(session, page[-1].id, limit=PAGE_ENTRIES)

    async def _agrees(self, entry: Entry) -> bool:
        if entry.kind is Kind.MARKER:
            return True
        if entry.kind is Kind.GAP:
            self._unread.clear()
            self._read_to = entry.id.offset
            return await _has_head(self._file, self._stored)
        if (line := await self._next()) is None:
            return False
        if line[:3] != (entry.id.offset, entry.kind, entry.record):
            return False
        self.agreed = line.offset
        return True

    async def _next(self) -> NewEntry | None:
        while not self._unread:
            portion = await self._file.read_from(self._read_to)
            if portion.place.offset == self._read_to:
                return None
            self._read_to = portion.place.offset
            self._unread.extend(portion.reading.entries)
        return self._unread.popleft()
