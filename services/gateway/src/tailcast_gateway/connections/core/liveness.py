"""Whether a peer is alive: when to ping it, and when to give it up.

Pure; time comes in. A peer lives while its socket drains: the clock for its answer
starts when the ping has left our buffer, and anew whenever the socket takes bytes.
While it takes none, only the slow time-out counts.
"""

from enum import Enum


class Action(Enum):
    """What to do about a peer now."""

    NOTHING = "nothing"
    PING = "ping"
    # Its socket took no bytes for too long.
    GIVE_UP_SLOW = "slow"
    # It did not answer.
    GIVE_UP_SILENT = "silent"


class Liveness:
    """What is known about one peer; asked now and then."""

    __slots__ = (
        "_answer_since",
        "_buffered",
        "_is_asked",
        "_pinged_at",
        "_stuck_since",
    )

    def __init__(self, now: float) -> None:
        # When the last ping was written.
        self._pinged_at = now
        # Whether it has not been answered.
        self._is_asked = False
        # Since when an answer is awaited, None while the ping may be in our buffer.
        self._answer_since: float | None = None
        # What the buffer held when it was looked at last, bytes.
        self._buffered = 0
        # Since when the socket has taken nothing, None while it takes bytes.
        self._stuck_since: float | None = None

    def heard(self) -> None:
        """Any frame counts as an answer."""
        self._is_asked = False
        self._answer_since = None

    def check(
        self,
        now: float,
        *,
        buffered: int,
        ping_interval: float,
        pong_timeout: float,
        slow_timeout: float,
    ) -> Action:
        """Look at the peer; the interval and time-outs are in seconds."""
        is_stuck = buffered > 0 and buffered == self._buffered
        self._buffered = buffered
        if is_stuck:
            if self._stuck_since is None:
                self._stuck_since = now
            is_over = now - self._stuck_since >= slow_timeout
            return Action.GIVE_UP_SLOW if is_over else Action.NOTHING
        if self._stuck_since is not None or buffered:
            # It takes bytes: what it owes is counted from now.
            self._stuck_since = None
            self._answer_since = None
        if not self._is_asked:
            return self._ping_if_due(now, ping_interval)
        if buffered:
            return Action.NOTHING
        if self._answer_since is None:
            self._answer_since = now
        is_over = now - self._answer_since >= pong_timeout
        return Action.GIVE_UP_SILENT if is_over else Action.NOTHING

    def _ping_if_due(self, now: float, ping_interval: float) -> Action:
        if now - self._pinged_at < ping_interval:
            return Action.NOTHING
        self._pinged_at = now
        self._is_asked = True
        return Action.PING
