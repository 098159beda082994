"""What records mean, as an indexer keeps it: compared and written in one step."""

from dataclasses import replace
from typing import Any

import pytest

from tailcast_streams.indexes import (
    NO_INDEX,
    IndexWrite,
    Place,
    StoredIndex,
    WholeIndex,
    Written,
)
from tailcast_streams.position import EntryID
from tests.conformance.batches import first_batch, position, record
from tests.conformance.conftest import Adapter


DONE, CONFLICT = Written.DONE, Written.CONFLICT
SESSION = "a {b}"
NAMES = [f"metric {number}/é" for number in range(1_200)]


def place(records: int, step: float | None, time_ms: int | None) -> Place:
    """A place behind so many records of ten bytes."""
    return Place(EntryID(1, 10 * records), records, step, time_ms)


WHOLE = IndexWrite(
    session=SESSION,
    expected="",
    at="i1 1-20 00000000 1",
    fields={"step_key": b"step", "latest": b'{"step":"\xc3\xa9"}\x00'},
    metrics={"phi": b"[1]", "loss": b"[2]"},
    places=[place(1, 5, 1_000), place(2, 5, 2_000)],
    chunks={(32, "0:1"): b"\x00\xff", (256, "0:"): b"x"},
)
NEXT = IndexWrite(
    session=SESSION,
    expected=WHOLE.at,
    at="i1 1-40 00000000 1",
    fields={"step_key": b"iter"},
    metrics={"phi": b"[3]"},
    places=[place(4, 7.5, None)],
    chunks={(32, "1:1"): b"y"},
    dropped=[(256, "0:")],
)


async def everything(adapter: Adapter) -> tuple[Any, ...]:
    """All that can be read of the index."""
    indexes = adapter.indexes
    return (
        (await indexes.load([SESSION]))[0],
        await indexes.metrics(SESSION, None),
        [
            await indexes.place_before(SESSION, step=step)
            for step in (5, 6, 7.5, 8, 1e300)
        ],
        [
            await indexes.place_before(SESSION, time_ms=time)
            for time in (1_000, 1_001, 2_001)
        ],
        await indexes.chunks(SESSION, [(256, "0:"), (32, "0:1"), (32, "1:1")]),
    )


NOTHING: tuple[Any, ...] = (NO_INDEX, {}, [None] * 5, [None] * 3, [None] * 3)
AFTER_WHOLE = (
    StoredIndex(WHOLE.at, WHOLE.fields),
    WHOLE.metrics,
    [None, *[WHOLE.places[1]] * 4],
    [None, *WHOLE.places],
    [b"x", b"\x00\xff", None],
)


async def test_what_was_written_is_read(adapter: Adapter) -> None:
    """Whatever it holds; what nobody wrote is missing."""
    assert await everything(adapter) == NOTHING

    assert await adapter.indexes.write([WHOLE]) == [DONE]

    assert await everything(adapter) == AFTER_WHOLE
    assert await adapter.indexes.load(["other", SESSION]) == [
        NO_INDEX,
        AFTER_WHOLE[0],
    ]
    assert await adapter.indexes.metrics(SESSION, ["none", "loss"]) == {"loss": b"[2]"}
    assert await adapter.indexes.metrics(SESSION, []) == {}
    assert await adapter.indexes.chunks(SESSION, []) == []


@pytest.mark.parametrize("names", [None, [], ["loss", "none"]])
async def test_an_index_is_read_with_its_metrics(
    adapter: Adapter, names: list[str] | None
) -> None:
    """All, or those that are asked for and there; nothing of one that is not there."""
    await adapter.indexes.write([WHOLE])

    found = await adapter.indexes.whole(["other", SESSION, SESSION], names)

    metrics = await adapter.indexes.metrics(SESSION, names)
    whole = WholeIndex(AFTER_WHOLE[0], metrics)
    assert found == [WholeIndex(), whole, whole]
    assert await adapter.indexes.whole([], names) == []


async def test_a_write_changes_what_it_names(adapter: Adapter) -> None:
    """What it does not name stays."""
    await adapter.indexes.write([WHOLE])

    assert await adapter.indexes.write([NEXT]) == [DONE]

    assert await everything(adapter) == (
        StoredIndex(NEXT.at, {**WHOLE.fields, "step_key": b"iter"}),
        {"phi": b"[3]", "loss": b"[2]"},
        [None, WHOLE.places[1], WHOLE.places[1], NEXT.places[0], NEXT.places[0]],
        [None, *WHOLE.places],
        [None, b"\x00\xff", b"y"],
    )


@pytest.mark.parametrize("expected", ["", "i2 1-20 00000000 1", "i1 1-20 00000000 2"])
async def test_what_follows_on_from_something_else_writes_nothing(
    adapter: Adapter, expected: str
) -> None:
    """Another indexer wrote meanwhile, or the session began anew."""
    await adapter.indexes.write([WHOLE])

    written = await adapter.indexes.write([replace(NEXT, expected=expected)])

    assert written == [CONFLICT]
    assert await everything(adapter) == AFTER_WHOLE


async def test_without_an_index_only_a_beginning_is_written(adapter: Adapter) -> None:
    """What the broker forgot is not gone on with."""
    assert await adapter.indexes.write([NEXT]) == [CONFLICT]
    assert await everything(adapter) == NOTHING


async def test_a_repeated_write_changes_nothing(adapter: Adapter) -> None:
    """A command whose reply was lost, sent again."""
    await adapter.indexes.write([WHOLE])
    await adapter.indexes.write([NEXT])
    before = await everything(adapter)

    assert await adapter.indexes.write([WHOLE, NEXT]) == [CONFLICT, CONFLICT]

    assert await everything(adapter) == before


