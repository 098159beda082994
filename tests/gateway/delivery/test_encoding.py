import json
from typing import Any, cast

import msgpack
import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.delivery.core.encoding import (
    SLICE_BYTES,
    SessionEncoder,
    document_frame,
    documents,
    history_frame,
    pieces,
    told,
)
from tailcast_gateway.protocol.breaks import Break, rewind
from tailcast_gateway.protocol.client_messages import Subscribe, parse
from tailcast_gateway.protocol.limits import limits_of
from tailcast_gateway.protocol.links import record_link
from tailcast_gateway.protocol.wires import JSON, MSGPACK, Wire
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_gateway.views.view import View, Views
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import NOTHING, Cursor
from tests.gateway.entries import chain, cursor, entry, id_of, marker
from tests.properties.gateway_frames import frames_of, payloads


encoder = SessionEncoder('a "b"/ü', JSON)


def messages(frames: bytes) -> list[dict[str, Any]]:
    """What frames say."""
    return [json.loads(payload) for payload in payloads(frames)]


def test_records_share_a_frame() -> None:
    """Spliced as stored, with the cursor of the last and what they follow."""
    frames = encoder.frames([marker(), *chain(10, 20)], NOTHING)
    assert messages(frames) == [
        {
            "type": "telemetry",
            "sessionId": 'a "b"/ü',
            "data": [{"o": 10}, {"o": 20}],
            "cursor": str(cursor("1-20")),
            "prev": "1-0-00000000",
        }
    ]


WIRES = [
    JSON,
    MSGPACK,
    JSON.bounded(limits_of(4_096)),
    MSGPACK.bounded(limits_of(5_000)),
]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fields", [{}, {"metrics": ["x"], "index": True}])
@given(
    sizes=st.lists(st.integers(0, 9_000), max_size=20), filler=st.sampled_from('xé"')
)
def test_messages_are_bounded(
    wire: Wire, fields: dict[str, Any], sizes: list[int], filler: str
) -> None:
    """Records share one that all of them fit, and none is cut off."""
    records = [
        json.dumps({"step": 10**15 + n, "x": [0.5] * (size % 50), "y": filler * size})
        for n, size in enumerate(sizes)
    ]
    entries = [
        entry(f"1-{n + 1}", f"1-{n}", text.encode()) for n, text in enumerate(records)
    ]
    frames = SessionEncoder("a", wire).frames(
        entries, cursor("1-0", b""), view_of(**fields), replayed=True
    )
    read: Any = msgpack.unpackb if wire.is_binary else json.loads
    told = 0
    place = "1-0-00000000"
    for _, payload in frames_of(frames):
        message = read(payload)
        records_in = message["data"]
        assert message["prev"] == place
        place = message["cursor"]
        if len(records_in) > 1:
            assert len(payload) <= wire.limits.several
        assert len(payload) <= wire.limits.single
        for one in records_in:
            is_told = one.get("x") == [0.5] * (sizes[told] % 50)
            assert is_told != message.get("truncated", False)
            told += 1
    assert told == len(entries)


def test_messages_are_as_full_as_they_may_be() -> None:
    """A record that the one before has room for goes with it."""
    record = b'{"x":"%b"}' % (b"x" * 1_000)
    entries = [entry(f"1-{n}", f"1-{n - 1}", record) for n in range(1, 100)]
    found = messages(encoder.frames(entries, cursor("1-0", b"")))
    assert [len(one["data"]) for one in found] == [31, 31, 31, 6]


def test_too_long_for_any_message() -> None:
    """Where it is to be had stands in its place; emergencies and documents as well."""
    record = b'{"x":"%b"}' % (b"x" * 983_040)
    for kind, name in ((Kind.RECORD, "telemetry"), (Kind.EMERGENCY, "emergency")):
        one = entry("1-10", "1-0", record, kind)
        (told,) = messages(encoder.frames([one], cursor("1-0", b"")))
        assert (told["type"], told["truncated"]) == (name, True)
        stands = told["data"][0] if kind is Kind.RECORD else told["data"]
        assert stands == {
            "truncated": True,
            "url": f"../api/record?sessionId=a%20%22b%22%2F%C3%BC&cursor={one.cursor}",
            "bytes": len(record),
        }
        assert (told["cursor"], told["prev"]) == (str(one.cursor), "1-0-00000000")
    (told,) = messages(encoder.announcement(one))
    assert told["truncated"]
    (told,) = messages(document_frame(one, JSON))
    assert told["truncated"]
    link = f"../api/record?sessionId=%21emergencies&cursor={one.cursor}"
    assert told["data"]["url"] == link


