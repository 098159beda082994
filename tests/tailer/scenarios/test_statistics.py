"""What the state says of a session for readers: statistics, rate, times."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import json
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.notification import Moved, parse_moved
from tests.tailer.harness import append, lines
from tests.tailer.single import Clock, Single


async def metrics_of(broker: MemoryBroker) -> dict[str, Any]:
    """The statistics of session `a`."""
    snapshot = await broker.snapshot("a")
    assert snapshot is not None
    metrics: dict[str, Any] = json.loads(snapshot.metrics)
    return metrics


async def test_statistics_go_on_over_batches_and_restarts(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """A new tailer goes on from what is stored: each line counts once."""
    for step in range(3):
        append(path, lines(step, value=step))
        await Single(broker, path, clock).settle()
    assert (await metrics_of(broker))["value"] == {
        "last": 2, "min": 0, "max": 2, "mean": 1.0, "count": 3, "nonfinite": 0,
    }  # fmt: skip  # one glance
    assert "step" not in await metrics_of(broker)


async def test_statistics_are_lost_and_made_again_with_the_entries(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """A broker that forgot its latest, or everything, ends with the same."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2, value=7))
    await tailer.settle()
    checkpoint = broker.checkpoint()
    append(path, lines(3, value=9) + b'{"value":NaN}\n')
    await tailer.settle()
    before = await metrics_of(broker)
    assert before["value"]["nonfinite"] == 1
    broker.roll_back(checkpoint)
    tailer.follower.reload_state()
    await tailer.settle()
    assert await metrics_of(broker) == before
    broker.wipe()
    tailer.follower.reload_state()
    await tailer.settle()
    after = await metrics_of(broker)
    assert after["value"] | {"mean": 0} == before["value"] | {"mean": 0}
    assert after["value"]["mean"] == pytest.approx(before["value"]["mean"])


async def test_a_tailer_that_believes_the_old_counts_nothing_twice(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Two on one file: the one that comes late finds a conflict and reads the state."""
    one, two = Single(broker, path, clock), Single(broker, path, clock)
    path.write_bytes(lines(1))
    await one.settle()
    await two.settle()
    for step, tailer in ((2, one), (3, two), (4, one)):
        append(path, lines(step))
        await tailer.settle()
    assert (await metrics_of(broker))["loss"]["count"] == 4


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_new_generation_has_its_own_statistics(
    broker: MemoryBroker, clock: Clock, path: Path, keeps: bool
) -> None:
    """Those of the records after its marker, whatever the rewrite kept before it."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2, 3, value=1))
    await tailer.settle()
    path.write_bytes((lines(1, value=1) if keeps else b"") + lines(8, value=5))
    await tailer.settle()
    state = await broker.load("a")
    assert state is not None
    assert state.generation_start == (len(lines(1, value=1)) if keeps else 0)
    value = (await metrics_of(broker))["value"]
    assert (value["count"], value["min"]) == (1, 5)
    assert state.records == 4


async def test_too_many_metrics_are_counted(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """In the state of the generation, and in a metric of the tailer's own."""
    tailer = Single(broker, path, clock)
    many = {f"m{number}": 1 for number in range(1_010)}
    path.write_bytes(lines(1, **many))
    await tailer.settle()
    snapshot = await broker.snapshot("a")
    assert snapshot is not None
    # `loss` is the first.
    assert snapshot.metrics_left_out == 11
    assert tailer.metric("metric_values_left_out") == 11
    path.write_bytes(lines(1))
    await tailer.settle()
    snapshot = await broker.snapshot("a")
    assert snapshot is not None
    assert snapshot.metrics_left_out == 0
    assert list(await metrics_of(broker)) == ["loss"]


async def test_the_state_says_when_and_how_fast(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Times of the first and last append, records per second over about a minute."""
    tailer = Single(broker, path, clock)
    born = clock.now
    for step in range(300):
        append(path, lines(2 * step, 2 * step + 1))
        await tailer.settle()
        clock.now += 1.0
    snapshot = await broker.snapshot("a")
    assert snapshot is not None
    assert snapshot.created_ms == born * 1_000
    assert snapshot.updated_ms == (clock.now - 1) * 1_000
    assert snapshot.rate == pytest.approx(2.0, rel=0.02)


async def test_readers_are_told_when_the_line_was_written(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """The file's modification time at the read, never in the future."""
    tailer = Single(broker, path, clock)
    async with broker.notifications() as payloads:
        path.write_bytes(lines(1))
        await tailer.settle()
        ahead = parse_moved(await anext(payloads))
        written = path.stat().st_mtime
        clock.now = written + 5
        append(path, lines(2))
        await tailer.settle()
        behind = parse_moved(await anext(payloads))
    assert ahead == Moved("a", 1_000_000)
    assert behind is not None
    assert written * 1_000 - 1 <= behind.written_ms <= clock.now * 1_000
