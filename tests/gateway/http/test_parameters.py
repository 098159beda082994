"""What a query of an HTTP request asks for."""

import json
from typing import Any

import pytest
from msgspec import UNSET

from tailcast_gateway.http.core.parameters import (
    emergencies_wanted,
    from_in,
    max_message_in,
    names_in,
    only_session,
    parsed_query,
    place_in,
    session_in,
    sessions_of_events,
)
from tailcast_gateway.protocol.client_messages import InvalidMessage
from tailcast_gateway.protocol.event_places import EventPlaces
from tailcast_gateway.views.subscription import AtStep, AtTime, Begin, Last
from tailcast_gateway.views.view import PLAIN, Views
from tests.gateway.entries import cursor


VIEWS = Views()


@pytest.mark.parametrize("text", ["", "4095", "983041", "x", "-5000", "1e5", "٤٠٩٦٠"])
def test_a_longest_message_that_cannot_be(text: str) -> None:
    """It is refused with what can be."""
    with pytest.raises(InvalidMessage, match="from 4096 to 983040"):
        max_message_in(text)


def test_how_many_emergencies_come_first() -> None:
    """As over a WebSocket."""
    assert parsed_query("a", VIEWS, emergencies=5).message.emergencies == 5
    assert parsed_query("a", VIEWS).message.emergencies is UNSET


def test_which_emergencies() -> None:
    """By names and wildcards, kinds and times; none of these asks for all."""
    asked: dict[str, Any] = {
        "severities": ["low"], "since": "2025-01-01", "until": "5e3",
        "acknowledged": True, "rewound": None,
    }  # fmt: skip  # one glance
    wanted = emergencies_wanted(["a", "run_*"], **asked)
    assert wanted.sessions is not None
    names = ("a", "run_1", "b")
    assert [wanted.sessions.matches(name) for name in names] == [True, True, False]
    assert wanted[1:] == (
        frozenset({"low"}), 1_735_689_600_000, False, 5_000, True, None,
    )  # fmt: skip  # one glance
    assert emergencies_wanted([], **asked).sessions is None


def test_the_longest_message() -> None:
    """As an address asks for it."""
    assert max_message_in(None) is None
    assert [max_message_in(text) for text in ("4096", "983040")] == [4_096, 983_040]


def test_places() -> None:
    """The words of `from`; a cursor beside it wins."""
    for text, place in (
        ("start", Begin.START), ("now", Begin.NOW), ("last:5", Last(5)),
        ("step:7", AtStep(7)), ("time:5", None),
        ("time:2025-12-18T01:30:00Z", AtTime(1_766_021_400_000)),
        ("cursor:1-10-00000000", cursor("1-10", b"")),
    ):  # fmt: skip  # one glance
        if place is None:
            with pytest.raises(InvalidMessage):
                parsed_query("a", VIEWS, start=text)
        else:
            assert parsed_query("a", VIEWS, start=text).plan.start == place
    assert parsed_query("a", VIEWS).plan.start is None
    after = parsed_query("a", VIEWS, start="last:1", after="1-10-00000000")
    assert after.plan.start == cursor("1-10", b"")
    assert after.message.session_id == "a"
    before = parsed_query("a", VIEWS, start="last:1", before="1-10-00000000")
    assert before.plan.start == cursor("1-10", b"")
    assert (after.is_backward, before.is_backward) == (False, True)
    with pytest.raises(InvalidMessage):
        parsed_query("a", VIEWS, after="1-10-00000000", before="1-10-00000000")


@pytest.mark.parametrize(
    "text", ["", "x", "start:1", "last", "last:x", "step:{", "!:1"]
)
def test_no_places(text: str) -> None:
    """Whatever else is refused."""
    with pytest.raises(InvalidMessage):
        parsed_query("a", VIEWS, start=text)


def test_forms() -> None:
    """A condition as JSON, metrics by their names."""
    assert parsed_query("a", VIEWS).view is PLAIN
    where = '{"metric":"phi","op":"lt","value":0.5}'
    view = parsed_query("a", VIEWS, where=where, metrics=["phi,loss"]).view
    assert view.where is not None
    assert view.projection is not None
    for text in ("{", '{"op":"lt"}'):
        with pytest.raises(InvalidMessage):
            parsed_query("a", VIEWS, where=text)


