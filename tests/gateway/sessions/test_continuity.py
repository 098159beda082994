from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    continuation,
    including,
    with_gaps,
)
from tailcast_streams.entries import Kind
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
    """What comes after an entry that no tailer wrote is not taken."""
    entries = [*chain(10, 20), *chain(40, previous="0-0")]
    assert continuation(cursor("1-10"), entries)[1] == entries[1:2]


def test_a_hole_inside_is_a_gap() -> None:
    """It stands for all that are missing, and both ends of the chain hold."""
    entries = [*chain(10), *chain(40, 50, previous="1-30"), *chain(70, previous="1-60")]
    continuity, found = continuation(cursor("1-10"), entries)
    assert continuity is Continuity.PROVED
    assert [(one.id, one.previous, one.kind) for one in found] == [
        (id_of("1-30"), id_of("1-10"), Kind.GAP),
        (id_of("1-40"), id_of("1-30"), Kind.RECORD),
        (id_of("1-50"), id_of("1-40"), Kind.RECORD),
        (id_of("1-60"), id_of("1-50"), Kind.GAP),
        (id_of("1-70"), id_of("1-60"), Kind.RECORD),
    ]


def test_a_marker_in_a_hole() -> None:
    """A generation of which the beginning is missing still begins."""
    entries = [*chain(10), *chain(20, generation=2, previous="2-15")]
    found = continuation(cursor("1-10"), entries)[1]
    assert [one.kind for one in found] == [Kind.GAP, Kind.MARKER, Kind.RECORD]
    assert [str(one.id) for one in found] == ["1-11", "2-15", "2-20"]


def test_a_hole_before_what_no_tailer_wrote() -> None:
    """The gap is told, and what follows the break is not taken."""
    entries = [*chain(10), *chain(40, previous="1-30"), *chain(50, previous="0-0")]
    found = continuation(cursor("1-10"), entries)[1]
    assert [str(one.id) for one in found] == ["1-30", "1-40"]


def test_nothing_has_no_holes() -> None:
    """No entry names another one."""
    assert with_gaps([]) == []
