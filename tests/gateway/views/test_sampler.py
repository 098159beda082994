"""Which records of a replay go when there may only be so many."""

import json
import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from tailcast_gateway.protocol.limits import MAX_POINTS, MIN_POINTS
from tailcast_gateway.views.sampler import MAX_FOUND_METRICS, Sampler
from tailcast_streams.entries import Entry, Kind, cost_bytes
from tailcast_streams.metrics import MISSING, NON_FINITE, finder, read_fields
from tailcast_streams.position import BEGINNING, EntryID


START = BEGINNING


def series(
    *values: object, generation: int = 1, start: int = 0, pad: int = 0
) -> list[Entry]:
    """Records with a `loss` each; None for a record without it."""
    entries: list[Entry] = []
    previous = EntryID(generation, start)
    for step, value in enumerate(values):
        fields: dict[str, object] = {"step": step}
        if value is not None:
            fields["telemetry"] = {"loss": value}
        if pad:
            fields["pad"] = "x" * pad
        record = json.dumps(fields).encode()
        id = EntryID(generation, previous.offset + len(record) + 1)
        entries.append(Entry(id, previous, Kind.RECORD, record))
        previous = id
    return entries


def marker(generation: int) -> Entry:
    """What opens a generation."""
    return Entry(EntryID(generation, 0), BEGINNING, Kind.MARKER, b"")


def sampled(
    entries: Sequence[Entry],
    max_points: int,
    metrics: Sequence[str] | None = ("loss",),
    *,
    page: int = 100,
    ends: Sequence[EntryID] | None = None,
    max_held_bytes: int = 1 << 20,
) -> list[Entry]:
    """What of a replay goes; every record is counted once."""
    sampler = Sampler(
        max_points,
        metrics,
        start=START,
        ends=ends or [entries[-1].id if entries else START],
        progress_keys=["step"],
        max_held_bytes=max_held_bytes,
    )
    sent: list[Entry] = []
    count = 0
    for at in range(0, len(entries), page):
        new = sampler.feed(entries[at : at + page])
        sent += new
        if new:
            count += sampler.take_count()
    sent += sampler.finish()
    count += sampler.take_count()
    assert count == len(records_of(entries))
    assert sampler.take_count() == 0
    assert sampler.finish() == []
    return sent


def records_of(entries: Sequence[Entry]) -> list[Entry]:
    """Those that count."""
    return [entry for entry in entries if entry.kind is Kind.RECORD]


def values_of(entries: Sequence[Entry], metric: str = "loss") -> list[object]:
    """A metric's values, those that there are."""
    found = [finder(metric)(read_fields(entry.record)) for entry in entries]
    return [value for value in found if value is not MISSING]


def run_ends(entries: Sequence[Entry]) -> list[Entry]:
    """The first and last of each run of non-finite losses."""
    points = [entry for entry in entries if values_of([entry])]
    is_out = [values_of([entry])[0] in NON_FINITE for entry in points]
    ends: list[Entry] = []
    for at, entry in enumerate(points):
        before = at > 0 and is_out[at - 1]
        after = at + 1 < len(points) and is_out[at + 1]
        if is_out[at] and not (before and after):
            ends.append(entry)
    return ends


def test_a_replay_that_is_small_enough_passes_whole() -> None:
    """Nothing is dropped while there are points for all."""
    entries = [marker(1), *series(*range(10))]
    assert sampled(entries, 10) == entries
    assert sampled(entries, 9) != entries
    assert sampled([], 2) == []


def test_a_spike_is_never_lost() -> None:
    """One in ten thousand records, up or down, and both ends."""
    values = [1.0 + at % 7 / 100 for at in range(10_000)]
    values[4_321], values[6_789] = 99.0, -99.0
    entries = series(*values)
    sent = sampled(entries, 200)
    assert {99.0, -99.0} <= set(values_of(sent))
    assert sent[0] == entries[0]
    assert sent[-1] == entries[-1]
    assert 50 <= len(sent) <= 200


def test_it_is_a_stream() -> None:
    """Points go while the replay is read."""
    entries = series(*range(10_000))
    sampler = Sampler(100, ["loss"], start=START, ends=[entries[-1].id])
    assert sampler.feed(entries[:100]) == []
    sent = sampler.feed(entries[100:5_000])
    assert 20 <= len(sent) <= 60
    assert 4_000 <= sampler.take_count() <= 5_000


