"""The append: all adapters compare and append as one step."""

from dataclasses import replace

import pytest

from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Origin,
    StoredPosition,
    Whose,
)
from tests.conformance.batches import (
    append,
    first_batch,
    follow_on,
    marker,
    position,
    record,
    rejection,
)
from tests.conformance.conftest import Adapter


BEGINNING = EntryID(1, 0)


async def test_a_session_begins_where_nothing_is_stored(adapter: Adapter) -> None:
    """The first batch writes entries and state together."""
    assert await adapter.load("s") is None

    assert await adapter.append(first_batch(record(30))) is Appended.DONE

    last = EntryID(1, 30)
    assert await position(adapter) == StoredPosition(
        "i1", 1, 30, last, BEFORE_ALL, last
    )


async def test_each_entry_carries_the_id_before_it(adapter: Adapter) -> None:
    """The chain of previous IDs goes on over batches."""
    await adapter.append(first_batch(record(30), record(60)))
    await append(adapter, record(90), offset=90)

    entries = await adapter.read_after("s", BEFORE_ALL, limit=10)

    assert [(entry.previous, entry.id) for entry in entries] == [
        (BEFORE_ALL, BEGINNING),
        (BEGINNING, EntryID(1, 30)),
        (EntryID(1, 30), EntryID(1, 60)),
        (EntryID(1, 60), EntryID(1, 90)),
    ]


async def test_entries_come_back_as_they_were(adapter: Adapter) -> None:
    """Kind, bytes and details survive, whatever they hold."""
    data = '{"loss":"NaN","note":"é\\u0000 \\"quoted\\" }{%s"}'.encode()
    new = [
        NewEntry(10, Kind.RECORD, data),
        NewEntry(20, Kind.EMERGENCY, b'{"emergency":{}}'),
        NewEntry(40, Kind.GAP, b"", {"from": "1-20", "to": "1-40"}),
    ]
    await adapter.append(first_batch(*new, offset=40))

    entries = await adapter.read_after("s", BEGINNING, limit=10)

    assert entries == [
        Entry(EntryID(1, 10), BEGINNING, Kind.RECORD, data),
        Entry(EntryID(1, 20), EntryID(1, 10), Kind.EMERGENCY, b'{"emergency":{}}'),
        Entry(
            EntryID(1, 40),
            EntryID(1, 20),
            Kind.GAP,
            b"",
            {"from": "1-20", "to": "1-40"},
        ),
    ]


