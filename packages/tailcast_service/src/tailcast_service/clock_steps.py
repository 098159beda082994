"""Whether the wall clock was set: now and then it is held against the steady one.

It is told and counted, for whoever reads logs and files by their times; nothing else
follows. What slews a clock is no step, and never adds up to one.
"""

import asyncio
from collections.abc import Callable


__all__ = ["ClockSteps"]

LOOK_SECONDS = 2.0
# A smaller difference is told by nobody: an idle machine slews by less.
STEP_SECONDS = 3.0
# Between the two clocks nothing may come that looks like a step.
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
        """Prepare; `on_step` is told the seconds, negative if it was set back."""
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_step = on_step
        # How far the wall clock was ahead of the steady one, seconds.
        self._ahead = wall_clock() - clock()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Tell of a step since the last look."""
        before = self._clock()
        ahead = self._wall_clock() - before
        if self._clock() - before > READING_SECONDS:
            # The process was stopped in between.
            return
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) >= STEP_SECONDS:
            self._on_step(step)
