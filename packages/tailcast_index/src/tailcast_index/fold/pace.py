"""How fast a run goes, and how long its pauses are. Pure; times are arguments.

Two clocks tell it: that of the records, where they have times, and else that by which
they arrived. A sample is a time and how many records were before it. Samples are kept
of the last ten seconds only, at most one a second.
"""

from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias


Status: TypeAlias = Literal["running", "stalled", "ended"]

# The time over which the rate is taken, and the least time between two samples.
RATE_MS = 10_000
SPACING_MS = 1_000
# A pause counts an eighth of the cadence.
_CADENCE_WEIGHT = 8
# A session stalls after four of its pauses, but not before a minute nor after six
# hours; it has ended after twelve, but not before ten minutes nor after a day.
_STALLED = (4, 60_000, 21_600_000)
_ENDED = (12, 600_000, 86_400_000)
# A run that made a pause of so many of its pauses went on from there anew.
_LONG_PAUSE = (20, 600_000, 86_400_000)
# For so long a run counts as going on at its rate.
_STILL_MS = 2_000


class _Sample(NamedTuple):
    at_ms: int
    # How many records were before this time.
    records: int


class Samples:
    """The samples by one clock."""

    def __init__(self) -> None:
        # The latest time that was noted, 0 before the first, and how many records were
        # before it.
        self.latest_ms = 0
        self._records = 0
        # The oldest is the newest that is older than the last ten seconds.
        self._kept: deque[_Sample] = deque()
        # The mean of the pauses between samples, the latest ones above all.
        self.cadence_ms = 0
        # Where the run began or went on after a long pause: a time and a step.
        self._began: tuple[int, float] | None = None
        # From which time on the next sample is kept.
        self.next_ms = 0

    @property
    def is_known(self) -> bool:
        """Whether there are two times, so that a rate can be told."""
        return bool(self._kept) and self.latest_ms > self._kept[0].at_ms

    def note(self, at_ms: int, records: int, step: float | None) -> None:
        """Note a time later than all before it.

        Args:
            at_ms: the time, milliseconds.
            records: how many records were before it.
            step: the step at which the run is.
        """
        self.latest_ms, self._records = at_ms, records
        if at_ms >= self.next_ms:
            self._keep(_Sample(at_ms, records), step)

    def begin_again(self) -> None:
        """The run fell back: what it needs from here on is measured from here on."""
        self._began = None

    def _keep(self, sample: _Sample, step: float | None) -> None:
        at_ms = sample.at_ms
        if self._kept:
            pause = at_ms - self._kept[-1].at_ms
            if pause >= _bounded(_LONG_PAUSE, self.cadence_ms):
                self._began = None
            known_ms = self.cadence_ms or pause
            self.cadence_ms = known_ms + (pause - known_ms) // _CADENCE_WEIGHT
        self._kept.append(sample)
        self.next_ms = at_ms + SPACING_MS
        while len(self._kept) > 1 and self._kept[1].at_ms <= at_ms - RATE_MS:
            self._kept.popleft()
        if self._began is None and step is not None:
            self._began = at_ms, step

    def rate(self, idle_ms: int, cadence_ms: int) -> float:
        """Records per second over the last ten seconds.

        Args:
            idle_ms: for how long the run has done nothing.
            cadence_ms: how long its pauses usually are.
        """
        if not self.is_known:
            return 0.0
        since = self._anchor()
        records = self._records - since.records
        lasted_ms = self.latest_ms - since.at_ms
        pause_ms = max(lasted_ms // max(records, 1), cadence_ms)
        if idle_ms > max(_STILL_MS, 2 * pause_ms):
            if idle_ms > max(RATE_MS, 3 * pause_ms):
                return 0.0
            lasted_ms += idle_ms
        return records * 1_000 / lasted_ms

    def left_ms(self, step: float, total: float) -> int | None:
        """How long the run takes from a step to the last one, None if unknown."""
        if self._began is None:
            return None
        began_ms, first = self._began
        lasted_ms = self.latest_ms - began_ms
        if lasted_ms <= 0 or step <= first:
            return None
        return max(0, round((total - step) * lasted_ms / (step - first)))

    def _anchor(self) -> _Sample:
        until_ms = self.latest_ms - RATE_MS
        older = (one for one in reversed(self._kept) if one.at_ms <= until_ms)
        return next(older, self._kept[0])

    def dump(self) -> list[float | None]:
        """What `load` goes on from: of the samples, those that tell the rate.

        The latest time and number of records come first; the others are counted back
        from them.
        """
        if not self._kept:
            return []
        at_ms, records = self.latest_ms, self._records
        since, last = self._anchor(), self._kept[-1]
        began_ms, step = self._began or (at_ms, None)
        kept = [at_ms - since.at_ms, records - since.records]
        kept += [at_ms - last.at_ms, records - last.records]
        return [at_ms, records, *kept, self.cadence_ms, at_ms - began_ms, step]

    @classmethod
    def load(cls, dumped: Sequence[float | None]) -> "Samples":
        """Go on from what was dumped. Raises ValueError."""
        samples = cls()
        if not dumped:
            return samples
        *numbers, step = dumped
        at_ms, records, since_ms, since, last_ms, last, cadence_ms, began_ms = (
            int(number or 0) for number in numbers
        )
        samples.latest_ms, samples._records = at_ms, records
        samples._kept.append(_Sample(at_ms - since_ms, records - since))
        if last_ms < since_ms:
            samples._kept.append(_Sample(at_ms - last_ms, records - last))
        samples.cadence_ms = cadence_ms
        samples.next_ms = at_ms - last_ms + SPACING_MS
        samples._began = None if step is None else (at_ms - began_ms, step)
        return samples


def status_after(idle_ms: int, cadence_ms: int) -> Status:
    """The status of a run by how long it did nothing, and by its usual pauses."""
    if idle_ms < _bounded(_STALLED, cadence_ms):
        return "running"
    return "stalled" if idle_ms < _bounded(_ENDED, cadence_ms) else "ended"


def _bounded(limit: tuple[int, int, int], cadence_ms: int) -> int:
    times, least, most = limit
    return min(max(times * cadence_ms, least), most)
