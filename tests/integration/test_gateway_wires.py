"""The same messages on every wire: JSON and MessagePack, plain and deflated."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest

from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)


# Messages are encoded alike, whatever they are made from.
pytestmark = pytest.mark.one_broker


ALARM = {"step": 99, "emergency": {"reason": "collapse"}, "phi": 1.5, "n": 2**64 - 1}


@pytest.fixture
async def gateway(rig: Rig) -> AsyncIterator[Gateway]:
    """A gateway that deflates for those who ask."""
    async with rig.serving(deflate=True) as gateway:
        yield gateway


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("subprotocol", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_replay_and_live_flow(
    rig: Rig, gateway: Gateway, subprotocol: str, compression: str | None
) -> None:
    """Every record once, in order, with an emergency in its place."""
    writer = rig.writer("run")
    before, after = numbered(0, 500), numbered(500, 600)
    await writer.append(*before)
    options: dict[str, Any] = {
        "subprotocols": [subprotocol],
        "compression": compression,
    }
    async with watching(gateway, **options) as watcher:
        assert bool(watcher.connection.protocol.extensions) is (compression is not None)
        await watcher.subscribe(sessionId="run", **{"from": "start"})
        await watcher.until("caught_up")
        await writer.append(ALARM, *after)
        assert await watcher.until_records(601) == [*before, ALARM, *after]


async def test_wires_side_by_side(rig: Rig, gateway: Gateway) -> None:
    """Clients of one session on different wires get the same at the same time."""
    options: list[dict[str, Any]] = [
        {"subprotocols": ["tailcast.v1.msgpack"]},
        {"compression": None},
        {"compression": "deflate"},
    ]

    async def follow(option: dict[str, Any], ready: asyncio.Barrier) -> list[Any]:
        async with watching(gateway, **option) as watcher:
            await watcher.subscribe(sessionId="run")
            await ready.wait()
            return await watcher.until_records(300)

    ready = asyncio.Barrier(len(options) + 1)
    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(follow(one, ready)) for one in options]
        await ready.wait()
        await rig.writer("run").append(*numbered(0, 300))
    assert all(task.result() == numbered(0, 300) for task in following)


async def test_what_is_no_message_in_msgpack(gateway: Gateway) -> None:
    """Text, and bytes that say nothing: the answer comes in the wire's own way."""
    async with watching(
        gateway,
        subprotocols=["tailcast.v1.msgpack"],
    ) as watcher:
        assert isinstance(watcher, Watcher)
        for data in ('{"type":"heartbeat"}', b"\xc1"):
            await watcher.connection.send(data)
            error = await watcher.until("error")
            assert error["message"] == "Invalid message format"
        await watcher.send(type="heartbeat", id=1)
        assert (await watcher.until("heartbeat"))["id"] == 1


BIG = 340_282_366_920_938_463_463_374_607_431_768_211_456


@pytest.mark.parametrize("subprotocol", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_whole_numbers_beyond_64_bits(
    rig: Rig, gateway: Gateway, subprotocol: str
) -> None:
    """Filtered as numbers, and told as numbers where the wire has such."""
    is_msgpack = subprotocol.endswith("msgpack")
    writer = rig.writer("run")
    big = {"step": 1, "entropy": BIG, "emergency": {"seed": -BIG}}
    await writer.append({"step": 0, "entropy": 5}, {"step": 1, "entropy": BIG})
    if is_msgpack:
        told = {
            "step": 1, "entropy": str(BIG), "emergency": {"seed": str(-BIG)},
        }  # fmt: skip  # one glance
    else:
        told = big
    # MessagePack has no such number to ask with either; a double is near enough.
    limit: float = 2.0**100 if is_msgpack else BIG - 1
    where = {"metric": "entropy", "op": "gt", "value": limit}
    async with watching(gateway, subprotocols=[subprotocol]) as watcher:
        start = {"from": "start", "where": where, "metrics": ["entropy"], "index": True}
        await watcher.subscribe(sessionId="run", **start)
        found = await watcher.until("telemetry")
        assert (found["data"], found["steps"]) == (
            [{"step": 1, "entropy": told["entropy"]}],
            [1],
        )
        await watcher.until("caught_up")
        await writer.append(big)
        assert (await watcher.until("emergency"))["data"] == told
        await watcher.send(type="snapshot", sessionId="run")
        shown = await watcher.until("snapshot")
        assert shown["data"] == shown["emergencies"]["latest"]["data"] == told
        await watcher.send(type="history", sessionId="run", limit=1)
        assert (await watcher.until("history"))["data"] == [told]


# Stands for lists within lists, which no encoder of Python's makes so deep.
TREE = "tree"


@pytest.mark.parametrize("subprotocol", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_a_command_that_is_too_deep_gets_its_error(
    gateway: Gateway, subprotocol: str
) -> None:
    """At any depth, wherever it is; the connection lives on."""
    for levels in (100, 200, 480, *range(700, 1_020, 20)):
        async with watching(gateway, subprotocols=[subprotocol]) as watcher:
            for command in (
                {"type": "subscribe", "sessionId": "a", "where": TREE},
                {"type": "heartbeat", "strict": True, "more": TREE},
            ):
                await watcher.connection.send(
                    msgpack.packb(command).replace(
                        msgpack.packb(TREE), b"\x91" * levels + b"\x90"
                    )
                    if watcher.is_msgpack
                    else json.dumps(command).replace(
                        json.dumps(TREE), "[" * levels + "]" * levels
                    )
                )
                error = await watcher.until("error")
                assert error["code"] == "invalid_message"
            await watcher.send(type="heartbeat", id=1)
            assert (await watcher.until("heartbeat"))["id"] == 1
