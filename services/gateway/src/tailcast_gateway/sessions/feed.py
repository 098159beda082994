"""Reads the streams of all watched sessions into their windows.

A replica has one feed. Notifications make it fast, but they can get lost; `audit` finds
what they missed. Which clients get the entries is decided in `delivery`.
"""

import asyncio
import contextlib
from collections.abc import (
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.answers import Pulse
from tailcast_gateway.protocol.message_parts import FeedState
from tailcast_gateway.sessions.audit import Audit
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    continuation,
    including,
)
from tailcast_gateway.sessions.core.hearing import Hearing
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.failing import Failing
from tailcast_gateway.sessions.indexers import KnownIndexers
from tailcast_gateway.sessions.isolation import MAX_SESSIONS
from tailcast_gateway.sessions.openings import Openings
from tailcast_gateway.sessions.probe import Probe
from tailcast_gateway.sessions.pushes import Pushes
from tailcast_gateway.sessions.tailers import Tailers
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_gateway.views.subscription import Subscription
from tailcast_service.pauses import jittered, wait_or_timeout
from tailcast_service.tasks import Loop
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.notification import parse_moved
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.pushes import Push


CANARY_SECONDS = 2.0
# If no canary has come back for this long, appended entries may not arrive here.
CANARY_TIMEOUT_SECONDS = 30.0
# If this many canaries in a row are late, the broker does not answer.
LATE_CANARIES = 3
RETRY_SECONDS = 0.25
MAX_RETRY_SECONDS = 2.0
# The most entries of one session in one round trip; fewer if its records are large.
MAX_ENTRIES = 1_000
READ_BYTES = 1024 * 1024
# From this size on, a session's records count as large.
LARGE_RECORD_BYTES = 8 * 1024

# How long a replica that leaves may take to say so.
LEAVE_SECONDS = 1.0


