"""Whether other replicas serve the same installation, by the canaries that are heard.

Pure; times are arguments. A replica is taken to be alone only if that is certain. It is
not certain if the replica has just begun to listen, or does not even hear itself.
"""

from typing import Final


# Each replica sends a canary every two seconds. If more than two of these intervals
# pass without the canary of another replica, there is none.
QUIET_SECONDS: Final = 5.0


class Neighbours:
    """The canaries that were heard on the channel."""

    def __init__(self) -> None:
        # When listening to the channel began, None while nothing listens.
        self._listening_since: float | None = None
        # When this replica last heard itself, and when it last heard another one.
        self._own_at: float | None = None
        self._other_at: float | None = None

    def listening(self, now: float) -> None:
        """Note that listening begins now."""
        self._listening_since = now

    def deaf(self) -> None:
        """Note that nothing listens any more."""
        self._listening_since = None

    def heard(self, now: float, *, is_own: bool) -> None:
        """Note a canary, this replica's own or another one's."""
        if is_own:
            self._own_at = now
        else:
            self._other_at = now

    def are_absent(self, now: float) -> bool:
        """Whether it is certain that there is no other replica."""
        since, own_at, other_at = self._listening_since, self._own_at, self._other_at
        if since is None or own_at is None:
            return False
        start = now - QUIET_SECONDS
        return since <= start <= own_at and (other_at is None or other_at < start)
