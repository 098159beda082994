"""How fast records come, over about a minute."""

import pytest

from tailcast_streams.rate import RATE_SECONDS, rate_after, rate_at


@pytest.mark.parametrize(("seconds", "records"), [(0.1, 1), (1.0, 50), (120.0, 6)])
def test_a_steady_flow_has_its_rate(seconds: float, records: int) -> None:
    """Whatever comes at a time."""
    rate = 0.0
    for _ in range(int(600 / seconds) + 20):
        rate = rate_after(rate, seconds=seconds, records=records)
    assert rate == pytest.approx(records / seconds, rel=0.01)


def test_what_came_a_minute_ago_counts_a_third() -> None:
    """It fades, in what is stored and in what is shown, alike."""
    stored = rate_after(10.0, seconds=RATE_SECONDS, records=0)
    assert stored == pytest.approx(3.68, abs=0.01)
    assert rate_at(10.0, updated_ms=1_000, now_ms=61_000) == pytest.approx(stored)


def test_without_a_time_records_count_as_of_one_minute() -> None:
    """A session's first, and those of a clock that was set back."""
    assert rate_after(1.0, seconds=0, records=60) == 2.0
    assert rate_after(1.0, seconds=-5, records=60) == 2.0
    assert rate_at(1.0, updated_ms=5, now_ms=1) == 1.0
