"""How places are spelled, those of foreign hands too."""

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.indexes import Place
from tailcast_streams.position import MAX_OFFSET, EntryID
from tailcast_streams.redis.core.places import place_of, place_text, records_text


NUMBERS = st.integers(0, MAX_OFFSET)
PLACES = st.builds(
    Place,
    st.builds(EntryID, NUMBERS, NUMBERS),
    st.integers(0, 10**15),
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(),
)


@given(PLACES, PLACES)
def test_places_come_back_and_are_in_order(one: Place, other: Place) -> None:
    """A step is read as it was written, and texts are in the order of records."""
    texts = place_text(one), place_text(other)
    assert [place_of(text.encode()) for text in texts] == [one, other]
    if one.records != other.records:
        assert (texts[0] < texts[1]) == (one.records < other.records)
    assert texts[0].startswith(records_text(one.records))


@pytest.mark.parametrize("text", [b"", b"\xff", b"1 1-2 x 1", b"1 2 3 4", b"1 1-1 1"])
def test_what_nobody_of_us_wrote_is_no_place(text: bytes) -> None:
    """It is passed over."""
    assert place_of(text) is None
