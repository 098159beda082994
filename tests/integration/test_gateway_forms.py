"""Filters, projections, rates and points, as clients get them."""

import asyncio
from typing import Any

import pytest

from tests.integration.gateway_rig import Gateway, Rig, numbered, watching


# Forms are made from records, whatever they are read from.
pytestmark = pytest.mark.one_broker


ALARM = {"step": 5, "emergency": {"reason": "collapse"}, "telemetry": {"phi": 0.1}}


def steps_of(records: list[dict[str, Any]]) -> list[int]:
    """What tells records apart."""
    return [record["step"] for record in records]


def where(op: str, value: int) -> dict[str, Any]:
    """A condition on the step."""
    return {"metric": "step", "op": op, "value": value}


async def test_a_filter_holds_records_back(rig: Rig, gateway: Gateway) -> None:
    """On replay and live alike, and never an emergency."""
    writer = rig.writer("run")
    await writer.append(*numbered(0, 5), ALARM, *numbered(6, 10))
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(
            sessionId="run", where=where("gte", 8), **{"from": "start"}
        )
        assert answer["cursor"] == "1-0-00000000"
        await watcher.until("caught_up")
        await writer.append(*numbered(0, 3), ALARM, *numbered(20, 22))
        await watcher.until_records(6)
        assert steps_of(watcher.records) == [5, 8, 9, 5, 20, 21]


async def test_a_filtered_flow_is_not_contiguous(rig: Rig, gateway: Gateway) -> None:
    """It carries no `prev`; its cursor advances over what is held back."""
    writer = rig.writer("run")
    await writer.append(*numbered(0, 10))
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            sessionId="run", where=where("lt", 1), **{"from": "start"}
        )
        told = await watcher.until("telemetry")
        assert "prev" not in told
        assert steps_of(told["data"]) == [0]
        caught_up = await watcher.until("caught_up")
        assert caught_up["cursor"] != told["cursor"]
        # Told are places that move after it was asked for.
        await watcher.send(type="heartbeat", everyMs=1_000)
        await watcher.until("heartbeat")
        await writer.append(*numbered(10, 20))
        while not (beat := await watcher.until("heartbeat")).get("cursors"):
            pass
        cursor = beat["cursors"]["run"]
        assert cursor == beat["heads"]["run"]
    async with watching(gateway) as watcher:
        resumed = await watcher.subscribe(
            sessionId="run", **{"from": {"cursor": cursor}}
        )
        assert resumed["recovered"] is True
        await writer.append(*numbered(20, 21))
        assert steps_of(await watcher.until_records(1)) == [20]


async def test_clients_of_other_forms_do_not_mix(rig: Rig, gateway: Gateway) -> None:
    """Each gets what it asked for, of the same records."""
    views: list[dict[str, Any]] = [
        {},
        {"where": where("gte", 50)},
        {"where": {"not": where("gte", 50)}},
        {"metrics": ["nothing"], "index": True},
    ]

    async def follow(view: dict[str, Any], count: int, ready: asyncio.Barrier) -> Any:
        async with watching(gateway) as watcher:
            await watcher.subscribe(sessionId="run", **view)
            await ready.wait()
            return await watcher.until_records(count)

    ready = asyncio.Barrier(len(views) + 1)
    counts = (100, 50, 50, 100)
    async with asyncio.TaskGroup() as tasks:
        made = [
            tasks.create_task(follow(view, count, ready))
            for view, count in zip(views, counts, strict=True)
        ]
        await ready.wait()
        await rig.writer("run").append(*numbered(0, 100))
    plain, high, low, bare = (task.result() for task in made)
    assert plain == numbered(0, 100)
    assert high == numbered(50, 100)
    assert low == numbered(0, 50)
    assert bare == [{"step": step} for step in range(100)]


