"""Places found by step and by time, over a broker in memory."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import assume, given, strategies as st

from tailcast_gateway.sessions import search
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Trimmed, Verdict
from tailcast_gateway.sessions.search import Search, Target
from tailcast_gateway.views.subscription import AtStep, AtTime
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.indexes import Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, NOTHING, EntryID
from tailcast_streams.session_state import NOTHING_STORED, Batch


Broker = TypeVar("Broker", bound=MemoryBroker)

RULES = Rules(("step",), ("time",))
# A day in December 2025, Unix milliseconds.
NOW_MS = 1_766_100_000_000
# What the records of the public case on evaluation lines have as steps.
FALLING = [50, 100, 0, 150, 200, 0, 250, 300, 0]


class CountingBroker(MemoryBroker):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.entries = 0

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        self.reads += 1
        found = await super().read_after(session, after, limit=limit)
        self.entries += len(found)
        return found


async def stored(
    steps: Sequence[float | None],
    *,
    step_bytes: int = 10,
    generation: int = 1,
    broker: CountingBroker | None = None,
) -> CountingBroker:
    """A session with these steps, None for a line without one."""
    broker = broker or CountingBroker()
    expected = (await broker.positions(["s"]))[0]
    entries = [NewEntry(0, Kind.MARKER, b"")]
    for at, step in enumerate(steps, 1):
        record = b'{"eval":1}' if step is None else b'{"step":%a}' % step
        entries.append(NewEntry(at * step_bytes, Kind.RECORD, record))
    await broker.append(
        Batch(
            session="s",
            expected=expected,
            incarnation="i",
            generation=generation,
            offset=entries[-1].offset,
            entries=entries,
            fields={},
        )
    )
    return broker


async def found(broker: MemoryBroker, target: Target) -> Verdict:
    """What a search says."""
    by = Search(broker, rules=RULES, now_ms=lambda: NOW_MS)
    return await by.find("s", target, (await broker.heads(["s"]))[0])


async def indexed(broker: Broker, *, entries: int = 1_000_000) -> Broker:
    """The same with an index of the first entries."""
    index = Index("s", incarnation="i", rules=RULES)
    stored = await broker.read_after("s", BEFORE_ALL, limit=entries)
    index.fold(stored, now_ms=NOW_MS)
    while index.stale is not None:
        index.restart(stored[0])
        index.fold(stored, now_ms=NOW_MS)
    await broker.indexes.discard("s")
    write = index.take_changes()
    if write is not None:
        assert await broker.indexes.write([write]) == [Written.DONE]
    return broker


async def next_record(broker: MemoryBroker, verdict: Verdict) -> bytes | None:
    """The record that is delivered first after a verdict."""
    assert isinstance(verdict, Resume)
    if verdict.cursor.digest:
        entry = await broker.find("s", verdict.cursor.id)
        assert entry is not None
        assert entry.cursor == verdict.cursor
    entries = await broker.read_after("s", verdict.cursor.id, limit=1)
    return entries[0].record if entries else None


async def test_c10_the_first_at_or_after_a_step() -> None:
    """C10: the first entry of the current generation with a step that is enough."""
    broker = await stored([0, 10, 20, 20, 30])
    for asked, step in ((-5, b"0"), (0, b"0"), (1, b"10"), (20, b"20"), (25, b"30")):
        verdict = await found(broker, AtStep(asked))
        assert await next_record(broker, verdict) == b'{"step":%b}' % step
    verdict = await found(broker, AtStep(20))
    assert isinstance(verdict, Resume)
    assert verdict.cursor.id == EntryID(1, 20)


async def test_not_reached_is_the_head() -> None:
    """Delivery begins with what comes next, and it is said how far the run is."""
    broker = await stored([0, 5, 2])
    head = (await broker.heads(["s"]))[0]
    assert head.cursor is not None
    for entries in (0, 2, 9):
        await indexed(broker, entries=entries)
        verdict = await found(broker, AtStep(6))
        assert verdict == Resume(head.cursor, is_proved=True, reached=5)


@pytest.mark.parametrize("entries", [0, 1, 2, 4, 7, 10])
async def test_steps_that_fall_back(entries: int) -> None:
    """Evaluation lines with a step of 0 do not hide what was reached before them."""
    broker = await indexed(await stored(FALLING), entries=entries)
    for asked, place in ((200, 40), (1, 0), (201, 60), (0, 0), (300, 70)):
        verdict = await found(broker, AtStep(asked))
        assert isinstance(verdict, Resume)
        assert verdict.cursor.id == EntryID(1, place)
    after = await broker.read_after("s", EntryID(1, 40), limit=9)
    records = b"".join(entry.record for entry in after)
    assert records.count(b"step") == 5


async def test_the_index_of_another_generation_is_not_believed() -> None:
    """Lines that it knows may be gone."""
    broker = await indexed(await stored([0, 10, 20]))
    await stored([5, 15], generation=2, broker=broker)
    verdict = await found(broker, AtStep(30))
    assert isinstance(verdict, Resume)
    assert verdict.reached == 20


async def test_a_session_without_values() -> None:
    """It is said that there are none; nothing stored is the beginning."""
    broker = await stored([None, None])
    for entries in (0, 2, 3):
        await indexed(broker, entries=entries)
        assert await found(broker, AtStep(1)) == NoValues("steps")
        assert str(await found(broker, AtTime(1))) == "has no times"
    assert await found(MemoryBroker(), AtStep(1)) == Resume(NOTHING, is_proved=True)


async def test_records_by_hand_have_no_values() -> None:
    """What is no JSON is walked past."""
    broker = await stored([0, 1])
    entries = broker._stored.streams["s"].entries
    entries[1] = entries[1]._replace(record=b"junk")
    verdict = await found(broker, AtStep(0))
    assert await next_record(broker, verdict) == b'{"step":1}'


async def test_times() -> None:
    """In whatever form records have them."""
    broker = CountingBroker()
    lines = [b'{"time":"2025-12-18T01:3%d:00Z"}' % minute for minute in range(5)]
    entries = [NewEntry(at * 40, Kind.RECORD, line) for at, line in enumerate(lines, 1)]
    await broker.append(
        Batch(
            session="s",
            expected=NOTHING_STORED,
            incarnation="i",
            generation=1,
            offset=200,
            entries=[NewEntry(0, Kind.MARKER, b""), *entries],
            fields={},
        )
    )
    for count in (0, 3, 9):
        await indexed(broker, entries=count)
        verdict = await found(broker, AtTime(1_766_021_460_001))
        assert await next_record(broker, verdict) == lines[2]


@pytest.mark.parametrize("has_index", [False, True])
async def test_trimmed_away(has_index: bool) -> None:
    """A gap, if what is kept begins beyond what is asked for; else none."""
    broker: MemoryBroker = await stored([*range(100)])
    if has_index:
        await indexed(broker)
    await broker.trim("s", EntryID(1, 500))
    verdict = await found(broker, AtStep(20))
    assert isinstance(verdict, Trimmed)
    assert (str(verdict.since), str(verdict.to)) == ("1-0-00000000", "1-490-00000000")
    verdict = await found(broker, AtStep(49))
    assert isinstance(verdict, Resume)
    assert await next_record(broker, verdict) == b'{"step":49}'
    verdict = await found(broker, AtStep(60))
    assert await next_record(broker, verdict) == b'{"step":60}'


async def test_few_reads_of_a_long_session() -> None:
    """Three round trips for entries, however long the session is."""
    broker = await stored([*range(20_000)], step_bytes=200)
    await indexed(broker)
    for step in (0, 1, 12_345, 19_999):
        broker.reads = broker.entries = 0
        verdict = await found(broker, AtStep(step))
        assert await next_record(broker, verdict) == b'{"step":%d}' % step
        # One is that of the test.
        assert broker.reads <= 3
        assert broker.entries <= 2_100


async def test_a_long_session_without_an_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So much of it is read; what lies behind that begins too early."""
    monkeypatch.setattr(search, "MAX_SCANNED", 500)
    broker = await stored([*range(3_000)])
    verdict = await found(broker, AtStep(300))
    assert await next_record(broker, verdict) == b'{"step":300}'
    verdict = await found(broker, AtStep(2_900))
    record = await next_record(broker, verdict)
    assert record is not None
    assert 500 <= int(record[8:-1]) < 2_900


