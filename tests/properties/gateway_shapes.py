"""What a client may ask for, and which records it then does not get.

Every line of a file takes as many bytes, so a cursor says how many lines lie before it:
that is what frames are held against, whatever the form leaves out.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tailcast_streams.position import Cursor
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

    def count_records(self, start: int, stop: int) -> int:
        """How many records, emergencies left out, these lines are."""
        return sum(
            self.passes(number) and not is_emergency(number)
            for number in range(start, stop)
        )

    def check(self, message: dict[str, Any]) -> None:
        """Records of a message have this form, and it says what it left out."""
        keys = PROJECTED if self.is_projected else WHOLE
        assert all(record.keys() == keys for record in message["data"]), message
        numbers = [int(record["n"]) for record in message["data"]]
        assert all(self.passes(number) for number in numbers), message
        assert message.get("steps") == (numbers if self.is_projected else None)
        may_be_sampled = bool(self.points) and message.get("replayed", False)
        assert may_be_sampled or "sampled" not in message, message


PLAIN = Shape()

# Where a `subscribe` has delivery begin; a cursor is one that the client was told.
PLACES: tuple[Any, ...] = (
    None, "now", "start", {"last": 3}, {"step": 2}, {"step": 9}, "cursor",
)  # fmt: skip  # one glance
SHAPES = (
    PLAIN,
    Shape(even=0),
    Shape(even=1),
    Shape(is_projected=True),
    Shape(points=2),
    Shape(points=5),
    Shape(even=1, is_projected=True, points=3),
)


class Request(NamedTuple):
    """A `subscribe`, which sessions it is about, and in which form."""

    message: dict[str, Any]
    about: set[str]
    shape: Shape = PLAIN


def plain_request(how: int) -> Request:
    """One of the usual ones."""
    session = "ab"[how % 2]
    choice = how % 8
    if choice in (0, 1):
        return Request({"sessionId": session}, {session})
    if choice in (2, 3):
        return Request({"sessionId": session, "from": "start"}, {session})
    if choice == 4:
        return Request({"sessionIds": ["a", "b"], "replay": 2}, {"a", "b"})
    if choice == 5:
        return Request({"sessionId": session, "replay": 3, "add": True}, {session})
    if choice == 6:
        return Request({}, {"a", "b"})
    return Request({"sessionIds": ["?"], "from": "start"}, {"a", "b"})


def any_request(how: int, known: dict[str, list[str]]) -> Request:
    """Any: who, from where, in which form, and what beside.

    Args:
        how: which of them; below `REQUESTS`, and beyond it the same again.
        known: cursors that the client was told, by session.
    """
    how, choice = divmod(how, 4)
    who, about = (
        ({"sessionId": "a"}, {"a"}),
        ({"sessionId": "b"}, {"b"}),
        ({"sessionIds": ["b", "?"]}, {"a", "b"}),
        (dict[str, Any](), {"a", "b"}),
    )[choice]
    how, place = divmod(how, len(PLACES))
    start = PLACES[place]
    if start == "cursor":
        cursors = known[min(about)]
        start = {"cursor": cursors[how % len(cursors)]} if cursors else "start"
    if isinstance(start, dict) and "last" not in start and len(about) > 1:
        start = "start"
    how, shape = divmod(how, len(SHAPES))
    message: dict[str, Any] = {**who, **SHAPES[shape].fields()}
    message |= {} if start is None else {"from": start}
    message |= {"add": True} if how % 2 else {}
    message |= {"snapshot": True} if how // 2 % 2 else {}
    return Request(message, about, SHAPES[shape])


REQUESTS = 4 * len(PLACES) * len(SHAPES) * 4


@dataclass
class ParsedQuery:
    """A `subscribe`, until it is answered."""

    message: dict[str, Any]
    # What it is about, and what the client wants from the answer on.
    about: set[str]
    wanted: set[str]
    shape: Shape = PLAIN
    # Generation and lines that were stored when it was sent, by session.
    stored: dict[str, tuple[int, int]] = field(
        default_factory=dict[str, tuple[int, int]]
    )

    @property
    def start(self) -> Any:
        """Where it says that delivery begins; None if it does not say."""
        replay = self.message.get("replay")
        if replay is not None:
            return {"last": replay}
        return self.message.get("from") or self.message.get("cursors") or None


@dataclass
class Counted:
    """Records of a reduced replay that frames stood for, from a line on."""

    start: int
    upsets: int
    records: int = 0


def is_emergency(number: int) -> bool:
    """Whether a line with this number is one."""
    return number % 4 == 3


def lines_before(cursor: str | None) -> int:
    """How many lines of its file lie before a cursor."""
    return 0 if cursor is None else Cursor.parse(cursor).id.offset // WIDTH
