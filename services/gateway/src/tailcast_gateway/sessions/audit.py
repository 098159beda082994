"""What is certain about the watched sessions, where notifications are only a hint.

Every few seconds it is asked how far sessions are stored: those that the list of
sessions has as active lately, and a part of the others, so that each has its turn
within a minute. After the connection was lost all are asked for at once. What never
lives here: reading entries, and who gets them.
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
# What tailers say of when sessions were active may be behind by so much: those of a
# tailer whose clock is further behind are found in their turn.
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
        # Has a session read on; false if it was known to have moved.
        self._mark = mark
        # Has sessions watched.
        self._watch = watch
        # Has the tailers of watched sessions looked for.
        self._look_for_owners = look_for_owners
        self._broker_clock = broker_clock
        self._instruments = instruments
        # Told when nobody watches a session any more.
        self._forget = forget
        # Told of a session over which auditing failed.
        self._on_failed = on_failed
        self._isolation = watchers.isolation
        # Asks for an audit of all sessions, at once.
        self._is_due = asyncio.Event()
        # Watched sessions by when it was last asked for them, the latest last.
        self._by_turn: dict[str, None] = {}
        # Audits of some of the sessions so far.
        self._audits = 0
        # When it was last asked which sessions are active, Unix milliseconds.
        self._asked_ms = 0
        # Which session had been counted last when the whole list was read; None before.
        self._births: Birth | None = None

    def hurry(self) -> None:
        """Anything may have been missed: audit all sessions, at once."""
        self._is_due.set()

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            is_whole = await wait_or_timeout(self._is_due, AUDIT_SECONDS)
            self._is_due.clear()
            try:
                await (self.audit() if is_whole else self.audit_some())
            except BrokerError as error:
                self._instruments.broker_failed("audit", error)
                self._is_due.set()
                await asyncio.sleep(jittered(AUDIT_RETRY_SECONDS))

    async def audit(self) -> None:
        """Compare all watched sessions with what is stored. Raises BrokerError."""
        await self._broker.settle_installation()
        await self._broker_clock.read()
        await self._compare_all(self._watchers.watched)
        await self._adopt_all(await self._broker.births())
        await self._look_for_owners()
        self._close_unwatched()

    async def audit_some(self) -> None:
        """Compare those that may have moved, and some others. Raises BrokerError."""
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
            # Version 0.1 does not count what begins.
            await self._adopt(active)
        await self._look_for_owners()
        self._close_unwatched()

    def _in_turn(self, active: Iterable[str]) -> list[str]:
        """Who is asked for: those that may have moved, and those not asked longest."""
        known = self._watchers.watched
        for session in known:
            self._by_turn.setdefault(session)
        share = -(-len(known) // AUDITS_IN_ROUND)
        chosen = dict.fromkeys([EMERGENCIES, *active])
        chosen.update(dict.fromkeys(self._watchers.waited_for()))
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
        """Compare one session; whether it had moved and nobody had said so."""
        is_news = False
        if _is_another(watched, end, incarnation, stored):
            head = (await self._broker.heads([watched.session]))[0]
            if self._watchers.is_still(watched, epoch):
                self._watchers.reset(watched, head)
        elif _has_moved(watched, stored):
            is_news = self._mark(watched.session)
        self._watchers.compared(watched)
        return is_news

    async def _active_sessions(self) -> list[str]:
        """Sessions that the list has as active since it was asked before."""
        now_ms = self._broker_clock.now_ms()
        since = max(0, min(now_ms, self._asked_ms) - CLOCK_SKEW_MS)
        active = list(await self._broker.sessions(active_since_ms=since))
        self._asked_ms = now_ms
        return active

    async def _adopt_all(self, births: Birth) -> None:
        """Watch all that came into being up to a number, and some that came later."""
        await self._adopt(await self._broker.sessions())
        self._births = births

    async def _adopt(self, listed: Iterable[str]) -> None:
        """Watch those that came into being and that somebody wants."""
        later = [
            session
            for session in listed
            if session not in self._watchers.watched
            and self._watchers.is_wanted(session)
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
                # Closed by the next audit, if nobody has come by then.
                watched.is_unwatched = True
        watchers.measure()


def _is_another(
    watched: Watched, end: EntryID, incarnation: str, stored: StoredEnd
) -> bool:
    """Whether what is stored is not what was read, as it stood before asking."""
    if _last_id(watched, stored) < end:
        return True
    was_born = bool(incarnation) or end != BEFORE_ALL
    is_other_life = was_born and stored.incarnation != incarnation
    return is_other_life and not watched.is_documents


def _has_moved(watched: Watched, stored: StoredEnd) -> bool:
    """Whether there is something to read, or to read again."""
    end = watched.window.end
    if _last_id(watched, stored) > end.id:
        return True
    if stored.incarnation and not watched.incarnation:
        return True
    # A broker that lost its last second may have got other lines of the same lengths:
    # the last ID is the same, and the record is not.
    return stored.cursor.id == end.id and stored.cursor != end


def _last_id(watched: Watched, stored: StoredEnd) -> EntryID:
    return stored.stream_last_id if watched.is_documents else stored.cursor.id