async def test_stretches_without_values() -> None:
    """Header lines and evaluations, however many."""
    broker = await stored([*[None] * 3_000, *range(1_000), *[None] * 3_000, 1_000])
    for _ in range(2):
        for step in (0, 500, 1_000):
            verdict = await found(broker, AtStep(step))
            assert await next_record(broker, verdict) == b'{"step":%d}' % step
        await indexed(broker)


@given(
    steps=st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=80),
    asked=st.integers(-1, 31),
    entries=st.integers(0, 81),
)
async def test_the_first_record_that_reaches_it(
    steps: list[int | None], asked: int, entries: int
) -> None:
    """As a scan finds it, whatever the order of the steps and how many are indexed."""
    # Steps that fall again and again are none, as the next test says.
    known = [step for step in steps if step is not None]
    assume(sum(later < step for step, later in pairwise(known)) < 8)
    broker = await indexed(await stored(steps), entries=entries)
    verdict = await found(broker, AtStep(asked))
    if not steps:
        head = (await broker.heads(["s"]))[0]
        assert verdict in (NoValues("steps"), Resume(head.cursor, is_proved=True))  # type: ignore[arg-type]  # the marker is there
    elif not known:
        assert verdict == NoValues("steps")
    elif max(known) < asked:
        assert isinstance(verdict, Resume)
        assert verdict.reached == max(known)
        assert verdict.cursor.id == EntryID(1, len(steps) * 10)
    else:
        first = next(
            at for at, step in enumerate(steps) if step is not None and step >= asked
        )
        assert isinstance(verdict, Resume)
        assert verdict.cursor.id == EntryID(1, first * 10)


async def test_steps_of_runs_that_are_mixed() -> None:
    """Of several runs in one file that nothing tells apart, there are none."""
    broker = await stored([5, 4, 3, 2, 1, 0, 3, 2, 1, 0])
    for _ in range(2):
        assert await found(broker, AtStep(6)) == NoValues("steps")
        await indexed(broker)
