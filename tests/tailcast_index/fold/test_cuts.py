"""Which entries are of lines that the file no longer has."""

from math import inf

from hypothesis import given, strategies as st

from tailcast_index.fold.cuts import Cuts


@given(st.lists(st.integers(0, 9), max_size=8), st.data())
def test_an_entry_is_gone_if_a_later_marker_keeps_less(
    kept: list[int], data: st.DataObject
) -> None:
    """In whatever order the markers come to be known, and again and again."""
    markers = [(generation, one) for generation, one in enumerate(kept, 2)]
    order = data.draw(st.permutations(markers * 2))
    cuts = Cuts(order)
    for generation in range(1, len(kept) + 3):
        least = min((one for at, one in markers if at > generation), default=inf)
        assert cuts.kept_of(generation) == least
    assert Cuts(cuts.dump()).dump() == cuts.dump()
