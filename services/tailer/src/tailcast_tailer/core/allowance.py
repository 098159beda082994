"""How often something may be done at most, over time. Pure."""


class Allowance:
    """So many at once, and as many again over the time that is given."""

    def __init__(self, most: int, *, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        # How many are left, fractions of one too, as of when; steady seconds.
        self._left = float(most)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Use one up, if there is one."""
        if self._at is not None:
            gained = (now - self._at) / self._seconds * self._most
            self._left = min(float(self._most), self._left + gained)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
