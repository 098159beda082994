"""How many pings and pongs a peer sends, and what is done if these are too many.

Pure; times are arguments, monotonic seconds. Too many are read slowly: after each there
is a pause. A peer that goes on nevertheless is to be sent away.
"""

from typing import Final

from tailcast_gateway.connections.core.token_bucket import TokenBucket, TokenRate


# For how long a peer may send so many that there are pauses.
PAUSES_SECONDS: Final = 10.0


class ControlFrames:
    """The control frames of one peer."""

    __slots__ = ("_asked", "_bucket", "_most", "_since")

    def __init__(self, most: int) -> None:
        """`most` is how many may come in a second."""
        self._most = most
        # What is left of these; None before the first one.
        self._bucket: TokenBucket | None = None
        # How many of our pings it has not answered: answers do not count.
        self._asked = 0
        # Since when there have been pauses, None if there is none lately.
        self._since: float | None = None

    def asked(self) -> None:
        """Note that the peer was pinged."""
        self._asked += 1

    def came(self, now: float, *, is_pong: bool) -> float:
        """Note a frame; returns how long a pause is to be now, mostly 0."""
        if is_pong and self._asked:
            self._asked -= 1
            return 0.0
        if self._bucket is None:
            self._bucket = TokenBucket(TokenRate(self._most, self._most), now)
        pause = self._bucket.spend(1.0, now)
        if pause:
            self._since = now if self._since is None else self._since
        elif self._bucket.left(now) >= self._most / 2:
            self._since = None
        return pause

    def is_over(self, now: float) -> bool:
        """Whether there have been pauses for too long."""
        return self._since is not None and now - self._since >= PAUSES_SECONDS
