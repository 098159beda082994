"""Pages of a session, for HTTP requests and for the message `history`.

A cursor is proved before a page is read from it, as for delivery. If its entry is
missing, the page says why. `Reads` bounds how many reads run at once. The bytes of a
read are bounded too: it begins with few entries, and their size decides how many more
are read.
"""

from collections.abc import Sequence
from typing import TypeAlias

from tailcast_gateway.protocol import breaks
from tailcast_gateway.scheduling.turns import at_once
from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    chained,
    continuation,
    including,
    with_gaps,
)
from tailcast_gateway.sessions.core.pages import (
    Page,
    backward,
    forward,
    moved,
    size_to_read,
)
from tailcast_gateway.sessions.core.verdicts import Resume, Verdict
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.views.subscription import AtStep, AtTime, Begin, Last
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.position import NOTHING, Cursor, EntryID


# How many entries the first read of a page has: with the largest records, 16 MiB.
FIRST_ENTRIES = 16
# How many more entries are read than a page needs: they show whether there are more,
# and where the page begins.
_BEYOND = 2

Beginning: TypeAlias = Cursor | Begin | Last | AtStep | AtTime


class Pages:
    """Reads pages in either direction."""

    def __init__(
        self, broker: SessionReader, replay: Reads, *, isolation: SessionIsolation
    ) -> None:
        self._broker = broker
        self._reads = replay
        # Says that one session cannot be read.
        self._isolation = isolation

    async def find(self, session: str, place: Beginning) -> Verdict:
        """Find the place where reading begins. Raises BrokerError.

        `Begin.NOW` is the head.
        """
        with self._isolation.only(session):
            if place is Begin.NOW:
                head = (await at_once(lambda: self._broker.heads([session])))[0]
                return Resume(head.cursor or NOTHING, is_proved=True)
            return await self._reads.find(session, place)

    async def after(
        self, session: str, cursor: Cursor, *, limit: int, max_bytes: int
    ) -> Page:
        """The page that follows a cursor. Raises BrokerError."""
        key = ("after", session, cursor, limit, max_bytes)
        with self._isolation.only(session):
            return await self._reads.share_page(
                key, lambda: self._after(session, cursor, limit, max_bytes)
            )

    async def before(
        self, session: str, cursor: Cursor | None, *, limit: int, max_bytes: int
    ) -> Page:
        """The page that ends at a cursor, None for the head. Raises BrokerError."""
        key = ("before", session, cursor, limit, max_bytes)
        with self._isolation.only(session):
            return await self._reads.share_page(
                key, lambda: self._before(session, cursor, limit, max_bytes)
            )

    async def _after(
        self, session: str, cursor: Cursor, limit: int, max_bytes: int
    ) -> Page:
        size = min(FIRST_ENTRIES, limit)
        entries = await self._broker.read_after(
            session, including(cursor.id), limit=size + _BEYOND
        )
        is_end = len(entries) < size + _BEYOND
        continuity, found = continuation(cursor, entries)
        if continuity is Continuity.BROKEN or not found:
            return await self._elsewhere(session, cursor, limit, max_bytes)
        follow = list(found)
        # A break in the chain ends the page; the next page says what happened there.
        is_cut = follow[-1].id != entries[-1].id
        while True:
            page = forward(
                follow,
                cursor,
                limit=limit,
                max_bytes=max_bytes,
                is_end=is_end or is_cut,
            )
            if page is not None:
                return page._replace(more=page.more or is_cut)
            is_end, is_cut = await self._read_on(session, follow, limit, max_bytes)

    async def _read_on(
        self, session: str, entries: list[Entry], limit: int, max_bytes: int
    ) -> tuple[bool, bool]:
        """Add later entries; returns whether these are all, and the chain breaks."""
        size = size_to_read(entries, limit=limit, max_bytes=max_bytes) + _BEYOND
        later = await self._broker.read_after(session, entries[-1].id, limit=size)
        if later and later[0].previous == entries[-1].id:
            entries += chained(later)
        return len(later) < size, bool(later) and entries[-1].id != later[-1].id

    async def _elsewhere(
        self, session: str, cursor: Cursor, limit: int, max_bytes: int
    ) -> Page:
        """The page where delivery would go on, with the gap or rewind there."""
        verdict = await self._reads.look_up(session, cursor)
        place, told = moved(cursor, verdict)
        if place == cursor and not told:
            # Nothing proves the cursor or contradicts it, so the page is empty.
            return Page(cursor, cursor)
        size = min(FIRST_ENTRIES, limit) + _BEYOND
        entries = await self._broker.read_after(session, place.id, limit=size)
        page = forward(
            with_gaps(entries), place, limit=limit, max_bytes=max_bytes, is_end=True
        )
        assert page is not None  # noqa: S101  # `is_end` makes one
        if page.told and told:
            # A page has only one gap or rewind.
            return Page(place, place, told=told, more=True)
        more = page.more or len(entries) == size
        return page._replace(told=told or page.told, more=more)

    async def _before(
        self, session: str, cursor: Cursor | None, limit: int, max_bytes: int
    ) -> Page:
        size = min(FIRST_ENTRIES, limit) + _BEYOND
        entries = await self._broker.read_before(
            session, None if cursor is None else _behind(cursor.id), limit=size
        )
        is_end = len(entries) < size
        if cursor is None:
            cursor = entries[0].cursor if entries else NOTHING
        elif not entries or entries[0].cursor != cursor:
            before = entries[0].cursor if entries else None
            return await self._until(session, cursor, before, limit, max_bytes)
        while True:
            page = backward(
                _newest_first(entries),
                cursor,
                limit=limit,
                max_bytes=max_bytes,
                is_end=is_end,
            )
            if page is not None:
                return page
            size = size_to_read(entries, limit=limit, max_bytes=max_bytes) + _BEYOND
            older = await self._broker.read_before(session, entries[-1].id, limit=size)
            is_end = len(older) < size
            entries += older

    async def _until(
        self,
        session: str,
        cursor: Cursor,
        before: Cursor | None,
        limit: int,
        max_bytes: int,
    ) -> Page:
        """The page that ends at a cursor whose entry is missing, and says why.

        `before` is the place of the last entry before it, None without one.
        """
        verdict = await self._reads.look_up(session, cursor)
        if isinstance(verdict, Resume) and verdict.cursor != cursor:
            # The place is the same: generations were renumbered, or the cursor is from
            # a gap and has no digest.
            return await self._before(session, verdict.cursor, limit, max_bytes)
        if isinstance(verdict, Resume) and before is not None:
            # It was deleted, perhaps with others before it.
            gap = {"gap": breaks.gap(before, cursor)}
            return Page(before, cursor, told=gap, more=True)
        place, told = moved(cursor, verdict)
        return Page(place, place, told=told)


def _behind(id: EntryID) -> EntryID:
    """The ID to read before, so that the entry with this ID is read as well."""
    return EntryID(id.generation, id.offset + 1)


def _newest_first(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Entries, the newest first, with a gap in place of each hole between two."""
    return with_gaps(entries[::-1])[::-1]
