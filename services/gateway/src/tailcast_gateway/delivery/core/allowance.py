"""How much of a replay a named client gets before it has to answer a ping.

Pure; times are arguments. The pings that a named client answers show what it has
received. If it got a whole replay at once and disconnected before its first answer, the
whole replay would be sent again, each time. So it first gets little and a ping, and the
time of its answer decides how much it gets next. What is sent, and who sends the pings,
is decided elsewhere.
"""

from tailcast_gateway.protocol.limits import SEVERAL_BYTES


# The most bytes between two pings.
MOST_BYTES = 256 * 1024
# An answer within this many seconds doubles the next amount ...
PROMPT_SECONDS = 1.0
# ... and one that takes longer than this many seconds halves it.
SLOW_SECONDS = 5.0
# If a client starts at the same place again and again, each time halves the first
# amount, down to one record, and doubles the time for an answer: at most this often.
MAX_HALVINGS = 8


class Allowance:
    """The allowance of one client since its delivery began."""

    __slots__ = ("_asked_at", "_given", "_quota", "_waits_for", "has_given", "repeats")

    def __init__(self, repeats: int = 0) -> None:
        # How often delivery began here before without a confirmation.
        self.repeats = min(repeats, MAX_HALVINGS)
        # How many bytes may be sent until the next ping, and how many were sent.
        self._quota = SEVERAL_BYTES >> self.repeats
        self._given = 0
        # The ping that must be answered before more is sent, and when it was sent.
        self._waits_for: int | None = None
        self._asked_at = 0.0
        # Whether anything was sent yet.
        self.has_given = False

    @property
    def is_waiting(self) -> bool:
        """Whether the client must answer before more is sent."""
        return self._waits_for is not None

    @property
    def left_bytes(self) -> int:
        """How many bytes may be sent now; at least 1, so that one record may."""
        return max(1, self._quota - self._given)

    def give(self, size_bytes: int) -> bool:
        """Note that bytes are sent; returns whether a ping is due."""
        self.has_given = True
        self._given += size_bytes
        return self._given >= self._quota

    def ask(self, number: int, now: float) -> None:
        """Note that the ping was sent which must be answered before more is sent."""
        self._waits_for, self._asked_at = number, now

    def answered(self, number: int, now: float) -> bool:
        """Note that pings up to a number were answered; True if that frees it."""
        if self._waits_for is None or number < self._waits_for:
            return False
        return self.reads_on(now)

    def reads_on(self, now: float) -> bool:
        """Note that the client reads on; returns whether it was waited for."""
        was_waiting = self.is_waiting
        if was_waiting:
            self._adapt(now - self._asked_at)
        self._waits_for, self._given = None, 0
        return was_waiting

    def _adapt(self, seconds: float) -> None:
        """Change the next amount by the time that an answer took."""
        if seconds <= PROMPT_SECONDS:
            self._quota = min(MOST_BYTES, self._quota * 2)
        elif seconds > SLOW_SECONDS:
            self._quota = max(1, self._quota // 2)

    def patience(self, pong_timeout: float, *, most: float) -> float:
        """How long an answer may take, seconds: longer if none came before."""
        return min(pong_timeout * (1 << self.repeats), max(pong_timeout, most))