@pytest.mark.parametrize(
    ("texts", "metrics"),
    [
        (['["a,b","c"]'], ["a,b", "c"]),
        (["a,[b"], ["a", "[b", "a,[b"]),
        (["[b,c"], ["[b", "c", "[b,c"]),
        (["a"], ["a"]),
        (["a,b", "c"], ["a,b", "c"]),
        ([",".join("a" * 100)], ["a"] * 100),
        ([f"a,{'b' * 1_023}"], ["a", "b" * 1_023]),
    ],
)
def test_names_with_commas(texts: list[str], metrics: list[str]) -> None:
    """In a JSON list, one for each parameter, or alone: it may be a list as well."""
    assert parsed_query("a", VIEWS, metrics=texts).message.metrics == metrics


def test_a_condition_stays_as_it_was_written() -> None:
    """Whole numbers of any length too; what is nested too deeply is refused."""
    where = '{"metric":"n","op":"gt","value":340282366920938463463374607431768211456}'
    assert parsed_query("a", VIEWS, where=where).message.where == json.loads(where)
    for levels in (101, 950, 50_000):
        with pytest.raises(InvalidMessage):
            parsed_query("a", VIEWS, where="[" * levels + "]" * levels)


def test_places_on_an_axis() -> None:
    """Numbers, and texts of times where it is one of times."""
    assert place_in("from", None, is_time=False) is None
    assert place_in("from", "-1.5", is_time=False) == -1.5
    time_ms = 1_766_021_400_000
    assert place_in("to", "2025-12-18T01:30:00Z", is_time=True) == time_ms
    assert place_in("to", str(time_ms), is_time=True) == time_ms
    # A `+` that was not escaped arrives as a blank.
    zoned = "2025-12-18T03:30:00 02:00"
    assert place_in("to", zoned, is_time=True) == time_ms
    assert from_in(f"time:{zoned}") == {"time": "2025-12-18T03:30:00+02:00"}
    assert from_in("cursor:a b") == {"cursor": "a b"}
    for text, is_time in (("inf", False), ("2025-12-18", False), ("now", True)):
        with pytest.raises(InvalidMessage, match="to: "):
            place_in("to", text, is_time=is_time)


def test_sessions_in_paths() -> None:
    """The word at the end is the resource, unless its slash is escaped."""
    word = "records"
    assert session_in(b"/x/api/sessions/a/b/records", before=word) == "a/b"
    assert session_in(b"/api/sessions/a%2Frecords", before=word) is None
    assert session_in(b"/api/sessions/a%2fb%20c/records", before=word) == "a/b c"
    assert session_in(b"/api/sessions/records", before=word) is None


def test_one_session() -> None:
    """None and several are refused."""
    assert only_session(["a"]) == "a"
    for names in ([], ["a", "b"]):
        with pytest.raises(InvalidMessage):
            only_session(names)


def test_the_longest_message_is_asked_for_as_over_a_websocket() -> None:
    """An event stream has it from its address."""
    assert parsed_query("a", VIEWS, max_message=8_192).message.max_message == 8_192


def test_names_of_metrics() -> None:
    """Of a list the whole is no name."""
    assert names_in(None) is None
    assert names_in(["a,b"]) == ["a", "b"]
    assert names_in(["a,b", "c"]) == ["a,b", "c"]
    assert names_in(['["a,b"]']) == ["a,b"]
    for texts in ([""], [f"m{at}" for at in range(101)]):
        with pytest.raises(InvalidMessage, match="metrics: name 1 to 100"):
            names_in(texts)
    for texts in (["a", ""], ['["a",""]'], ["x" * 1_025]):
        with pytest.raises(InvalidMessage, match="a name has 1 to 1,024 characters"):
            names_in(texts)


def test_the_sessions_of_an_event_stream() -> None:
    """Each once, in the order of the address; there is a most of them."""
    assert sessions_of_events(["b", "a", "b"]) == ["b", "a"]
    many = [f"s{number}" for number in range(65)]
    assert sessions_of_events(many[:64]) == many[:64]
    for names in ([], ["a", ""], many):
        with pytest.raises(InvalidMessage, match="up to 64 of them"):
            sessions_of_events(names)


def test_several_sessions_go_on_where_an_id_says() -> None:
    """Whatever they are called: no name is a pattern."""
    names = ["a*", "b?\\"]
    places = EventPlaces(names, "1a2b3c4d-7,1-10-0a1b2c3d,")
    message = parsed_query(names, VIEWS, places=places).message
    assert message.session_ids == ["a\\*", "b\\?\\\\"]
    assert message.cursors == {"a*": "1-10-0a1b2c3d"}
    assert message.at == "1a2b3c4d-7"
    begun = parsed_query(names, VIEWS, places=EventPlaces(names, None)).message
    assert (begun.cursors, begun.at) == (None, None)
