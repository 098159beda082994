"""Curves of sessions in a broker in memory, held against their raw records."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions import curve_reads as module
from tailcast_gateway.sessions.core.series import Drawn, Span
from tailcast_gateway.sessions.curve_reads import Unindexed
from tailcast_gateway.sessions.curves import Curves
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.search import Search
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_index.rollups import Curve
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.indexes import Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID, digest
from tailcast_streams.session_state import Batch
from tests.gateway.sessions.rig import Sessions


RULES = Rules(("step",), ("time",))
NOW_MS = 1_766_100_000_000
VALUES = st.one_of(
    st.integers(-5, 5), st.floats(-1e9, 1e9), st.sampled_from(["NaN", "-Infinity"])
)
PATTERN = st.lists(
    st.dictionaries(st.sampled_from(["loss", "lr"]), VALUES), min_size=1, max_size=4
)

Record = dict[str, Any]


def numbered(pattern: Sequence[Record], count: int) -> list[Record]:
    """So many records of a pattern, one step each."""
    return [{"step": at, **pattern[at % len(pattern)]} for at in range(count)]


async def stored(
    broker: MemoryBroker,
    records: Sequence[Record],
    kinds: Mapping[int, Kind] | None = None,
) -> None:
    """More records of the session; of another kind where that is said."""
    (expected,) = await broker.positions(["s"])
    entries = [] if expected.generation else [NewEntry(0, Kind.MARKER, b"")]
    offset = expected.offset
    for at, record in enumerate(records):
        line = json.dumps(record).encode()
        offset += len(line) + 1
        kind = (kinds or {}).get(at, Kind.RECORD)
        entries.append(NewEntry(offset, kind, line))
    batch = Batch(
        session="s",
        expected=expected,
        incarnation="i",
        generation=1,
        offset=offset,
        entries=entries,
        fields={"last_digest": digest(entries[-1].record)},
    )
    await broker.append(batch)


async def index(
    broker: MemoryBroker, *, entries: int = 100_000, is_resting: bool = False
) -> None:
    """Index the first entries, as an indexer does that begins."""
    at = (await broker.indexes.ats(["s"]))[0]
    made = Index("s", incarnation="i", rules=RULES, stored_at=at)
    found = await broker.read_after("s", BEFORE_ALL, limit=entries)
    made.fold(found, now_ms=NOW_MS)
    while made.stale is not None:
        made.restart(found[0])
        made.fold(found, now_ms=NOW_MS)
    write = made.take_changes(is_resting=is_resting)
    assert write is not None
    assert await broker.indexes.write([write]) == [Written.DONE]


def drawing(broker: MemoryBroker) -> Curves:
    """What draws them."""
    search = Search(broker, rules=RULES, now_ms=lambda: NOW_MS)
    reads = Reads(broker, search=search, instruments=Sessions().instruments)
    isolation = SessionIsolation(Instruments())
    return Curves(
        broker, reads, isolation=isolation, rules=RULES, now_ms=lambda: NOW_MS
    )


async def drawn(broker: MemoryBroker, *names: str, points: int = 10) -> Drawn:
    """Its curves along the numbers of records."""
    return await drawing(broker).draw("s", names or None, points=points, x="record")


def check(curve: Curve, records: Sequence[Record], name: str) -> None:
    """Each row is what the raw records up to its place say, from the row before."""
    before = -1
    rows = zip(curve.x, curve.min, curve.max, curve.mean, curve.count, strict=True)
    for x, low, high, mean, count in rows:
        assert isinstance(x, int)
        values = finite(records[before + 1 : x + 1], name)
        assert (low, high, count) == (min(values), max(values), len(values))
        assert mean == pytest.approx(sum(values) / len(values), abs=1e-3)
        before = x
    assert not finite(records[before + 1 :], name)
    others = [one for one in records if isinstance(one.get(name), str)]
    assert sum(count for _, _, count in curve.nonfinite) == len(others)


def finite(records: Sequence[Record], name: str) -> list[float]:
    """The finite values of a metric."""
    values = [float(one[name]) for one in records if name in one]
    return [value for value in values if math.isfinite(value)]


@settings(max_examples=40)
@given(
    pattern=PATTERN,
    count=st.sampled_from([1, 3, 40, 41, 513, 514, 700, 1_300]),
    part=st.none() | st.floats(0, 1),
    is_resting=st.booleans(),
    points=st.sampled_from([1, 2, 10, 300]),
)
async def test_rows_are_what_the_raw_records_say(
    pattern: list[Record], count: int, part: float | None, is_resting: bool, points: int
) -> None:
    """However far the index goes, and without one."""
    broker = MemoryBroker()
    records = numbered(pattern, count)
    await stored(broker, records)
    if part is not None:
        entries = 2 + int(part * (count - 1))
        await index(broker, entries=entries, is_resting=is_resting)
    found = await drawn(broker, "loss", "lr", "no", points=points)
    (head,) = await broker.heads(["s"])
    assert (found.cursor, found.series.of) == (head.cursor, count)
    names = {name for record in records for name in record} - {"step"}
    assert set(found.series.curves) == names
    assert {"no", *found.chosen.unknown} | names == {"loss", "lr", "no"}
    for name, curve in found.series.curves.items():
        assert len(curve.x) <= points
        check(curve, records, name)


@settings(max_examples=30)
@given(
    steps=st.lists(st.sampled_from([None, 0]), min_size=1, max_size=5),
    count=st.sampled_from([30, 600, 4_000]),
    indexed=st.floats(0.3, 1),
    x=st.sampled_from(["step", "time", "record"]),
    low=st.none() | st.floats(0, 1.2),
    high=st.none() | st.floats(0, 1.2),
)
@example([0], 4_000, 1.0, "step", 0.2, 0.4)
@example([None, 0], 4_000, 0.6, "time", 0.4, 0.5)
@example([0], 4_000, 0.5, "step", None, 0.9)
async def test_a_span_has_all_that_a_scan_finds(
    steps: list[int | None], count: int, indexed: float, x: AxisName,
    low: float | None, high: float | None,
) -> None:  # fmt: skip  # one glance
    """Some records have no step; a bucket at either end may have more than the span."""
    broker = MemoryBroker()
    records: list[Record] = []
    for at in range(count):
        step = steps[at % len(steps)]
        time = {} if step is None else {"step": at + step, "time": 1.7e9 + at + step}
        records.append({**time, "number": at})
    await stored(broker, records)
    await index(broker, entries=2 + int(indexed * (count - 1)))
    begin = 1.7e12 if x == "time" else 0
    scale = count * (1_000 if x == "time" else 1)
    span = Span(*(None if one is None else begin + one * scale for one in (low, high)))
    found = await drawing(broker).draw("s", ["number"], points=5, x=x, span=span)
    # It may end with the index, if what is behind that is to be read otherwise.
    entries = await broker.read_after("s", BEFORE_ALL, limit=10_000)
    count = len([one for one in entries if one.id <= found.cursor.id]) - 1
    told = {"step": "step", "time": "time", "record": "number"}[x]
    values = (one.get(told, -math.inf) for one in records[:count])
    tops = [top * (1_000 if x == "time" else 1) for top in accumulate(values, max)]
    low, high = span
    reached = [at for at, top in enumerate(tops) if low is None or top >= low]
    above = [at for at, top in enumerate(tops) if high is not None and top > high]
    first, end = min(reached, default=count), min(above, default=count)
    series = found.series
    assert first - 256 < series.first <= first or not series.of
    # Buckets of 256 records are the largest for so few.
    assert end - first <= series.of < max(0, end - first) + 2 * 256
    curve = series.curves.get("number")
    assert sum(curve.count if curve else []) == series.of


async def test_a_short_session_is_its_records() -> None:
    """Along its steps; a name with commas in it is one, and others are left out."""
    broker = MemoryBroker()
    await stored(broker, [{"step": 5, "a": 1, "b,c": 2}, {"step": 9, "a": 3}])
    found = await drawing(broker).draw("s", None, points=9, x="step")
    assert found.series.curves["a"] == Curve(
        [5, 9], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0], [1, 1], []
    )
    assert (list(found.series.curves), found.chosen.left_out) == (["a", "b,c"], 0)
    assert found.indexed_to is None
    whole = await drawing(broker).draw(
        "s", ["b", "c", "b,c"], points=9, x="step", whole="b,c"
    )
    assert list(whole.series.curves) == ["b,c"]


@pytest.mark.parametrize("is_resting", [True, False])
@pytest.mark.parametrize("fall", [20, 700, 5_000, 5_990])
async def test_no_row_has_both_sides_of_a_fall_back(
    fall: int, is_resting: bool
) -> None:
    """The run broke off at a million and was taken up at a checkpoint."""
    broker = MemoryBroker()
    before = [{"step": at, "loss": 10**6} for at in range(fall)]
    after = [{"step": at - 15, "loss": 1} for at in range(fall, 6_000)]
    await stored(broker, [*before, *after])
    await index(broker, is_resting=is_resting)
    places: list[tuple[AxisName, int]] = [("record", fall), ("step", fall - 15)]
    for x, point in places:
        found = await drawing(broker).draw("s", ["loss"], points=100, x=x)
        curve = found.series.curves["loss"]
        assert curve.min == curve.max
        assert found.summary.rewinds[0].records == fall
        at = curve.max.index(1.0)
        assert curve.x[at - 1] == fall - 1
        behind = curve.x[at]
        assert behind is not None
        assert behind >= point
    # Without the records one bucket at most has both sides.
    entries = await broker.read_after("s", BEFORE_ALL, limit=10**6)
    await broker.trim("s", entries[-2].id)
    curve = (await drawn(broker, "loss", points=100)).series.curves["loss"]
    mixed = [
        count
        for low, high, count in zip(curve.min, curve.max, curve.count, strict=True)
        if low < high
    ]
    assert mixed in ([], [32])


async def test_too_much_is_behind_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves end with the index and say so; what follows begins there."""
    monkeypatch.setattr(module, "BEHIND_BYTES", 100)
    broker = MemoryBroker()
    records = numbered([{"loss": 1}, {"loss": 2}], 1_000)
    await stored(broker, records)
    await index(broker, entries=701)
    found = await drawn(broker, "loss")
    entries = await broker.read_after("s", BEFORE_ALL, limit=701)
    assert found.indexed_to == found.cursor == entries[-1].cursor
    assert found.series.of == 700
    check(found.series.curves["loss"], records[:700], "loss")


