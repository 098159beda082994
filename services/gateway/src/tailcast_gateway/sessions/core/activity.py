"""Which watched sessions run, have stalled or have ended, and when that is to be asked.

Pure; times are arguments, of a steady clock, so that no session ends because a clock is
set. What a session's status is says whoever knows its run; here is when it may have
changed. A session costs work only when it gets an entry and when its time is over. One
that has ended costs nothing.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal, NamedTuple, TypeAlias

from tailcast_gateway.protocol.message_parts import Status


# How long without a record may make a session stalled, and how long ended: a run that
# pauses for long has more time.
STALLED_MS = 60_000
ENDED_MS = 600_000

Event: TypeAlias = Literal["started", "stalled", "resumed", "ended"]


class Transition(NamedTuple):
    """A session's change to another status."""

    session: str
    event: Event


def _guessed(idle_ms: int) -> Status:
    """The status of a session by the time since its last record alone."""
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
            watched = _Watched(_guessed(now_ms - last_ms), last_ms)
            self._sessions[session] = watched
            self._schedule(session, watched, now_ms)

    def moved(self, session: str, *, now_ms: int) -> bool:
        """Note that a session got an entry; whether its status is to be asked."""
        watched = self._sessions.get(session)
        if watched is None:
            return True
        watched.last_ms = now_ms
        return watched.status != "running"

    def due(self, *, now_ms: int) -> list[str]:
        """The sessions that got no entries for so long that they are to be asked."""
        found: list[str] = []
        while self._queue and self._queue[0][0] <= now_ms:
            at_ms, session = heappop(self._queue)
            watched = self._sessions.get(session)
            if watched is None or watched.due_ms != at_ms:
                continue
            if watched.last_ms + _limit_of(watched.status) <= now_ms:
                found.append(session)
            self._schedule(session, watched, now_ms)
        return found

    def settle(self, session: str, status: Status, *, now_ms: int) -> Transition | None:
        """Take a session's status; returns its transition, if that is one.

        One that is new has started only if it runs: an old file has ended before.
        """
        watched = self._sessions.get(session)
        is_new = watched is None
        if watched is None:
            watched = self._sessions[session] = _Watched(status, now_ms)
        elif watched.status == status:
            return None
        watched.status = status
        self._schedule(session, watched, now_ms)
        if status == "running":
            return Transition(session, "started" if is_new else "resumed")
        return None if is_new else Transition(session, status)

    def forget(self, session: str) -> None:
        """Forget a session that no client watches any more."""
        self._sessions.pop(session, None)

    def _schedule(self, session: str, watched: _Watched, now_ms: int) -> None:
        """Queue the session for the end of its status; `ended` has no end."""
        watched.due_ms = 0
        if watched.status != "ended":
            limit = _limit_of(watched.status)
            watched.due_ms = watched.last_ms + limit
            if watched.due_ms <= now_ms:
                # It was asked: it pauses for longer than most.
                watched.due_ms = now_ms + limit
            heappush(self._queue, (watched.due_ms, session))


def _limit_of(status: Status) -> int:
    return STALLED_MS if status == "running" else ENDED_MS