def test_runs_of_non_finite_values_show_where_they_begin_and_end() -> None:
    """However long they are, and across buckets."""
    values: list[object] = [1.0] * 1_000
    values[500] = "NaN"
    values[600:800] = ["Infinity"] * 200
    values[700] = "NaN"
    values[950:] = ["NaN"] * 50
    entries = series(*values)
    sent = sampled(entries, 100)
    for at in (500, 600, 799, 950, 999):
        assert entries[at] in sent


@pytest.mark.parametrize("points", [50, 200])
def test_b8_runs_of_non_finite_values_leave_points_for_the_rest(points: int) -> None:
    """B8: of thousands of runs and spikes between them the spikes still come."""
    values: list[object] = ["NaN" if at % 2 else 1.0 for at in range(10_000)]
    values[1_000], values[9_000] = 99.0, -99.0
    entries = series(*values)
    sent = sampled(entries, points)
    assert {99.0, -99.0} <= set(values_of(sent))
    assert sent[0] == entries[0]
    assert sent[-1] == entries[-1]
    assert len(sent) <= points
    # They reach over the whole replay, and do not end where runs have used them up.
    parts = {int(entries.index(one) / len(entries) * 4) for one in sent}
    assert parts == {0, 1, 2, 3}


def test_metrics_that_are_found() -> None:
    """Numbers at the top and one level down, steps left out."""
    entries = series(*[1] * 1_000)
    fields = {
        "step": 1, "top": 5, "flag": True, "text": "a", "run": {"x": 9, "step": 1},
        "telemetry": {"loss": 7, "up": "Infinity", "deep": {"y": 3}},
    }  # fmt: skip  # one glance
    at = entries[500]
    for metric, value in [("top", 6), ("run.x", 10), ("loss", 8)]:
        spike = json.loads(json.dumps(fields))
        *names, last = metric.split(".") if metric != "loss" else ("telemetry", "loss")
        level = spike
        for name in names:
            level = level[name]
        level[last] = value
        usual = [
            entry._replace(record=json.dumps(fields).encode()) for entry in entries
        ]
        usual[500] = at._replace(record=json.dumps(spike).encode())
        assert usual[500] in sampled(usual, 60, None)


def test_so_many_metrics_are_found_and_no_more() -> None:
    """The first of them are followed."""
    names = [f"m{at}" for at in range(MAX_FOUND_METRICS + 1)]
    entries = series(*[None] * 2_000)
    flat = dict.fromkeys(names, 0)
    usual = [entry._replace(record=json.dumps(flat).encode()) for entry in entries]
    first = usual[333] = usual[333]._replace(
        record=json.dumps({**flat, names[-2]: 1}).encode()
    )
    usual[777] = usual[777]._replace(record=json.dumps({**flat, names[-1]: 1}).encode())
    sent = sampled(usual, 500, None)
    assert first in sent
    assert usual[777] not in sent


def test_records_without_metrics_go_evenly() -> None:
    """A bucket's first stands for it."""
    entries = series(*[None] * 1_000)
    sent = sampled(entries, 102, None)
    assert 25 <= len(sent) <= 27
    gaps = [after.id.offset - before.id.offset for before, after in pairwise(sent)]
    assert max(gaps) <= 2 * entries[-1].id.offset / 24
    assert sampled(entries, 102, ["gone"]) == sent
    assert sampled(entries, 102, []) == sent


def test_what_cannot_be_read_is_a_record_without_metrics() -> None:
    """It breaks nothing."""
    entries = [entry._replace(record=b"{") for entry in series(*range(100))]
    assert len(sampled(entries, 10, None)) <= 10


def test_emergencies_and_gaps_always_go() -> None:
    """In their places, beside the points."""
    entries = series(*range(1_000))
    for at in (0, 1, 500, 998, 999):
        entries[at] = entries[at]._replace(kind=Kind.EMERGENCY)
    entries[700] = entries[700]._replace(kind=Kind.GAP, record=b"")
    sent = sampled(entries, 20)
    assert {0, 1, 500, 700, 998, 999} <= {entries.index(entry) for entry in sent}
    assert len(records_of(sent)) <= 20
    assert {entries[2], entries[997]} <= set(records_of(sent))


