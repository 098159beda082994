"""How much may be done in a time: so much a second, and so much at once.

Pure; times are arguments, monotonic seconds.
"""

from typing import NamedTuple


class TokenRate(NamedTuple):
    """How much may be done."""

    per_second: float
    # What may be done at once, after a while in which nothing was done.
    at_once: float


class TokenBucket:
    """What is left of a rate; it fills with time."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: TokenRate, now: float) -> None:
        self._rate = rate
        # How many tokens there were at a time; fewer than none after `spend`.
        self._left, self._at = rate.at_once, now

    def take(self, cost: float, now: float) -> float:
        """Take tokens, if there are so many; else returns in how many seconds."""
        # What costs more than ever fits waits until there is all that fits.
        cost = min(cost, self._rate.at_once)
        wait = self._seconds_until(cost, now)
        if not wait:
            self._left -= cost
        return wait

    def spend(self, cost: float, now: float) -> float:
        """Take tokens that may be missing; returns when they are there, in seconds."""
        wait = self._seconds_until(cost, now)
        self._left -= cost
        return wait

    def left(self, now: float) -> float:
        """How many tokens there are."""
        per_second, at_once = self._rate
        self._left = min(at_once, self._left + (now - self._at) * per_second)
        self._at = now
        return self._left

    def _seconds_until(self, tokens: float, now: float) -> float:
        return max(0.0, tokens - self.left(now)) / self._rate.per_second
