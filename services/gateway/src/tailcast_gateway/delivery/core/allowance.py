"""How much of a replay a named client is given before it has shown that it reads on.

Pure; time comes in. What such a client has received is known by the pings that it
answers. If it were given all at once and left before the first answer, all would come
again, each time. So it is given little, and a ping; then what it answers in time says
how much comes next. What never lives here: what is given, and who pings.
"""

from tailcast_gateway.protocol.limits import SEVERAL_BYTES


# The most that goes out between two pings.
MOST_BYTES = 256 * 1024
# An answer that took no longer than so many seconds doubles what comes next ...
PROMPT_SECONDS = 1.0
# ... and one that took longer than so many halves it.
SLOW_SECONDS = 5.0
# So often what comes first is halved for starts at the same place, record by record at
# last, and the time for an answer doubled.
MAX_HALVINGS = 8


class Allowance:
    """One client's, from where delivery to it began."""

    __slots__ = ("_asked_at", "_given", "_quota", "_waits_for", "has_given", "repeats")

    def __init__(self, repeats: int = 0) -> None:
        # How often delivery began at this place before, and nothing was confirmed.
        self.repeats = min(repeats, MAX_HALVINGS)
        # What may go out until the next ping, and what did.
        self._quota = SEVERAL_BYTES >> self.repeats
        self._given = 0
        # The ping that has to be answered before more goes out, and when it was sent.
        self._waits_for: int | None = None
        self._asked_at = 0.0
        # Whether anything was given at all.
        self.has_given = False

    @property
    def is_waiting(self) -> bool:
        """Whether nothing more goes out before the client answers."""
        return self._waits_for is not None

    @property
    def left_bytes(self) -> int:
        """What may go out now; one record may, however long."""
        return max(1, self._quota - self._given)

    def give(self, size_bytes: int) -> bool:
        """So much goes out; true if now it is time to ask for a sign."""
        self.has_given = True
        self._given += size_bytes
        return self._given >= self._quota

    def ask(self, number: int, now: float) -> None:
        """The ping with this number was sent; nothing more until it is answered."""
        self._waits_for, self._asked_at = number, now

    def answered(self, number: int, now: float) -> bool:
        """This ping and those before it were answered; true if more may go out now."""
        if self._waits_for is None or number < self._waits_for:
            return False
        return self.reads_on(now)

    def reads_on(self, now: float) -> bool:
        """It shows so, by an answer or its own word; true if more may go out now."""
        was_waiting = self.is_waiting
        if was_waiting:
            self._adapt(now - self._asked_at)
        self._waits_for, self._given = None, 0
        return was_waiting

    def _adapt(self, seconds: float) -> None:
        """What may go out next, after a sign that took so long."""
        if seconds <= PROMPT_SECONDS:
            self._quota = min(MOST_BYTES, self._quota * 2)
        elif seconds > SLOW_SECONDS:
            self._quota = max(1, self._quota // 2)

    def patience(self, pong_timeout: float, *, most: float) -> float:
        """How long an answer may take, seconds: longer where none came before."""
        return min(pong_timeout * (1 << self.repeats), max(pong_timeout, most))
