"""The entries of a replay that is reduced."""

from tailcast_gateway.sessions.core.samples import Sample, chosen_ids, sample_of
from tailcast_gateway.views.thinning import Kept
from tailcast_streams.entries import Kind
from tailcast_streams.position import EntryID
from tests.gateway.entries import cursor, entry


def ids(*offsets: int) -> list[EntryID]:
    """IDs of one generation."""
    return [EntryID(1, at) for at in offsets]


def test_what_is_no_record_is_in_its_place() -> None:
    """It stands for none, and what is known of it need not be read."""
    gap = entry("1-15", "1-10", b"", Kind.GAP)
    kept = [Kept(at, 2) for at in ids(10, 30)]
    sample = sample_of(kept, ids(20), cursor("1-40"), known=[gap])
    assert sample.known == {gap.id: gap}
    assert [(one.id.offset, one.of) for one in sample.entries] == [
        (10, 2), (15, 0), (20, 0), (30, 2),
    ]  # fmt: skip  # one glance
    assert not sample.is_over
    assert [one.id.offset for one in sample.next(3)] == [10, 15, 20]
    sample.sent = 3
    assert [one.id.offset for one in sample.next(3)] == [30]
    sample.sent = 4
    assert sample.is_over


def test_ids_of_roll_ups_stand_for_all() -> None:
    """Extremes first, others as far as there are points; the last has the rest."""
    kept = chosen_ids(ids(30, 10, 30), ids(20, 10, 40), points=3, of=50)
    assert kept == [Kept(EntryID(1, 10), 1), Kept(EntryID(1, 20), 1),
                    Kept(EntryID(1, 30), 48)]  # fmt: skip
    assert chosen_ids([], [], points=3, of=0) == []
    assert chosen_ids(ids(10, 20), ids(5), points=2, of=1)[-1].of == 1


def test_nothing_to_send() -> None:
    """It is over at once."""
    assert Sample((), cursor("1-10")).is_over
