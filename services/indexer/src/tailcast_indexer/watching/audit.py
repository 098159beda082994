"""Compares the indexes with their streams: what no notification told is found here.

Those that were active lately are compared each time, the others in turn, and all of
them when notifications may have been lost, or another indexer came or went.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from time import monotonic

from tailcast_index.meaning import Rules
from tailcast_indexer.core.queue import Queue
from tailcast_indexer.core.shelf import Shelf
from tailcast_indexer.core.verdicts import Verdict, judge
from tailcast_indexer.instruments import Instruments
from tailcast_indexer.link import Link, is_of_one
from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import Cursor


# Sessions that are compared in one round trip.
COMPARED_AT_ONCE = 500
# Sessions that were active within this time are compared each time.
ACTIVE_MS = 60_000
# In how many audits the others have their turn.
TURNS = 60


class Audit:
    """Looks at all sessions that this indexer keeps."""

    def __init__(
        self,
        reader: SessionReader,
        link: Link,
        queue: Queue,
        shelf: Shelf,
        *,
        exhausted: dict[str, Cursor],
        rules: Rules,
        seconds: float,
        instruments: Instruments,
        make_anew: Callable[[str], Awaitable[None]],
        wake: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            reader: the broker.
            link: knows which sessions are ours.
            queue: gets those that are to be read.
            shelf: the indexes in memory.
            exhausted: where sessions end of whose entries none is left to read.
            rules: how steps and times are named.
            seconds: from one look to the next.
            instruments: is told what is found.
            make_anew: makes an index anew of which another program wrote a key.
            wake: is called when there is something to read.
        """
        self._reader = reader
        self._link = link
        self._queue = queue
        self._shelf = shelf
        self._exhausted = exhausted
        self._rules = rules
        self._seconds = seconds
        self._instruments = instruments
        self._make_anew = make_anew
        self._wake = wake
        # Set when all are to be compared at once.
        self._must_see_all = asyncio.Event()
        self._must_see_all.set()
        # Sessions that have yet to be compared in this turn.
        self._others: list[str] = []
        self._share = 0
        # Whether all were compared once.
        self.has_seen_all = False

    def see_all(self) -> None:
        """Compare all, now."""
        self._must_see_all.set()

    async def run(self) -> None:
        """Compare until cancelled."""
        while True:
            await self._link.wait_until_up()
            try:
                await self._look()
            except BrokerError as error:
                self._must_see_all.set()
                self._link.lost(error, "audit")
                await asyncio.sleep(0)
                if not self._link.is_up:
                    continue
                await asyncio.sleep(self._seconds)
            else:
                await wait_or_timeout(self._must_see_all, self._seconds)

    async def _look(self) -> None:
        if await self._reader.emergencies.are_spoiled():
            await self._find_emergencies_again()
        if self._must_see_all.is_set():
            self._must_see_all.clear()
            activity = await self._reader.sessions()
            self._begin_turn(list(activity))
            names, self._others = self._others, []
        else:
            now_ms = await self._reader.now_ms()
            activity = await self._reader.sessions(active_since_ms=now_ms - ACTIVE_MS)
            others = await self._next_others()
            names = [*activity, *others]
            await self._mend(list(filter(self._link.keeps, others)))
        ours = list(filter(self._link.keeps, dict.fromkeys(names)))
        rest = iter(ours)
        while some := list(islice(rest, COMPARED_AT_ONCE)):
            await self._compare_apart(some, activity)
        self.has_seen_all = True

    async def _find_emergencies_again(self) -> None:
        """Make all indexes anew: what they find on the way is kept again."""
        self._instruments.emergencies_spoiled()
        for session in await self._reader.sessions():
            await self._reader.indexes.discard(session)
        # Last, so that all is found again if this ends before.
        await self._reader.emergencies.discard()
        self._must_see_all.set()

    async def _mend(self, sessions: Sequence[str]) -> None:
        """Make those indexes anew that nobody writes, and that are spoiled."""
        spoiled = await self._reader.indexes.spoiled(sessions)
        for session, is_spoiled in zip(sessions, spoiled, strict=True):
            if is_spoiled:
                await self._make_anew(session)

    async def _next_others(self) -> Sequence[str]:
        if not self._others:
            self._begin_turn(list(await self._reader.sessions()))
        some = self._others[-self._share :]
        del self._others[-self._share :]
        return some

    def _begin_turn(self, sessions: list[str]) -> None:
        self._others = sessions
        self._share = max(1, -(-len(sessions) // TURNS))
        there = set(sessions)
        for gone in self._exhausted.keys() - there:
            del self._exhausted[gone]

    async def _compare_apart(
        self, sessions: Sequence[str], activity_ms: Mapping[str, int]
    ) -> None:
        """Compare sessions; one that the broker refuses hides no other."""
        try:
            await self._compare(sessions, activity_ms)
        except BrokerError as error:
            if not is_of_one(error):
                raise
            if len(sessions) == 1:
                self._link.lost(error, sessions[0])
                return
            half = len(sessions) // 2
            for some in (sessions[:half], sessions[half:]):
                await self._compare_apart(some, activity_ms)

    async def _compare(
        self, sessions: Sequence[str], activity_ms: Mapping[str, int]
    ) -> None:
        ends = await self._reader.ends(sessions)
        ats = await self._reader.indexes.ats(sessions)
        orphans: list[str] = []
        now = monotonic()
        for session, end, at in zip(sessions, ends, ats, strict=True):
            held = self._shelf.get(session)
            if held is not None and not held.is_dirty and held.pending is None:
                # (What nothing was stored of may be written after its stream went.)
                is_of_another = held.index.incarnation != end.incarnation
                held.is_doubtful = held.index.stored_at != at or is_of_another
            verdict = judge(at, end, self._rules)
            if verdict is Verdict.ORPHAN:
                orphans.append(session)
            elif verdict is Verdict.BEHIND or (held and held.is_doubtful):
                if self._exhausted.get(session) == end.cursor:
                    continue
                written_ms = activity_ms.get(session, 0)
                self._queue.moved(session, now, written_ms=written_ms)
        for session in orphans:
            self._shelf.drop(session)
            self._queue.forget(session)
            await self._reader.indexes.discard(session)
            self._instruments.orphan_discarded(session)
        self._wake()
