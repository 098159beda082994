"""Whether a peer is alive: when to ping it, and when to give it up.

Pure; times are arguments. A peer is alive while its socket accepts bytes. So the time
for its answer starts when the ping has left our buffer, and starts again whenever the
socket accepts bytes. While it accepts none, only the slow time-out counts.
"""

from enum import Enum


class Action(Enum):
    """What to do about a peer now."""

    NOTHING = "nothing"
    PING = "ping"
    # Its socket has accepted no bytes for too long.
    GIVE_UP_SLOW = "slow"
    # It has not answered a ping.
    GIVE_UP_SILENT = "silent"


class Liveness:
    """What is known about one peer; `check` is called from time to time."""

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
        # Whether that ping is not answered yet.
        self._is_asked = False
        # When waiting for the answer began; None while the ping may be in our buffer.
        self._answer_since: float | None = None
        # How many bytes the buffer had at the last check.
        self._buffered = 0
        # When the socket stopped accepting bytes; None while it accepts them.
        self._stuck_since: float | None = None

    def heard(self) -> None:
        """Note a frame from the peer; any frame counts as an answer."""
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
        """Decide what to do about the peer; intervals are in seconds."""
        is_stuck = buffered > 0 and buffered == self._buffered
        self._buffered = buffered
        if is_stuck:
            if self._stuck_since is None:
                self._stuck_since = now
            is_over = now - self._stuck_since >= slow_timeout
            return Action.GIVE_UP_SLOW if is_over else Action.NOTHING
        if self._stuck_since is not None or buffered:
            # It accepts bytes: the time for its answer starts now.
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
