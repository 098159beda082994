"""Which records go when there may only be so many a second."""

from math import ceil

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.protocol.limits import MAX_RATE, MIN_RATE
from tailcast_gateway.views.conflation import Conflated, Conflation
from tailcast_streams.entries import Entry, Kind
from tests.gateway.entries import chain, entry


A, B, C, D = chain(10, 20, 30, 40)
EMERGENCY = entry("1-25", kind=Kind.EMERGENCY)


def test_the_first_goes_at_once() -> None:
    """And of several that come together the newest."""
    assert Conflation(2).take([A], 5.0) == [Conflated(A, 1)]
    assert Conflation(2).take([A, B, C], 5.0) == [Conflated(C, 3)]
    assert Conflation(2).take([], 5.0) == []


def test_the_newest_of_an_interval_goes_at_its_end() -> None:
    """It stands for all that came in it."""
    conflation = Conflation(2)
    assert conflation.due_at is None
    conflation.take([A], 5.0)
    assert conflation.waiting is None
    assert conflation.due_at is None
    assert conflation.take([B], 5.1) == []
    assert conflation.take([C], 5.2) == []
    assert conflation.waiting == C
    assert conflation.due_at == 5.5
    assert conflation.waiting is C
    assert conflation.flush(5.4) is None
    assert conflation.flush(5.5) == Conflated(C, 2)
    assert conflation.due_at is None
    assert conflation.flush(9.0) is None
    assert conflation.take([D], 9.0) == [Conflated(D, 1)]


def test_new_entries_release_what_is_due() -> None:
    """Without a `flush` too; then the newest goes."""
    conflation = Conflation(2)
    conflation.take([A], 5.0)
    conflation.take([B], 5.1)
    assert conflation.take([C], 5.6) == [Conflated(C, 2)]


@pytest.mark.parametrize("kind", [Kind.EMERGENCY, Kind.MARKER, Kind.GAP])
def test_what_is_no_record_passes_at_once(kind: Kind) -> None:
    """A record that waits goes before it, and the next waits the longer."""
    passing = entry("1-25", kind=kind)
    conflation = Conflation(2)
    conflation.take([A], 5.0)
    conflation.take([B], 5.1)
    assert conflation.take([passing, C], 5.2) == [
        Conflated(B, 1),
        Conflated(passing, 0),
    ]
    assert conflation.due_at == 6.0
    assert conflation.flush(6.0) == Conflated(C, 1)


def test_a_storm_of_emergencies_is_no_way_around_the_rate() -> None:
    """A record whose interval is spent is passed over, and counted with the next."""
    conflation = Conflation(2)
    conflation.take([A], 5.0)
    conflation.take([B, EMERGENCY], 5.1)
    assert conflation.take([C, EMERGENCY], 5.2) == [Conflated(EMERGENCY, 0)]
    assert conflation.due_at is None
    assert conflation.take([D], 5.3) == []
    assert conflation.flush(6.0) == Conflated(D, 2)


@pytest.mark.parametrize("rate", [0, 0.009, 1_001, -1, float("nan")])
def test_rates_that_there_are_not(rate: float) -> None:
    """From one in 100 seconds to 1,000 a second."""
    with pytest.raises(ValueError, match="a rate is from 0.01 to 1000 a second"):
        Conflation(rate)
    Conflation(MIN_RATE)
    Conflation(MAX_RATE)


# Binary fractions, so that sums are exact: when (in 1/32 s after the last), how many
# records, and whether an emergency follows them.
arrivals = st.lists(
    st.tuples(st.integers(0, 80), st.integers(0, 4), st.booleans()), max_size=40
)


def played(
    conflation: Conflation, steps: list[tuple[int, int, bool]]
) -> tuple[list[Entry], list[tuple[float, Conflated]]]:
    """What comes, and what goes when, with a clock that always rings in time."""
    now, offset = 0.0, 0
    came: list[Entry] = []
    went: list[tuple[float, Conflated]] = []

    def ring(until: float) -> None:
        while (due := conflation.due_at) is not None and due <= until:
            flushed = conflation.flush(due)
            assert flushed is not None
            went.append((due, flushed))

    for pause, records, has_emergency in steps:
        now += pause / 32
        ring(now)
        kinds = [Kind.RECORD] * records + [Kind.EMERGENCY] * has_emergency
        new = [entry(f"1-{offset + at}", kind=kind) for at, kind in enumerate(kinds, 1)]
        offset += len(new)
        came += new
        went += [(now, sent) for sent in conflation.take(new, now)]
    ring(float("inf"))
    return came, went


@given(arrivals, st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0]))
def test_what_conflation_promises(
    steps: list[tuple[int, int, bool]], rate: float
) -> None:
    """Order, every emergency, the newest record, each counted once, and the rate."""
    came, went = played(Conflation(rate), steps)
    sent = [conflated.entry for _, conflated in went]
    assert sent == sorted(sent, key=lambda one: one.id)
    emergencies = [one for one in came if one.kind is Kind.EMERGENCY]
    assert [one for one in sent if one.kind is Kind.EMERGENCY] == emergencies
    records = [one for one in came if one.kind is Kind.RECORD]
    if came and came[-1].kind is Kind.RECORD:
        assert sent[-1] == came[-1]
        assert sum(conflated.of for _, conflated in went) == len(records)
    times = [at for at, conflated in went if conflated.of]
    most = ceil(rate) + bool(emergencies)
    for first in times:
        assert len([at for at in times if first <= at < first + 1]) <= most