def test_a_last_record_with_only_emergencies_after_it() -> None:
    """It goes before them, and once."""
    entries = series(*range(500), *range(500))
    for at in range(500, 1_000):
        entries[at] = entries[at]._replace(kind=Kind.EMERGENCY)
    sent = sampled(entries, 40)
    assert sent == sorted(sent, key=lambda entry: entry.id)
    assert records_of(sent)[-1] == entries[499]
    assert len(sent) - len(records_of(sent)) == 500


@pytest.mark.parametrize("kind", [Kind.EMERGENCY, Kind.GAP])
def test_what_passes_in_two_buckets_after_the_last_record(kind: Kind) -> None:
    """The record, like its neighbours in all, goes before the first of them."""
    entries = series(*[1] * 500, *[1] * 500)
    for at in range(500, 1_000):
        entries[at] = entries[at]._replace(kind=kind)
    sent = sampled(entries, 40)
    assert sent == sorted(sent, key=lambda entry: entry.id)
    assert records_of(sent)[-1] == entries[499]


def test_what_is_held_is_bounded() -> None:
    """Large records and many emergencies go earlier than their bucket ends."""
    entries = series(*range(100), pad=1_000)
    for at in range(20, 60):
        entries[at] = entries[at]._replace(kind=Kind.EMERGENCY)
    sampler = Sampler(
        50, None, start=START, ends=[entries[-1].id], max_held_bytes=10_000
    )
    for entry in entries:
        sampler.feed([entry])
        assert sampler._waiting_bytes <= 10_000 + cost_bytes(entry)
        if sampler._range is not None:
            bucket = sampler._range._bucket
            kept = {one.id: one for one in [*bucket._candidates(), *bucket.passing]}
            assert sum(map(cost_bytes, kept.values())) <= 10_000
    rest = sampler.finish()
    assert rest[-1] == entries[-1]


def test_generations_share_the_points_by_length() -> None:
    """Each keeps its own first and last; the points do not go to one of them."""
    old = [marker(1), *series(*range(3_000))]
    new = [marker(2), *series(*range(1_000), generation=2)]
    sent = sampled([*old, *new], 400, ends=[old[-1].id, new[-1].id])
    of_old = [entry for entry in records_of(sent) if entry.id.generation == 1]
    of_new = [entry for entry in records_of(sent) if entry.id.generation == 2]
    assert (of_old[0], of_old[-1]) == (old[1], old[-1])
    assert (of_new[0], of_new[-1]) == (new[1], new[-1])
    assert 100 <= len(of_old) <= 300
    assert 40 <= len(of_new) <= 400 - len(of_old)
    assert {old[0], new[0]} <= {entry for entry in sent if entry.kind is Kind.MARKER}


def test_an_older_generation_of_unknown_length() -> None:
    """It is taken to be as long as the newest, and later records have fewer points."""
    old = [marker(1), *series(*range(8_000))]
    new = [marker(2), *series(*range(1_000), generation=2)]
    sent = sampled([*old, *new], 400)
    of_old = [entry for entry in records_of(sent) if entry.id.generation == 1]
    assert (of_old[0], of_old[-1]) == (old[1], old[-1])
    assert 50 <= len(of_old) <= 200
    assert any(4_000 < old.index(entry) < 8_000 for entry in of_old)


def test_generations_without_points() -> None:
    """Where there are more of them than points, the newest is what is seen."""
    entries: list[Entry] = []
    for generation in range(1, 6):
        entries += [marker(generation), *series(*range(50), generation=generation)]
    sent = sampled(entries, 4)
    assert [entry.id.generation for entry in sent if entry.kind is Kind.MARKER] == [
        *range(1, 6)
    ]
    records = records_of(sent)
    assert len(records) <= 4
    assert records[-1] == entries[-1]
    assert records_of(sampled(entries, 20))[0] == entries[1]


