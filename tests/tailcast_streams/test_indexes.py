"""Which writes of an index are refused before they are begun."""

import pytest

from tailcast_streams.indexes import (
    LEVELS,
    NO_INDEX,
    IndexWrite,
    Needs,
    Place,
    StoredIndex,
    check_write,
    needs_of,
)
from tailcast_streams.position import BEFORE_ALL, BEGINNING, EntryID


AT = "i1 1-0 00000000 1"


def test_what_every_broker_can_store() -> None:
    """Whatever was reached, or nothing, and each level."""
    places = [
        Place(BEGINNING, 0, step, time_ms)
        for step, time_ms in ((None, None), (2**70, 5), (-1.5, None), (None, 0))
    ]
    chunks = {(level, "0:"): b"" for level in LEVELS}
    write = IndexWrite(
        session="s", expected="", at=AT, places=places, chunks=chunks,
        dropped=list(chunks),
    )  # fmt: skip  # one argument a line would hide what they are
    check_write(write)


def test_an_index_is_true_up_to_some_entry() -> None:
    """Nothing could follow on from one that is not."""
    with pytest.raises(ValueError, match="some entry"):
        check_write(IndexWrite(session="s", expected="", at=""))


def test_levels_have_keys() -> None:
    """A script names all its keys."""
    writes = [
        IndexWrite(session="s", expected="", at=AT, chunks={(17, "0:"): b""}),
        IndexWrite(session="s", expected="", at=AT, dropped=[(8, "0:")]),
    ]
    for write in writes:
        with pytest.raises(ValueError, match="no level of roll-ups"):
            check_write(write)


@pytest.mark.parametrize("step", [float("nan"), float("-inf"), 10**400])
def test_places_can_be_ordered(step: float) -> None:
    """By a double."""
    write = IndexWrite(
        session="s", expected="", at=AT, places=[Place(BEGINNING, 0, step, None)]
    )
    with pytest.raises(ValueError, match="no broker can order"):
        check_write(write)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (NO_INDEX, None),
        (StoredIndex(AT, {"needs": b"1-7"}), Needs("i1", EntryID(1, 7))),
        (StoredIndex(AT), Needs("i1", BEFORE_ALL)),
        (StoredIndex(AT, {"needs": b"\xff"}), Needs("i1", BEFORE_ALL)),
    ],
)
def test_what_an_index_needs(index: StoredIndex, expected: Needs | None) -> None:
    """All of the stream if it does not say it, or not readably."""
    assert needs_of(index) == expected