def test_an_emergency_stands_in_its_place() -> None:
    """It parts the records around it."""
    alarm = entry("1-20", "1-10", b'{"emergency":{}}', Kind.EMERGENCY)
    entries = [*chain(10), alarm, *chain(30, previous="1-20")]
    before, told_alarm, after = messages(encoder.frames(entries, NOTHING))
    assert told_alarm == {
        "type": "emergency",
        "sessionId": 'a "b"/ü',
        "data": {"emergency": {}},
        "cursor": str(alarm.cursor),
        "prev": before["cursor"],
        "id": f'a "b"/ü/{alarm.cursor}',
    }
    assert after["prev"] == told_alarm["cursor"]
    (early,) = messages(encoder.announcement(alarm))
    assert early["early"] is True
    assert early["id"] == told_alarm["id"]
    assert "cursor" not in early


def rewind_of(**details: str) -> dict[str, Any]:
    """What a marker with these details is told as."""
    rewound = marker("2-5", "1-10", **details)
    (told,) = messages(encoder.frames([rewound], cursor("1-10")))
    return told


def test_a_later_marker_is_a_rewind() -> None:
    """With what it says about itself, and nothing where it says nothing."""
    assert rewind_of(reason="replaced", step="7.5", complete="1") == {
        "type": "rewind", "sessionId": 'a "b"/ü', "cursor": "2-5-00000000",
        "generation": "2", "reason": "replaced", "step": 7.5, "complete": True,
    }  # fmt: skip  # one glance
    bare = rewind_of()
    assert (bare["reason"], bare["step"], bare["complete"]) == (
        "truncated",
        None,
        False,
    )
    assert rewind_of(step="soon")["step"] is None
    assert "rotated" not in bare
    assert rewind_of(reason="replaced", rotated="true")["rotated"] is True


def test_gaps() -> None:
    """Of the stream, and of ours; their end is where delivery goes on."""
    lost = entry("1-50", "1-10", b"", Kind.GAP, {"reason": "file_lost"})
    odd = entry("1-60", "1-50", b"", Kind.GAP, {"reason": "no idea"})
    bare = entry("1-70", "1-60", b"", Kind.GAP)
    found = messages(encoder.frames([lost, odd, bare], cursor("1-10")))
    reasons = [one["reason"] for one in found]
    assert reasons == ["file_lost", "file_lost", "left_out"]
    assert (found[0]["from"], found[0]["to"]) == (
        str(cursor("1-10")),
        "1-50-00000000",
    )
    (ours,) = messages(encoder.gap(NOTHING, Cursor(id_of("1-50"), 0)))
    assert (ours["from"], ours["reason"]) == ("1-0-00000000", "trimmed")


def test_a_break() -> None:
    """It is of the session, and has what is told of it."""
    one = Break("rewind", rewind(cursor("2-10"), "truncated"))
    assert messages(encoder.break_frame(one)) == [
        {"type": "rewind", "sessionId": encoder.session, **one.fields}
    ]


def test_caught_up() -> None:
    """With the cursor, or null while there is nothing."""
    (at,) = messages(encoder.caught_up(cursor("1-10")))
    assert at["cursor"] == str(cursor("1-10"))
    (nowhere,) = messages(encoder.caught_up(NOTHING))
    assert nowhere["cursor"] is None
    assert told(NOTHING) is None
    assert "reached" not in at


def test_caught_up_before_what_was_asked_for() -> None:
    """It says how far the run is, as it has not come to the step that was meant."""
    (behind,) = messages(encoder.caught_up(cursor("1-10"), reached=40))
    assert (behind["cursor"], behind["reached"]) == (str(cursor("1-10")), 40)


def document(number: int, details: dict[str, str] | None) -> Entry:
    """A whole-file emergency."""
    return entry(f"1-{number}", "0-0", b'{"n":%d}' % number, Kind.EMERGENCY, details)


