"""Reading the stream for clients that are not at its end: pages and places.

One read serves all who need the same page at the same time; so many reads at once, in
the order in which they were asked for, bound what pages cost. Nothing is kept: a page
lives until those who waited for it have been given it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from gateway.channel import Channel
from gateway.continuity import Continuity, continuation, including
from gateway.encoding import SessionEncoder
from gateway.forms import Form, Piece
from gateway.instruments import Instruments
from gateway.marks import is_record
from gateway.recovery import (
    Answers,
    Resume,
    Trimmed,
    Verdict,
    Wait,
    current_twin,
    is_same_life,
    judge,
    jump_target,
)
from gateway.search import Search
from gateway.subscription import AtStep, AtTime, Last, Start
from gateway.wire import Wire
from telemetry_stream.broker import Entry, Head, SessionReader
from telemetry_stream.keys import EMERGENCIES
from telemetry_stream.position import BEFORE_ALL, NOTHING, Cursor, EntryID


_T = TypeVar("_T")

# What the records of a page that is asked for should weigh together at most.
PAGE_BYTES = 512 * 1024
# The same for a page of a replay, and how many of these are read at once: what comes of
# one turn of the loop is handled in it, and live records wait so long.
REPLAY_PAGE_BYTES = 128 * 1024
MAX_PAGE_READS = 2
# Entries of a page at most, and other reads at once.
MAX_PAGE_ENTRIES = 2_000
MAX_READS = 16
# Entries read backwards at a time to find the last so many records.
_BACKWARDS_ENTRIES = 1_000


class Page:
    """What follows a cursor, encoded once for each way in which it is told."""

    def __init__(
        self, cursor: Cursor, continuity: Continuity, entries: Sequence[Entry]
    ) -> None:
        # Where it begins.
        self.cursor = cursor
        # Whether it follows on from there at all.
        self.continuity = continuity
        self.entries = entries
        self._piece = Piece(entries)
        # Its beginning, up to a window's end that it reaches beyond.
        self._cut: tuple[EntryID, Page] | None = None
        # Frames by what makes them differ.
        self._frames: dict[tuple[Wire, Form, bool], bytes] = {}

    @classmethod
    def of_window(cls, cursor: Cursor, entries: Sequence[Entry]) -> "Page":
        """What follows a cursor in a window, which has proved it."""
        return cls(cursor, Continuity.PROVED, entries)

    def up_to(self, limit: EntryID) -> "Page":
        """Itself, without what lies beyond a window's end."""
        if not self.entries or self.entries[-1].id <= limit:
            return self
        if self._cut is None or self._cut[0] != limit:
            entries = [entry for entry in self.entries if entry.id <= limit]
            self._cut = (limit, Page(self.cursor, self.continuity, entries))
        return self._cut[1]

    def first(self, max_bytes: int) -> "Page":
        """Its beginning, up to so many bytes and a record."""
        size = 0
        for count, entry in enumerate(self.entries, 1):
            size += len(entry.record)
            if size >= max_bytes and count < len(self.entries):
                return Page(self.cursor, self.continuity, self.entries[:count])
        return self

    def wanted(self, form: Form) -> Sequence[Entry]:
        """Its entries that a form does not hold back."""
        return self._piece.wanted(form)

    def frames(self, encoder: SessionEncoder, form: Form, *, replayed: bool) -> bytes:
        """The frames of its entries."""
        key = (encoder.wire, form, replayed)
        if key not in self._frames:
            self._frames[key] = encoder.frames(
                self.wanted(form), self.cursor, form, replayed=replayed
            )
        return self._frames[key]


