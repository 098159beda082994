"""A golden line for each producer: where its run is, and what it measures."""

from collections.abc import Mapping

import pytest

from tailcast_index.meaning import Choice, Reader, SettingsFinder
from tailcast_streams.metrics import read_fields
from tests.tailcast_index.meaning.producers import PRODUCERS, Producer
from tests.tailcast_index.meaning.reading import NOW_MS, RULES, fields_of, reading


@pytest.mark.parametrize("producer", PRODUCERS.values(), ids=PRODUCERS)
def test_what_a_producer_writes_means_what_it_means_to_its_users(
    producer: Producer,
) -> None:
    """Steps, times, metrics, progress, settings, and which runs are in the file."""
    read = reading(producer.lines)
    assert read.choice.step_key == producer.step_key
    assert read.choice.time_key == producer.time_key
    assert read.steps == producer.steps
    assert (read.times_ms[0], read.times_ms[-1]) == producer.times_ms
    assert read.metrics == producer.metrics
    assert read.totals - {None} == {producer.total_steps} - {None}
    assert settings_of(producer, read.choice) == producer.config
    assert tuple(read.lanes) == (producer.lanes or ("",) * len(producer.lines))
    assert len(read.changes) <= 3


@pytest.mark.parametrize("producer", PRODUCERS.values(), ids=PRODUCERS)
def test_step_and_time_alone_are_those_of_all_that_is_read(producer: Producer) -> None:
    """Whoever wants nothing else pays for nothing else."""
    read = reading(producer.lines)
    reader = Reader(RULES, read.choice)
    places = [reader.place(fields_of(one), now_ms=NOW_MS) for one in producer.lines]
    assert places == [(point.step, point.time_ms) for point in read.points]


def settings_of(producer: Producer, choice: Choice) -> Mapping[str, object] | None:
    """The latest settings on its lines."""
    find = SettingsFinder(choice).find
    found = [find(read_fields(line.encode())) for line in producer.lines]
    return next((one for one in reversed(found) if one is not None), None)
