"""Tells clients when sessions start, stall, resume or end: one task for a replica.

Only clients that subscribed by wildcards or to everything get these events; a client
that named a session sees its records. Each event is sent once. A client whose socket is
full at that time misses it, and can ask for `sessions` when it reads again.
"""

import asyncio
from collections.abc import Callable, Iterable

from tailcast_gateway.delivery.core.encoding import told
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.sessions.core.activity import (
    Activity,
    Event,
    Transition,
    status_after,
)


# The pause between two looks at the sessions, seconds.
TICK_SECONDS = 0.5
# For this many seconds the feed must have been fresh, before a session without new
# records is taken to have stalled.
SETTLED_SECONDS = 15.0


class SessionEvents:
    """Follows the activity of the watched sessions."""

    def __init__(
        self,
        hub: Hub,
        *,
        is_fresh: Callable[[], bool],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._hub = hub
        # Whether appended entries arrive at this replica.
        self._is_fresh = is_fresh
        self._clock = clock
        self._instruments = instruments
        self._activity = Activity()
        # When `tick` last looked at the sessions, monotonic seconds.
        self._looked_at = clock()
        # When the feed was last not fresh, monotonic seconds.
        self._stale_at = clock()

    async def run(self) -> None:
        """Send events until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Send the events since the last call."""
        now = self._clock()
        now_ms = int(now * 1_000)
        if not self._is_fresh():
            self._stale_at = now
        self._tell(self._opened(now_ms))
        self._tell(self._moved(now_ms))
        if now - self._stale_at >= SETTLED_SECONDS:
            self._tell(self._activity.due(now_ms=now_ms))
        self._looked_at = now

    def _opened(self, now_ms: int) -> Iterable[Transition]:
        """Start to follow newly watched sessions; returns which of them are new."""
        hub = self._hub
        for session in hub.closed:
            self._activity.forget(session)
        hub.closed.clear()
        opened, hub.opened = hub.opened, {}
        for channel, came_later in opened.items():
            if channel.is_awaited or channel.is_documents:
                continue
            session = channel.session
            if not came_later:
                last_ms = int((channel.active_at or 0.0) * 1_000)
                self._activity.note(session, last_ms=last_ms, now_ms=now_ms)
            elif (started := self._activity.moved(session, now_ms=now_ms)) is not None:
                yield started

    def _moved(self, now_ms: int) -> Iterable[Transition]:
        """The transitions of sessions that got entries since the last look."""
        for channel in reversed(self._hub.recent):
            if channel.changed_at < self._looked_at:
                return
            if channel.is_documents:
                continue
            session = channel.session
            if (moved := self._activity.moved(session, now_ms=now_ms)) is not None:
                yield moved

    def _tell(self, transitions: Iterable[Transition]) -> None:
        for session, event in transitions:
            with self._hub.isolation.over_session(session):
                self._write(session, self._fields(session, event))

    def _fields(self, session: str, event: Event) -> dict[str, object]:
        channel = self._hub.channels.get(session)
        idle_ms = int(self._clock() * 1_000) - self._activity.last_ms(session)
        return {
            "type": "session",
            "sessionId": session,
            "event": event,
            "status": status_after(idle_ms),
            "lastActivity": 0 if channel is None else channel.active_ms,
            "head": None if channel is None else told(channel.window.end),
        }

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