class Replay:
    """Pages and places of all sessions, shared and bounded."""

    def __init__(
        self, broker: SessionReader, *, search: Search, instruments: Instruments
    ) -> None:
        self._broker = broker
        self._search = search
        self._instruments = instruments
        # So many reads at once; who waits longest is next.
        self._reads = asyncio.Semaphore(MAX_READS)
        self._page_reads = asyncio.Semaphore(MAX_PAGE_READS)
        # What is being read, by what was asked for.
        self._underway: dict[object, asyncio.Task[Any]] = {}

    async def page(self, channel: Channel, cursor: Cursor) -> Page:
        """Read what follows a cursor. Raises BrokerError."""
        key = (channel, channel.epoch, cursor)
        return await self.share(
            key, lambda: self._read_page(channel, cursor), turns=self._page_reads
        )

    async def head(self, channel: Channel) -> Head:
        """Read a session's state and ends. Raises BrokerError."""

        async def read() -> Head:
            return (await self._broker.heads([channel.session]))[0]

        return await self.share((channel, channel.epoch), read)

    async def place(
        self,
        channel: Channel,
        wanted: "Cursor | Start | EntryID",
        *,
        has_waited: bool = False,
        overtaken: bool = False,
    ) -> Verdict:
        """Find where delivery goes on. Raises BrokerError.

        Args:
            has_waited: it was waited long enough for a file that is too short.
            overtaken: retention has overtaken the reader before.
        """
        place = wanted if isinstance(wanted, Cursor) else NOTHING
        if place != NOTHING and channel.window.proves(place):
            return Resume(place, is_proved=True)
        if isinstance(wanted, EntryID):
            last = channel.window.last_up_to(wanted)
            if last is not None and last != NOTHING:
                return Resume(last, is_proved=True)
        key = (channel, channel.epoch, wanted, has_waited, overtaken)
        return await self.share(
            key,
            lambda: self._find(
                channel.session, wanted, has_waited=has_waited, overtaken=overtaken
            ),
        )

    async def find(self, session: str, wanted: "Cursor | Start") -> Verdict:
        """As `place`, for a session that nobody here need watch. Raises BrokerError."""
        return await self.share(
            ("find", session, wanted),
            lambda: self._find(session, wanted, has_waited=False, overtaken=False),
        )

    async def look_up(self, session: str, cursor: Cursor) -> Verdict:
        """What becomes of a cursor. Raises BrokerError."""
        return await self._find_cursor(
            session, cursor, has_waited=False, overtaken=False
        )

    async def share(
        self,
        key: object,
        read: Callable[[], Awaitable[_T]],
        *,
        turns: asyncio.Semaphore | None = None,
    ) -> _T:
        """One read for all who ask for the same while it is under way."""
        task = cast("asyncio.Task[_T] | None", self._underway.get(key))
        if task is None:
            task = asyncio.get_running_loop().create_task(self._bounded(read, turns))
            self._underway[key] = task
            task.add_done_callback(partial(self._finished, key))
        # Whoever asked first may go away; the others still want it.
        return await asyncio.shield(task)

    def _finished(self, key: object, task: "asyncio.Task[Any]") -> None:
        del self._underway[key]
        if not task.cancelled():
            # Everybody who asked may have gone: then nobody else looks at it.
            task.exception()

    def close(self) -> None:
        """End what is under way."""
        for task in self._underway.values():
            task.cancel()

    async def _bounded(
        self, read: Callable[[], Awaitable[_T]], turns: asyncio.Semaphore | None
    ) -> _T:
        async with turns or self._reads:
            return await read()

    async def _read_page(self, channel: Channel, cursor: Cursor) -> Page:
        limit = min(MAX_PAGE_ENTRIES, int(REPLAY_PAGE_BYTES / channel.record_bytes) + 2)
        entries = await self._broker.read_after(
            channel.session, including(cursor.id), limit=limit
        )
        self._instruments.page_read()
        if entries:
            size = sum(len(entry.record) for entry in entries)
            channel.record_bytes = max(1.0, size / len(entries))
        return Page(cursor, *continuation(cursor, entries))

    async def _find(
        self,
        session: str,
        wanted: "Cursor | Start | EntryID",
        *,
        has_waited: bool,
        overtaken: bool,
    ) -> Verdict:
        if isinstance(wanted, Cursor):
            return await self._find_cursor(
                session, wanted, has_waited=has_waited, overtaken=overtaken
            )
        if isinstance(wanted, Last):
            return Resume(
                await self._before_last(session, wanted.records), is_proved=True
            )
        if isinstance(wanted, EntryID):
            return await self._last_up_to(session, wanted)
        if isinstance(wanted, AtStep | AtTime):
            head = (await self._broker.heads([session]))[0]
            return await self._search.find(session, wanted, head)
        verdict = await self.look_up(session, NOTHING)
        # What was trimmed before it asked for the oldest that is kept is no gap.
        if isinstance(verdict, Trimmed):
            return Resume(verdict.to, is_proved=True)
        return verdict

    async def _last_up_to(self, session: str, id: EntryID) -> Verdict:
        """The last place that is not above an ID."""
        below = EntryID(id.generation, id.offset + 1)
        entries = await self._broker.read_before(session, below, limit=1)
        if entries:
            return Resume(entries[0].cursor, is_proved=True)
        head = (await self._broker.heads([session]))[0]
        place = head.cursor
        if place is None:
            # All is forgotten, and with it what was history.
            return Wait(is_file_long_enough=True)
        if head.oldest is not None:
            place = Cursor(head.oldest.previous, 0)
        return Resume(place, is_proved=True) if place.id <= id else Trimmed(place)

    async def _find_cursor(
        self,
        session: str,
        cursor: Cursor,
        *,
        has_waited: bool,
        overtaken: bool,
    ) -> Verdict:
        broker = self._broker
        verdict, head = await self._judge(session, cursor, has_waited=has_waited)
        target = jump_target(head) if overtaken else None
        if isinstance(verdict, Trimmed) and target is not None:
            entries = await broker.read_after(session, including(target), limit=1)
            if entries and entries[0].cursor.id > verdict.to.id:
                return Trimmed(entries[0].cursor)
        return verdict

    async def _judge(
        self, session: str, cursor: Cursor, *, has_waited: bool
    ) -> tuple[Verdict, Head]:
        broker = self._broker
        head = (await broker.heads([session]))[0]
        while True:
            at_id = None
            if cursor.id != BEFORE_ALL:
                at_id = await broker.find(session, cursor.id)
            twin = current_twin(cursor, head)
            in_current = None if twin is None else await broker.find(session, twin)
            has_states = session != EMERGENCIES
            answers = Answers(head, at_id, in_current, has_states=has_states)
            verdict = judge(cursor, answers, has_waited=has_waited)
            if isinstance(verdict, Resume | Wait):
                return verdict, head
            # What is not there may have gone after the head was read, with all else.
            later = (await broker.heads([session]))[0]
            if is_same_life(head, later):
                return verdict, head
            head = later

    async def _before_last(self, session: str, count: int) -> Cursor:
        """The cursor after which the last `count` records follow."""
        before: EntryID | None = None
        missing = count
        oldest: Entry | None = None
        while True:
            limit = min(missing + 1, _BACKWARDS_ENTRIES)
            entries = await self._broker.read_before(session, before, limit=limit)
            for entry in entries:
                if not missing:
                    return entry.cursor
                missing -= is_record(entry)
                oldest = entry
            if len(entries) < limit:
                break
            before = entries[-1].id
        return NOTHING if oldest is None else Cursor(oldest.previous, 0)
