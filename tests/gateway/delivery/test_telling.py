"""What can be told is told, and a gap stands for what cannot."""

from collections.abc import Sequence
from typing import Any

import msgpack
import msgspec
import pytest

from tailcast_gateway.delivery.core.telling import CarefulEncoder, told_documents
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING, BEGINNING_CURSOR, EntryID


ALL = Subscription([Rule("*", True, True, Begin.NOW)])  # fields
# Deeper than any reader goes whose stack is Python's.
DEEP = b'{"tree":' + b'{"c":' * 5_000 + b"1" + b"}" * 5_001


def entry(at: int, record: bytes, kind: Kind = Kind.RECORD) -> Entry:
    """One of a chain."""
    before = EntryID(1, at - 1) if at > 1 else BEGINNING
    return Entry(EntryID(1, at), before, kind, record)


def messages(frames: bytes) -> list[dict[str, Any]]:
    """The messages of binary frames."""
    found: list[Any] = []
    while frames:
        length, start = frames[1], 2
        if length == 126:
            length, start = int.from_bytes(frames[2:4], "big"), 4
        found.append(msgpack.unpackb(frames[start : start + length]))
        frames = frames[start + length :]
    return found


def nobody(_session: str, _error: Exception) -> None:
    """Nobody wants to know."""


def encoder(untold: list[str]) -> CarefulEncoder:
    """Of MessagePack; notes what could not be told."""
    return CarefulEncoder("a", MSGPACK, lambda session, _error: untold.append(session))


@pytest.mark.parametrize("bad", range(1, 6))
@pytest.mark.parametrize("counts", [None, [1, 1, 1, 1, 1]])
def test_a_gap_stands_for_the_entry_alone(
    bad: int, counts: Sequence[int] | None
) -> None:
    """Whichever of them it is; `prev` and `cursor` go on over it."""
    entries = [entry(at, DEEP if at == bad else b'{"s":%d}' % at) for at in range(1, 6)]
    untold: list[str] = []
    told = messages(encoder(untold).frames(entries, BEGINNING_CURSOR, counts=counts))
    steps = [
        record["s"]
        for message in told
        if message["type"] == "telemetry"
        for record in msgspec.convert(message["data"], list[dict[str, int]])
    ]
    assert steps == [at for at in range(1, 6) if at != bad]
    (gap,) = (message for message in told if message["type"] == "gap")
    assert gap["reason"] == "unreadable"
    assert gap["to"] == str(entries[bad - 1].cursor)
    assert gap["from"] == str(entries[bad - 2].cursor if bad > 1 else BEGINNING_CURSOR)
    assert untold == ["a"]


def test_what_can_be_told_is_told_as_ever() -> None:
    """In one go, and nothing is noted."""
    entries = [entry(at, b"{}") for at in (1, 2)]
    untold: list[str] = []
    (told,) = messages(encoder(untold).frames(entries, BEGINNING_CURSOR, PLAIN))
    assert told["data"] == [{}, {}]
    assert encoder(untold).frames([], BEGINNING_CURSOR, View(max_rate=1.0)) == b""
    assert not untold


def test_an_announcement_waits_for_its_place() -> None:
    """There it is a gap."""
    untold: list[str] = []
    assert encoder(untold).announcement(entry(1, DEEP, Kind.EMERGENCY)) == b""
    assert untold == ["a"]
    assert encoder(untold).announcement(entry(1, b"{}", Kind.EMERGENCY))


def test_documents() -> None:
    """One that cannot be told is a gap of theirs."""
    untold: list[str] = []
    frames = told_documents(
        [entry(1, b"{}"), entry(2, DEEP), entry(3, b"{}")],
        ALL,
        MSGPACK,
        lambda session, _error: untold.append(session),
        with_history=True,
    )
    assert [(one["type"], one.get("sessionId")) for one in messages(frames)] == [
        ("emergency", None),
        ("gap", EMERGENCIES),
        ("emergency", None),
    ]
    assert untold == [EMERGENCIES]
    assert told_documents([entry(2, DEEP)], ALL, JSON, nobody, with_history=True)
