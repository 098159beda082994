"""Compares the watched sessions with the broker, since notifications can get lost.

Every few seconds the audit asks the broker how far sessions are stored: the sessions
that the list has as active lately, and a part of the others, so that each has its turn
within a minute. After a lost connection it asks for all at once. It does not ask for
sessions that do not exist yet: they come into the list when they are created, so names
that clients made up cost nothing here. It does not read entries itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.isolation import MAX_SESSIONS
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_service.pauses import jittered, wait_or_timeout
from tailcast_streams.births import Birth
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.session_state import StoredEnd


AUDIT_SECONDS = 5.0
# How many audits make one round over all sessions, which takes a minute.
AUDITS_IN_ROUND = 12
# How far a tailer's clock may be behind. Active sessions of a tailer whose clock is
# further behind are only found in their turn.
CLOCK_SKEW_MS = 60_000
AUDIT_RETRY_SECONDS = 0.25


class Audit:
    """Compares how far watched sessions are stored with how far they were read."""

    def __init__(
        self,
        broker: SessionReader,
        watchers: Watchers,
        *,
        mark: Callable[[str], bool],
        watch: Callable[[Iterable[str]], Awaitable[object]],
        look_for_owners: Callable[[], Awaitable[None]],
        broker_clock: BrokerClock,
        instruments: Instruments,
        forget: Callable[[str], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        # Lets a session be read; returns whether it was not marked before.
        self._mark = mark
        # Begins to watch sessions.
        self._watch = watch
        # Looks whether the tailers of watched sessions are there.
        self._look_for_owners = look_for_owners
        self._broker_clock = broker_clock
        self._instruments = instruments
        # Called with a session that no client watches any more.
        self._forget = forget
        # Called with a session over which the audit failed.
        self._on_failed = on_failed
        self._isolation = watchers.isolation
        # Set to ask for an audit of all sessions now.
        self._is_due = asyncio.Event()
        # Whether one was asked for that is not over.
        self.is_owed = False
        # Watched sessions in the order of their latest audit, the latest last.
        self._by_turn: dict[str, None] = {}
        # How many audits of some of the sessions there were.
        self._audits = 0
        # When the active sessions were last listed, Unix milliseconds.
        self._asked_ms = 0
        # The number of the latest session when the whole list was last read, or None.
        self._births: Birth | None = None

    def hurry(self) -> None:
        """Audit all sessions now, since notifications may have been missed."""
        self._is_due.set()
        self.is_owed = True

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            is_whole = await wait_or_timeout(self._is_due, AUDIT_SECONDS)
            self._is_due.clear()
            try:
                await (self.audit() if is_whole else self.audit_some())
                # Another one may have been asked for meanwhile.
                self.is_owed = self._is_due.is_set()
            except BrokerError as error:
                self._instruments.broker_failed("audit", error)
                self._is_due.set()
                await asyncio.sleep(jittered(AUDIT_RETRY_SECONDS))

    async def audit(self) -> None:
        """Compare all watched sessions with what is stored. Raises BrokerError."""
        await self._broker.settle_installation()
        await self._broker_clock.read()
        watched = self._watchers.watched.items()
        await self._compare_all([name for name, one in watched if not one.is_awaited])
        await self._adopt_all(await self._broker.births())
        await self._look_for_owners()
        self._close_unwatched()

    async def audit_some(self) -> None:
        """Compare the active sessions and some others. Raises BrokerError."""
        await self._broker.settle_installation()
        await self._broker_clock.read()
        active = await self._active_sessions()
        await self._compare_all(self._in_turn(active))
        self._audits += 1
        births = await self._broker.births()
        is_round = self._audits % AUDITS_IN_ROUND == 0
        if is_round or births != self._births:
            await self._adopt_all(births)
        else:
            # Version 0.1 gives new sessions no number.
            await self._adopt(active)
        await self._look_for_owners()
        self._close_unwatched()

    def _in_turn(self, active: Iterable[str]) -> list[str]:
        """The sessions to compare: the active ones, and those of longest ago."""
        known = self._watchers.watched
        created = [name for name, one in known.items() if not one.is_awaited]
        for session in created:
            self._by_turn.setdefault(session)
        share = -(-len(created) // AUDITS_IN_ROUND)
        chosen = dict.fromkeys([EMERGENCIES, *active])
        waited_for = self._watchers.waited_for()
        chosen.update((name, None) for name in waited_for if name in self._by_turn)
        for session in self._by_turn:
            if not share:
                break
            if session not in chosen and session in known:
                chosen[session] = None
                share -= 1
        return [session for session in chosen if session in known]

    async def _compare_all(self, sessions: Iterable[str]) -> None:
        names = list(sessions)
        for start in range(0, len(names), MAX_SESSIONS):
            some = names[start : start + MAX_SESSIONS]
            found = (self._watchers.watched.get(session) for session in some)
            await self._compare([one for one in found if one is not None])
            for session in some:
                self._by_turn.pop(session, None)
                self._by_turn[session] = None

    async def _compare(self, several: Sequence[Watched]) -> None:
        stood = [
            (one, one.epoch, one.window.end.id, one.incarnation) for one in several
        ]
        names = [one.session for one in several]
        ends = await self._isolation.each(
            names, self._broker.ends, lambda name, _: self._on_failed(name)
        )
        ahead = 0
        for watched, epoch, end, incarnation in stood:
            stored = ends.get(watched.session)
            if stored is None or not self._watchers.is_still(watched, epoch):
                continue
            if stored.is_spoiled:
                self._on_failed(watched.session)
                continue
            with self._isolation.over_session(watched.session, self._on_failed):
                ahead += await self._compare_one(
                    watched, epoch, end, incarnation, stored
                )
        if ahead:
            self._instruments.audit_found(ahead)

    async def _compare_one(
        self,
        watched: Watched,
        epoch: int,
        end: EntryID,
        incarnation: str,
        stored: StoredEnd,
    ) -> bool:
        """Compare one session; returns whether it had entries without a hint."""
        is_news = False
        behind_at, watched.behind_at = watched.behind_at, None
        if _is_another(watched, end, incarnation, stored):
            head = (await self._broker.heads([watched.session]))[0]
            if self._watchers.is_still(watched, epoch):
                self._watchers.reset(watched, head)
        elif _has_moved(watched, stored):
            is_news = self._mark(watched.session)
            watched.behind_at = watched.window.end, stored.cursor
            if watched.behind_at == behind_at:
                await self._look_for_lost(watched, epoch)
        self._watchers.compared(watched)
        return is_news

    async def _look_for_lost(self, watched: Watched, epoch: int) -> None:
        """Tell of the latest entries, if they were deleted before they were read.

        It has been behind since the audit before, so reading brought nothing.
        """
        end = watched.window.end
        head = (await self._broker.heads([watched.session]))[0]
        is_same = self._watchers.is_still(watched, epoch) and watched.window.end == end
        has_more = head.newest is not None and head.newest.id > end.id
        if is_same and not has_more and head.cursor not in (None, end):
            self._watchers.reset(watched, head)

    async def _active_sessions(self) -> list[str]:
        """Sessions that the list has as active since it was read before."""
        now_ms = self._broker_clock.now_ms()
        since = max(0, min(now_ms, self._asked_ms) - CLOCK_SKEW_MS)
        active = list(await self._broker.sessions(active_since_ms=since))
        self._asked_ms = now_ms
        return active

    async def _adopt_all(self, births: Birth) -> None:
        """Watch all sessions created up to a number, and perhaps later ones."""
        await self._adopt(await self._broker.sessions())
        self._births = births

    async def _adopt(self, listed: Iterable[str]) -> None:
        """Watch those of the listed sessions that are new and wanted.

        Sessions that were awaited are compared: there is something of them now.
        """
        names = list(listed)
        watched = self._watchers.watched
        await self._compare_all(
            [one for one in names if one in watched and watched[one].is_awaited]
        )
        later = [
            session
            for session in names
            if session not in watched and self._watchers.is_wanted(session)
        ]
        if later:
            await self._watch(later)
            for session in later:
                self._mark(session)

    def _close_unwatched(self) -> None:
        watchers = self._watchers
        for watched in list(watchers.watched.values()):
            if watchers.is_watched(watched.session):
                watched.is_unwatched = False
            elif watched.is_unwatched:
                watchers.close(watched)
                self._by_turn.pop(watched.session, None)
                self._forget(watched.session)
            else:
                # The next audit closes it if no client wants it by then.
                watched.is_unwatched = True
        watchers.measure()


def _is_another(
    watched: Watched, end: EntryID, incarnation: str, stored: StoredEnd
) -> bool:
    """Whether the stream is not the one that was read before the comparison."""
    if _last_id(watched, stored) < end:
        return True
    was_born = bool(incarnation) or end != BEFORE_ALL
    is_other_life = was_born and stored.incarnation != incarnation
    return is_other_life and not watched.is_documents


def _has_moved(watched: Watched, stored: StoredEnd) -> bool:
    """Whether there are entries to read, or to read again."""
    end = watched.window.end
    if _last_id(watched, stored) > end.id:
        return True
    if stored.incarnation and not watched.incarnation:
        return True
    # A broker that lost its last second may since have got other lines of the same
    # lengths. Then the last ID is the same, and its record is not.
    return stored.cursor.id == end.id and stored.cursor != end


def _last_id(watched: Watched, stored: StoredEnd) -> EntryID:
    return stored.stream_last_id if watched.is_documents else stored.cursor.id
