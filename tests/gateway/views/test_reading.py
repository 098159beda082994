"""Steps, times and projections of a session whose index says how it is read."""

import pytest

from tailcast_gateway.views.projection import Index, Projection, index
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.view import Views
from tailcast_index.meaning import Choice, Rules
from tailcast_index.meaning.values import Aside, Rounds
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS


NOW_MS = 1_795_608_000_000
# Each epoch counts its steps anew, and evaluations count for themselves.
EPOCHS = Choice(
    step=("data", "iter"),
    time=("eventTime",),
    rounds=Rounds(("epoch",), 1, 150),
    asides=(Aside(("mIoU",)),),
)


def reading(choice: Choice) -> Reading:
    """What reads by a choice, at one time."""
    return Reading(Rules(STEP_KEYS, TIME_KEYS), choice, now_ms=lambda: NOW_MS)


def indexed(*records: bytes) -> Index:
    """Their steps and times."""
    by = reading(EPOCHS)
    return index(records, by, step_keys=STEP_KEYS, time_keys=TIME_KEYS)


def test_steps_and_times_are_those_of_the_session() -> None:
    """Not those that a record would have by itself."""
    found = indexed(
        b'{"epoch":2,"data":{"iter":50},"eventTime":1795608000}',
        b'{"epoch":3,"data":{"iter":50},"time":1795608000}',
        b'{"epoch":3,"data":{"iter":0},"mIoU":34.0,"step":7}',
        b'{"epoch":3,"data":{"iter":1},"eventTime":1805608000}',
    )
    assert found.steps == [200, 350, None, 301]
    assert found.times == [NOW_MS, None, None, None]


@pytest.mark.parametrize("record", [b"[1]", b"{", b'{"a":' * 5_000, b"{}"])
def test_what_cannot_be_read_has_no_step(record: bytes) -> None:
    """As what says nothing."""
    assert indexed(record) == Index([None], [None])


def test_a_projection_keeps_the_step_and_the_time_of_the_session() -> None:
    """Where they are, and nothing else that would count by its key."""
    kept = Projection.of(["loss"], step_keys=STEP_KEYS, time_keys=TIME_KEYS)
    record = b'{"step":7,"data":{"iter":50,"x":1},"loss":0.50,"eventTime":"now","ts":1}'
    left = b'{"data":{"iter":50},"loss":0.50,"eventTime":"now"}'
    assert kept.project(record, reading(EPOCHS)) == left
    assert kept.project(record, reading(Choice())) == b'{"loss":0.50}'
    assert kept.project(b"[1]", reading(EPOCHS)) == b"[1]"


def test_views_read_by_the_configured_keys() -> None:
    """A choice of none of them is read all the same."""
    by = Views(step_keys=["n"], time_keys=["at"]).reading(Choice(step=("n",)))
    assert by.progress(b'{"n":3,"step":9}') == (3, None)
    assert by.choice.step_key == "n"
