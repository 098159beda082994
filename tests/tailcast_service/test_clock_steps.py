"""Steps of the wall clock."""

import pytest

from tailcast_service.clock_steps import ClockSteps


class Clocks:
    """A steady clock and one that can be set."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.ahead = 1_700_000_000.0
        # How long the process is stopped between two readings.
        self.stopped = 0.0
        self.told: list[float] = []
        self.steps = ClockSteps(
            clock=self.clock, wall_clock=self.wall_clock, on_step=self.told.append
        )

    def clock(self) -> float:
        """The steady clock."""
        return self.steady

    def wall_clock(self) -> float:
        """The other one."""
        shown = self.steady + self.ahead
        self.steady += self.stopped
        return shown

    def look(self, *, after: float = 2.0) -> None:
        """Look after so many seconds."""
        self.steady += after
        self.steps.look()


@pytest.mark.parametrize("step", [7_200.0, -7_200.0, 3.0])
def test_a_step_is_told_once(step: float) -> None:
    """With its sign, whenever it is looked."""
    clocks = Clocks()
    clocks.look()
    clocks.ahead += step
    clocks.look(after=3_600.0)
    clocks.look()
    assert clocks.told == [pytest.approx(step)]


def test_slewing_is_no_step() -> None:
    """However long it goes on."""
    clocks = Clocks()
    for _ in range(1_000):
        clocks.ahead -= 0.5
        clocks.look()
    assert clocks.told == []


def test_a_process_that_is_stopped_between_the_readings() -> None:
    """It sees no step; one that there was is told by the next look."""
    clocks = Clocks()
    clocks.stopped = 60.0
    clocks.look()
    clocks.stopped = 0.0
    clocks.look()
    assert clocks.told == []