def test_documents() -> None:
    """Those of subscribed sessions and of none; history only if asked for."""
    subscription = Subscription([Rule("a", False, True, Begin.NOW)])  # fields
    entries = [
        document(1, {"session": "a", "path": "p", "news": "1", "id": "p/x"}),
        document(2, {"session": "b", "path": "p", "news": "1"}),
        document(3, {"session": "", "path": "q", "news": "0"}),
        document(4, None),
    ]
    found = messages(documents(entries, subscription, JSON, with_history=False))
    assert [one["data"]["n"] for one in found] == [1, 4]
    assert found[0]["sessionId"] == "a"
    assert found[0]["id"] == "p/x"
    assert found[0]["cursors"] == {"!emergencies": str(entries[0].cursor)}
    assert "sessionId" not in found[1]
    found = messages(documents(entries, subscription, JSON, with_history=True))
    assert [one["data"]["n"] for one in found] == [1, 3, 4]


@pytest.mark.parametrize("wire", WIRES)
def test_one_of_long_ago(wire: Wire) -> None:
    """It moves no cursor; what is too long for the wire, or not there, is a link."""
    place, said = ("a/ü", cursor("1-9")), {"id": "a/ü/1-9", "replayed": True}

    def told_of(record: bytes | None, session: str = "a/ü") -> dict[str, Any]:
        frame = history_frame(
            wire, session=session, place=place, record=record, fields=said
        )
        ((_, payload),) = frames_of(frame)
        read: Any = msgpack.unpackb(payload) if wire.is_binary else json.loads(payload)
        return cast(dict[str, Any], read)

    start = {"type": "emergency", "sessionId": "a/ü"}
    assert told_of(b'{"a":1}') == {**start, "data": {"a": 1}, **said}
    assert "sessionId" not in told_of(b"{}", "")
    link = {"truncated": True, "url": record_link(*place)}
    assert told_of(None) == {**start, "data": link, **said, "truncated": True}
    long = b'{"a":"%s"}' % (b"x" * wire.limits.single)
    data = {**link, "bytes": len(long)}
    assert told_of(long) == {**start, "data": data, **said, "truncated": True}


def test_documents_that_are_missing() -> None:
    """Everybody is told of them."""
    subscription = Subscription([Rule("a", False, True, Begin.NOW)])  # fields
    gap = entry("1-2", "1-1", b"", Kind.GAP, {"reason": "trimmed"})
    found = messages(documents([gap], subscription, JSON, with_history=False))
    assert found == [
        {
            "type": "gap",
            "sessionId": "!emergencies",
            "from": "1-1-00000000",
            "to": "1-2-00000000",
            "reason": "trimmed",
        }
    ]


def test_pieces() -> None:
    """Runs of a bounded size; nothing is lost between them."""
    big = [entry(f"1-{n}", record=b"x" * (SLICE_BYTES // 2)) for n in range(1, 6)]
    runs = list(pieces(big))
    assert [len(run) for run in runs] == [2, 2, 1]
    assert [one for run in runs for one in run] == big
    assert [len(run) for run in pieces(big[:2])] == [2]


def view_of(**fields: Any) -> View:
    """The form that a `subscribe` with these fields asks for."""
    text = json.dumps({"type": "subscribe", **fields}).encode()
    message = parse(text)
    assert isinstance(message, Subscribe)
    return Views().view_of(message)


def test_frames_in_a_form() -> None:
    """Projected, with an index; contiguous as long as no record is left out."""
    view = view_of(metrics=["b"], index=True)
    record = entry("1-10", "1-0", b'{"step":1,"a":1,"b":2.50}')
    (told,) = messages(encoder.frames([record], cursor("1-0", b""), view))
    assert told["data"] == [{"step": 1, "b": 2.5}]
    assert (told["steps"], told["times"]) == ([1], [None])
    assert told["prev"] == "1-0-00000000"
    (told,) = messages(encoder.frames([record], NOTHING, view_of(maxRate=1)))
    assert "prev" not in told


def test_what_records_stand_for() -> None:
    """Each frame says how many its records stand for; emergencies say nothing."""
    alarm = entry("1-20", "1-10", b'{"emergency":{}}', Kind.EMERGENCY)
    entries = [*chain(10), alarm, *chain(30, 40, previous="1-20")]
    found = messages(encoder.frames(entries, NOTHING, counts=[5, 0, 1, 7]))
    assert [one.get("sampled") for one in found] == [{"of": 5}, None, {"of": 8}]
    assert not any("prev" in one for one in found)
