"""Which session came into being before which moment: counted, never told by a clock.

Pure values. The broker counts sessions as they begin; each keeps its number, and a
moment is the number that was given last. A session is listed before it is counted: who
reads the number first and the list then, finds all sessions up to it in the list. A
count has a name, random: one that was begun anew says nothing of an earlier one.
"""

import re
from typing import NamedTuple


_BIRTH = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,15})", re.ASCII)


class Birth(NamedTuple):
    """A session's number, or the one that was given last."""

    # The name of the count that it is of, "" for none.
    counter: str
    number: int

    def __str__(self) -> str:
        return f"{self.counter}-{self.number}" if self.counter else "0"

    @classmethod
    def parse(cls, text: str) -> "Birth":
        """Read one; `UNCOUNTED` for anything else, such as the times of version 0.1."""
        match = _BIRTH.fullmatch(text)
        return UNCOUNTED if match is None else cls(match[1], int(match[2]))


# Of a session that version 0.1 began; of a broker in which none was counted yet.
UNCOUNTED = Birth("", 0)


def came_after(birth: Birth, moment: Birth) -> bool:
    """Whether a session came into being after a moment, or may have.

    Of another count nobody knows: then it may, so that nothing is passed over. A
    session that was not counted was there before those that are.
    """
    if not moment.counter:
        return True
    if not birth.counter:
        return False
    return birth.counter != moment.counter or birth.number > moment.number
