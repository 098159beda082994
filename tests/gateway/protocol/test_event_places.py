"""The IDs of events for readers of several sessions."""

import pytest

from tailcast_gateway.protocol.client_messages import InvalidMessage
from tailcast_gateway.protocol.event_places import EventPlaces
from tailcast_gateway.protocol.event_wire import EVENTS, MANY_EVENTS


AT = "1a2b3c4d-1234"
FIRST, SECOND = "1-10-0a1b2c3d", "1-20-0a1b2c3e"


def telemetry(session: str, cursor: str) -> bytes:
    """A record's event, as all readers of several sessions get it."""
    start = MANY_EVENTS.start({"type": "telemetry", "sessionId": session})
    return MANY_EVENTS.with_records(start, [b'{"id: ":1}'], {"cursor": cursor})


def positions(*, more: bool = False, **cursors: str | None) -> bytes:
    """What a reader is told first."""
    told = {"type": "positions", "cursors": cursors, "at": AT, "more": more}
    return MANY_EVENTS.message(told)


def ids(events: bytes) -> list[str]:
    """The IDs that a browser sees."""
    found = [line for line in events.decode().split("\n") if line.startswith("id: ")]
    return [line.removeprefix("id: ") for line in found]


def test_an_id_says_where_the_reader_is_in_all_sessions() -> None:
    """From the moment on that this is known."""
    places = EventPlaces(["a", "b", "c"], None)
    assert (places.at, places.cursors) == ("", {})
    assert ids(places.with_ids(telemetry("a", FIRST))) == []
    assert ids(places.with_ids(positions(b=FIRST, more=True))) == []
    told = places.with_ids(positions(c=None, foreign=FIRST) + telemetry("b", SECOND))
    assert ids(told) == [f"{AT},{FIRST},{FIRST},", f"{AT},{FIRST},{SECOND},"]
    gap = {"type": "gap", "sessionId": "c", "from": FIRST, "to": SECOND}
    told = places.with_ids(MANY_EVENTS.message(gap))
    assert ids(told) == [f"{AT},{FIRST},{SECOND},{SECOND}"]
    assert b'data: {"type":"gap"' in told


def test_a_reader_that_comes_back_goes_on_there() -> None:
    """And its first event says so."""
    places = EventPlaces(["a", "b"], f"{AT},{FIRST},")
    assert (places.at, places.cursors) == (AT, {"a": FIRST})
    told = places.with_ids(telemetry("b", SECOND))
    assert ids(told) == [f"{AT},{FIRST},{SECOND}"]


@pytest.mark.parametrize(
    "id",
    ["", FIRST, f"{AT},{FIRST}", f"{AT},{FIRST},{FIRST},", f"x,{FIRST},", f"{AT},x,"],
)
def test_an_id_of_another_stream_is_none(id: str) -> None:
    """Nobody goes on at a place that was never theirs."""
    with pytest.raises(InvalidMessage, match="of another stream"):
        EventPlaces(["a", "b"], id)


def test_the_id_of_one_session_is_its_cursor() -> None:
    """As before there could be several."""
    start = EVENTS.start({"type": "telemetry", "sessionId": "a"})
    assert ids(EVENTS.with_record(start, b"{}", {"cursor": FIRST})) == [FIRST]
    assert ids(EVENTS.with_record(start, b"{}", {"early": True})) == []