@pytest.mark.parametrize("is_found", [True, False])
async def test_the_stream_has_lost_what_no_roll_up_has(is_found: bool) -> None:
    """Curves end with the roll-ups, where a client is told of the gap."""
    broker = MemoryBroker()
    records = numbered([{"loss": 1}, {"loss": 2}], 1_000)
    await stored(broker, records)
    await index(broker)
    entries = await broker.read_after("s", BEFORE_ALL, limit=2_000)
    # 513 records are in complete chunks.
    kept = [entries[513]] if is_found else []
    broker._stored.streams["s"].entries[:] = [*kept, *entries[700:]]
    found = await drawn(broker, "loss")
    assert found.series.of == 513
    assert found.cursor.id == entries[513].id
    assert (found.cursor == entries[513].cursor) is is_found
    check(found.series.curves["loss"], records[:513], "loss")


async def test_a_short_session_whose_first_records_were_trimmed() -> None:
    """Its whole curve stays, from the roll-ups."""
    broker = MemoryBroker()
    records = numbered([{"loss": 1}, {"loss": 2}], 600)
    await stored(broker, records)
    await index(broker)
    assert len((await drawn(broker, points=600)).series.curves["loss"].x) == 600
    await broker.trim("s", (await broker.read_after("s", BEFORE_ALL, limit=101))[-1].id)
    found = await drawn(broker, points=600)
    assert found.series.of == 600
    check(found.series.curves["loss"], records, "loss")