def test_entries_after_the_end_cost_no_more_points() -> None:
    """A replay that grew meanwhile keeps to what was asked."""
    entries = series(*range(1_000))
    sent = sampled(entries, 30, ends=[entries[100].id])
    assert len(sent) <= 30
    assert (sent[0], sent[-1]) == (entries[0], entries[-1])


@pytest.mark.parametrize("points", [MIN_POINTS - 1, MAX_POINTS + 1])
def test_numbers_of_points_that_there_are_not(points: int) -> None:
    """From 2 to 10,000."""
    with pytest.raises(ValueError, match="points are from 2 to 10,000"):
        Sampler(points, None, start=START, ends=[START])


losses = st.one_of(
    st.none(),
    st.integers(-9, 9),
    st.sampled_from(["NaN", "NaN", "Infinity", "text"]),
    st.booleans(),
)
kinds = st.sampled_from([Kind.RECORD] * 8 + [Kind.EMERGENCY, Kind.GAP])
replays = st.lists(
    st.lists(st.tuples(losses, kinds), max_size=60), min_size=1, max_size=3
)


def replay(generations: list[list[tuple[object, Kind]]]) -> list[Entry]:
    """A replay through generations."""
    entries: list[Entry] = []
    for generation, points in enumerate(generations, 1):
        values = [value for value, _ in points]
        entries.append(marker(generation))
        entries += [
            entry._replace(kind=kind, record=b"" if kind is Kind.GAP else entry.record)
            for entry, (_, kind) in zip(
                series(*values, generation=generation), points, strict=True
            )
        ]
    return entries


RECORD, EMERGENCY, GAP = (None, Kind.RECORD), (None, Kind.EMERGENCY), (None, Kind.GAP)


# The second record is worth no point until what passes after it has gone.
@example(
    [[RECORD, RECORD, GAP, GAP, EMERGENCY, GAP, GAP], [RECORD] * 3],
    16, 1, None, 3_000,
)  # fmt: skip  # one glance
@given(
    replays,
    st.integers(MIN_POINTS, 40),
    st.integers(1, 70),
    st.sampled_from([None, ["loss"], ["gone", "loss"]]),
    st.sampled_from([300, 3_000, 1 << 20]),
)
def test_what_sampling_promises(
    generations: list[list[tuple[object, Kind]]],
    points: int,
    page: int,
    metrics: list[str] | None,
    held: int,
) -> None:
    """Never too many, in order, the ends, whatever the pages, all that is no record."""
    entries = replay(generations)
    sent = sampled(entries, points, metrics, page=page, max_held_bytes=held)
    assert sent == sampled(entries, points, metrics, page=1_000, max_held_bytes=held)
    places = {entry.id: at for at, entry in enumerate(entries)}
    at = [places[entry.id] for entry in sent]
    assert at == sorted(set(at))
    records, all_records = records_of(sent), records_of(entries)
    assert len(records) <= points
    others = [entry for entry in entries if entry.kind is not Kind.RECORD]
    assert [entry for entry in sent if entry.kind is not Kind.RECORD] == others
    if len(all_records) <= points and held == 1 << 20:
        assert sent == entries
    if len(generations) == 1 and all_records and held == 1 << 20:
        assert records[0] == all_records[0]
        assert records[-1] == all_records[-1]


@given(st.lists(losses, min_size=100, max_size=400), st.integers(20, 60))
def test_extremes_are_kept(values: list[object], points: int) -> None:
    """The least and the greatest of all are among the points."""
    entries = series(*values)
    sent = sampled(entries, points)
    numbers = [
        value
        for value in values
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    if numbers:
        kept = [value for value in values_of(sent) if isinstance(value, int | float)]
        assert min(numbers) in kept
        assert max(numbers) in kept
    assert math.inf not in numbers


@given(
    st.lists(st.tuples(st.integers(0, 199), st.integers(1, 50)), max_size=2),
    st.integers(30, 60),
)
def test_ends_of_runs_are_kept(runs: list[tuple[int, int]], points: int) -> None:
    """Of each run of non-finite values, while there are points for them."""
    values: list[object] = [float(at % 3) for at in range(300)]
    for start, length in runs:
        values[start : start + length] = ["NaN"] * length
    entries = series(*values)
    sent = sampled(entries, points)
    assert all(end in sent for end in run_ends(entries))
