"""What a client asks for besides a place, and which records it then does not get.

Every line of a file takes as many bytes, so a cursor says how many lines lie before it:
that is what frames are held against, whatever the form leaves out.
"""

from typing import Any, NamedTuple

from telemetry_stream.position import Cursor
from tests.properties.gateway_sources import WIDTH


WHOLE = {"n", "life", "even", "otherwise"}
PROJECTED = {"n", "life"}


class Shape(NamedTuple):
    """In which form records are asked for."""

    # Records with this `even` alone; None for all.
    even: int | None = None
    # Only what `PROJECTED` names, with their steps beside them.
    is_projected: bool = False
    # What a replay is reduced to, 0 for all.
    points: int = 0

    def fields(self) -> dict[str, Any]:
        """What a `subscribe` says of it."""
        found: dict[str, Any] = {}
        if self.even is not None:
            found["where"] = {"metric": "even", "op": "eq", "value": self.even}
        if self.is_projected:
            found |= {"metrics": ["life"], "index": True}
        if self.points:
            found["maxPoints"] = self.points
        return found

    def passes(self, number: int) -> bool:
        """Whether a filter lets a line pass; emergencies always do."""
        is_held_back = self.even is not None and int(number % 2 == 0) != self.even
        return is_emergency(number) or not is_held_back

    def may_skip(self, start: int, stop: int, *, is_sampled: bool) -> bool:
        """Whether these lines, all of them, may be left out."""
        return not any(
            is_emergency(number) if is_sampled else self.passes(number)
            for number in range(start, stop)
        )

    def count(self, start: int, stop: int) -> int:
        """How many records, emergencies left out, these lines are."""
        return sum(
            self.passes(number) and not is_emergency(number)
            for number in range(start, stop)
        )

    def check(self, message: dict[str, Any]) -> None:
        """A `telemetry` message's records have this form, and say what they left out."""
        keys = PROJECTED if self.is_projected else WHOLE
        assert all(record.keys() == keys for record in message["data"]), message
        numbers = [int(record["n"]) for record in message["data"]]
        assert all(self.passes(number) for number in numbers), message
        assert message.get("steps") == (numbers if self.is_projected else None)
        may_be_sampled = bool(self.points) and message.get("replayed", False)
        assert may_be_sampled or "sampled" not in message, message


PLAIN = Shape()


def is_emergency(number: int) -> bool:
    """Whether a line with this number is one."""
    return number % 4 == 3


def lines_before(cursor: str | None) -> int:
    """How many lines of its file lie before a cursor."""
    return 0 if cursor is None else Cursor.parse(cursor).id.offset // WIDTH
