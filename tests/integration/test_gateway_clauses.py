"""Clauses of the protocol that only the whole way from broker to client can show."""

import json
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.entries import Entry
from tailcast_streams.position import BEGINNING_CURSOR, Cursor, EntryID
from tests.integration.gateway_rig import Gateway, Rig, Watcher, numbered, watching
from tests.tailer.harness import append, running, session_path


ALARM = {"step": 10, "emergency": {"reason": "collapse"}}


async def stored(rig: Rig, session: str) -> list[Entry]:
    """All that the broker has of a session."""
    return await rig.broker.read_after(session, EntryID(0, 0), limit=1_000)


def order(cursor: str) -> EntryID:
    """What clients compare: the first two numbers."""
    return Cursor.parse(cursor).id


async def follow(watcher: Watcher, cursor: Cursor) -> tuple[list[Any], bool]:
    """What follows a cursor up to the head, and whether something was said to miss.

    Judges by the clause alone: a frame whose `prev` is not after mine misses nothing.
    """
    mine, records, is_told = order(str(cursor)), list[Any](), False
    while True:
        message = await watcher.next()
        kind = message["type"]
        if kind == "gap":
            assert order(message["from"]) == mine
            mine, is_told = order(message["to"]), True
        elif kind == "rewind":
            mine = order(message["cursor"])
        elif kind in {"telemetry", "emergency"}:
            assert order(message["prev"]) <= mine < order(message["cursor"])
            mine = order(message["cursor"])
            records += message["data"] if kind == "telemetry" else [message["data"]]
        elif kind == "caught_up":
            return records, is_told


async def test_c1_resumed_at_any_entry(rig: Rig, gateway: Gateway) -> None:
    """C1, P2: `prev` is never after the cursor, unless a gap has said what is missing.

    Over records, an emergency, two generations, and a range that was trimmed.
    """
    writer = rig.writer("a")
    await writer.append(*numbered(0, 10), ALARM, *numbered(11, 15))
    await writer.rewrite(*numbered(0, 5), ALARM, *numbered(11, 13))
    entries = await stored(rig, "a")
    oldest = entries[6]
    await rig.trim("a", oldest.id)
    for at, entry in enumerate(entries):
        async with watching(gateway) as watcher:
            cursor = BEGINNING_CURSOR if at == 0 else entry.cursor
            held = {"cursor": str(cursor)}
            answer = await watcher.subscribe(sessionId="a", **{"from": held})
            records, is_told = await follow(watcher, cursor)
        kept = entries[max(at + 1, 6) :]
        assert records == [json.loads(one.record) for one in kept if one.record]
        assert is_told is (entry.id < oldest.id)
        assert answer["recovered"] is not is_told


@pytest.mark.parametrize("subprotocol", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_c4_what_messagepack_cannot_hold(
    rig: Rig, gateway: Gateway, tmp_path: Path, subprotocol: str
) -> None:
    """C4: long numbers are texts in MessagePack alone, half pairs are on every wire."""
    lines = (
        b'{"step":0,"most":18446744073709551615,"least":-9223372036854775808}\n'
        b'{"step":1,"most":18446744073709551616,"least":-9223372036854775809}\n'
        b'{"step":2,"deep":{"list":[1e2,340282366920938463463374607431768211456]}}\n'
        b'{"step":3,"half":"\\ud83d","\\udc00":"key","whole":"\\ud83d\\ude00"}\n'
        b'{"step":4,"loss":NaN,"up":Infinity,"down":-Infinity}\n'
    )
    # As they were written in JSON; MessagePack has no such numbers.
    whole: type[int | str] = str if subprotocol.endswith("msgpack") else int
    expected: list[dict[str, Any]] = [
        {"step": 0, "most": 2**64 - 1, "least": -(2**63)},
        {"step": 1, "most": whole(2**64), "least": whole(-(2**63) - 1)},
        {"step": 2, "deep": {"list": [100.0, whole(2**128)]}},
        {"step": 3, "half": "\ufffd", "\ufffd": "key", "whole": "\U0001f600"},
        {"step": 4, "loss": "NaN", "up": "Infinity", "down": "-Infinity"},
    ]
    async with (
        watching(gateway, subprotocols=[subprotocol]) as watcher,
        running(rig.broker, tmp_path),
    ):
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        append(session_path(tmp_path, "a"), lines)
        assert await watcher.until_records(5) == expected


async def test_c8_a_session_id_is_literal(rig: Rig, gateway: Gateway) -> None:
    """C8: `sessionId` with wildcards is one name, and so is an escaped glob."""
    names = ["run_*", "run_1", "a?b", "acb", "[x]", "x", "back\\slash", "back_slash"]
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"sessionId": "run_*"}, {"run_*"}),
        ({"sessionId": "a?b"}, {"a?b"}),
        ({"sessionId": "[x]"}, {"[x]"}),
        ({"sessionId": "back\\slash"}, {"back\\slash"}),
        ({"sessionIds": ["run_\\*", "a\\?b"]}, {"run_*", "a?b"}),
        ({"sessionIds": ["back\\\\slash", "[x]"]}, {"back\\slash", "[x]"}),
        ({"sessionIds": ["run_*", "a?b"]}, {"run_*", "run_1", "a?b", "acb"}),
    ]
    for name in names[::2]:
        # Half of them are there before anybody subscribes, half come later.
        await rig.writer(name).append({"of": name, "is": "old"})
    for number, (wanted, found) in enumerate(cases):
        async with watching(gateway) as watcher, watching(gateway) as end:
            await watcher.subscribe(**wanted)
            await watcher.subscribe(sessionId="end", add=True)
            await end.subscribe()
            for name in [*names, "end"]:
                await rig.writer(name).append({"of": name, "is": number})
            await end.until_records(len(names) + 1)
            await watcher.until_records(len(found) + 1)
            assert {one["of"] for one in watcher.records} == {*found, "end"}
            assert {one["is"] for one in watcher.records} == {number}


async def test_g16_a_filtered_flow_is_resumed(rig: Rig) -> None:
    """G16: held back records move the cursor; after each reconnect none is missing."""
    writer, every_tenth = rig.writer("a"), {"metric": "tenth", "op": "exists"}

    def some(start: int, stop: int) -> list[dict[str, Any]]:
        return [
            {"step": n, **({"tenth": True} if n % 10 == 0 else {})}
            for n in range(start, stop)
        ]

    await writer.append(*some(0, 105))
    records, cursor, head = list[dict[str, Any]](), str(BEGINNING_CURSOR), 105
    async with rig.serving() as first, rig.serving() as second:
        for gateway in (first, second, first, second):
            async with watching(gateway) as watcher:
                watcher.records = records
                held = {"cursor": cursor}
                answer = await watcher.subscribe(
                    sessionId="a", where=every_tenth, **{"from": held}
                )
                assert answer["recovered"] is True
                await watcher.until("caught_up")
                # The last one that passes is not the head: a heartbeat tells that,
                # of what comes after it was asked for.
                await watcher.send(type="heartbeat", everyMs=1_000)
                await watcher.until("heartbeat")
                await writer.append(*some(head, head + 17))
                head += 17
                newest = str((await stored(rig, "a"))[-1].cursor)
                while watcher.cursors["a"] != newest:
                    await watcher.next()
                cursor = newest
            await writer.append(*some(head, head + 5))
            head += 5
    passed = [n for n in range(head - 5) if n % 10 == 0]
    assert [record["step"] for record in records] == passed
