"""Places found by step and by time, over a broker in memory."""

from collections.abc import Sequence

from hypothesis import given, strategies as st

from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Trimmed, Verdict
from tailcast_gateway.sessions.search import PROBE_ENTRIES, Search, Target
from tailcast_gateway.views.subscription import AtStep, AtTime
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, NOTHING, EntryID
from tailcast_streams.session_state import NOTHING_STORED, Batch


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
    known = [step for step in steps if step is not None]
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
            fields={"last_step": known[-1]} if known else {},
        )
    )
    return broker


async def found(broker: MemoryBroker, target: Target) -> Verdict:
    """What a search says."""
    search = Search(broker, step_keys=("step",), time_keys=("time",))
    return await search.find("s", target, (await broker.heads(["s"]))[0])


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


async def test_nothing_at_or_after_is_the_head() -> None:
    """Delivery begins with what comes next."""
    broker = await stored([0, 1, 2])
    head = (await broker.heads(["s"]))[0]
    assert await found(broker, AtStep(3)) == Resume(head.cursor, is_proved=True)  # type: ignore[arg-type]  # it has one


async def test_the_current_generation_alone() -> None:
    """An earlier one's steps are not looked at."""
    broker = await stored([0, 10, 20])
    await stored([5, 15], generation=2, broker=broker)
    verdict = await found(broker, AtStep(10))
    assert await next_record(broker, verdict) == b'{"step":15}'
    verdict = await found(broker, AtStep(0))
    assert await next_record(broker, verdict) == b'{"step":5}'
    assert isinstance(verdict, Resume)
    assert verdict.cursor.id == EntryID(2, 0)


async def test_a_session_without_values() -> None:
    """It is said that there are none; nothing stored is the beginning."""
    broker = await stored([None, None])
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
    """By the configured keys, in whatever form records have them."""
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
            fields={"last_time_ms": 1},
        )
    )
    verdict = await found(broker, AtTime(1_766_021_460_001))
    assert await next_record(broker, verdict) == lines[2]


async def test_trimmed_away() -> None:
    """A gap, if what is kept begins beyond what is asked for; else none."""
    broker = await stored([*range(100)])
    await broker.trim("s", EntryID(1, 500))
    verdict = await found(broker, AtStep(20))
    assert isinstance(verdict, Trimmed)
    assert (str(verdict.since), str(verdict.to)) == ("1-0-00000000", "1-490-00000000")
    verdict = await found(broker, AtStep(49))
    assert isinstance(verdict, Resume)
    assert await next_record(broker, verdict) == b'{"step":49}'
    verdict = await found(broker, AtStep(60))
    assert await next_record(broker, verdict) == b'{"step":60}'


async def test_few_reads_of_few_entries() -> None:
    """The cost grows with the logarithm of what is stored."""
    broker = await stored([*range(20_000)], step_bytes=200)
    broker.reads = broker.entries = 0
    verdict = await found(broker, AtStep(12_345))
    assert await next_record(broker, verdict) == b'{"step":12345}'
    assert broker.reads < 32
    assert broker.entries <= broker.reads * PROBE_ENTRIES


async def test_a_stretch_without_values_is_leapt_over() -> None:
    """What lies behind it is found; what would lie in it, rather too early."""
    steps = [*range(1_000), *[None] * 5_000, *range(1_000, 2_000)]
    broker = await stored(steps)
    for step in (0, 500, 999, 1_500, 1_999):
        verdict = await found(broker, AtStep(step))
        assert await next_record(broker, verdict) == b'{"step":%d}' % step
    verdict = await found(broker, AtStep(1_000))
    assert await next_record(broker, verdict) in (b'{"eval":1}', b'{"step":1000}')


async def test_a_long_end_without_values() -> None:
    """The last value is too far from the end to be seen: it is found by bisection."""
    broker = await stored([*range(3_000), *[None] * 3_000])
    verdict = await found(broker, AtStep(700))
    assert await next_record(broker, verdict) == b'{"step":700}'


async def test_a_long_beginning_without_values() -> None:
    """Header lines, however many."""
    broker = await stored([*[None] * 3_000, *range(3_000)])
    verdict = await found(broker, AtStep(700))
    assert await next_record(broker, verdict) == b'{"step":700}'
    verdict = await found(broker, AtStep(0))
    assert await next_record(broker, verdict) in (b'{"eval":1}', b'{"step":0}')


@given(
    steps=st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=80),
    asked=st.integers(-1, 31),
)
async def test_a_place_where_the_value_rises_past_what_is_asked(
    steps: list[int | None], asked: int
) -> None:
    """Whatever the order of the steps; with rising ones it is the first place."""
    for values in (steps, sorted(step for step in steps if step is not None)):
        broker = await stored(values)
        verdict = await found(broker, AtStep(asked))
        known = [value for value in values if value is not None]
        if not known:
            assert verdict in (NoValues("steps"), Resume(NOTHING, is_proved=True))
            continue
        assert isinstance(verdict, Resume)
        entries = await broker.read_after("s", BEFORE_ALL, limit=99)
        at = [entry.id for entry in entries].index(verdict.cursor.id)
        before = [value for value in values[:at] if value is not None]
        after = values[at:]
        if known[-1] < asked:
            assert not after
        else:
            assert after[0] is not None
            assert after[0] >= asked
            assert before == [] or before[-1] < asked
