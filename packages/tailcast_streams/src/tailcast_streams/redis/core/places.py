"""How a place is spelled in a sorted set: `RECORDS ID STEP TIME`. Pure.

Members of the same score are in the order of their texts. So the number of records is
first and has as many digits as the greatest one: equal scores are in records' order.
"""

from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.indexes import Place
from tailcast_streams.position import EntryID


_DIGITS = 16
_NONE = "-"


def records_text(records: int) -> str:
    """The beginning of the members at so many records."""
    return f"{records:0{_DIGITS}d}"


def place_text(place: Place) -> str:
    """The member of a set that stands for a place."""
    step = _NONE if place.step is None else repr(place.step)
    time = _NONE if place.time_ms is None else str(place.time_ms)
    return f"{records_text(place.records)} {place.id} {step} {time}"


def place_of(member: bytes) -> Place | None:
    """The place of a member; None if somebody wrote something else by hand."""
    parts = member.decode(errors="replace").split(" ")
    try:
        records, id, step, time = parts
        return Place(EntryID.parse(id), int(records), _step(step), _time_ms(time))
    except (ValueError, InvalidPosition):
        return None


def _step(text: str) -> int | float | None:
    if text == _NONE:
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def _time_ms(text: str) -> int | None:
    return None if text == _NONE else int(text)
