"""Whether other replicas serve the same installation: by the canaries that are heard.

Pure: times are arguments. What is not known is not said: a replica that has only begun
to listen, or that hears not even itself, is not alone for that.
"""

from typing import Final


# Each replica sends a canary every two seconds. Who was listened for through more than
# two of these, and said nothing, is not there.
QUIET_SECONDS: Final = 5.0


class Neighbours:
    """Who was heard on the channel."""

    def __init__(self) -> None:
        # Since when the channel is listened to, None while it is not.
        self._listening_since: float | None = None
        # When this replica last heard itself, and when it last heard another one.
        self._own_at: float | None = None
        self._other_at: float | None = None

    def listening(self, now: float) -> None:
        """From now on whoever speaks is heard."""
        self._listening_since = now

    def deaf(self) -> None:
        """Nobody is heard any more."""
        self._listening_since = None

    def heard(self, now: float, *, is_own: bool) -> None:
        """A canary came: this replica's own, or another one's."""
        if is_own:
            self._own_at = now
        else:
            self._other_at = now

    def are_absent(self, now: float) -> bool:
        """Whether it is sure that no other replica is there."""
        since, own_at, other_at = self._listening_since, self._own_at, self._other_at
        if since is None or own_at is None:
            return False
        start = now - QUIET_SECONDS
        return since <= start <= own_at and (other_at is None or other_at < start)
