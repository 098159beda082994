"""What a replica hears of itself and of other replicas on the broker's channel.

Pure; times are arguments, in monotonic seconds. A replica sends canaries to itself: one
that comes back shows that notifications arrive. Others hear them too, and so know that
the replica is there, until it says that it leaves.
"""

from typing import Final

from tailcast_gateway.protocol.message_parts import FeedState
from tailcast_gateway.sessions.core.lag import Lag
from tailcast_gateway.sessions.core.neighbours import Neighbours


# If no canary has come back for this long, what is written now may not have come.
STALE_SECONDS: Final = 4.0

_CANARY: Final = "!canary:"
_LEAVING: Final = "!leaving:"


class Hearing:
    """What one replica has heard."""

    def __init__(self, replica: str) -> None:
        # The name of this replica on the channel.
        self._replica = replica
        # Whether it listens now, and when a canary last came back, None before the
        # first.
        self.is_listening = False
        self._canary_at: float | None = None
        # The number of the last canary.
        self._number = 0
        # Knows how late what is read is.
        self.lag = Lag()
        # Knows whether there are other replicas.
        self.neighbours = Neighbours()

    def begin(self, now: float) -> None:
        """Note that listening begins."""
        self.is_listening = True
        self.neighbours.listening(now)

    def end(self) -> None:
        """Note that nothing is heard any more."""
        self.is_listening = False
        self.neighbours.deaf()

    def canary(self, now: float) -> str:
        """The next canary, which is sent now."""
        self._number += 1
        self.lag.sent(self._number, now)
        return f"{_CANARY}{self._replica}:{self._number}"

    @property
    def farewell(self) -> str:
        """What tells the others that this replica takes no clients any more."""
        return f"{_LEAVING}{self._replica}"

    def is_of_replicas(self, payload: str) -> bool:
        """Whether a payload is a canary or a farewell."""
        return payload.startswith((_CANARY, _LEAVING))

    def heard(self, payload: str, now: float) -> bool:
        """Note one of these; returns whether it was this replica's canary."""
        what, replica, *number = payload[1:].split(":", 2)
        is_leaving = f"!{what}:" == _LEAVING
        if replica != self._replica:
            self.neighbours.heard(replica, now, is_leaving=is_leaving)
            return False
        if is_leaving:
            return False
        self.neighbours.heard_itself(now)
        self._canary_at = now
        self.lag.returned(int(*number), now)
        return True

    def quiet_seconds(self, now: float) -> float | None:
        """How long ago a canary came back, None before the first."""
        return None if self._canary_at is None else now - self._canary_at

    def feed(self, now: float, *, down_after: float) -> FeedState:
        """Whether what is appended now is heard; `down_after` are quiet seconds."""
        quiet = self.quiet_seconds(now)
        if not self.is_listening or (quiet is not None and quiet > down_after):
            return "down"
        return "stale" if quiet is None or quiet > STALE_SECONDS else "fresh"
