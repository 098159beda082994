"""Messages of many items are short enough for whoever gets them."""

import json
from typing import Any

import msgpack
import pytest

from tailcast_gateway.commands.core.parts import (
    answer_within,
    closing,
    heartbeats,
    history_page,
    lists,
    positions,
    snapshot_within,
)
from tailcast_gateway.protocol.answers import Message, Pulse
from tailcast_gateway.protocol.client_messages import History
from tailcast_gateway.protocol.event_wire import EVENTS
from tailcast_gateway.protocol.limits import limits_of
from tailcast_gateway.protocol.wires import JSON, MSGPACK, Wire
from tailcast_gateway.sessions.core.catalogue import snapshot
from tailcast_gateway.sessions.core.descriptions import Described
from tailcast_gateway.sessions.core.pages import Page
from tailcast_gateway.sessions.core.runs import Known, SeenRun
from tailcast_gateway.sessions.core.told import SeenSession, end_of
from tailcast_streams.births import Birth
from tailcast_streams.position import NOTHING
from tailcast_streams.session_state import SessionState, StoredPosition
from tests.gateway.entries import cursor, entry, id_of
from tests.properties.gateway_frames import frames_of


WIRES = [JSON, MSGPACK, EVENTS, JSON.bounded(limits_of(5_000))]


def told(wire: Wire, *parts: Message, most: int | None = None) -> list[Any]:
    """What messages say, each of which fits."""
    found: list[Any] = []
    for part in parts:
        frame = wire.message(part)
        if wire is EVENTS:
            payload = frame
            found.append(json.loads(frame.split(b"data: ")[1].split(b"\n")[0]))
        else:
            ((_, payload),) = frames_of(frame)
            read: Any = msgpack.unpackb if wire.is_binary else json.loads
            found.append(read(payload))
        assert len(payload) <= (most or wire.limits.several)
    return found


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", ["session", "é" * 200, "\x01" * 300])
def test_positions_are_bounded(wire: Wire, name: str) -> None:
    """Many sessions are several messages; all but the last say that more come."""
    places = [(f"{name}{n:05}", cursor(f"1-{n + 1}")) for n in range(2_000)]
    expected = {session: str(place) for session, place in places}
    for found in (
        told(wire, *positions(places, wire, at=Birth("0a1b2c3d", 5), id="\x01" * 256)),
        told(wire, *closing(places, wire)),
    ):
        assert len(found) > 1
        assert [one["more"] for one in found] == [True] * (len(found) - 1) + [False]
        cursors = {key: at for one in found for key, at in one["cursors"].items()}
        assert cursors == expected
    (empty,) = positions([("a", NOTHING)], wire, at=Birth("0a1b2c3d", 5), id=None)
    assert empty["cursors"] == {"a": None}


@pytest.mark.parametrize("wire", WIRES)
def test_heartbeats_are_bounded(wire: Wire) -> None:
    """What changed of many sessions comes in several, each good for itself."""
    places = [
        (f"s{n}", None if n % 3 == 0 else f"1-{n}-00000000", f"1-{n}-00000000")
        for n in range(2_000)
    ]
    found = told(
        wire,
        *heartbeats(wire, places, timestamp="t", pulse=Pulse("fresh", 7), replica="r"),
    )
    assert len(found) > 1
    said = {(one["feed"], one["lagMs"], one["replica"]) for one in found}
    assert said == {("fresh", 7, "r")}
    heads = {name: head for one in found for name, head in one["heads"].items()}
    assert heads == {name: head for name, _, head in places}
    cursors = {name: at for one in found for name, at in one["cursors"].items()}
    assert cursors == {name: at for name, at, _ in places if at is not None}
    (nothing,) = heartbeats(
        wire, [], timestamp="t", pulse=Pulse("down", 7), replica="r"
    )
    assert (nothing["cursors"], nothing["heads"]) == ({}, {})


@pytest.mark.parametrize("wire", WIRES)
def test_lists_are_bounded(wire: Wire) -> None:
    """As the wire writes it: MessagePack has nine bytes for 0.5."""
    items = [{"n": n, "values": [0.5] * 40} for n in range(500)]
    fields: Message = {"type": "sessions", "id": "x" * 256}
    found = told(wire, *lists(wire, fields, "sessions", items, is_last=False))
    assert [item for one in found for item in one["sessions"]] == items
    assert all(one["more"] for one in found)
    assert [one["more"] for one in lists(wire, fields, "sessions", [])] == [False]


