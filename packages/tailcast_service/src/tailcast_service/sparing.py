"""Limits how often a repeated thing is reported, whatever it is."""

from collections.abc import Callable, Hashable


# The same thing is reported at most once in this time.
TOLD_SECONDS = 60.0
# How many different things are remembered; beyond that the oldest is forgotten.
MAX_KINDS = 100


class Sparing:
    """Decides when to report a thing that comes again and again."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        # By thing: when it was last reported, and how often it has come since.
        self._told: dict[Hashable, tuple[float, int]] = {}

    def came(self, thing: Hashable) -> int:
        """Count a thing; returns how often to report it, or 0 to report nothing now.

        The number counts the times since the last report, with this one.
        """
        now = self._clock()
        told_at, untold = self._told.pop(thing, (now - TOLD_SECONDS, 0))
        is_due = now - told_at >= TOLD_SECONDS
        self._told[thing] = (now, 0) if is_due else (told_at, untold + 1)
        if len(self._told) > MAX_KINDS:
            del self._told[next(iter(self._told))]
        return untold + 1 if is_due else 0