async def test_a_repeated_append_changes_nothing(adapter: Adapter) -> None:
    """A command that was redelivered, or whose reply was lost, is a conflict."""
    batch = first_batch(record(30))
    await adapter.append(batch)

    assert await adapter.append(batch) is Appended.CONFLICT

    assert len(await adapter.read_after("s", BEFORE_ALL, limit=10)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"incarnation": "another"},
        {"generation": 2},
        {"offset": 29},
        {"last_id": EntryID(1, 29)},
        {"last_rejected_id": EntryID(1, 29)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_every_part_of_the_position_is_compared(
    adapter: Adapter, change: dict[str, object]
) -> None:
    """One difference is enough to write nothing."""
    await adapter.append(first_batch(record(30)))
    batch = await follow_on(adapter, record(60), offset=60)
    expected = batch.expected._replace(**change)  # type: ignore[arg-type]  # by name

    assert await adapter.append(replace(batch, expected=expected)) is Appended.CONFLICT

    assert (await position(adapter)).offset == 30


OURS = Whose("host:/logs", "/logs/é b.jsonl")


@pytest.mark.parametrize(
    ("stored", "expected", "outcome"),
    [
        (OURS, OURS, Appended.DONE),
        (OURS, None, Appended.DONE),
        (Whose(), Whose(), Appended.DONE),
        (OURS._replace(owner=""), OURS, Appended.CONFLICT),
        (OURS._replace(path="/logs/b.jsonl"), OURS, Appended.CONFLICT),
        (Whose(), OURS, Appended.CONFLICT),
        (OURS, Whose(), Appended.CONFLICT),
        (Whose("a", "bc"), Whose("ab", "c"), Appended.CONFLICT),
    ],
)
async def test_whose_a_session_is_is_compared_if_it_is_expected(
    adapter: Adapter, stored: Whose, expected: Whose | None, outcome: Appended
) -> None:
    """It may change where the position does not: an owner gives a session up."""
    first = first_batch(record(30))
    fields = {} if stored == Whose() else stored._asdict()
    await adapter.append(replace(first, fields=fields))
    batch = await follow_on(adapter, record(60), offset=60)

    answer = await adapter.append(replace(batch, expected_whose=expected))

    state = await adapter.load("s")
    assert answer is outcome
    assert state is not None
    assert state.position.offset == (60 if outcome is Appended.DONE else 30)
    assert Whose(state.owner, state.path) == stored


async def test_a_new_generation_rises_above_the_old(adapter: Adapter) -> None:
    """The marker of generation 2 at offset 0 follows generation 1 at any offset."""
    await adapter.append(first_batch(record(30)))
    batch = await follow_on(adapter, marker(0, reason="truncated"), record(9), offset=9)

    assert await adapter.append(replace(batch, generation=2)) is Appended.DONE

    entries = await adapter.read_after("s", EntryID(1, 30), limit=10)
    assert [entry.id for entry in entries] == [EntryID(2, 0), EntryID(2, 9)]
    assert entries[0].details == {"reason": "truncated"}
    assert entries[0].kind is Kind.MARKER


async def test_rejected_lines_change_with_the_state(adapter: Adapter) -> None:
    """Rejections are counted and move the position, entries or not."""
    await adapter.append(first_batch(record(30)))

    await append(adapter, offset=40, rejections=(rejection(35), rejection(40)))

    state = await adapter.load("s")
    assert state is not None
    assert state.rejected == 2
    assert state.position.last_rejected_id == EntryID(1, 40)
    assert state.position.last_id == EntryID(1, 30)
    assert state.position.offset == 40


async def test_the_state_holds_what_was_written_and_counted(adapter: Adapter) -> None:
    """Fields and counters."""
    await adapter.append(first_batch(record(30), offset=30))
    await append(
        adapter,
        record(60, b'{"step":2}'),
        NewEntry(90, Kind.EMERGENCY, b'{"emergency":{}}'),
        offset=90,
        fields={"size": 100, "owner": "host:logs"},
    )

    state = await adapter.load("s")

    assert state is not None
    assert (state.records, state.rejected) == (3, 0)
    assert (state.emergencies, state.latest_emergency_id) == (1, EntryID(1, 90))
    assert (state.size, state.owner) == (100, "host:logs")


async def test_origins_are_read_in_one_call(adapter: Adapter) -> None:
    """Which file each session is of, and how far it was read; None for nothing."""
    begin = replace(
        first_batch(record(30), session="b"),
        fields={
            "path": "/l/a",
            "owner": "o:/l",
            "updated_ms": 7,
            "head_proof": "64:aa",
        },
    )
    await adapter.append(begin)

    assert await adapter.origins(["a", "b"]) == [
        None,
        Origin("/l/a", "o:/l", 7, begin.offset, "64:aa", ""),
    ]


async def test_states_are_read_in_one_call(adapter: Adapter) -> None:
    """Each as `load` has it, None for sessions of which there is nothing."""
    await adapter.append(first_batch(record(30), session="b"))
    await append(adapter, session="b", offset=30, fields={"absent_since_ms": 7})

    states = await adapter.states(["a", "b"])

    assert states == [None, await adapter.load("b")]
    assert states[1] is not None
    assert states[1].absent_since_ms == 7


async def test_progress_over_blank_lines_alone_is_kept(adapter: Adapter) -> None:
    """A batch without entries moves the offset."""
    await adapter.append(first_batch(record(30)))

    await append(adapter, offset=33)

    stored = await position(adapter)
    assert (stored.offset, stored.last_id) == (33, EntryID(1, 30))


async def test_falling_ids_write_nothing(adapter: Adapter) -> None:
    """A batch whose IDs do not rise is refused before its first entry."""
    await adapter.append(first_batch(record(30)))
    batch = await follow_on(adapter, record(60), record(50), offset=60)

    with pytest.raises(Exception, match="must rise"):
        await adapter.append(batch)

    assert len(await adapter.read_after("s", BEFORE_ALL, limit=10)) == 2


async def test_trimming_keeps_the_last_id(adapter: Adapter) -> None:
    """A stream trimmed to nothing is no divergence, and goes on."""
    await adapter.append(first_batch(record(30), record(60)))
    await adapter.trim("s", EntryID(1, 61))

    stored = await position(adapter)
    await append(adapter, record(90), offset=90)

    assert not stored.is_diverged
    assert stored.stream_last_id == EntryID(1, 60)


async def test_trimming_ends_only_when_all_of_it_went(adapter: Adapter) -> None:
    """More entries than a broker drops in one call; what really went is answered."""
    await adapter.append(first_batch(record(30)))
    for start in range(2, 25_002, 1_000):
        entries = [record(30 * n) for n in range(start, start + 1_000)]
        await append(adapter, *entries, offset=entries[-1].offset)

    some = await adapter.trim("s", EntryID(1, 30 * 1_001))
    kept = await adapter.read_after("s", BEFORE_ALL, limit=1)
    rest = await adapter.trim("s", EntryID(1, 30 * 25_001 + 1))
    again = await adapter.trim("s", EntryID(1, 30 * 25_001 + 1))

    # A broker may keep what it stores in one piece with an entry that stays.
    assert 900 <= some.entries <= 1_001
    assert [some.oldest] == kept
    assert (some.entries + rest.entries, rest.oldest) == (25_002, None)
    assert (again, await adapter.trim("unknown", EntryID(9, 9))) == ((0, None),) * 2
    assert await adapter.read_after("s", BEFORE_ALL, limit=1) == []


async def test_discarding_needs_what_was_seen(adapter: Adapter) -> None:
    """Stream, state and rejected go together, or not at all."""
    await adapter.append(first_batch(record(30)))
    seen = await position(adapter)
    await append(adapter, record(60), offset=60, rejections=(rejection(55),))

    assert not await adapter.discard("s", seen)
    assert await adapter.discard("s", await position(adapter))

    assert await position(adapter) == NOTHING_STORED
    begin = replace(first_batch(record(60)), rejections=[rejection(55)])
    assert await adapter.append(begin) is Appended.DONE


async def test_many_sessions_are_asked_in_one_call(adapter: Adapter) -> None:
    """Unknown sessions have nothing stored; odd names stay apart."""
    names = ["s", "a{b}", "a%7Bb%7D", "ünï/cødé", "new\nline"]
    for name in names[1:]:
        await adapter.append(first_batch(record(30), session=name))

    stored = await adapter.positions(names)

    assert stored[0] == NOTHING_STORED
    assert all(found.offset == 30 for found in stored[1:])


async def test_appends_that_go_together_are_each_by_itself(adapter: Adapter) -> None:
    """Each has its own answer, and one that is not done hinders no other one."""
    for session in "abc":
        await adapter.append(first_batch(record(30), session=session))
    batches = [
        await follow_on(adapter, record(60), offset=60, session=session)
        for session in "abc"
    ]
    batches[1] = replace(batches[1], expected=NOTHING_STORED)

    outcomes = await adapter.append_all(batches)

    assert outcomes == [Appended.DONE, Appended.CONFLICT, Appended.DONE]
    assert [(await position(adapter, session)).offset for session in "abc"] == [
        60,
        30,
        60,
    ]
    # Each answer may have been lost: none is appended twice.
    assert await adapter.append_all(batches) == [Appended.CONFLICT] * 3
    assert len(await adapter.read_after("a", BEFORE_ALL, limit=10)) == 3
    assert await adapter.append_all([]) == []
