"""Whether other replicas serve the same installation, by what is heard of them.

Pure; times are arguments. A replica is taken to be alone only if that is certain. It is
not certain if the replica has just begun to listen, or does not even hear itself.
Another replica that is leaving takes no clients, so it does not count.
"""

from typing import Final


# Each replica sends a canary every two seconds. If more than two of these intervals
# pass without the canary of another replica, it is gone.
QUIET_SECONDS: Final = 5.0
# How long listening must have gone on: each other replica has sent one in this time.
LISTENED_SECONDS: Final = 3.0


class Neighbours:
    """The replicas that were heard on the channel."""

    def __init__(self) -> None:
        # When listening to the channel began, None while nothing listens.
        self._listening_since: float | None = None
        # When this replica last heard itself, and when each other one that stays.
        self._own_at: float | None = None
        self._others: dict[str, float] = {}
        # When each replica that is leaving was last heard.
        self._leaving: dict[str, float] = {}

    def listening(self, now: float) -> None:
        """Note that listening begins now."""
        self._listening_since = now

    def deaf(self) -> None:
        """Note that nothing listens any more."""
        self._listening_since = None

    def heard_itself(self, now: float) -> None:
        """Note a canary of this replica."""
        self._own_at = now

    def heard(self, replica: str, now: float, *, is_leaving: bool = False) -> None:
        """Note a canary of another replica, or that it says that it is leaving."""
        if is_leaving or replica in self._leaving:
            self._others.pop(replica, None)
            self._leaving[replica] = now
        else:
            self._others[replica] = now
        for heard in (self._others, self._leaving):
            for one in [one for one, at in heard.items() if at < now - QUIET_SECONDS]:
                del heard[one]

    def are_absent(self, now: float) -> bool:
        """Whether it is certain that no other replica takes clients."""
        since, own_at = self._listening_since, self._own_at
        if since is None or own_at is None or own_at < since:
            return False
        start = now - QUIET_SECONDS
        is_sure = since <= now - LISTENED_SECONDS and own_at >= start
        return is_sure and all(at < start for at in self._others.values())
