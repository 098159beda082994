"""How much of each stream is kept: what is trimmed, and when.

Offsets are bytes of the file, so a number of bytes to keep gives an entry ID to trim
at. Trimming is a call of its own. How much it removed is measured, as the broker may
keep more than it was asked to. After a restart the size of a stream is estimated, too
high if anything, and measured before something is trimmed for it; that of one which has
several generations, or may have been trimmed for its own budget, is measured soon.

A stream waits for its index: what that still needs stays, until the stream holds twice
what it may, all streams hold more than they may, or the broker is full. Then the index
says what is missing in it, and a metric how much that was.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.indexes import NEEDS_FIELD, needs_of
from tailcast_streams.position import BEFORE_ALL, MAX_OFFSET, EntryID
from tailcast_streams.session_state import StoredPosition


# A stream is trimmed once it is a sixteenth over its budget.
SLACK_SHARE = 16
# When the broker is full, a tenth of everything is trimmed at once.
FULL_SHARE = 10
# How many times its budget a stream may hold while it waits for its index.
WAITING_BUDGETS = 2
# How many generations back entries are looked for.
MOST_GENERATIONS = 16


class Retained(NamedTuple):
    """What a session's stream holds, by the bytes of its file."""

    # In bytes, never too low.
    size: int
    # Unix milliseconds of its latest line.
    activity_ms: int
    # The last entry, and of which life of the stream it is.
    last_id: EntryID
    incarnation: str


class _Trim(NamedTuple):
    """What trimming a stream did."""

    # How many bytes of the file went.
    went: int
    # Whether more would have gone if nothing waited for an index.
    waits: bool


_NO_TRIM = _Trim(0, False)


