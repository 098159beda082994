"""Sessions with the figures of their indexes, over a broker in memory."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.sessions import indexed as module
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.indexes import Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.session_state import Batch, Snapshot


RULES = Rules(("step",), ("time",))
NOW_MS = 1_766_100_000_000


async def stored(
    broker: MemoryBroker, records: Sequence[object], *, generation: int = 1
) -> None:
    """A session of these records; its state says nothing of steps and metrics."""
    lines = [json.dumps(one).encode() for one in records]
    entries = [NewEntry(0, Kind.MARKER, b"")]
    for line in lines:
        offset = entries[-1].offset + len(line) + 1
        entries.append(NewEntry(offset, Kind.RECORD, line))
    await broker.append(
        Batch(
            session="s",
            expected=(await broker.positions(["s"]))[0],
            incarnation="i",
            generation=generation,
            offset=entries[-1].offset,
            entries=entries,
            fields={"metrics": b'{"of":"state"}', "last_step": 77},
        )
    )


async def index(broker: MemoryBroker, *, entries: int = 100_000) -> None:
    """Index the first entries of it."""
    made = Index("s", incarnation="i", rules=RULES)
    found = await broker.read_after("s", BEFORE_ALL, limit=entries)
    made.fold(found, now_ms=NOW_MS)
    while made.stale is not None:
        made.restart(found[0])
        made.fold(found, now_ms=NOW_MS)
    write = made.take_changes()
    assert write is not None
    assert await broker.indexes.write([write]) == [Written.DONE]


def reading(broker: MemoryBroker) -> Indexed:
    """What reads them."""
    return Indexed(
        broker, rules=RULES, now_ms=lambda: NOW_MS, broker_now_ms=lambda: NOW_MS
    )


async def snapshot(broker: MemoryBroker) -> Snapshot:
    """The snapshot of the session."""
    found = (await reading(broker).snapshots(["s", "unknown"]))[0]
    assert found is not None
    return found.snapshot


@given(
    steps=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    entries=st.integers(2, 13),
)
async def test_index_and_tail_say_the_same_as_all_records(
    steps: list[int], entries: int
) -> None:
    """However far the index goes."""
    broker = MemoryBroker()
    await stored(broker, [{"step": step, "loss": step / 4} for step in steps])
    await index(broker, entries=entries)
    found = await snapshot(broker)
    head = (await reading(broker).heads(["s"]))[0].head
    assert head.state is not None
    for one in (found, head.state):
        assert (one.first_step, one.last_step) == (steps[0], max(steps))
    losses = [step / 4 for step in steps]
    assert json.loads(found.metrics) == {
        "loss": {
            "last": losses[-1],
            "min": min(losses),
            "max": max(losses),
            "mean": pytest.approx(sum(losses) / len(losses)),
            "count": len(losses),
            "nonfinite": 0,
        }
    }
    assert found.metrics_left_out == 0


async def test_a_session_without_an_index_has_what_its_state_says() -> None:
    """So has one whose index is of another generation, or of another stream."""
    broker = MemoryBroker()
    await stored(broker, [{"step": 1}])
    assert (await snapshot(broker)).metrics == b'{"of":"state"}'
    await index(broker)
    assert (await snapshot(broker)).metrics == b"{}"
    await stored(broker, [{"step": 2}], generation=2)
    found = await snapshot(broker)
    assert (found.metrics, found.last_step) == (b'{"of":"state"}', 77)
    head = (await reading(broker).heads(["s"]))[0].head
    assert head.state is not None
    assert head.state.last_step == 77
    assert await reading(broker).snapshots(["unknown"]) == [None]
    assert (await reading(broker).heads(["unknown"]))[0].head.state is None


@pytest.mark.parametrize("name", ["TAIL_BYTES", "TAILS_BYTES", "TAIL_ENTRIES"])
async def test_too_much_is_behind_the_index(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What would take long to read is not folded."""
    broker = MemoryBroker()
    await stored(broker, [{"step": step} for step in range(9)])
    await index(broker, entries=2)
    assert (await snapshot(broker)).last_step == 8
    monkeypatch.setattr(module, name, 3)
    assert (await snapshot(broker)).last_step == 77


async def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first metrics are shown."""
    monkeypatch.setattr(module, "SHOWN_METRICS", 2)
    broker = MemoryBroker()
    await stored(broker, [{"a": 1, "b": 2, "c": 3, "x" * 300: 4}])
    await index(broker)
    found = await snapshot(broker)
    assert list(json.loads(found.metrics)) == ["a", "b"]
    assert found.metrics_left_out == 2


async def test_times() -> None:
    """In whole milliseconds."""
    broker = MemoryBroker()
    await stored(broker, [{"time": "2025-12-18T01:30:00Z"}, {"time": 1_766_021_401.5}])
    await index(broker)
    found = await snapshot(broker)
    assert (found.first_time_ms, found.last_time_ms) == (
        1_766_021_400_000,
        1_766_021_401_500,
    )