async def test_what_begins_drops_the_rest(adapter: Adapter) -> None:
    """Of an index by other rules nothing is left."""
    await adapter.indexes.write([replace(WHOLE, at="old rules"), NEXT])
    again = replace(WHOLE, expected="old rules", begins=True, metrics={}, chunks={})

    assert await adapter.indexes.write([again]) == [DONE]

    assert await everything(adapter) == (
        *AFTER_WHOLE[:1],
        {},
        *AFTER_WHOLE[2:4],
        [None] * 3,
    )


async def test_places_are_cut_back(adapter: Adapter) -> None:
    """Those at more records go, others stay, and new ones follow."""
    first = [place(1, 5, 1_000), place(2, 5, 2_000), place(3, None, 3_000)]
    await adapter.indexes.write([replace(WHOLE, places=first)])
    cut = replace(NEXT, keep_records=1, places=[place(2, 6, 1_500)])

    assert await adapter.indexes.write([cut]) == [DONE]

    steps = [await adapter.indexes.place_before(SESSION, step=s) for s in (5, 6, 7)]
    assert steps == [None, first[0], cut.places[0]]
    last = await adapter.indexes.place_before(SESSION, time_ms=9_000)
    assert last == cut.places[0]


async def test_what_begins_may_keep_curves_and_the_first_places(
    adapter: Adapter,
) -> None:
    """Of a file that was cut back; fields and metrics are others."""
    await adapter.indexes.write([WHOLE])
    cut = replace(
        NEXT, begins=True, keep_records=1, fields={"new": b"1"}, metrics={"lr": b"[1]"}
    )

    assert await adapter.indexes.write([cut]) == [DONE]

    assert await everything(adapter) == (
        StoredIndex(NEXT.at, {"new": b"1"}),
        {"lr": b"[1]"},
        [None, WHOLE.places[0], WHOLE.places[0], NEXT.places[0], NEXT.places[0]],
        [None, WHOLE.places[0], WHOLE.places[0]],
        [None, b"\x00\xff", b"y"],
    )


async def test_places_of_one_step_are_in_the_order_of_records(adapter: Adapter) -> None:
    """Evaluations lie among steps, and many digits among few."""
    places = [place(10**exponent, 5, None) for exponent in (0, 1, 2, 3, 9, 14)]
    nowhere = place(10**15, None, None)
    await adapter.indexes.write([replace(WHOLE, places=[*places[::-1], nowhere])])

    assert await adapter.indexes.place_before(SESSION, step=6) == places[-1]
    assert await adapter.indexes.place_before(SESSION, time_ms=6) is None


async def test_sessions_are_written_apart(adapter: Adapter) -> None:
    """One that is refused keeps no other from being written."""
    writes = [replace(WHOLE, session=name) for name in ("a", "b", "c")]
    await adapter.indexes.write(writes[1:2])

    assert await adapter.indexes.write(writes) == [DONE, CONFLICT, DONE]

    indexes = await adapter.indexes.load(["a", "b", "c"])
    assert indexes == [AFTER_WHOLE[0]] * 3
    assert await adapter.indexes.ats(["a", "none", "c"]) == [WHOLE.at, "", WHOLE.at]
    (name, *_), (whole, _, none) = (
        WHOLE.fields,
        await adapter.indexes.some(
            ["a", "c", "none"], [*list(WHOLE.fields)[:1], "nothing"]
        ),
    )
    assert (whole.at, whole.fields) == (WHOLE.at, {name: WHOLE.fields[name]})
    assert none == NO_INDEX
    assert await adapter.indexes.load([]) == []
    assert await adapter.indexes.write([]) == []


async def test_many_metrics_go_in_one_write(adapter: Adapter) -> None:
    """More than a call of the broker takes."""
    many = {name: name.encode() for name in NAMES}

    await adapter.indexes.write([replace(WHOLE, metrics=many)])

    assert await adapter.indexes.metrics(SESSION, None) == many
    assert list(await adapter.indexes.metrics(SESSION, NAMES[::-1])) == NAMES[::-1]


@pytest.mark.parametrize(
    "change",
    [
        {"at": ""},
        {"chunks": {(17, "0:"): b""}},
        {"dropped": [(1, "0:")]},
        {"places": [place(1, float("nan"), None)]},
        {"places": [place(1, 10**400, None)]},
    ],
    ids=["at", "level", "dropped level", "step", "great step"],
)
async def test_what_cannot_be_stored_whole_is_not_begun(
    adapter: Adapter, change: dict[str, Any]
) -> None:
    """It would fail half-way."""
    with pytest.raises(ValueError, match=r"an index is|no level|no broker can"):
        await adapter.indexes.write([WHOLE, replace(NEXT, **change)])
    assert await everything(adapter) == NOTHING


async def test_an_index_goes_with_its_session(adapter: Adapter) -> None:
    """What a tailer deletes is deleted whole."""
    for name in (SESSION, "other"):
        await adapter.append(first_batch(record(20), session=name))
    await adapter.indexes.write([WHOLE, replace(WHOLE, session="other")])
    seen = await position(adapter, SESSION)

    assert not await adapter.discard(SESSION, seen._replace(offset=1))
    assert await everything(adapter) == AFTER_WHOLE
    assert await adapter.discard(SESSION, seen)

    assert await everything(adapter) == NOTHING
    assert await adapter.indexes.load(["other"]) == [AFTER_WHOLE[0]]


async def test_an_index_is_deleted_alone(adapter: Adapter) -> None:
    """The stream stays, from which it can be made."""
    await adapter.append(first_batch(record(20), session=SESSION))
    await adapter.indexes.write([WHOLE])

    await adapter.indexes.discard(SESSION)
    await adapter.indexes.discard(SESSION)

    assert await everything(adapter) == NOTHING
    assert (await position(adapter, SESSION)).offset == 30