class Retention:
    """The budget of all streams that this tailer writes."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        session_bytes: int,
        total_bytes: int,
        on_trimmed: Callable[[str, int], None] | None = None,
        on_unindexed: Callable[[str, str, int], None] | None = None,
    ) -> None:
        """Prepare.

        `on_trimmed` gets the reason, and how many bytes of a file were trimmed;
        `on_unindexed` gets a session, the reason, and how many of them its index still
        needed.
        """
        self._writer = writer
        self._on_trimmed = on_trimmed or _nobody
        self._on_unindexed = on_unindexed or _no_session
        self._session_bytes = session_bytes
        self._total_bytes = total_bytes
        # What each session holds, as far as is known.
        self._kept: dict[str, Retained] = {}
        # The sum of their sizes.
        self._total = 0
        # Sessions whose size is to be measured soon, as keys.
        self._guessed: dict[str, None] = {}
        # How much streams held that wait for their indexes, when that was found.
        self._waiting: dict[str, int] = {}
        # Held while trimming: two trims for one total would remove twice as much.
        self._trims = asyncio.Lock()

    @property
    def total(self) -> int:
        """How many bytes of files all streams hold, never too low."""
        return self._total

    def note(self, session: str, position: StoredPosition, *, activity_ms: int) -> None:
        """Take note of a session as it was found in the broker."""
        most = WAITING_BUDGETS * self._session_bytes
        # Entries of the generations before may be there too.
        size = most if position.generation > 1 else min(position.offset, most)
        self._note(session, size, position, activity_ms)
        if position.generation > 1 or position.offset > self._session_bytes:
            self._guessed[session] = None

    async def measure(self) -> None:
        """Measure streams whose size was guessed. Raises BrokerError."""
        while self._guessed:
            session = next(iter(self._guessed))
            async with self._trims:
                await self._measure(session)
            self._guessed.pop(session, None)

    async def after_append(
        self,
        session: str,
        position: StoredPosition,
        *,
        generation_start: int,
        added: int,
        activity_ms: int,
    ) -> None:
        """Take note of what was appended, and trim where a budget is exceeded."""
        self.note_append(session, position, added=added, activity_ms=activity_ms)
        if self._is_too_much_of(session):
            async with self._trims:
                await self._trim_session(session, position, generation_start)
        if self._is_too_much:
            async with self._trims:
                await self._trim_all(
                    lambda _: self._total - self._total_bytes, why="total"
                )

    def note_append(
        self, session: str, position: StoredPosition, *, added: int, activity_ms: int
    ) -> None:
        """Take note of what was appended; `is_exceeded` tells if that is too much."""
        known = self._kept.get(session)
        size = added if known is None else known.size + added
        self._note(session, size, position, activity_ms)

    def is_exceeded(self, session: str) -> bool:
        """Whether a session's budget, or that of all, is exceeded."""
        return self._is_too_much or self._is_too_much_of(session)

    def _is_too_much_of(self, session: str) -> bool:
        known = self._kept.get(session)
        # A stream that waits is looked at again when it has grown by as much again.
        begin = max(self._session_bytes, self._waiting.get(session, 0))
        most = begin + self._session_bytes // SLACK_SHARE
        return known is not None and known.size > most

    @property
    def _is_too_much(self) -> bool:
        return self._total > self._total_bytes + self._total_bytes // SLACK_SHARE

    async def make_room(self) -> None:
        """Trim a tenth of everything, beginning with the sessions quiet for longest."""
        async with self._trims:
            surplus = max(1, self._total // FULL_SHARE)
            await self._trim_all(lambda went: surplus - went, why="full")

    async def empty(self, session: str, *, why: str, waits: bool = False) -> bool:
        """Trim a noted session's stream to nothing; its last ID stays.

        If it waits for its index, that is done only as far as the index has it; returns
        whether it has it all.
        """
        async with self._trims:
            return not (await self._empty(session, why, waits=waits)).waits

    def forget(self, session: str) -> None:
        """A session has no stream any more."""
        self._waiting.pop(session, None)
        self._guessed.pop(session, None)
        if (known := self._kept.pop(session, None)) is not None:
            self._total -= known.size

    def _note(
        self, session: str, size: int, position: StoredPosition, activity_ms: int
    ) -> None:
        last_id, incarnation = position.last_id, position.incarnation
        self._set(session, Retained(size, activity_ms, last_id, incarnation))

    def _set(self, session: str, kept: Retained) -> None:
        known = self._kept.get(session)
        self._total += kept.size - (0 if known is None else known.size)
        self._kept[session] = kept

    async def _trim_session(
        self, session: str, position: StoredPosition, generation_start: int
    ) -> None:
        for budgets in (1, WAITING_BUDGETS):
            most = budgets * self._session_bytes
            before = await oldest_to_keep(
                self._writer,
                session,
                position,
                generation_start=generation_start,
                keep_bytes=most,
            )
            await self._trim(session, before, why="session", waits=budgets == 1)
            kept = self._kept.get(session)
            if kept is None or kept.size <= most:
                break
        self._waiting.pop(session, None)
        if kept is not None and kept.size > self._session_bytes:
            self._waiting[session] = kept.size

    async def _trim_all(self, surplus: Callable[[int], int], *, why: str) -> None:
        """Trim until no surplus is left, at first what no index needs.

        `surplus` gets how many bytes were trimmed.
        """
        spared, is_enough = await self._trim_coldest(surplus, why=why, waits=True)
        if not is_enough:
            await self._trim_coldest(
                lambda went: surplus(spared + went), why=why, waits=False
            )

    async def _trim_coldest(
        self, surplus: Callable[[int], int], *, why: str, waits: bool
    ) -> tuple[int, bool]:
        """How many bytes were trimmed, and whether that was enough."""
        went = 0
        for session in _coldest_first(self._kept.items()):
            kept = await self._measure(session)
            left = surplus(went)
            if left <= 0:
                return went, True
            if kept is not None and kept.size > left:
                cut = await self._cut(session, kept, left, why=why, waits=waits)
                went += cut.went
                if not cut.waits:
                    return went, True
            else:
                went += (await self._empty(session, why, waits=waits)).went
        return went, surplus(went) <= 0

    async def _cut(
        self, session: str, kept: Retained, surplus: int, *, why: str, waits: bool
    ) -> _Trim:
        """Trim `surplus` bytes of a session, or more if the broker removes nothing."""
        last = kept.last_id
        while surplus < kept.size:
            offset = max(0, last.offset - (kept.size - surplus))
            before = EntryID(last.generation, offset)
            trim = await self._trim(session, before, why=why, waits=waits)
            if trim.went or trim.waits:
                return trim
            # A broker gives back whole pieces only, and this was less than one.
            surplus *= 2
        return await self._empty(session, why, waits=waits)

    async def _empty(self, session: str, why: str, *, waits: bool) -> _Trim:
        if (kept := self._kept.get(session)) is None or not kept.size:
            return _NO_TRIM
        last = kept.last_id
        before = EntryID(last.generation, last.offset + 1)
        return await self._trim(session, before, why=why, waits=waits)

    async def _trim(
        self, session: str, before: EntryID, *, why: str, waits: bool
    ) -> _Trim:
        """Trim, and note the size that is left.

        What the index of the session needs is not trimmed if it `waits` for that.
        """
        known = await self._measure(session)
        if known is None:
            return _NO_TRIM
        needed = await self._needed_from(session, known)
        is_held = waits and needed is not None and needed < before
        if needed is not None and is_held:
            before = needed
        trimmed = await self._writer.trim(session, before)
        size = await kept_bytes(self._writer, session, known.last_id, trimmed.oldest)
        self._note_measured(session, known, size)
        went = max(0, known.size - size)
        if went:
            self._on_trimmed(why, went)
            end = known.last_id if trimmed.oldest is None else trimmed.oldest.previous
            if needed is not None and end >= needed:
                is_same = end.generation == needed.generation
                lost = min(went, end.offset + 1 - needed.offset) if is_same else went
                self._on_unindexed(session, why, lost)
        return _Trim(went, is_held)

    async def _needed_from(self, session: str, kept: Retained) -> EntryID | None:
        """From which entry on the index of a session needs the stream, None: nothing.

        It needs all that it has not got, and so does one that nobody has begun yet.
        """
        (stored,) = await self._writer.indexes.some([session], [NEEDS_FIELD])
        needs = needs_of(stored)
        if needs is None or needs.incarnation != kept.incarnation:
            return BEFORE_ALL if await self._writer.indexers.present() else None
        return EntryID(needs.after.generation, needs.after.offset + 1)

    async def _measure(self, session: str) -> Retained | None:
        """Measure how much a stream holds, and note it; None if it is unknown here."""
        if (known := self._kept.get(session)) is None:
            return None
        first = await self._writer.read_after(session, BEFORE_ALL, limit=1)
        oldest = first[0] if first else None
        size = await kept_bytes(self._writer, session, known.last_id, oldest)
        self._note_measured(session, known, size)
        return known._replace(size=size)

    def _note_measured(self, session: str, then: Retained, size: int) -> None:
        """Note that a session held `size` bytes when it was as in `then`."""
        if (now := self._kept.get(session)) is not None:
            added = now.size - then.size
            self._set(session, now._replace(size=max(0, size + added)))


def _nobody(why: str, size: int) -> None:
    """Ignore what was trimmed."""
    del why, size


def _no_session(session: str, why: str, size: int) -> None:
    """Ignore what no index has."""
    del session, why, size


def _coldest_first(kept: Iterable[tuple[str, Retained]]) -> list[str]:
    holding = [(entry.activity_ms, session) for session, entry in kept if entry.size]
    return [session for _, session in sorted(holding)]


async def oldest_to_keep(
    writer: SessionWriter,
    session: str,
    position: StoredPosition,
    *,
    generation_start: int,
    keep_bytes: int,
) -> EntryID:
    """Find the entry ID below which a stream is trimmed to keep `keep_bytes`.

    An earlier generation counts from its end, which its successor's marker names.
    """
    generation, end, start = position.generation, position.offset, generation_start
    for _ in range(MOST_GENERATIONS):
        if end - start >= keep_bytes:
            return EntryID(generation, end - keep_bytes)
        keep_bytes -= end - start
        page = await writer.read_after(
            session, EntryID(generation - 1, MAX_OFFSET), limit=1
        )
        if not page or page[0].kind is not Kind.MARKER:
            break
        generation, end = page[0].previous
        if generation == 0:
            break
        # Where it began is not known: its whole file counts, which keeps less.
        start = 0
    return EntryID(generation, 0)


async def kept_bytes(
    writer: SessionWriter, session: str, last_id: EntryID, oldest: Entry | None
) -> int:
    """How many bytes of its file a stream holds, from its oldest entry to a last ID."""
    if oldest is None or oldest.id > last_id:
        return 0
    size, end = 0, last_id
    for _ in range(MOST_GENERATIONS):
        if end.generation <= oldest.id.generation:
            break
        page = await writer.read_after(
            session, EntryID(end.generation - 1, MAX_OFFSET), limit=1
        )
        if not page or page[0].kind is not Kind.MARKER:
            return size
        size += end.offset - page[0].id.offset
        end = page[0].previous
    # Markers hold no bytes, and gaps those that nobody has.
    is_record = oldest.kind in (Kind.RECORD, Kind.EMERGENCY)
    start = oldest.previous.offset if is_record else oldest.id.offset
    return size + max(0, end.offset - start)
