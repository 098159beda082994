"""Keeps the broker's sessions to their number while none begins, and lets others in.

Where there is room, the files that were refused are tried again, the newest first.
"""

from collections.abc import Callable
from heapq import nlargest

from tailcast_service.pauses import next_tick
from tailcast_streams.exceptions import BrokerError
from tailcast_tailer.appending.session_bound import SessionBound
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.upkeep.presence import Presence


# From one look to the next.
COUNT_SECONDS = 10.0


class SessionsUpkeep:
    """Looks after the number of sessions."""

    def __init__(
        self,
        bound: SessionBound,
        presence: Presence,
        *,
        look_at: Callable[[str], None],
    ) -> None:
        """`look_at` gives the file of a path a turn."""
        self._bound = bound
        self._presence = presence
        self._look_at = look_at

    def include(self, followed: object) -> None:
        """This file is followed here."""
        if isinstance(followed, Follower):
            self._bound.followed[followed.session] = followed

    def exclude(self, followed: object) -> None:
        """This file is followed no longer."""
        if isinstance(followed, Follower):
            self._bound.followed.pop(followed.session, None)
            self._bound.refused.pop(followed.session, None)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await next_tick(COUNT_SECONDS)
            await self._presence.wait_until_up()
            try:
                await self.look()
            except BrokerError as error:
                self._presence.lost(error, "number of sessions")

    async def look(self) -> None:
        """Take out what is too much, or try what was refused. Raises BrokerError."""
        room = await self._bound.reduce()
        refused = self._bound.refused
        for session in nlargest(room, refused, key=refused.__getitem__):
            self._look_at(self._bound.followed[session].path)
