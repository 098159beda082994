from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    continuation,
    including,
)
from tailcast_streams.position import MAX_OFFSET, NOTHING
from tests.gateway.entries import chain, cursor, id_of, marker


def test_reading_with_the_entry_itself() -> None:
    """What is read after `including(x)` begins with x, across generations too."""
    assert including(id_of("1-10")) == id_of("1-9")
    assert including(id_of("2-0")) == (1, MAX_OFFSET)
    assert including(id_of("0-0")) == id_of("0-0")


def test_the_entry_itself_proves() -> None:
    """The same entry at the cursor: what follows is proved."""
    entries = chain(10, 20, 30)
    assert continuation(cursor("1-10"), entries) == (
        Continuity.PROVED,
        entries[1:],
    )


def test_another_entry_there_breaks() -> None:
    """Another record under the same ID."""
    assert continuation(cursor("1-10", b"x"), chain(10, 20))[0] is Continuity.BROKEN


def test_a_trimmed_entry_is_still_named() -> None:
    """The next entry's `previous` orders what the trimmed one cannot prove."""
    entries = chain(20, 30, previous="1-10")
    assert continuation(cursor("1-10"), entries) == (Continuity.CHAINED, entries)


def test_a_hole_breaks() -> None:
    """Neither the entry nor its name."""
    entries = chain(20, 30, previous="1-15")
    assert continuation(cursor("1-10"), entries)[0] is Continuity.BROKEN
    assert continuation(cursor("1-10"), [])[0] is Continuity.BROKEN


def test_the_beginning() -> None:
    """Before all stands nothing: empty is fine, and the first entry is proved."""
    entries = [marker(), *chain(10)]
    assert continuation(NOTHING, []) == (Continuity.PROVED, ())
    assert continuation(NOTHING, entries) == (Continuity.PROVED, entries)


def test_a_break_inside_cuts() -> None:
    """What comes after a break within what was read is not taken."""
    entries = [*chain(10, 20), *chain(40, previous="1-30")]
    assert continuation(cursor("1-10"), entries)[1] == entries[1:2]
