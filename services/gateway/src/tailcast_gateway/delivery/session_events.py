"""Tells clients when sessions start, stall, resume or end: one task for a replica.

And when somebody edited one. Only clients that subscribed by wildcards or to everything
get these events; a client that named a session sees its records. What a session's
status is, is read as lists say it, whenever it may have changed. Each event is sent
once. A client whose socket is full at that time misses it, and can ask for `sessions`
when it reads again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from tailcast_gateway.delivery.core.encoding import told
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.sessions.core.activity import Activity, Event
from tailcast_service.pauses import next_tick
from tailcast_streams.exceptions import BrokerError


# The pause between two looks at the sessions, seconds.
TICK_SECONDS = 0.5
# For this many seconds the feed must have been fresh, before a session without new
# records is taken to have stalled.
SETTLED_SECONDS = 15.0
# How many sessions one look asks for, and how many may wait for that.
ASKED_AT_ONCE = 256
MAX_ASKED = 100_000

_Row = Mapping[str, Any]
_Told: TypeAlias = Event | Literal["edited"]


class SessionRows(Protocol):
    """What tells of sessions what lists say; may raise BrokerError."""

    async def rows(self, active: Mapping[str, int]) -> Mapping[str, _Row]:
        """Each by its name, given when it was active last."""
        ...


class SessionEvents:
    """Follows the activity of the watched sessions."""

    def __init__(
        self,
        hub: Hub,
        sessions: SessionRows,
        *,
        is_fresh: Callable[[], bool],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._hub = hub
        self._sessions = sessions
        # Whether appended entries arrive at this replica.
        self._is_fresh = is_fresh
        self._clock = clock
        self._instruments = instruments
        self._activity = Activity()
        # The sessions that are to be asked for; whether because they were edited.
        self._asked: dict[str, bool] = {}
        # When `tick` last looked at the sessions, monotonic seconds.
        self._looked_at = clock()
        # When the feed was last not fresh, monotonic seconds.
        self._stale_at = clock()

    async def run(self) -> None:
        """Send events until cancelled."""
        while True:
            await next_tick(TICK_SECONDS)
            try:
                await self.tick()
            except BrokerError as error:
                # Those that were to be asked for still are.
                self._instruments.broker_failed("sessions", error)

    def edited(self, session: str) -> None:
        """Note that somebody edited a session."""
        if session in self._hub.channels:
            self._ask([session], is_edited=True)

    async def tick(self) -> None:
        """Send the events since the last call. Raises BrokerError."""
        now = self._clock()
        now_ms = int(now * 1_000)
        if not self._is_fresh():
            self._stale_at = now
        self._ask(self._opened(now_ms))
        self._ask(self._moved(now_ms))
        if now - self._stale_at >= SETTLED_SECONDS:
            self._ask(self._activity.due(now_ms=now_ms))
        self._looked_at = now
        await self._settle(now_ms)

    def _ask(self, sessions: Iterable[str], *, is_edited: bool = False) -> None:
        for session in sessions:
            if session not in self._asked and len(self._asked) >= MAX_ASKED:
                self._instruments.session_event_dropped()
            else:
                self._asked[session] = is_edited or self._asked.get(session, False)

    def _opened(self, now_ms: int) -> Iterable[str]:
        """Start to follow newly watched sessions; returns which of them are new."""
        hub = self._hub
        for session in hub.closed:
            self._activity.forget(session)
            self._asked.pop(session, None)
        hub.closed.clear()
        opened, hub.opened = hub.opened, {}
        for channel, came_later in opened.items():
            if channel.is_awaited or channel.is_documents:
                continue
            session = channel.session
            if came_later:
                yield session
            else:
                last_ms = int((channel.active_at or 0.0) * 1_000)
                self._activity.note(session, last_ms=last_ms, now_ms=now_ms)

    def _moved(self, now_ms: int) -> Iterable[str]:
        """The sessions that got entries since the last look, and did not run then."""
        for channel in reversed(self._hub.recent):
            if channel.changed_at < self._looked_at:
                return
            if channel.is_documents:
                continue
            if self._activity.moved(channel.session, now_ms=now_ms):
                yield channel.session

    async def _settle(self, now_ms: int) -> None:
        """Ask for sessions, and tell what became of them."""
        some = list(self._asked)[:ASKED_AT_ONCE]
        active = {one: self._active_ms(one) for one in some}
        rows: Mapping[str, _Row] = {}
        if some:
            rows = await self._sessions.rows(active)
        for session in some:
            is_edited = self._asked.pop(session, False)
            row = rows.get(session)
            if row is None or session not in self._hub.channels:
                continue
            with self._hub.isolation.over_session(session):
                events: list[_Told] = ["edited"] if is_edited else []
                settled = self._activity.settle(session, row["status"], now_ms=now_ms)
                if settled is not None:
                    events.append(settled.event)
                self._tell(session, events, row)

    def _active_ms(self, session: str) -> int:
        channel = self._hub.channels.get(session)
        return 0 if channel is None else channel.active_ms

    def _tell(self, session: str, events: Sequence[_Told], row: _Row) -> None:
        channel = self._hub.channels[session]
        for event in events:
            fields: dict[str, object] = {
                "type": "session",
                "sessionId": session,
                "event": event,
                "status": row["status"],
                "lastActivity": row["lastActivity"],
                "head": told(channel.window.end),
            }
            if event == "edited":
                fields["tags"] = row.get("tags", [])
                fields["notes"] = row.get("notes", "")
                fields["pinned"] = row.get("pinned", False)
            self._write(session, fields)

    def _write(self, session: str, fields: dict[str, object]) -> None:
        frames: dict[Wire, bytes] = {}
        for client in self._hub.subscribers.broad:
            if not client.subscription.matches(session):
                continue
            if client.socket.paused:
                self._instruments.session_event_dropped()
                continue
            with self._hub.isolation.over(client):
                frame = frames.get(client.wire)
                if frame is None:
                    frame = frames[client.wire] = client.wire.message(fields)
                client.socket.write(frame)
