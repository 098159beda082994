"""Sessions with the figures of their indexes, over a broker in memory."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.sessions import indexed as module, making
from tailcast_gateway.sessions.core import told
from tailcast_gateway.sessions.core.runs import Known, SeenRun
from tailcast_gateway.sessions.core.told import SeenSession
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.cuts import rotation_details
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.indexes import Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.session_state import Batch


RULES = Rules(("step",), ("time",))
NOW_MS = 1_766_100_000_000
STEPS = [{"step": step} for step in range(9)]


async def stored(
    broker: MemoryBroker,
    records: Sequence[object],
    *,
    session: str = "s",
    generation: int = 1,
    kept: int = 0,
    details: Mapping[str, str] = MappingProxyType({"reason": "truncated"}),
) -> None:
    """A session of these records; those that are emergencies have it in them."""
    lines = [json.dumps(one).encode() for one in records]
    entries = [NewEntry(kept, Kind.MARKER, b"", details)]
    for line in lines:
        offset = entries[-1].offset + len(line) + 1
        kind = Kind.EMERGENCY if b"emergency" in line else Kind.RECORD
        entries.append(NewEntry(offset, kind, line))
    await broker.append(
        Batch(
            session=session,
            expected=(await broker.positions([session]))[0],
            incarnation="i",
            generation=generation,
            offset=entries[-1].offset,
            entries=entries,
            fields={},
        )
    )


async def index(broker: MemoryBroker, *, entries: int = 100_000) -> None:
    """Index the first entries of it."""
    write = (await folded(broker, entries=entries)).take_changes()
    assert write is not None
    assert await broker.indexes.write([write]) == [Written.DONE]


async def folded(broker: MemoryBroker, *, entries: int = 100_000) -> Index:
    """An index of the first entries of it."""
    made = Index("s", incarnation="i", rules=RULES)
    found = await broker.read_after("s", BEFORE_ALL, limit=entries)
    made.fold(found, now_ms=NOW_MS)
    while made.stale is not None:
        made.restart(found[0])
        made.fold(found, now_ms=NOW_MS)
    return made


def reading(broker: MemoryBroker) -> Indexed:
    """What reads them."""
    return Indexed(
        broker, rules=RULES, now_ms=lambda: NOW_MS, broker_now_ms=lambda: NOW_MS
    )


async def snapshot(broker: MemoryBroker) -> SeenSession:
    """The snapshot of the session."""
    return (await seen(broker)).snapshot


async def seen(broker: MemoryBroker) -> SeenRun:
    """The same with what is known of the run."""
    found = (await reading(broker).snapshots(["s", "unknown"]))[0]
    assert found is not None
    return found


async def meaning(broker: MemoryBroker) -> Known:
    """What its snapshot and a list say that it means."""
    known = (await seen(broker)).known
    (listed,) = await reading(broker).heads(["s"])
    assert listed.known.indexed_to == known.indexed_to
    assert (listed.known.summary is None) is (known.summary is None)
    if listed.known.summary is not None and known.summary is not None:
        assert listed.known.summary.steps == known.summary.steps
    return known


async def last_step(broker: MemoryBroker) -> tuple[float | None, EntryID] | None:
    """How far it is, and up to where that is true."""
    known = await meaning(broker)
    if known.summary is None:
        return None
    (state,) = await broker.states(["s"])
    assert state is not None
    end = state.position.last_id
    assert known.indexed_to is None or known.indexed_to.id < end
    return known.summary.steps.highest, (known.indexed_to or Cursor(end, 0)).id


@given(
    steps=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    entries=st.integers(0, 13),
)
async def test_index_and_tail_say_the_same_as_all_records(
    steps: list[int], entries: int
) -> None:
    """However far the index goes, and without one."""
    broker = MemoryBroker()
    await stored(broker, [{"step": step, "loss": step / 4} for step in steps])
    if entries:
        await index(broker, entries=entries)
    found = await snapshot(broker)
    means = await meaning(broker)
    assert means.summary is not None
    assert means.indexed_to is None
    whole = await folded(broker)
    assert means.summary.steps == whole.summary(NOW_MS).steps
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
    assert json.loads(found.latest) == {"step": steps[-1], "loss": losses[-1]}


async def test_what_is_not_there_is_not_told_of() -> None:
    """Neither in a list."""
    broker = MemoryBroker()
    assert await reading(broker).snapshots(["unknown"]) == [None]
    (listed,) = await reading(broker).heads(["unknown"])
    assert (listed.head.state, listed.known) == (None, Known())


async def test_an_index_of_another_generation_is_not_used() -> None:
    """What a rewrite kept counts, and nothing of what it cut."""
    broker = MemoryBroker()
    await stored(broker, STEPS)
    await index(broker)
    kept = len(json.dumps(STEPS[0])) + 1
    await stored(broker, [{"step": 2}], generation=2, kept=kept)
    found = await meaning(broker)
    assert found.summary is not None
    assert (found.summary.records, found.summary.steps.highest) == (2, 2)


ROTATED = rotation_details({"reason": "replaced"})


async def test_an_index_goes_on_behind_a_rotation() -> None:
    """If little is behind it; else nothing says yet that the run does."""
    broker = MemoryBroker()
    await stored(broker, STEPS[:5])
    await index(broker)
    await stored(broker, STEPS[5:7], generation=2, details=ROTATED)
    found = await meaning(broker)
    assert found.indexed_to is None
    assert found.summary is not None
    assert (found.summary.records, found.summary.steps.highest) == (7, 6)


async def test_an_index_of_before_a_generation_is_none_if_much_is_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether anything of it is left is not known."""
    broker = MemoryBroker()
    await stored(broker, STEPS[:5])
    await index(broker)
    await stored(broker, STEPS[5:7], generation=2, details=ROTATED)
    for name in ("TAIL_BYTES", "MADE_BYTES"):
        monkeypatch.setattr(module, name, 3)
    assert (await meaning(broker)).summary is None


