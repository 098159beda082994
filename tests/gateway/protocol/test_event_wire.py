"""The flow as server-sent events."""

import json

from tailcast_gateway.delivery.core.encoding import SessionEncoder, document_frame
from tailcast_gateway.protocol.answers import heartbeat
from tailcast_gateway.protocol.client_messages import error_message
from tailcast_gateway.protocol.event_wire import COMMENT, EVENTS
from tailcast_gateway.protocol.limits import limits_of
from tailcast_streams.entries import Kind
from tailcast_streams.position import BEGINNING_CURSOR
from tests.gateway.entries import chain, cursor, entry, marker


def fields(text: bytes) -> dict[str, str]:
    """One event's fields, by the standard's own rules."""
    assert text.endswith(b"\n\n")
    lines = text.decode()[:-2].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert all(lines)
    return dict(line.split(": ", 1) for line in lines)


def test_records() -> None:
    """The message as JSON in one line; its cursor is the ID."""
    entries = chain(10, 20)
    told = fields(SessionEncoder("a", EVENTS).frames(entries, BEGINNING_CURSOR))
    assert told["event"] == "telemetry"
    assert told["id"] == str(cursor("1-20"))
    assert json.loads(told["data"]) == {
        "type": "telemetry", "sessionId": "a", "data": [{"o": 10}, {"o": 20}],
        "cursor": told["id"], "prev": "1-0-00000000",
    }  # fmt: skip  # one glance


def test_c3_only_what_moves_the_cursor_has_an_id() -> None:
    """C3: announcements, documents, heartbeats have none; a gap's is where it ends."""
    encoder = SessionEncoder("a", EVENTS)
    emergency = entry("1-10", "1-0", b'{"emergency":{}}', Kind.EMERGENCY)
    gap = encoder.gap(BEGINNING_CURSOR, cursor("1-10"))
    for event in (
        encoder.frames([emergency], BEGINNING_CURSOR),
        encoder.frames([marker("2-0", "1-10")], emergency.cursor),
        encoder.caught_up(cursor("1-10")),
        gap,
        EVENTS.message({"type": "subscribed", "cursor": "1-0-00000000"}),
    ):
        assert "id" in fields(event)
    assert fields(gap)["id"] == str(cursor("1-10"))
    for event in (
        encoder.announcement(emergency),
        document_frame(emergency, EVENTS),
        EVENTS.message(heartbeat(timestamp="", cursors={"a": "1-0-00000000"})),
        EVENTS.message({"type": "subscribed", "cursor": None}),
        EVENTS.message({"type": "snapshot", "cursor": "1-0-00000000"}),
    ):
        assert "id" not in fields(event)


def test_line_ends_between_tokens() -> None:
    """JSON may have them there, in an event they would end the data."""
    record = entry("1-10", "1-0", b'{"a":\r"\\r\\n"}')
    event = SessionEncoder("a", EVENTS).frames([record], BEGINNING_CURSOR)
    assert json.loads(fields(event)["data"])["data"] == [{"a": "\r\n"}]


def test_delays() -> None:
    """What says when to come back sets the browser's own delay."""
    draining = EVENTS.message({"type": "draining", "reconnectAfterMs": 700})
    assert fields(draining)["retry"] == "700"
    away = EVENTS.message(error_message("unavailable", "away", retry_after_ms=900))
    assert fields(away)["retry"] == "900"


def test_a_comment_is_one_line() -> None:
    """An empty line after it would be an empty event to some libraries."""
    assert COMMENT == b":\n"


def test_an_event_has_limits_as_a_message() -> None:
    """All of it counts: its lines, too."""
    bounded = EVENTS.bounded(limits_of(5_000))
    records = [
        entry(f"1-{n}", f"1-{n - 1}", b'{"x":"%b"}' % (b"x" * 700))
        for n in range(1, 40)
    ]
    told = SessionEncoder("a", bounded).frames(records, BEGINNING_CURSOR)
    events = told.split(b"\n\n")[:-1]
    assert 4_200 < max(map(len, events)) <= 5_000 - 2
    assert EVENTS.size_of({"a": 1}) == 7


def test_messages_of_readers() -> None:
    """The request is JSON."""
    assert EVENTS.json_of(b"{}") == b"{}"
