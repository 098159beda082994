"""What replays are reduced to, by roll-ups and without, over a broker in memory."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tailcast_gateway.sessions import rollup_samples, sampling as module
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.sampling import Sampling
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.filters import parse_filter
from tailcast_gateway.views.projection import Projection
from tailcast_gateway.views.view import View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor
from tests.gateway.sessions.rig import Sessions
from tests.gateway.sessions.test_curves import NOW_MS, RULES, index, stored


def sampling_of(broker: MemoryBroker) -> Sampling:
    """What chooses."""
    search = Search(broker, rules=RULES, now_ms=lambda: NOW_MS)
    reads = Reads(broker, search=search, instruments=Sessions().instruments)
    return Sampling(broker, reads, rules=RULES, now_ms=lambda: NOW_MS)


def view_of(points: int, *metrics: str) -> View:
    """A form that asks for so many points."""
    shown = Projection.of(metrics, step_keys=["step"], time_keys=["time"])
    return View(max_points=points, projection=shown if metrics else None)


def curve(count: int) -> list[dict[str, Any]]:
    """Records with a spike, and one that is not finite."""
    records: list[dict[str, Any]] = [
        {"step": at, "loss": math.sin(at / 9), "telemetry": {"lr": -at}}
        for at in range(count)
    ]
    records[count // 3]["loss"] = 99.0
    records[count // 2]["loss"] = "NaN"
    return records


async def entries_of(broker: MemoryBroker) -> list[Entry]:
    """All records."""
    found = await broker.read_after("s", BEFORE_ALL, limit=10**6)
    return [entry for entry in found if entry.kind is Kind.RECORD]


async def sampled(broker: MemoryBroker, view: View, after: Cursor = NOTHING) -> Sample:
    """What is chosen, up to the end."""
    end = (await broker.read_before("s", None, limit=1))[0].cursor
    sample = await sampling_of(broker).begin("s", view, after, end)
    assert sample is not None
    assert sample.end == end
    return sample


def never(*_: Any, **__: Any) -> None:
    """What must not be asked for."""
    raise AssertionError("all was gone through")


@settings(max_examples=25, deadline=None)
@given(
    count=st.sampled_from([600, 1_300, 4_300]),
    indexed=st.sampled_from([0.97, 1]),
    start=st.floats(0, 1),
    points=st.sampled_from([2, 3, 4, 10, 61]),
)
async def test_roll_ups_choose_as_well_as_going_through_all(
    count: int, indexed: float, start: float, points: int
) -> None:
    """First, last and extremes; together they stand for all behind the place."""
    broker = MemoryBroker()
    records = curve(count)
    await stored(broker, records)
    await index(broker, entries=1 + int(indexed * count))
    entries = await entries_of(broker)
    at = int(start * (count - points - 2))
    after = entries[at - 1].cursor if at else NOTHING
    sample = await sampled(broker, view_of(points, "loss", "telemetry.lr"), after)
    behind = [one.id for one in entries[at:]]
    numbers = [behind.index(one.id) for one in sample.entries]
    assert sum(one.of for one in sample.entries) == len(behind)
    assert len(numbers) <= points
    assert (numbers[0], numbers[-1]) == (0, len(behind) - 1)
    if points >= 4:
        values = [one["loss"] for one in records[at:]]
        finite = [value for value in values if value != "NaN"]
        sent = [values[number] for number in numbers if values[number] != "NaN"]
        assert (min(sent), max(sent)) == (min(finite), max(finite))


async def test_a_long_replay_is_not_gone_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever it begins, short of its very end."""
    broker = MemoryBroker()
    await stored(broker, curve(4_300))
    await index(broker)
    monkeypatch.setattr(Sampling, "_gone_through", never)
    monkeypatch.setattr(rollup_samples, "_COARSE_ROWS", 4)
    entries = await entries_of(broker)
    whole = await sampled(broker, view_of(40))
    assert entries[4_300 // 2].id in {one.id for one in whole.entries}
    for at in (1, 31, 32, 33, 512, 513, 514, 2_000, 4_000):
        sample = await sampled(broker, view_of(40), entries[at - 1].cursor)
        assert sum(one.of for one in sample.entries) == 4_300 - at
        assert sample.entries[0].id == entries[at].id


async def test_from_where_the_stream_was_trimmed() -> None:
    """The roll-ups know what was before that."""
    broker = MemoryBroker()
    await stored(broker, curve(4_300))
    await index(broker)
    entries = await entries_of(broker)
    await broker.trim("s", entries[1_007].id)
    oldest = (await broker.read_after("s", BEFORE_ALL, limit=1))[0]
    kept = [one for one in entries if one.id >= oldest.id]
    sample = await sampled(broker, view_of(20), Cursor(oldest.previous, 0))
    assert sum(one.of for one in sample.entries) == len(kept)
    assert sample.entries[0].id == oldest.id


async def test_emergencies_and_markers_come_besides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They stand for no record, and are in their places."""
    broker = MemoryBroker()
    records = curve(1_300)
    records[700] = {"step": 700, "emergency": {"reason": "collapse"}}
    await stored(broker, records, kinds={700: Kind.EMERGENCY})
    await index(broker)
    monkeypatch.setattr(Sampling, "_gone_through", never)
    sample = await sampled(broker, view_of(20))
    found = await broker.read_after("s", BEFORE_ALL, limit=10**6)
    (alarm,) = (one.id for one in found if one.kind is Kind.EMERGENCY)
    assert [one.of for one in sample.entries if one.id == alarm] == [0]
    assert sum(one.of for one in sample.entries) == 1_299


async def test_more_emergencies_than_the_index_names() -> None:
    """None may be missing: all is gone through."""
    broker = MemoryBroker()
    alarms = dict.fromkeys(range(0, 700, 3), Kind.EMERGENCY)
    await stored(broker, curve(700), kinds=alarms)
    await index(broker)
    sample = await sampled(broker, view_of(20))
    # The first of all is the marker that opens the stream.
    assert sum(one.of == 0 for one in sample.entries) == 1 + len(alarms)


async def test_what_is_filtered_is_gone_through() -> None:
    """Roll-ups know nothing of conditions."""
    broker = MemoryBroker()
    records = curve(1_300)
    await stored(broker, records)
    await index(broker)
    where = parse_filter({"metric": "step", "op": "lt", "value": 700})
    sample = await sampled(broker, View(max_points=10, where=where))
    entries = await entries_of(broker)
    assert sum(one.of for one in sample.entries) == 700
    assert sample.entries[-1].id == entries[699].id


async def test_what_follows_a_place_may_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then it is to be looked up."""
    broker = MemoryBroker()
    await stored(broker, curve(30))
    (entry, *_) = await entries_of(broker)
    end = (await broker.read_before("s", None, limit=1))[0].cursor
    nowhere = Cursor(entry.id, 7)
    chosen = await sampling_of(broker).begin("s", view_of(2), nowhere, end)
    assert chosen is None


async def test_chunks_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted them, or cut them: all is gone through."""
    broker = MemoryBroker()
    await stored(broker, curve(4_300))
    await index(broker)
    entries = await entries_of(broker)
    for chunk in (None, b"short"):

        async def chunks(
            session: str, wanted: Sequence[Any], chunk: bytes | None = chunk
        ) -> list[bytes | None]:
            return [chunk for _ in wanted]

        monkeypatch.setattr(broker.indexes, "chunks", chunks)
        for after in (NOTHING, entries[1_000].cursor):
            sample = await sampled(broker, view_of(20), after)
            assert sample.entries[-1].id == entries[-1].id


async def test_an_index_that_becomes_another_one() -> None:
    """What was read of it may not fit together."""
    broker = MemoryBroker()
    await stored(broker, curve(1_300))
    await index(broker)
    ats = broker.indexes.ats

    async def other(sessions: Sequence[str]) -> list[str]:
        return [at + "?" for at in await ats(sessions)]

    broker.indexes.ats = other  # type: ignore[method-assign]
    sample = await sampled(broker, view_of(20))
    assert sum(one.of for one in sample.entries) == 1_300


async def test_a_replay_of_countless_emergencies_is_cut_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each part is reduced by itself."""
    monkeypatch.setattr(module, "MAX_OTHERS", 0)
    broker = MemoryBroker()
    await stored(broker, curve(30))
    end = (await broker.read_before("s", None, limit=1))[0].cursor
    sample = await sampling_of(broker).begin("s", view_of(2), NOTHING, end)
    assert sample is not None
    assert (sample.goes_on, sample.end, len(sample.entries)) == (True, NOTHING, 0)
