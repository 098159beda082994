"""Notices when the wall clock is set, by comparing it with the steady clock.

A step is logged and counted, for people who read logs and files by their times. It has
no other effect. A clock that is adjusted slowly makes no steps, and its adjustments do
not add up to one.
"""

from collections.abc import Callable

from tailcast_service.pauses import next_tick


__all__ = ["ClockSteps"]

LOOK_SECONDS = 2.0
# A smaller difference is no step: slow adjustments between two looks are smaller.
STEP_SECONDS = 3.0
# How long reading the two clocks may take; a longer pause would look like a step.
READING_SECONDS = 0.5


class ClockSteps:
    """Looks for steps of one wall clock."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        on_step: Callable[[float], None],
    ) -> None:
        """`on_step` is called with the seconds, negative if the clock was set back."""
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_step = on_step
        # How far the wall clock was ahead of the steady one, seconds.
        self._ahead = wall_clock() - clock()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await next_tick(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Report a step since the last look."""
        before = self._clock()
        ahead = self._wall_clock() - before
        if self._clock() - before > READING_SECONDS:
            # The process was stopped in between.
            return
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) >= STEP_SECONDS:
            self._on_step(step)
