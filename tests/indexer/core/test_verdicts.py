"""What an audit makes of an index and its stream."""

import pytest

from tailcast_index.fold import Index
from tailcast_index.fold.stored import at_text
from tailcast_indexer.core.verdicts import Verdict, contradicts, is_gone, judge
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.session_state import StoredEnd
from tests.indexer.rig import RULES


LAST = Entry(EntryID(1, 9), EntryID(1, 0), Kind.RECORD, b'{"a":1}')
END = StoredEnd("i1", LAST.cursor, LAST.id)
AT = at_text("i1", END.cursor, RULES)


@pytest.mark.parametrize(
    ("at", "end", "verdict"),
    [
        (AT, END, Verdict.FINE),
        ("", END, Verdict.BEHIND),
        (AT.replace("1-9", "1-8"), END, Verdict.BEHIND),
        (f"{AT}0", END, Verdict.BEHIND),
        (AT, END._replace(incarnation="i2"), Verdict.BEHIND),
        (AT, StoredEnd(), Verdict.ORPHAN),
        ("", StoredEnd(), Verdict.FINE),
        # Only the state is missing.
        (AT, StoredEnd(stream_last_id=LAST.id), Verdict.FINE),
    ],
)
def test_an_index_is_compared_with_its_stream(
    at: str, end: StoredEnd, verdict: Verdict
) -> None:
    """By the whole of its `at`."""
    assert judge(at, end, RULES) is verdict
    assert is_gone(end) == (end == StoredEnd())


@pytest.mark.parametrize(
    ("end", "is_so"),
    [
        (END, False),
        (END._replace(cursor=Cursor(EntryID(2, 0), 0)), False),
        (END._replace(cursor=Cursor(LAST.id, 1)), True),
        (END._replace(cursor=Cursor(EntryID(1, 8), 0)), True),
        (END._replace(incarnation="i2"), True),
    ],
)
def test_an_index_of_another_stream_is_not_gone_on_with(
    end: StoredEnd, *, is_so: bool
) -> None:
    """Nor one that is ahead."""
    index = Index("s", incarnation="i1", rules=RULES)
    first = Entry(EntryID(1, 0), BEFORE_ALL, Kind.MARKER, b"")
    while index.reads_after != LAST.id:
        if index.stale is not None:
            index.restart(first)
        after = index.reads_after
        index.fold([one for one in (first, LAST) if one.id > after], now_ms=1)
    assert contradicts(index, end) == is_so
