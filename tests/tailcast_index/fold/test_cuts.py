"""Which entries are of lines that are gone."""

from math import inf

from hypothesis import given, strategies as st

from tailcast_index.fold.cuts import Cuts
from tailcast_streams.cuts import Cut, is_rotation, rotation_details
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, EntryID


def marker(generation: int, kept: int | None) -> Entry:
    """A marker; None for one behind a rotation."""
    details = {"reason": "replaced"}
    if kept is None:
        details = rotation_details(details)
    return Entry(EntryID(generation, kept or 0), BEFORE_ALL, Kind.MARKER, b"", details)


MARKERS = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=8)


@given(MARKERS, st.data())
def test_an_entry_is_gone_if_a_later_marker_keeps_less_of_its_file(
    kept: list[int | None], data: st.DataObject
) -> None:
    """Its file is the one that had the path: what was rotated away before is whole."""
    markers = [marker(generation, one) for generation, one in enumerate(kept, 2)]
    cuts = Cuts()
    for one in markers:
        cuts.note(one)
        if data.draw(st.booleans()):
            cuts = Cuts.load(cuts.dump())
    for one in data.draw(st.permutations(markers)):
        # It is read again, and the later ones are known.
        cut = cuts.note(one)
        assert cut is None or cut.kept == one.id.offset
    for generation in range(1, len(kept) + 3):
        own: list[int] = []
        for one in markers:
            if one.id.generation <= generation:
                continue
            if is_rotation(one.details):
                break
            own.append(one.id.offset)
        least = min(own, default=inf)
        assert cuts.kept_of(generation) == least
        for offset in range(12):
            is_there = all(cut.has(EntryID(generation, offset)) for cut in cuts.cuts)
            assert is_there is (offset <= least)


def test_that_another_run_began_cuts_what_was_rotated_away() -> None:
    """All of it, whatever was cut before."""
    cuts = Cuts()
    for one in (marker(2, 7), marker(3, None), marker(4, 5)):
        cuts.note(one)
    assert cuts.cuts == (Cut(2, 7), Cut(4, 5, 3))
    cuts.add(Cut(3, 0))
    cuts.add(Cut(3, 0))
    assert cuts.cuts == (Cut(3, 0), Cut(4, 5, 3))
    assert cuts.note(marker(1, 0)) is None
