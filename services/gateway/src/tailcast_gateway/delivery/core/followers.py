"""Clients that are not live in a session: how they come to be so, and to be live again.

No I/O and no clock. A follower's pace says what it waits for; every change of it is
made here, so that what is kept about it in three places stays one thing.
"""

from collections.abc import Callable
from typing import Protocol

from tailcast_gateway.delivery.core.channel import (
    Channel,
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID


class Pursuer(Protocol):
    """What brings followers to the window's end."""

    def wake(self, client: Client) -> None:
        """One of its followers can be served, or an announcement waits."""

    def look_up(self, follower: Follower) -> None:
        """Find the place that the follower wants."""

    def tell_caught_up(self, follower: Follower) -> None:
        """Tell one that waits for an unborn session that there is nothing to replay."""


class Followers:
    """Moves followers from pace to pace."""

    # Serves them; set once, by who makes both.
    pursuit: Pursuer

    # Has a session read on whose stream is known to be ahead; set likewise.
    mark: Callable[[str], None]

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation

    def follow(
        self,
        client: Client,
        channel: Channel,
        pace: FollowerState,
        *,
        cursor: Cursor = NOTHING,
    ) -> Follower:
        """From here a client is not live in a session."""
        follower = Follower(client, channel, pace, cursor)
        channel.followers[client] = follower
        client.followers[channel.session] = follower
        channel.audience = None
        return follower

    def look_up(self, follower: Follower, wanted: Wanted) -> None:
        """Have a follower's place found."""
        follower.channel.waiting.pop(follower, None)
        follower.client.behind.pop(follower, None)
        follower.pace = FollowerState.LOOKING_UP
        follower.wanted = wanted
        self.pursuit.look_up(follower)

    def wait(self, follower: Follower, pace: FollowerState, wanted: Wanted) -> None:
        """Until the session has got to some place."""
        follower.pace = pace
        follower.wanted = wanted
        follower.channel.waiting[follower] = None
        if pace is FollowerState.SKIPPING:
            self.recheck_waiting(follower.channel)

    def set_behind(self, follower: Follower, cursor: Cursor) -> None:
        """A follower's place is known; live if it is the window's end."""
        channel = follower.channel
        channel.waiting.pop(follower, None)
        follower.wanted = None
        follower.waiting_since = None
        follower.cursor = cursor
        if cursor == NOTHING and channel.is_awaited:
            follower.pace = FollowerState.NOT_CREATED
            if follower.is_replay:
                follower.is_replay = False
                self.pursuit.tell_caught_up(follower)
            return
        if cursor.id > channel.window.end.id:
            # The stream is ahead of the window; what follows will come through it.
            self.wait(follower, FollowerState.WAITING, cursor)
            self.mark(channel.session)
            return
        follower.pace = FollowerState.BEHIND
        follower.client.behind[follower] = None
        self.pursuit.wake(follower.client)

    def go_live(self, follower: Follower) -> None:
        """A follower has come to the window's end."""
        self.remove(follower)
        if follower.is_replay:
            frame = follower.encoder.caught_up(follower.cursor)
            follower.client.socket.write(frame)

    def recheck_waiting(self, channel: Channel) -> None:
        """Look up those whose place the session has got to."""
        end = channel.window.end.id
        for follower in list(channel.waiting):
            with self._isolation.over(follower.client):
                self._recheck(follower, end)

    def _recheck(self, follower: Follower, end: EntryID) -> None:
        wanted = follower.wanted
        if isinstance(wanted, Cursor):
            has_passed = end >= wanted.id or end.offset >= wanted.id.offset
        else:
            has_passed = isinstance(wanted, EntryID) and end >= wanted
        if has_passed and wanted is not None:
            self.look_up(follower, wanted)

    def begin_anew(self, follower: Follower) -> None:
        """A follower that has had nothing yet, in another life of its session."""
        channel = follower.channel
        channel.waiting.pop(follower, None)
        if isinstance(follower.wanted, EntryID):
            follower.skips_history = True
            # It was told where it stood, and that place is no more.
            frame = follower.encoder.caught_up(BEGINNING_CURSOR)
            follower.client.socket.write(frame)
        if channel.is_awaited:
            follower.pace, follower.wanted = FollowerState.NOT_CREATED, None
        elif not follower.skips_history or channel.history_end is None:
            self.look_up(follower, NOTHING)
        else:
            self.wait(follower, FollowerState.SKIPPING, channel.history_end)

    def remove(self, follower: Follower) -> None:
        """It is live from here, or does not get the session any more."""
        channel, client = follower.channel, follower.client
        del channel.followers[client]
        channel.waiting.pop(follower, None)
        client.followers.pop(channel.session, None)
        client.behind.pop(follower, None)
        channel.audience = None