async def test_a_long_session_without_an_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has to wait for an indexer; so has one with long records."""
    broker = MemoryBroker()
    await stored(broker, numbered([{"loss": 1}], 20))
    monkeypatch.setattr(module, "EXACT_RECORDS", 19)
    with pytest.raises(Unindexed):
        await drawn(broker)
    monkeypatch.setattr(module, "EXACT_RECORDS", 20)
    assert (await drawn(broker)).series.of == 20
    monkeypatch.setattr(module, "EXACT_BYTES", 3)
    monkeypatch.setattr(module, "FOLDED_BYTES", 50)
    with pytest.raises(Unindexed):
        await drawing(broker).metrics("s")
    with pytest.raises(Unindexed):
        await drawing(broker).metrics("nobody")


class _Hasty(MemoryBroker):
    """Its index is made anew each time that its roll-ups are read."""

    tries = 1

    async def again(self) -> None:
        """Write it once more, with one entry less."""
        if self.tries:
            self.tries -= 1
            await self.indexes.discard("s")
            await index(self, entries=900 - self.tries)


async def test_an_index_that_becomes_another_one_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And if that does not end, the client may come again."""
    broker = _Hasty()
    records = numbered([{"loss": 1}, {"loss": 2}], 1_000)
    await stored(broker, records)
    await index(broker)
    read = broker.indexes.chunks

    async def chunks(session: str, wanted: Any) -> Any:
        found = await read(session, wanted)
        await broker.again()
        return found

    monkeypatch.setattr(broker.indexes, "chunks", chunks)
    found = await drawn(broker, "loss")
    check(found.series.curves["loss"], records, "loss")
    broker.tries = 99
    with pytest.raises(BrokerUnavailable):
        await drawn(broker, "loss")