class Feed:
    """Reads new entries of the watched sessions into their windows."""

    def __init__(
        self,
        broker: SessionReader,
        watchers: Watchers,
        *,
        replica: str,
        on_note: Callable[[str], None],
        on_contests: Callable[[Mapping[str, Sequence[str]]], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
        wall_clock_ms: Callable[[], int],
        broker_clock: BrokerClock,
        quotas: Quotas,
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        # Knows what came back from the broker, and what others say.
        self._hearing = Hearing(replica)
        # Called with other payloads on the channel: neither session nor canary.
        self._on_note = on_note
        self._clock = clock
        self._wall_clock_ms = wall_clock_ms
        self._broker_clock = broker_clock
        self._instruments = instruments
        # Confines failures to one session.
        self._isolation = watchers.isolation
        # The sessions that have something to read, and since when that is known.
        self._dirty: dict[str, float] = {}
        # When their oldest new line was written, Unix milliseconds.
        self._written_ms: dict[str, int] = {}
        self._is_dirty = asyncio.Event()
        # Those of them that are being read now.
        self._being_read: Collection[str] = ()
        # Set when listening begins again: canaries sent before are not heard.
        self._is_found = asyncio.Event()
        # Ends listening if no canary comes; None while it does not listen.
        self._patience: asyncio.Timeout | None = None
        # How long to wait when the connection is lost, longer each time.
        self._retry_seconds = RETRY_SECONDS
        # Knows which tailers are silent.
        self._tailers = Tailers(
            broker,
            watchers,
            on_contests=on_contests,
            clock=clock,
            instruments=instruments,
        )
        # Knows how far the indexes are.
        self.indexers = KnownIndexers(broker, clock=clock, instruments=instruments)
        # The sessions over which reading failed.
        self._failing = Failing(
            broker, watchers, mark=self.mark, spawn=spawn, clock=clock
        )
        # Takes what is pushed.
        self._pushes = Pushes(
            watchers,
            is_to_be_read=self._is_to_be_read,
            mark=self.mark,
            take=self._take_pushed,
            instruments=instruments,
        )
        # Begins to watch sessions.
        self.openings = Openings(
            broker,
            watchers,
            mark=self.mark,
            hurry=self._hurry,
            spawn=spawn,
            clock=clock,
            broker_clock=broker_clock,
            quotas=quotas,
            instruments=instruments,
        )
        # Knows what the broker refuses to do.
        self.probe = Probe(broker, wall_clock_ms=wall_clock_ms, instruments=instruments)
        # Finds entries of which no notification came.
        self.audit = Audit(
            broker,
            watchers,
            mark=self._found,
            forget=self._forget,
            on_failed=self._failing.note,
            watch=self.openings.adopt,
            look_for_owners=self._tailers.look,
            broker_clock=broker_clock,
            instruments=instruments,
        )

    @property
    def is_fresh(self) -> bool:
        """Whether appended entries arrive here, by the canary, and can be read."""
        quiet = self._hearing.quiet_seconds(self._clock())
        is_heard = quiet is not None and quiet <= CANARY_TIMEOUT_SECONDS
        return is_heard and not self.probe.refusal

    @property
    def is_answered(self) -> bool:
        """Whether the latest canaries came back, or none was due yet."""
        quiet = self._hearing.quiet_seconds(self._clock())
        return quiet is None or quiet <= LATE_CANARIES * CANARY_SECONDS

    def is_current(self, session: str) -> bool:
        """Whether nothing is known that a watched session's window may not have.

        What is appended now is heard, and nothing is to be read or compared first.
        """
        return (
            self._hearing.is_listening
            and self.is_answered
            and not self.audit.is_owed
            and not self._is_to_be_read(session)
            and session not in self._being_read
        )

    @property
    def state(self) -> FeedState:
        """Whether what is appended now gets here."""
        if self.probe.refusal:
            return "down"
        return self._hearing.feed(self._clock(), down_after=CANARY_TIMEOUT_SECONDS)

    def pulse(self, subscription: Subscription) -> Pulse:
        """How the feed of a subscription is; stale if one of its tailers is silent."""
        state = self.state
        if state == "fresh" and not self._tailers.are_heard(subscription):
            state = "stale"
        lag_ms = self._hearing.lag.milliseconds(self._clock())
        return Pulse(state, lag_ms, self.indexers.lag_ms)

    @property
    def silent_tailers(self) -> list[str]:
        """The tailers of watched sessions that run, which are not there."""
        return self._tailers.silent

    @property
    def is_alone(self) -> bool:
        """Whether it is certain that no other replica takes clients."""
        return self._hearing.neighbours.are_absent(self._clock())

    @property
    def loops(self) -> Mapping[str, Loop]:
        """The feed's loops; they run until cancelled, whatever the broker does."""
        return {
            "listen": self._listen,
            "canaries": self._send_canaries,
            "probe": self.probe.run,
            "read": self.keep_reading,
            "audit": self.audit.run,
            "indexers": self.indexers.run,
            "tailers": self._tailers.run,
        }

    def mark(self, session: str) -> None:
        """Note that a watched session has something to read."""
        self._dirty.setdefault(session, self._clock())
        self._is_dirty.set()

    def _hurry(self) -> None:
        self.audit.hurry()

    def _forget(self, session: str) -> None:
        """Drop what is kept about a session that is no longer watched."""
        self._written_ms.pop(session, None)
        self._failing.forget(session)
        self._pushes.forget(session)

    def _found(self, session: str) -> bool:
        """Like `mark`; returns whether the session was not marked before."""
        is_news = session not in self._dirty
        self.mark(session)
        return is_news

    async def open(self, sessions: Iterable[str]) -> Mapping[str, Exception]:
        """Watch sessions for a client; returns why some cannot be.

        Raises:
            TooManyWatched: there would be more than there may be.
            BrokerError: the broker is away, or refuses.
        """
        return await self.openings.open(sessions)

    # Hints.

    async def _listen(self) -> None:
        while True:
            try:
                async with (
                    self._broker.notifications(
                        self._heard,
                        on_foreign=self._pass_over,
                        on_refused=self._not_pushed,
                    ) as line,
                    asyncio.timeout(CANARY_TIMEOUT_SECONDS) as self._patience,
                ):
                    self._instruments.feed_found()
                    self._hearing.begin(self._clock())
                    self._is_found.set()
                    self.probe.done("listen")
                    self.audit.hurry()
                    self._pushes.begin(line)
                    await line.lost
            except (BrokerError, TimeoutError) as error:
                self._hearing.end()
                self._instruments.feed_lost(error)
                self.probe.failed("listen", error)
            self._patience = None
            self._pushes.end()
            await asyncio.sleep(jittered(self._retry_seconds))
            self._retry_seconds = min(MAX_RETRY_SECONDS, self._retry_seconds * 2)

    def _heard(self, messages: Sequence[str | Push]) -> None:
        """Handle what has come together."""
        for message in messages:
            if isinstance(message, Push):
                with self._isolation.over_session(message.session, self._failing.note):
                    self._pushes.came(message)
                continue
            try:
                is_canary = self.notified(message)
            except Exception as error:  # noqa: BLE001  # other hints are not affected
                self._isolation.session_failed(message, error)
                # The hint is lost by the failure, so audit all sessions.
                self.audit.hurry()
            else:
                if is_canary:
                    self._reassured()
        self._pushes.settle()

    def _reassured(self) -> None:
        """Listen on: what is said arrives here."""
        self._retry_seconds = RETRY_SECONDS
        if self._patience is not None and not self._patience.expired():
            now = asyncio.get_running_loop().time()
            self._patience.reschedule(now + CANARY_TIMEOUT_SECONDS)

    def notified(self, payload: str) -> bool:
        """Handle a payload; returns whether it was this replica's canary."""
        if self._hearing.is_of_replicas(payload):
            return self._hearing.heard(payload, self._clock())
        if (moved := parse_moved(payload)) is None:
            self._on_note(payload)
            return False
        session = moved.session
        if session in self._watchers.watched:
            if self._pushes.is_told_already(session):
                return False
            self._pushes.watch(session)
            if moved.written_ms:
                self._written_ms.setdefault(session, moved.written_ms)
            self.mark(session)
        else:
            self.openings.hear(session)
        return False

    async def say_leaving(self) -> None:
        """Tell the other replicas that this one takes no clients any more."""
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._broker.notify(self._hearing.farewell)

    def _not_pushed(self, error: BrokerError) -> None:
        """Read all that moves: the account may not have it pushed."""
        self._instruments.broker_failed("watch", error)

    def _pass_over(self) -> None:
        """Count a notification of another installation on the same server."""
        self._instruments.hint_dropped("foreign")

    async def _send_canaries(self) -> None:
        while True:
            try:
                await self._broker.notify(self._hearing.canary(self._clock()))
            except BrokerError as error:
                # The listener reports a broker that is away, so do not log it here.
                self.probe.failed("canary", error)
            else:
                self.probe.done("canary")
            self._instruments.freshness_measured(fresh=self.is_fresh)
            await wait_or_timeout(self._is_found, CANARY_SECONDS)
            self._is_found.clear()

    # Reading.

    async def keep_reading(self) -> None:
        """Read what is marked until cancelled."""
        while True:
            await self._is_dirty.wait()
            if not await self.read_dirty():
                await asyncio.sleep(jittered(RETRY_SECONDS))

    async def read_dirty(self) -> bool:
        """Read the marked sessions in one round trip; False if the broker is away."""
        marked = dict(list(self._dirty.items())[:MAX_SESSIONS])
        for session in marked:
            del self._dirty[session]
        if not self._dirty:
            self._is_dirty.clear()
        self._being_read = marked
        try:
            await self._read(marked)
        except BrokerError as error:
            self._instruments.broker_failed("read", error)
            for session, since in marked.items():
                self._dirty[session] = since
            self._is_dirty.set()
            return False
        finally:
            self._being_read = ()
        return True

    async def _read(self, marked: dict[str, float]) -> None:
        found = (self._watchers.watched.get(session) for session in marked)
        several = [
            watched
            for watched in found
            if watched is not None and watched.session not in self._failing
        ]
        await self._load_created([one for one in several if not one.incarnation])
        # The entries of one that is created only now wait for its state, which says
        # where history ends. Its hint is to come.
        several = [one for one in several if not one.is_awaited]
        small = [one for one in several if one.record_bytes < LARGE_RECORD_BYTES]
        large = [one for one in several if one.record_bytes >= LARGE_RECORD_BYTES]
        for some in (small, large):
            if some:
                await self._read_some(some, marked)

    async def _load_created(self, not_created: Sequence[Watched]) -> None:
        """Load the state of new sessions before their first entries are read."""
        sessions = [one for one in not_created if one.is_empty and not one.is_documents]
        if not sessions:
            return
        heads = await self._isolation.each(
            [one.session for one in sessions], self._broker.heads, self._note_failed
        )
        for watched in sessions:
            head = heads.get(watched.session)
            is_watched = self._watchers.watched.get(watched.session) is watched
            is_there = head is not None and head.state is not None
            if head is not None and is_watched and is_there and watched.is_empty:
                with self._isolation.over_session(watched.session, self._failing.note):
                    self._watchers.created(watched, head)

    def _note_failed(self, session: str, _error: Exception) -> None:
        self._failing.note(session)

    async def _read_some(
        self, several: Sequence[Watched], marked: dict[str, float]
    ) -> None:
        size = max(watched.record_bytes for watched in several)
        limit = max(4, min(MAX_ENTRIES, int(READ_BYTES / size)))
        stood = [(one, one.epoch, one.window.end) for one in several]
        after = {one.session: including(end.id) for one, _, end in stood}

        async def read(names: Sequence[str]) -> list[Sequence[Entry]]:
            some = {name: after[name] for name in names}
            found = await self._broker.read_many_after(some, limit=limit)
            return [found.get(name, ()) for name in names]

        answers = await self._isolation.each(list(after), read, self._note_failed)
        for watched, epoch, end in stood:
            session = watched.session
            is_watched = self._watchers.watched.get(session) is watched
            entries = answers.get(session) if is_watched else None
            if entries is None:
                continue
            if watched.epoch != epoch or watched.window.end != end:
                self.mark(session)
                continue
            with self._isolation.over_session(session, self._failing.note):
                if await self._take(watched, entries):
                    self._tell_taken(session, since=marked[session])
            if len(entries) >= limit:
                self.mark(session)

    def _tell_taken(self, session: str, *, since: float) -> None:
        self._instruments.wake_measured(self._clock() - since)
        if written_ms := self._written_ms.pop(session, 0):
            lag_ms = self._wall_clock_ms() - written_ms
            self._hearing.lag.line_read(lag_ms, self._clock())
            self._instruments.delivered(lag_ms / 1_000)

    async def _take(self, watched: Watched, entries: Sequence[Entry]) -> bool:
        """Deliver entries that continue the window; else find out why not."""
        continuity, new = continuation(watched.window.end, entries)
        if not entries and watched.incarnation and watched.is_empty:
            # The session has a state and no entry: all was trimmed before the read.
            continuity = Continuity.BROKEN
        if continuity is not Continuity.PROVED:
            is_other = bool(entries) and entries[0].id == watched.window.end.id
            await self._look_anew(watched, is_other=is_other)
            return False
        if new:
            self._deliver_new(watched, new)
            if new[-1].id != entries[-1].id:
                # The chain breaks after these entries, so read again from there.
                self.mark(watched.session)
        return bool(new)

    def _deliver_new(self, watched: Watched, entries: Sequence[Entry]) -> None:
        size = sum(len(entry.record) for entry in entries) / len(entries)
        watched.record_bytes = max(1.0, (watched.record_bytes + size) / 2)
        self._deliver(watched, entries)

    def _take_pushed(
        self, watched: Watched, entries: Sequence[Entry], written_ms: int
    ) -> None:
        since = self._clock()
        if written_ms:
            self._written_ms[watched.session] = written_ms
        self._deliver_new(watched, entries)
        self._tell_taken(watched.session, since=since)

    def _is_to_be_read(self, session: str) -> bool:
        return session in self._dirty or session in self._failing

    def _deliver(self, watched: Watched, entries: Sequence[Entry]) -> None:
        now = self._clock()
        watched.active_ms, watched.active_at = self._broker_clock.now_ms(), now
        self._watchers.deliver(watched, entries, now=now)

    async def _look_anew(self, watched: Watched, *, is_other: bool) -> None:
        """Find out why the entry at the window's end is missing or another one."""
        session, epoch, end = watched.session, watched.epoch, watched.window.end
        head = (await self._broker.heads([session]))[0]
        after = await self._broker.read_after(session, end.id, limit=MAX_ENTRIES)
        if not self._watchers.is_still(watched, epoch) or watched.window.end != end:
            return
        state = head.state
        is_same_life = watched.is_documents or (
            state is not None and state.position.incarnation == watched.incarnation
        )
        newest = BEFORE_ALL if head.cursor is None else head.cursor.id
        if not is_same_life or is_other or newest < end.id:
            self._watchers.reset(watched, head)
        elif after and after[0].previous == end.id:
            # The entry was only trimmed.
            self._deliver(watched, continuation(end, after)[1])
        elif head.cursor != end:
            self._watchers.reset(watched, head)
