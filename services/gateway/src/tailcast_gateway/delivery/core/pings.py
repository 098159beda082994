"""The pings that one connection was sent, and which of them were answered.

Pure. What never lives here: when to ping, and what follows where no answer comes.
"""


class Pings:
    """The pings of one connection, numbered: which of them were answered."""

    __slots__ = ("_echoes", "answered", "sent")

    def __init__(self) -> None:
        # How many were sent, and the latest of them that was answered.
        self.sent = 0
        self.answered = 0
        # Whether the peer has sent a number of ours back, as the standard has it.
        self._echoes = False

    def next(self) -> bytes:
        """Another one is sent: what it carries."""
        self.sent += 1
        return b"%d" % self.sent

    def pong(self, payload: bytes) -> int:
        """The latest that is answered, by a pong that came.

        Some libraries send nothing back of what a ping carries. A pong without a number
        of ours answers the oldest ping that is not answered, which is never too late a
        one as long as it is an answer at all. It is none from a peer that has shown to
        send numbers back: that one says of its own accord that it is there.
        """
        number = _number(payload)
        if 0 < number <= self.sent:
            self._echoes = True
            self.answered = max(self.answered, number)
        elif not self._echoes and self.answered < self.sent:
            self.answered += 1
        return self.answered


def _number(payload: bytes) -> int:
    """The number that a pong carries, 0 if it is none of ours."""
    is_number = payload.isdigit() and len(payload) < 16  # noqa: PLR2004  # in 64 bits
    return int(payload) if is_number else 0