async def test_projection_and_index(rig: Rig, gateway: Gateway) -> None:
    """Records keep their shape; steps and times stand beside them."""
    record = {"timestamp": "2025-12-18T01:30:00Z", "step": 3, "x": 1,
              "telemetry": {"phi": 0.5, "kappa": 2}}  # fmt: skip
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="run", metrics=["kappa"], index=True)
        await rig.writer("run").append(record)
        told = await watcher.until("telemetry")
        assert told["data"] == [
            {"timestamp": record["timestamp"], "step": 3, "telemetry": {"kappa": 2}}
        ]
        assert (told["steps"], told["times"]) == ([3], [1766021400000])
        assert told["prev"] == "1-0-00000000"


async def test_a_rate_brings_the_newest(rig: Rig, gateway: Gateway) -> None:
    """Of many records the last one always comes; what it stands for is said."""
    writer = rig.writer("run")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="run", maxRate=20)
        stood_for = 0
        for start in range(0, 1_000, 100):
            await writer.append(*numbered(start, start + 100))
        while not watcher.records or watcher.records[-1] != numbered(999, 1_000)[0]:
            told = await watcher.until("telemetry")
            assert "prev" not in told
            stood_for += told["sampled"]["of"]
        assert stood_for == 1_000
        assert len(watcher.records) < 100


async def test_a_rate_never_holds_an_emergency(rig: Rig, gateway: Gateway) -> None:
    """It comes at once, in its place among the records that come."""
    writer = rig.writer("run")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="run", maxRate=0.01)
        await writer.append(*numbered(0, 3))
        assert steps_of(await watcher.until_records(1)) == [2]
        await writer.append(*numbered(3, 4), ALARM)
        told = await watcher.until("emergency")
        assert "cursor" in told


async def test_who_comes_later_gets_nothing_from_before(
    rig: Rig, gateway: Gateway
) -> None:
    """A record that waits for its interval is for those who were there."""
    writer = rig.writer("run")
    async with watching(gateway) as early, watching(gateway) as late:
        await early.subscribe(sessionId="run", maxRate=2)
        await writer.append(*numbered(0, 1))
        await early.until_records(1)
        await writer.append(*numbered(1, 2))
        # The gateway has it once another client has.
        async with watching(gateway) as plain:
            await plain.subscribe(sessionId="run", replay=1)
            await plain.until("caught_up")
        await late.subscribe(sessionId="run", maxRate=2)
        assert steps_of(await early.until_records(2)) == [0, 1]
        await writer.append(*numbered(2, 3))
        assert steps_of(await late.until_records(1)) == [2]


async def test_a_replay_in_so_many_points(rig: Rig, gateway: Gateway) -> None:
    """First, last and extremes come; all live records after it."""
    writer = rig.writer("run")
    spike = {"step": 1_234, "telemetry": {"phi": 99.0}}
    await writer.append(*numbered(0, 1_234), spike, *numbered(1_235, 3_000))
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            sessionId="run", maxPoints=50, metrics=["phi"], **{"from": "start"}
        )
        await watcher.until("caught_up")
        steps = steps_of(watcher.records)
        assert len(steps) <= 50
        assert (steps[0], steps[-1]) == (0, 2_999)
        assert 1_234 in steps
        await writer.append(*numbered(3_000, 3_200))
        await watcher.until_records(len(steps) + 200)
        assert steps_of(watcher.records)[len(steps) :] == list(range(3_000, 3_200))


async def test_the_newest_subscribe_gives_the_form(rig: Rig, gateway: Gateway) -> None:
    """Without `from` the session goes on where it is, in the new form."""
    writer = rig.writer("run")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="run")
        await writer.append(*numbered(0, 2))
        await watcher.until_records(2)
        await watcher.subscribe(sessionId="run", add=True, where=where("eq", 3))
        await writer.append(*numbered(2, 5))
        assert steps_of(await watcher.until_records(3)) == [0, 1, 3]
        await watcher.subscribe(sessionId="run")
        await writer.append(*numbered(5, 6))
        assert steps_of(await watcher.until_records(4)) == [0, 1, 3, 5]
