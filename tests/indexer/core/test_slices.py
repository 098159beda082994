"""How a page is cut, so that the loop is not kept for long."""

import pytest
from hypothesis import given, strategies as st

from tailcast_indexer.core.slices import (
    LITTLE_BYTES,
    LITTLE_ENTRIES,
    SLICE_BYTES,
    SLICE_ENTRIES,
    is_little,
    slices_of,
)
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, EntryID


SIZES = st.lists(st.integers(0, SLICE_BYTES) | st.just(10), max_size=300)


def page_of(sizes: list[int]) -> list[Entry]:
    """Records of these sizes."""
    return [
        Entry(EntryID(1, number), BEFORE_ALL, Kind.RECORD, bytes(size))
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], True),
        ([10] * (LITTLE_ENTRIES - 1), True),
        ([10] * LITTLE_ENTRIES, False),
        ([LITTLE_BYTES - 1], True),
        ([1, LITTLE_BYTES - 1], False),
    ],
)
def test_few_and_short_records_are_little(sizes: list[int], *, expected: bool) -> None:
    """By their number and by their bytes."""
    assert is_little(page_of(sizes)) is expected


@given(SIZES)
def test_slices_are_the_page_and_small(sizes: list[int]) -> None:
    """None has too many entries, nor too many bytes unless it is one entry."""
    page = page_of(sizes)
    slices = list(slices_of(page))
    assert [entry for part in slices for entry in part] == page
    for part in slices:
        assert 1 <= len(part) <= SLICE_ENTRIES
        size = sum(len(entry.record) for entry in part)
        assert size <= SLICE_BYTES or len(part) == 1
