"""How fast a run goes, and whether it goes on."""

import random

import pytest

from tailcast_index.fold.pace import Samples, status_after


def arrivals(*, rate: float, seconds: int, pause: float = 1.0) -> Samples:
    """Records at a rate, noticed after each pause."""
    samples = Samples()
    records = 0
    for tick in range(1, int(seconds / pause) + 1):
        now = tick * pause
        if int(now * rate) > records:
            records = int(now * rate)
            samples.note(int(now * 1_000), records, records)
    return samples


@pytest.mark.parametrize("rate", [0.2, 1.0, 5.0, 10.0, 333.0])
@pytest.mark.parametrize("is_stored", [False, True])
def test_the_rate_is_right_after_fifteen_seconds(rate: float, is_stored: bool) -> None:
    """Within ten per cent, with a reload on the way too."""
    samples = arrivals(rate=rate, seconds=15)
    if is_stored:
        samples = Samples.load(samples.dump())
    assert samples.rate(0, samples.cadence_ms) == pytest.approx(rate, rel=0.1)


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    """What was before does not count."""
    samples = arrivals(rate=50, seconds=60)
    for second in range(61, 76):
        samples.note(second * 1_000, 3_000 + (second - 60) * 5, None)
    assert samples.rate(0, 1_000) == pytest.approx(5.0)
    assert len(samples._kept) < 14


def test_records_within_a_second_need_no_samples_of_their_own() -> None:
    """A thousand a second, each with its time: few are kept, and the rate is right."""
    samples = Samples()
    for at in range(15_000):
        samples.note(1_000_000 + at, at, at)
    assert samples.rate(0, samples.cadence_ms) == pytest.approx(1_000)
    assert len(samples._kept) < 14


def test_records_of_one_second_count_together() -> None:
    """Times of whole seconds: those of the last second may be still to come."""
    samples, records, latest = Samples(), 0, -1
    for second in range(20):
        for _ in range(7):
            if second > latest:
                latest = second
                samples.note(1_000 * second + 1, records, records)
            records += 1
    assert samples.rate(0, samples.cadence_ms) == pytest.approx(7.0)


def test_the_rate_falls_when_nothing_comes() -> None:
    """Soon it is nothing."""
    samples = arrivals(rate=10, seconds=20)
    rates = [samples.rate(idle, samples.cadence_ms) for idle in (0, 2_000, 9_000)]
    assert rates[0] == rates[1] == pytest.approx(10)
    assert 5 < rates[2] < 6
    assert samples.rate(10_001, samples.cadence_ms) == 0


def test_a_slow_run_goes_on_between_its_records() -> None:
    """One in twenty seconds: its rate stays for as long as it is usual."""
    samples = arrivals(rate=0.05, seconds=200, pause=20)
    assert samples.rate(35_000, samples.cadence_ms) == pytest.approx(0.05, rel=0.1)
    assert samples.rate(70_000, samples.cadence_ms) == 0


def test_without_two_times_nothing_is_known() -> None:
    """No rate, and no end."""
    samples = Samples()
    assert not samples.is_known
    assert samples.rate(0, 0) == 0
    assert samples.left_ms(1, 10) is None
    samples.note(1_000, 5, 3)
    assert samples.rate(0, 0) == 0
    assert samples.left_ms(3, 10) is None
    assert Samples.load(Samples().dump()).dump() == []


def test_the_end_is_told_by_the_pace_since_the_beginning() -> None:
    """A hundred steps in a hundred seconds: nine hundred more take as long each."""
    samples = arrivals(rate=1, seconds=101)
    assert samples.left_ms(101, 1_001) == 900_000
    assert samples.left_ms(101, 50) == 0
    assert Samples.load(samples.dump()).left_ms(101, 1_001) == 900_000


def test_the_end_is_measured_anew_after_a_fall_back_or_a_long_pause() -> None:
    """The time when it did not run does not count."""
    samples = arrivals(rate=1, seconds=100)
    samples.begin_again()
    samples.note(101_000, 101, 50)
    samples.note(111_000, 111, 70)
    assert samples.left_ms(70, 90) == 10_000
    samples.note(5_000_000, 112, 71)
    samples.note(5_002_000, 113, 73)
    assert samples.left_ms(73, 83) == 10_000
    samples.begin_again()
    assert Samples.load(samples.dump()).left_ms(73, 83) is None


def test_the_cadence_is_that_of_usual_pauses() -> None:
    """One night does not make a run slow for long."""
    chance = random.Random(1)
    samples, at = Samples(), 1_000
    for records in range(200):
        at += chance.randint(250_000, 350_000)
        if records == 150:
            at += 40_000_000
        samples.note(at, records, None)
    assert samples.cadence_ms == pytest.approx(300_000, rel=0.2)


@pytest.mark.parametrize(
    ("idle", "cadence", "status"),
    [
        (59, 1, "running"),
        (61, 1, "stalled"),
        (601, 1, "ended"),
        # A line in twenty minutes.
        (70 * 60, 1_200, "running"),
        (81 * 60, 1_200, "stalled"),
        (5 * 3_600, 1_200, "ended"),
        # Within bounds.
        (7 * 3_600, 86_400, "stalled"),
        (25 * 3_600, 86_400, "ended"),
    ],
)
def test_a_run_stalls_by_its_own_cadence(idle: int, cadence: int, status: str) -> None:
    """But not within a minute, and not after a day."""
    assert status_after(idle * 1_000, cadence * 1_000) == status