def test_names_that_an_answer_repeats() -> None:
    """All of them or none."""
    few: Message = {"type": "subscribed", "sessionIds": ["a", "b"]}
    assert answer_within(JSON, few) == few
    many = {**few, "sessionIds": ["x" * 1_000] * 40}
    assert answer_within(JSON, many) == {"type": "subscribed"}
    assert answer_within(JSON, {"type": "subscribed"}) == {"type": "subscribed"}
    one: Message = {"type": "subscribed", "sessionIds": ["x" * 1_000]}
    assert answer_within(JSON.bounded(limits_of(500)), one) == one


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("is_backward", [True, False])
def test_a_page_is_bounded(wire: Wire, is_backward: bool) -> None:  # a case
    """As much as fits, from the side that was asked for; a record at least."""
    record = b'{"values":[%b]}' % b",".join([b"0.5"] * 200)
    records = [entry(f"1-{n + 1}", f"1-{n}", record) for n in range(100)]
    page = Page(cursor("1-0", b""), records[-1].cursor, records)
    asked = History(
        session_id="a", id="i" * 256, after=None if is_backward else "1-0-00000000"
    )
    frame = history_page(wire, asked, page)
    (found,) = payloads_of(wire, frame)
    assert found["more"]
    count = len(found["data"])
    part = records[-count:] if is_backward else records[:count]
    assert 1 < count < 100
    assert found["cursor"] == str(part[-1].cursor)
    assert found["prev"] == f"1-{part[0].id.offset - 1}-" + found["prev"][-8:]
    assert len(frame) <= wire.limits.several + 10
    assert len(frame) > wire.limits.several * 0.6
    huge = [entry("1-9", "1-0", b'{"x":"%b"}' % (b"x" * 983_040))]
    (found,) = payloads_of(
        wire, history_page(wire, asked, Page(cursor("1-0", b""), huge[0].cursor, huge))
    )
    assert found["truncated"]
    assert found["data"][0]["bytes"] == len(huge[0].record)
    empty = Page(cursor("1-5"), cursor("1-5"), told={"gap": {"from": "a"}})
    (found,) = payloads_of(wire, history_page(wire, asked, empty))
    assert (found["data"], found["gap"]) == ([], {"from": "a"})


def payloads_of(wire: Wire, frames: bytes) -> list[Any]:
    """What frames, or one event, say."""
    if wire is EVENTS:
        return [json.loads(frames.split(b"data: ", 1)[1].split(b"\n")[0])]
    read: Any = msgpack.unpackb if wire.is_binary else json.loads
    return [read(payload) for _, payload in frames_of(frames)]


def test_a_snapshot_that_is_too_long() -> None:
    """Its place and its counts come, and where the rest is to be had."""
    position = StoredPosition("i", 1, 10, id_of("1-10"))
    counts = SessionState(position=position, emergencies=3, records=7)
    state = SeenSession(
        state=counts,
        cursor=end_of(counts),
        metrics=b"{}",
        metrics_left_out=0,
        latest=b'{"x":"%b"}' % (b"x" * 5_000),
        latest_emergency=b'{"emergency":{}}',
    )
    wire = JSON.bounded(limits_of(5_000))
    fields: Message = {"type": "snapshot", "id": "i" * 256}
    described = Described(own=({"config": {"lr": 1}},))
    known = Known(described=described)
    whole = snapshot("a b", SeenRun(state, known), now_ms=0)
    assert snapshot_within(JSON, fields, whole) == whole
    cut = snapshot_within(wire, fields, whole)
    (found,) = told(wire, {**fields, **cut})
    assert (found["data"], found["metrics"], found["config"]) == (None, None, None)
    assert found["emergencies"] == {"count": 3, "latest": None}
    assert (found["truncated"], found["url"]) == (
        True,
        "../api/snapshot?sessionId=a%20b",
    )
    assert (found["records"], found["cursor"]) == (7, "1-10-00000000")
    assert found["bytes"] > 5_000
    bare = {"sessionId": "a", "data": "x" * 5_000}
    assert "emergencies" not in snapshot_within(wire, fields, bare)
