"""A broker that version 0.1 filled, and the tailer, indexer and gateway of today."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tailcast_gateway.sessions.core.runs import SeenRun
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_streams.redis.broker import RedisBroker
from tests.conftest import BrokerFactory
from tests.indexer.rig import RULES, check, running as indexing, until_indexed
from tests.tailer.harness import (
    append,
    entries_of,
    records_of,
    running as tailing,
    session_path,
    wait_for_records,
)


STATE = "telemetry:{a}:state"
# What it kept in the state, by the last record and by each append.
OLD = {
    "rate": "0.1", "latest": '{"step":3}', "latest_emergency": "{}",
    "metrics": '{"loss":{"last":9,"min":9,"max":9,"mean":9,"count":9,"nonfinite":0}}',
    "metrics_left_out": "4", "first_step": "77", "last_step": "78",
    "first_time_ms": "1", "last_time_ms": "2",
}  # fmt: skip  # one glance
# What it did not know.
NEW = ("birth", "appended_ms", "written_ms")
# Such that the last step is not the furthest.
STEPS = (1, 2, 9, 3)


@asynccontextmanager
async def filled(url: str, log_dir: Path) -> AsyncGenerator[RedisBroker]:
    """A broker with a session as version 0.1 left it, and without an index."""
    path = session_path(log_dir, "a")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(line, STEPS)))
    async with (
        aclosing(RedisBroker(url)) as broker,
        aclosing(Redis.from_url(url)) as client,
    ):
        async with tailing(broker, log_dir):
            await wait_for_records(broker, "a", [line(n).strip() for n in STEPS])
        await client.hdel(STATE, *NEW)
        await client.hset(STATE, mapping=dict[Any, Any](OLD))
        yield broker


def line(step: int) -> bytes:
    """A record's line."""
    return json.dumps({"step": step, "loss": step / 4}).encode() + b"\n"


async def seen(broker: RedisBroker) -> SeenRun:
    """The session as a gateway shows it."""
    now_ms = await broker.now_ms()
    indexed = Indexed(
        broker, rules=RULES, now_ms=lambda: now_ms, broker_now_ms=lambda: now_ms
    )
    (found,) = await indexed.snapshots(["a"])
    assert found is not None
    return found


def check_figures(found: SeenRun, *steps: int) -> None:
    """Those of the records, whatever the state says."""
    summary = found.known.summary
    assert summary is not None
    assert found.known.indexed_to is None
    assert (summary.steps.first, summary.steps.highest) == (steps[0], max(steps))
    assert json.loads(found.snapshot.latest)["step"] == steps[-1]
    loss = json.loads(found.snapshot.metrics)["loss"]
    assert (loss["count"], loss["max"]) == (len(steps), max(steps) / 4)
    assert found.snapshot.state.records == len(steps)


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_nothing_is_lost_and_nothing_old_is_told(
    kind: str, own_brokers: BrokerFactory, tmp_path: Path
) -> None:
    """The stream stays, what its records mean is found anew, and old fields go."""
    url = own_brokers(kind).url
    async with filled(url, tmp_path) as broker:
        before = await entries_of(broker, "a")
        # A gateway that comes first tells nothing of the old figures.
        check_figures(await seen(broker), *STEPS)

        async with tailing(broker, tmp_path), indexing(broker):
            await until_indexed(broker, "a")
            check_figures(await seen(broker), *STEPS)
            append(session_path(tmp_path, "a"), line(4))
            await wait_for_records(
                broker, "a", [line(step).strip() for step in (*STEPS, 4)]
            )
            await until_indexed(broker, "a")
            check_figures(await seen(broker), *STEPS, 4)

        entries = await entries_of(broker, "a")
        assert entries[: len(before)] == before
        assert len(entries) == len(before) + 1
        await check(broker, "a")
        async with aclosing(Redis.from_url(url, decode_responses=True)) as client:
            fields = {str(name) for name in await client.hkeys(STATE)}
        assert fields.isdisjoint(OLD)
        assert fields >= {"written_ms", "appended_ms"}


async def test_a_file_that_rests_keeps_its_session(
    own_brokers: BrokerFactory, tmp_path: Path
) -> None:
    """Nothing is appended, so the state stays as it was; no one trusts it."""
    async with filled(own_brokers("valkey").url, tmp_path) as broker:
        before = await records_of(broker, "a")
        async with tailing(broker, tmp_path) as tailer, indexing(broker):
            await until_indexed(broker, "a")
            check_figures(await seen(broker), *STEPS)
            assert not tailer.why_not_ready()
        assert await records_of(broker, "a") == before
        (state,) = await broker.states(["a"])
        assert state is not None
        assert state.written_ms == 0
