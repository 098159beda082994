"""How a page is cut, so that the loop is not kept for long."""

from hypothesis import given, strategies as st

from tailcast_indexer.core.slices import SLICE_BYTES, SLICE_ENTRIES, slices_of
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, EntryID


SIZES = st.lists(st.integers(0, SLICE_BYTES) | st.just(10), max_size=300)


@given(SIZES)
def test_slices_are_the_page_and_small(sizes: list[int]) -> None:
    """None has too many entries, nor too many bytes unless it is one entry."""
    page = [
        Entry(EntryID(1, number), BEFORE_ALL, Kind.RECORD, bytes(size))
        for number, size in enumerate(sizes)
    ]
    slices = list(slices_of(page))
    assert [entry for part in slices for entry in part] == page
    for part in slices:
        assert 1 <= len(part) <= SLICE_ENTRIES
        size = sum(len(entry.record) for entry in part)
        assert size <= SLICE_BYTES or len(part) == 1
