"""How late the news is, by canaries and by lines."""

from tailcast_gateway.sessions.core.lag import LINES_SECONDS, MAX_AWAITED, Lag


def test_a_canary_that_came_back() -> None:
    """It counts by its way, until the next one."""
    lag = Lag()
    assert lag.milliseconds(0.0) == 0
    lag.sent(1, 10.0)
    lag.returned(1, 10.25)
    assert lag.milliseconds(11.0) == 250
    lag.sent(2, 12.0)
    lag.returned(2, 12.001)
    assert lag.milliseconds(20.0) == 1


def test_a_canary_that_is_awaited() -> None:
    """It counts by its age, the oldest one first."""
    lag = Lag()
    for number in range(3):
        lag.sent(number, 10.0 + number)
    assert lag.milliseconds(15.0) == 5_000
    lag.returned(1, 15.0)
    assert lag.milliseconds(15.0) == 4_000
    lag.returned(0, 15.0)
    assert lag.milliseconds(16.0) == 4_000


def test_canaries_that_are_awaited_are_bounded() -> None:
    """The oldest stays, and the newest."""
    lag = Lag()
    for number in range(10 * MAX_AWAITED):
        lag.sent(number, float(number))
    assert len(lag._awaited) == MAX_AWAITED
    assert lag.milliseconds(1_000.0) == 1_000_000
    lag.returned(10 * MAX_AWAITED - 1, 1_000.0)
    assert not lag._awaited


def test_lines() -> None:
    """The largest of the last seconds; clocks that differ do not count below zero."""
    lag = Lag()
    lag.line_read(-50.0, 0.0)
    assert lag.milliseconds(0.0) == 0
    lag.line_read(30.0, 1.0)
    lag.line_read(10.0, 2.0)
    assert lag.milliseconds(2.0) == 30
    assert lag.milliseconds(1.5 + LINES_SECONDS) == 10
    assert lag.milliseconds(2.5 + LINES_SECONDS) == 0