async def test_chunks_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted them: it is no row that is wrong."""
    broker = MemoryBroker()
    await stored(broker, numbered([{"loss": 1}], 1_000))
    await index(broker)

    async def chunks(session: str, wanted: Sequence[Any]) -> list[None]:
        return [None for _ in wanted]

    monkeypatch.setattr(broker.indexes, "chunks", chunks)
    with pytest.raises(BrokerUnavailable):
        await drawn(broker, "loss")


async def test_the_catalogue_has_what_is_behind_the_index() -> None:
    """Those metrics too that have just come."""
    broker = MemoryBroker()
    await stored(broker, numbered([{"loss": 1}], 10))
    await index(broker)
    await stored(broker, [{"step": 10, "loss": 3, "new": 4.5, "x" * 300: 1}])
    listed = await drawing(broker).metrics("s")
    told = {one.name: (one.count, one.last) for one in listed.metrics}
    assert told == {"loss": (11, 3), "new": (1, 4.5)}
    assert len(listed.summary.left_out.names) == 1
    assert listed.indexed_to is not None
    assert isinstance(listed.indexed_to.id, EntryID)


@pytest.mark.parametrize("x", ["record", "step", "time"])
@pytest.mark.parametrize(("low", "high"), [(1_000, 1_049), (3, 20), (4_250, None)])
async def test_a_short_part_of_a_long_session_is_its_records(
    x: AxisName, low: int, high: int | None
) -> None:
    """A row each, where the stream still has them; else the finest buckets."""
    broker = MemoryBroker()
    time_ms = NOW_MS - 10_000_000
    records = [
        {"step": at, "time": time_ms + at, "loss": at % 7} for at in range(4_300)
    ]
    await stored(broker, records)
    await index(broker, is_resting=True)
    ahead = time_ms if x == "time" else 0
    span = Span(ahead + low, None if high is None else ahead + high)
    within = range(low, len(records) if high is None else high + 1)
    curves = drawing(broker)
    found = await curves.draw("s", ["loss"], points=60, x=x, span=span)
    loss = found.series.curves["loss"]
    assert loss.x == [ahead + at for at in within]
    assert loss.mean == [at % 7 for at in within]
    assert (found.series.of, found.bucket) == (len(within), 1)
    few = await curves.draw("s", ["loss"], points=9, x=x, span=span)
    assert len(few.series.curves["loss"].x) <= 9
    entries = await broker.read_after("s", BEFORE_ALL, limit=10**6)
    await broker.trim("s", entries[-20].id)
    found = await curves.draw("s", ["loss"], points=60, x=x, span=span)
    assert found.bucket == 32
    assert found.series.of >= len(within)