@pytest.mark.parametrize("name", ["TAIL_BYTES", "TAILS_BYTES"])
async def test_too_much_is_behind_the_index(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its figures are told with the place up to which they are true."""
    broker = MemoryBroker()
    await stored(broker, STEPS)
    await index(broker, entries=3)
    monkeypatch.setattr(module, name, 3)
    entries = await broker.read_after("s", BEFORE_ALL, limit=99)
    assert await last_step(broker) == (1, entries[2].id)
    found = await seen(broker)
    assert found.snapshot.latest == entries[-1].record
    assert found.known.rate is None


async def test_a_part_of_what_is_behind_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The figures go as far as that."""
    broker = MemoryBroker()
    await stored(broker, STEPS)
    await index(broker, entries=3)
    monkeypatch.setattr(module, "TAIL_ENTRIES", 3)
    entries = await broker.read_after("s", BEFORE_ALL, limit=99)
    assert await last_step(broker) == (4, entries[5].id)


@pytest.mark.parametrize("is_long", [False, True])
async def test_what_is_behind_is_to_be_read_otherwise(
    monkeypatch: pytest.MonkeyPatch, is_long: bool
) -> None:
    """An index of its own is made for a short session; of a long one less is told."""
    broker = MemoryBroker()
    turns = [{"trial": {"step": 5}, "loss": 1}] * 2
    await stored(broker, [*turns, *({"step": 7, "loss": 1} for _ in range(40))])
    await index(broker, entries=3)
    entries = await broker.read_after("s", BEFORE_ALL, limit=99)
    if is_long:
        monkeypatch.setattr(module, "MADE_BYTES", 3)
    expected = (5, entries[2].id) if is_long else (7, entries[-1].id)
    assert await last_step(broker) == expected


@pytest.mark.parametrize(
    ("place", "name"),
    [(module, "MADE_BYTES"), (making, "MADE_ENTRIES")],
)
async def test_nothing_is_known_of_a_long_session_without_an_index(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str
) -> None:
    """But for its latest record, and what its state counts."""
    broker = MemoryBroker()
    await stored(broker, [*STEPS, {"step": 9, "emergency": {}}])
    monkeypatch.setattr(place, name, 3)
    assert await last_step(broker) is None
    found = await snapshot(broker)
    assert json.loads(found.latest) == {"step": 9, "emergency": {}}
    assert found.latest_emergency == found.latest
    assert (found.metrics, found.metrics_left_out) == (b"{}", 0)
    assert (found.state.records, found.state.emergencies) == (10, 1)


@pytest.mark.parametrize("name", ["EACH_MADE_BYTES", "ALL_MADE_BYTES"])
async def test_several_sessions_without_indexes_are_bounded_together(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A list of many is no reason to read all of them."""
    broker = MemoryBroker()
    for session in ("a", "b"):
        await stored(broker, STEPS, session=session)
    monkeypatch.setattr(module, name, 3)
    for one in await reading(broker).heads(["a", "b"]):
        assert one.known.summary is None


async def test_a_trimmed_stream_without_an_index_means_nothing() -> None:
    """All that is left is what the state says."""
    broker = MemoryBroker()
    await stored(broker, [*STEPS, {"step": 9, "emergency": {}}])
    await broker.trim("s", EntryID(9, 0))
    assert await last_step(broker) is None
    found = await snapshot(broker)
    assert (found.latest, found.latest_emergency) == (b"", b"")
    assert found.cursor is not None


async def test_what_is_left_of_a_stream_without_an_index_is_told_so() -> None:
    """These are the figures of what is left."""
    broker = MemoryBroker()
    await stored(broker, STEPS)
    assert not (await meaning(broker)).is_trimmed
    entries = await broker.read_after("s", BEFORE_ALL, limit=99)
    await broker.trim("s", entries[-2].id)
    found = await meaning(broker)
    assert found.summary is not None
    assert (found.indexed_to, found.is_trimmed) == (None, True)
    assert (found.summary.steps.first, found.summary.steps.highest) == (7, 8)


async def test_a_trimmed_stream_with_an_index_has_its_latest_record() -> None:
    """As the index kept it."""
    broker = MemoryBroker()
    await stored(broker, [*STEPS, {"step": 9, "emergency": {}}, {"step": 10}])
    await index(broker)
    await broker.trim("s", EntryID(9, 0))
    found = await snapshot(broker)
    assert json.loads(found.latest) == {"step": 10}
    assert json.loads(found.latest_emergency) == {"step": 9, "emergency": {}}


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("has_others", [True, False])
async def test_the_latest_emergency_is_one_that_the_file_has(
    *, has_others: bool, is_stored: bool
) -> None:
    """Not one in a line that went when it was written anew, by the state's word."""
    broker = MemoryBroker()
    alarms = [{"step": step, "emergency": {"at": step}} for step in (1, 2)]
    await stored(broker, [{"step": 0}, *alarms] if has_others else [{}, *alarms[1:]])
    size = len(json.dumps({"step": 0})) + 1 if has_others else len("{}") + 1
    kept = size + len(json.dumps(alarms[0])) + 1 if has_others else size
    await stored(broker, [{"step": 2}], generation=2, kept=kept)
    if is_stored:
        await index(broker)

    found = await snapshot(broker)

    known = (await meaning(broker)).summary
    assert known is not None
    assert (known.records, known.emergencies) == ((3, 1) if has_others else (2, 0))
    alarm = json.dumps(alarms[0]).encode() if has_others else b""
    assert found.latest_emergency == alarm
    at = EntryID(1, kept) if has_others else BEFORE_ALL
    assert found.latest_emergency_id == at


async def test_how_records_are_read_is_what_the_index_says() -> None:
    """Nothing without one."""
    broker = MemoryBroker()
    await stored(broker, STEPS)
    assert await reading(broker).choice("s") is None
    await index(broker)
    known = (await meaning(broker)).summary
    assert known is not None
    assert await reading(broker).choice("s") == known.choice


async def test_a_session_that_grows_while_it_is_read() -> None:
    """What came after its state is of the next snapshot."""
    broker = MemoryBroker()
    await stored(broker, STEPS[:2])
    (state,) = await broker.states(["s"])
    assert state is not None
    await stored(broker, STEPS[2:4], generation=2, kept=state.position.offset)
    broker._stored.states["s"] = state
    assert await last_step(broker) == (1, state.position.last_id)
    assert json.loads((await snapshot(broker)).latest) == STEPS[1]


async def test_a_session_without_entries_means_nothing() -> None:
    """And that is all that there is to know."""
    broker = MemoryBroker()
    await broker.append(
        Batch(
            session="s",
            expected=(await broker.positions(["s"]))[0],
            incarnation="i",
            generation=1,
            offset=0,
            entries=(),
            fields={},
        )
    )
    found = await seen(broker)
    assert found.snapshot.cursor is None
    assert found.snapshot.latest == b""
    assert found.known.summary is not None
    assert found.known.indexed_to is None


async def test_a_record_that_is_kept_by_its_entry_alone() -> None:
    """It is read there, if a marker or a gap came behind it."""
    broker = MemoryBroker()
    long: dict[str, object] = {"text": "x" * 70_000, "emergency": {}}
    await stored(broker, [long])
    (state,) = await broker.states(["s"])
    assert state is not None
    await stored(broker, [], generation=2, kept=state.position.offset)
    await index(broker)
    found = await snapshot(broker)
    assert json.loads(found.latest) == long
    assert json.loads(found.latest_emergency) == long


async def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first metrics are shown."""
    for place in (module, told):
        monkeypatch.setattr(place, "SHOWN_METRICS", 2)
    broker = MemoryBroker()
    await stored(broker, [{"a": 1, "b": 2, "c": 3, "x" * 300: 4}])
    await index(broker)
    found = await snapshot(broker)
    assert list(json.loads(found.metrics)) == ["a", "b"]
    assert found.metrics_left_out == 2


async def test_how_fast_a_run_goes() -> None:
    """By its own times; who made its index knows nothing of when records came."""
    for records, rate in (
        ([{"time": NOW_MS / 1_000 - n} for n in range(5)], 1.0),
        ([{"step": n} for n in range(5)], None),
    ):
        broker = MemoryBroker()
        await stored(broker, records[::-1])
        found = await meaning(broker)
        assert found.rate == rate
        assert found._replace(knows_arrivals=True).rate == (rate or 0.0)


@pytest.mark.parametrize("entries", [0, 3, 100])
async def test_those_metrics_alone_that_were_asked_for(entries: int) -> None:
    """However many there are, and wherever the index ends; others are counted."""
    broker = MemoryBroker()
    many = {f"m{at}": at for at in range(told.SHOWN_METRICS + 5)}
    last = {"step": 3, "m3": 9, "m4": 4, "z": 1}
    await stored(broker, [{"step": 1, **many}, {"step": 2, **many}, last])
    if entries:
        await index(broker, entries=entries)
    asked = ["m3", "nothing", "m1004", "z", "m3"]
    found = (await reading(broker).snapshots(["s"], asked))[0]
    assert found is not None
    shown = json.loads(found.snapshot.metrics)
    assert list(shown) == ["m3", "m1004", "z"]
    assert (shown["m3"]["last"], shown["m3"]["count"]) == (9, 3)
    assert found.snapshot.unknown == ["nothing"]
    assert json.loads(found.snapshot.latest) == {"step": 3, "m3": 9, "z": 1}
    left_out = told.SHOWN_METRICS + 5 + 1 - 3
    # Of what is behind the index only what was asked for is known.
    assert found.snapshot.metrics_left_out in {left_out, left_out - 1}
