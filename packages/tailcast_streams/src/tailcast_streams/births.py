"""Births: the order in which sessions were created, by numbers and not by a clock.

Pure values. The broker gives each new session the next number; a moment is the number
that was given last. A session is listed before it gets its number. So a reader that
first reads the last number and then the list finds all sessions up to that number in
the list. A count has a random name, since the numbers of two counts cannot be compared.
"""

import re
from typing import NamedTuple


_BIRTH = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,15})", re.ASCII)


class Birth(NamedTuple):
    """A session's number, or the one that was given last."""

    # The name of its count, "" for none.
    counter: str
    number: int

    def __str__(self) -> str:
        return f"{self.counter}-{self.number}" if self.counter else "0"

    @classmethod
    def parse(cls, text: str) -> "Birth":
        """Read a birth; `UNCOUNTED` for other texts, as the times of version 0.1."""
        match = _BIRTH.fullmatch(text)
        return UNCOUNTED if match is None else cls(match[1], int(match[2]))


# The birth of a session that version 0.1 began, and of a broker without a count.
UNCOUNTED = Birth("", 0)


def came_after(birth: Birth, moment: Birth) -> bool:
    """Whether a session was created after a moment, or may have been.

    If the two are of different counts, it may have been, so that no session is left
    out. A session without a number was created before those with one.
    """
    if not moment.counter:
        return True
    if not birth.counter:
        return False
    return birth.counter != moment.counter or birth.number > moment.number
