from tailcast_gateway.views.sampler import MAX_HELD_BYTES
from tailcast_gateway.views.sampling_budget import SampledReplay, SamplingBudget
from tailcast_gateway.views.view import View
from tests.gateway.entries import chain, id_of, marker


def samplers(**options: int) -> SamplingBudget:
    """Of a replica with the usual keys."""
    return SamplingBudget(step_keys=["step"], time_keys=["time"], **options)


def test_a_replay_is_reduced() -> None:
    """To its points; what was passed over is counted with the last that is told."""
    entries = chain(*range(10, 10_010, 10))
    made = samplers().begin(View(max_points=10), marker().cursor, entries[-1].id)
    assert made.end == entries[-1].id
    assert made.told == marker().cursor
    assert made.counts([marker()]) == [0]
    sent = made.feed(entries)
    counts = made.counts(sent)
    # What is held back has not been told.
    assert made.told == sent[-1].cursor < entries[-1].cursor
    last = made.finish()
    counts += made.counts(last)
    assert len(counts) <= 10
    assert sum(counts) == len(entries)
    assert last[-1] == entries[-1]
    assert made.told == entries[-1].cursor


def test_what_replays_hold_is_bounded() -> None:
    """However many there are; and what is over gives back its part."""
    budget = 4 * MAX_HELD_BYTES
    made = samplers(max_total_held_bytes=budget)
    replays: list[SampledReplay] = [
        made.begin(View(max_points=10), marker().cursor, id_of("1-10"))
        for _ in range(100)
    ]
    assert len(made) == 100
    assert sum(replay.max_held_bytes for replay in replays) <= budget
    replays.clear()
    assert len(made) == 0


def test_what_is_undecided_has_not_been_told() -> None:
    """A few records may still pass whole: nothing goes, and the place stays."""
    entries = chain(10, 20, 30)
    made = samplers().begin(View(max_points=10), marker().cursor, entries[-1].id)
    assert made.feed(entries) == []
    assert made.told == marker().cursor
    assert made.finish() == entries
    assert made.told == entries[-1].cursor
