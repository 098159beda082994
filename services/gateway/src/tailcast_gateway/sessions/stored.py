"""Reads what answers need of stored sessions: lists, snapshots, single records.

`commands` and `http` use it to answer clients. What several ask for at the same time is
read once. If one session cannot be read, an answer shows it without values and still
has the others. Live records are read in `feed`, and pages in `history`.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.time_limit import WaitedTooLong, time_limit
from tailcast_gateway.scheduling.turns import at_once
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.core.catalogue import describe, snapshot
from tailcast_gateway.sessions.core.runs import ListedRun, SeenRun
from tailcast_gateway.sessions.core.source_list import Listed, SourcePlace, with_any
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_streams.births import Birth
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry, Rejection
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.session_state import Head
from tailcast_streams.sources import Overview, SourceState


# How many sessions' states are read in one round trip.
SESSIONS_AT_ONCE = 64
# Of how many it is remembered that they could not be read.
MAX_UNAVAILABLE = 10_000
# Seconds without an answer after which the broker counts as unavailable.
BROKER_SECONDS = 5.0

# How many lists of paths are read at once. They have no order, so a read goes through
# a whole list.
MAX_SOURCE_READS = 2

_UNKNOWN = ListedRun(Head(None, None, None))
_T = TypeVar("_T")


class Stored:
    """Reads what answers need; one for a replica. All methods raise BrokerError."""

    def __init__(
        self,
        broker: SessionReader,
        reads: Reads,
        *,
        indexed: Indexed,
        isolation: SessionIsolation,
        broker_clock: BrokerClock,
        owners_of: Callable[[str], Sequence[str]],
    ) -> None:
        self._broker = broker
        self._reads = reads
        self._indexed = indexed
        self._isolation = isolation
        self._broker_clock = broker_clock
        # Returns the tailers that contest a session; none if it is not contested.
        self._owners_of = owners_of
        # Those that could not be read when they were last asked for.
        self._unavailable: set[str] = set()
        self._source_turns = FairSemaphore(MAX_SOURCE_READS)

    async def births(self) -> Birth:
        """The number of the session that was created last, as from now on."""
        async with _in_time():
            return await self._reads.share_turn("births", self._broker.births)

    async def sessions(self) -> Mapping[str, int]:
        """When each session was last active, Unix milliseconds, as from now on."""
        async with _in_time():
            return await self._reads.share_turn("sessions", self._broker.sessions)

    async def latest(self) -> dict[str, int]:
        """The same, the latest first; one read for all who ask at once."""
        async with _in_time():
            active = await self._reads.share("sessions", self._broker.sessions)
        return dict(sorted(active.items(), key=lambda item: -item[1]))

    async def first_active(
        self, limit: int, *, until_ms: int | None = None
    ) -> dict[str, int]:
        """The first of `latest`, `limit` if there are as many, in no order.

        Those that were active with the last of them are there too.

        Args:
            limit: how many.
            until_ms: when the first of them may have been active; None for any time.
        """
        read = partial(self._broker.latest_sessions, limit, active_until_ms=until_ms)
        async with _in_time():
            return await self._reads.share(("latest", limit, until_ms), read)

    async def active(self, sessions: Collection[str]) -> dict[str, int]:
        """When some sessions were active last, without those that are not listed."""
        async with _in_time():
            return await at_once(lambda: self._broker.activity(list(sessions)))

    async def described(
        self, active: dict[str, int]
    ) -> AsyncGenerator[tuple[list[dict[str, object]], bool]]:
        """Sessions for a list, in parts; each with whether it is the last part."""
        async for some, heads, is_last in self._each(
            "heads", list(active), self._indexed.heads
        ):
            now_ms = self._broker_clock.now_ms()
            found = [
                describe(
                    name,
                    heads.get(name, _UNKNOWN),
                    listed_ms=active[name],
                    now_ms=now_ms,
                    owners=self._owners_of(name),
                )
                | self._if_unavailable(name)
                for name in some
            ]
            yield found, is_last

    async def rows(self, active: Mapping[str, int]) -> dict[str, dict[str, object]]:
        """Some sessions as lists have them, by name."""
        found: dict[str, dict[str, object]] = {}
        async for some, _ in self.described(dict(active)):
            found |= {str(one["sessionId"]): one for one in some}
        return found

    async def snapshots(
        self, names: Sequence[str], only: Sequence[str] | None = None
    ) -> AsyncIterator[tuple[dict[str, SeenRun | None], bool]]:
        """Snapshots of sessions, in parts; each with whether it is the last.

        Args:
            names: the sessions.
            only: the metrics that are shown; None for the first ones.
        """
        what = ("snapshots", *(only or ()))
        read = partial(self._indexed.snapshots, only=only)
        async for some, found, is_last in self._each(what, names, read):
            yield {name: found.get(name) for name in some}, is_last

    async def snapshot(
        self, session: str, only: Sequence[str] | None = None
    ) -> SeenRun | None:
        """The snapshot of one session, None if there is no such session."""
        with self._isolation.only(session):
            async with _in_time():
                read = partial(self._indexed.snapshots, [session], only)
                return (await at_once(read))[0]

    def shown(self, session: str, seen: SeenRun | None) -> dict[str, object]:
        """A snapshot as clients see it now."""
        now_ms = self._broker_clock.now_ms()
        shown = snapshot(session, seen, now_ms=now_ms, owners=self._owners_of(session))
        return shown | self._if_unavailable(session)

    def _if_unavailable(self, session: str) -> dict[str, object]:
        """What an answer with several says of a session that could not be read."""
        return {"unavailable": True} if session in self._unavailable else {}

    async def edit(self, session: str, edits: Mapping[str, bytes]) -> bool:
        """Store what somebody says of a session; False if there is none."""
        with self._isolation.only(session):
            async with _in_time():
                edit = partial(self._broker.descriptions.edit, session, edits)
                return await at_once(edit)

    async def head(self, session: str) -> Head | None:
        """The state and the ends of a session, None if it does not exist."""
        if session.startswith("!"):
            return None
        with self._isolation.only(session):
            async with _in_time():
                head = (await at_once(lambda: self._broker.heads([session])))[0]
        is_known = head.state is not None or head.newest is not None
        return head if is_known else None

    async def rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> Sequence[Rejection]:
        """The rejected lines of a session."""
        with self._isolation.only(session):
            async with _in_time():
                read = self._broker.read_rejected
                return await at_once(lambda: read(session, after, limit=limit))

    async def record(self, session: str, cursor: Cursor) -> Entry | None:
        """The record at a cursor, or the whole-file emergency there."""
        if session.startswith("!") and session != EMERGENCIES:
            return None
        with self._isolation.only(session):
            async with _in_time():
                entry = await at_once(lambda: self._broker.find(session, cursor.id))
        is_there = entry is not None and entry.cursor == cursor and is_record(entry)
        return entry if is_there else None

    async def sources(
        self, states: Collection[SourceState], *, after: SourcePlace, limit: int
    ) -> tuple[Sequence[Overview], Sequence[Listed]]:
        """The overviews of all tailers, and the paths in some states after a place."""
        async with _in_time():
            sources = self._broker.sources
            overviews = await self._reads.share("sources", sources.overviews)
            found: list[Listed] = []
            for overview in with_any(overviews, states, after=after):
                if len(found) >= limit:
                    break
                owner, left = overview.owner, limit - len(found)
                path = after.path if owner == after.tailer else ""
                some = await self._reads.share(
                    ("sources", owner, path, states, left),
                    partial(sources.read, owner, after=path, states=states, limit=left),
                    turns=self._source_turns,
                )
                found += [(owner, source) for source in some]
        return overviews, found

    async def _each(
        self,
        what: object,
        names: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[Sequence[_T]]],
    ) -> AsyncIterator[tuple[Sequence[str], dict[str, _T], bool]]:
        """Read something of many sessions, in parts, as `snapshots` does."""
        for start in range(0, max(1, len(names)), SESSIONS_AT_ONCE):
            some = tuple(names[start : start + SESSIONS_AT_ONCE])
            async with _in_time():
                found = await self._reads.share(
                    (what, some), partial(self._isolation.each, some, read)
                )
            self._unavailable.difference_update(found)
            if len(self._unavailable) < MAX_UNAVAILABLE:
                self._unavailable.update(name for name in some if name not in found)
            yield some, found, start + SESSIONS_AT_ONCE >= len(names)


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    """Bound the time of a read. Raises BrokerUnavailable instead of TimeoutError."""
    try:
        async with time_limit(BROKER_SECONDS):
            yield
    except WaitedTooLong:
        raise
    except TimeoutError:
        raise BrokerUnavailable("it does not answer") from None
