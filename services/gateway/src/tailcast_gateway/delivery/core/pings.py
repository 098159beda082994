"""The pings that were sent over one connection, and which of them were answered.

Pure. When to ping, and what a missing answer means, is decided elsewhere.
"""


class Pings:
    """The numbered pings of one connection."""

    __slots__ = ("_echoes", "answered", "sent")

    def __init__(self) -> None:
        # How many were sent, and the number of the latest that was answered.
        self.sent = 0
        self.answered = 0
        # Whether the peer has sent a number back, as the standard demands.
        self._echoes = False

    def next(self) -> bytes:
        """Count another ping; returns the payload that it carries."""
        self.sent += 1
        return b"%d" % self.sent

    def pong(self, payload: bytes) -> int:
        """Note a pong; returns the number of the latest ping that is answered.

        Some libraries do not send a ping's payload back. So a pong without one of our
        numbers counts as the answer to the oldest ping without an answer, which is
        never too late a ping. But from a peer that has sent a number back before, such
        a pong answers nothing: the peer sent it without a ping.
        """
        number = _number(payload)
        if 0 < number <= self.sent:
            self._echoes = True
            self.answered = max(self.answered, number)
        elif not self._echoes and self.answered < self.sent:
            self.answered += 1
        return self.answered


def _number(payload: bytes) -> int:
    """The number that a pong carries, 0 if it cannot be one of ours."""
    is_number = payload.isdigit() and len(payload) < 16  # noqa: PLR2004  # in 64 bits
    return int(payload) if is_number else 0
