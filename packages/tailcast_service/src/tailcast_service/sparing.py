"""Whether what comes again and again is to be told now. Knows nothing of what it is."""

from collections.abc import Callable, Hashable


# The same is told at most so often.
TOLD_SECONDS = 60.0
# Different things that are told apart; beyond, the one told longest ago is forgotten.
MAX_KINDS = 100


class Sparing:
    """Tells a thing once, and then now and then how often it came."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        """`clock` in monotonic seconds."""
        self._clock = clock
        # By thing: when it was told last, and how often it came since.
        self._told: dict[Hashable, tuple[float, int]] = {}

    def came(self, thing: Hashable) -> int:
        """It came: 0 if that need not be told, else how often it did, this time too."""
        now = self._clock()
        told_at, untold = self._told.pop(thing, (now - TOLD_SECONDS, 0))
        is_due = now - told_at >= TOLD_SECONDS
        self._told[thing] = (now, 0) if is_due else (told_at, untold + 1)
        if len(self._told) > MAX_KINDS:
            del self._told[next(iter(self._told))]
        return untold + 1 if is_due else 0
