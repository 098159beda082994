"""Which sessions run, have stalled or have ended, by the time of their last entry.

Pure; times are arguments, of a steady clock, so that no session ends because a clock is
set. A session costs work only when it gets an entry and when its time is over. One that
has ended costs nothing.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal, NamedTuple, TypeAlias

from tailcast_gateway.protocol.message_parts import Status


# How long without a record makes a session stalled, and how long makes it ended.
STALLED_MS = 60_000
ENDED_MS = 600_000

Event: TypeAlias = Literal["started", "stalled", "resumed", "ended"]


class Transition(NamedTuple):
    """A session's change to another status."""

    session: str
    event: Event


def status_after(idle_ms: int) -> Status:
    """The status of a session by the time since its last record."""
    if idle_ms < STALLED_MS:
        return "running"
    return "stalled" if idle_ms < ENDED_MS else "ended"


@dataclass(slots=True)
class _Watched:
    """The status of one session."""

    status: Status
    # When its last entry came, milliseconds of a steady clock.
    last_ms: int
    # When it is due in the queue; its other entries there are void.
    due_ms: int = 0


class Activity:
    """The watched sessions, and when their last entries came."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Watched] = {}
        # When sessions are due, the next one first.
        self._queue: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """The length of the queue."""
        return len(self._queue)

    def note(self, session: str, *, last_ms: int, now_ms: int) -> None:
        """Note that a session is watched from now on; that is no transition."""
        if session not in self._sessions:
            watched = _Watched(status_after(now_ms - last_ms), last_ms)
            self._sessions[session] = watched
            self._schedule(session, watched)

    def moved(self, session: str, *, now_ms: int) -> Transition | None:
        """Note that a session got an entry; returns its transition, if any."""
        watched = self._sessions.get(session)
        if watched is None:
            watched = self._sessions[session] = _Watched("running", now_ms)
            self._schedule(session, watched)
            return Transition(session, "started")
        watched.last_ms = now_ms
        if watched.status == "running":
            return None
        watched.status = "running"
        self._schedule(session, watched)
        return Transition(session, "resumed")

    def due(self, *, now_ms: int) -> list[Transition]:
        """The transitions of sessions that got no entries for too long."""
        found: list[Transition] = []
        while self._queue and self._queue[0][0] <= now_ms:
            at_ms, session = heappop(self._queue)
            watched = self._sessions.get(session)
            if watched is None or watched.due_ms != at_ms:
                continue
            status = status_after(now_ms - watched.last_ms)
            is_other = status != watched.status
            if is_other and status != "running":
                watched.status = status
                found.append(Transition(session, status))
            self._schedule(session, watched)
        return found

    def last_ms(self, session: str) -> int:
        """When a session's last entry came, 0 if that is not known."""
        watched = self._sessions.get(session)
        return 0 if watched is None else watched.last_ms

    def forget(self, session: str) -> None:
        """Forget a session that no client watches any more."""
        self._sessions.pop(session, None)

    def _schedule(self, session: str, watched: _Watched) -> None:
        """Queue the session for the end of its status; `ended` has no end."""
        if watched.status != "ended":
            limit = STALLED_MS if watched.status == "running" else ENDED_MS
            watched.due_ms = watched.last_ms + limit
            heappush(self._queue, (watched.due_ms, session))
