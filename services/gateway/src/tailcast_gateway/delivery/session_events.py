"""Telling clients what becomes of sessions: one task, which looks at what moved.

To those who subscribed by wildcards, or to everything: whoever named a session sees its
records. Each transition is told once; a client whose socket takes nothing now misses
it, and asks for `sessions` when it reads again.
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


# How often it is looked at what moved.
TICK_SECONDS = 0.5
# The feed must have been fresh for so long before silence says something of a session.
SETTLED_SECONDS = 15.0


class SessionEvents:
    """Follows the watched sessions' activity."""

    def __init__(
        self,
        hub: Hub,
        *,
        is_fresh: Callable[[], bool],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._hub = hub
        # Whether what is appended gets here.
        self._is_fresh = is_fresh
        self._clock = clock
        self._instruments = instruments
        self._activity = Activity()
        # When it was last looked at what moved, monotonic seconds.
        self._looked_at = clock()
        # When the feed was last not fresh, monotonic seconds.
        self._stale_at = clock()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Tell what became of sessions since the last time."""
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
        """Sessions that are watched from now on; those that came later have started."""
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
        """Sessions of which something came since it was last looked."""
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
        for client in self._hub.broad:
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
