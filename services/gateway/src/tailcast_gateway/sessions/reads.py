"""Reads the stream for clients that are not at its end: pages and places.

One read serves all clients that need the same page at the same time. Only a few reads
run at once, so the cost of pages is bounded; next come those of clients that have cost
least.
Nothing is cached: a page is dropped when all who waited for it have got it.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.turns import SharedWork
from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    continuation,
    including,
)
from tailcast_gateway.sessions.core.verdicts import (
    Answers,
    Resume,
    Trimmed,
    Verdict,
    Wait,
    current_twin,
    is_same_life,
    is_within,
    judge,
    jump_target,
)
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.subscription import AtStep, AtTime, Last, Start
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Head


_T = TypeVar("_T")

# How many bytes the records of a requested page should have at most.
PAGE_BYTES = 512 * 1024
# The same for a page of a replay. A page is handled in one step of the event loop, and
# live records wait until that is done.
REPLAY_PAGE_BYTES = 128 * 1024
# How many pages are read at once.
MAX_PAGE_READS = 2
# The most entries of a page, and how many other reads run at once.
MAX_PAGE_ENTRIES = 2_000
MAX_READS = 16
# How many entries are read backward at a time to find the last records.
_BACKWARDS_ENTRIES = 1_000


class Reads:
    """Reads pages and places of all sessions; shared and bounded."""

    def __init__(
        self, broker: SessionReader, *, search: Search, instruments: Instruments
    ) -> None:
        self._broker = broker
        self._search = search
        self._instruments = instruments
        # These bound how many reads run at once.
        self._turns = FairSemaphore(MAX_READS)
        self._page_turns = FairSemaphore(MAX_PAGE_READS)
        # The reads that run now, by what was asked for.
        self._underway: dict[object, SharedWork[Any]] = {}
        # Those that begin in the next turn of the loop: until then, others may join.
        self._next: dict[object, SharedWork[Any]] = {}

    async def page(
        self,
        watched: Watched,
        cursor: Cursor,
        into: Callable[[Cursor, Continuity, Sequence[Entry]], _T],
    ) -> _T:
        """Read the page after a cursor. Raises BrokerError.

        Args:
            watched: the session.
            cursor: the place before the page.
            into: makes the result of the entries, once for all who share the read.
        """
        key = (into, watched, watched.epoch, cursor)

        async def read() -> _T:
            return into(cursor, *await self._read_page(watched, cursor))

        return await self.share_page(key, read)

    async def head(self, watched: Watched) -> Head:
        """Read a session's state and ends. Raises BrokerError."""

        async def read() -> Head:
            return (await self._broker.heads([watched.session]))[0]

        return await self.share((watched, watched.epoch), read)

    async def place(
        self,
        watched: Watched,
        wanted: "Cursor | Start | EntryID",
        *,
        has_waited: bool = False,
        overtaken: bool = False,
    ) -> Verdict:
        """Find where delivery goes on. Raises BrokerError.

        Args:
            watched: the session.
            wanted: the place that the client asks for.
            has_waited: whether a file that is too short has had its time to grow.
            overtaken: whether retention has overtaken the reader before.
        """
        if isinstance(wanted, Cursor) and watched.proves(wanted):
            return Resume(wanted, is_proved=True)
        if isinstance(wanted, EntryID):
            last = watched.window.last_up_to(wanted)
            if last is not None and last != NOTHING:
                return Resume(last, is_proved=True)
        key = (watched, watched.epoch, wanted, has_waited, overtaken)
        return await self.share(
            key,
            lambda: self._find(
                watched.session, wanted, has_waited=has_waited, overtaken=overtaken
            ),
        )

    async def find(self, session: str, wanted: "Cursor | Start") -> Verdict:
        """Like `place`, for any session, watched or not. Raises BrokerError."""
        return await self.share(
            ("find", session, wanted),
            lambda: self._find(session, wanted, has_waited=False, overtaken=False),
        )

    async def look_up(self, session: str, cursor: Cursor) -> Verdict:
        """Find the verdict on a cursor. Raises BrokerError."""
        return await self._find_cursor(
            session, cursor, has_waited=False, overtaken=False
        )

    async def share_page(self, key: object, read: Callable[[], Awaitable[_T]]) -> _T:
        """Share a read of a page."""
        return await self.share(key, read, turns=self._page_turns)

    async def share(
        self,
        key: object,
        read: Callable[[], Awaitable[_T]],
        *,
        turns: FairSemaphore | None = None,
    ) -> _T:
        """Share one read with all who ask for the same key while it runs."""
        shared = cast("SharedWork[_T] | None", self._underway.get(key))
        if shared is None:
            shared = SharedWork(partial(self._bounded, read, turns))
            self._underway[key] = shared
            shared.on_done(partial(self._underway.pop, key))
        return await shared.result()

    async def share_turn(self, key: object, read: Callable[[], Awaitable[_T]]) -> _T:
        """Share one read with all who ask for the same key in one turn of the loop.

        It begins after all of them have asked, so it is as new as each one's own.
        """
        shared = cast("SharedWork[_T] | None", self._next.get(key))
        if shared is None:

            async def begin() -> _T:
                del self._next[key]
                return await read()

            shared = self._next[key] = SharedWork(begin)
            self._underway[shared] = shared
            shared.on_done(partial(self._underway.pop, shared))
        return await shared.result()

    def close(self) -> None:
        """Cancel the reads that run now."""
        for shared in self._underway.values():
            shared.cancel()

    async def _bounded(
        self, read: Callable[[], Awaitable[_T]], turns: FairSemaphore | None
    ) -> _T:
        async with turns or self._turns:
            return await read()

    async def _read_page(
        self, watched: Watched, cursor: Cursor
    ) -> tuple[Continuity, Sequence[Entry]]:
        limit = min(MAX_PAGE_ENTRIES, int(REPLAY_PAGE_BYTES / watched.record_bytes) + 2)
        entries = await self._broker.read_after(
            watched.session, including(cursor.id), limit=limit
        )
        self._instruments.page_read()
        if entries:
            size = sum(len(entry.record) for entry in entries)
            watched.record_bytes = max(1.0, size / len(entries))
        return continuation(cursor, entries)

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
        # For a client that asks for the oldest stored record, trimming is no gap.
        if isinstance(verdict, Trimmed):
            return Resume(verdict.to, is_proved=True)
        return verdict

    async def _last_up_to(self, session: str, id: EntryID) -> Verdict:
        """The last place that is not after an ID."""
        below = EntryID(id.generation, id.offset + 1)
        entries = await self._broker.read_before(session, below, limit=1)
        if entries:
            return Resume(entries[0].cursor, is_proved=True)
        head = (await self._broker.heads([session]))[0]
        place = head.cursor
        if place is None:
            # The broker has forgotten the session, with its history.
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
            following = None
            if at_id is None and is_within(cursor, head):
                later = await broker.read_after(session, cursor.id, limit=1)
                following = later[0] if later else None
            has_states = session != EMERGENCIES
            answers = Answers(head, at_id, in_current, following, has_states=has_states)
            verdict = judge(cursor, answers, has_waited=has_waited)
            if isinstance(verdict, Resume | Wait):
                return verdict, head
            # The broker may have lost the session after its head was read.
            head_then = (await broker.heads([session]))[0]
            if is_same_life(head, head_then):
                return verdict, head
            head = head_then

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
