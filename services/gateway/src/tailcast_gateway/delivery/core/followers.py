"""The states of clients that are not live in a session, and all changes between them.

No I/O and no clock. A follower is kept in three places: with its client, with its
channel, and among those that are behind or wait. All changes of its state are made
here, so that the three always agree.
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


class CatchUpPort(Protocol):
    """Serves followers until they reach the window's end."""

    def wake(self, client: Client) -> None:
        """Serve a client: it has a follower to serve, or an announcement."""

    def look_up(self, follower: Follower) -> None:
        """Look up the place that the follower wants."""

    def tell_caught_up(self, follower: Follower) -> None:
        """Tell a follower of a session without entries that its replay is over."""


class Followers:
    """Changes the states of followers."""

    def __init__(
        self,
        isolation: Isolation,
        *,
        catch_up: CatchUpPort,
        mark: Callable[[str], None],
    ) -> None:
        # Confines failures to one client or session.
        self.isolation = isolation
        # Serves the followers.
        self.catch_up = catch_up
        # Lets a session be read whose stream is known to be ahead.
        self.mark = mark

    def follow(
        self,
        client: Client,
        channel: Channel,
        state: FollowerState,
        *,
        cursor: Cursor = NOTHING,
    ) -> Follower:
        """Begin to follow: from here a client is not live in a session."""
        follower = Follower(client, channel, state, cursor)
        channel.followers[client] = follower
        client.followers[channel.session] = follower
        channel.audience = None
        return follower

    def look_up(self, follower: Follower, wanted: Wanted) -> None:
        """Start the look-up of a follower's place."""
        follower.channel.waiting.pop(follower, None)
        follower.client.behind.pop(follower, None)
        follower.state = FollowerState.LOOKING_UP
        follower.wanted = wanted
        self.catch_up.look_up(follower)

    def wait(self, follower: Follower, state: FollowerState, wanted: Wanted) -> None:
        """Let a follower wait until the session has reached a place."""
        follower.state = state
        follower.wanted = wanted
        follower.channel.waiting[follower] = None
        if state is FollowerState.SKIPPING:
            self.recheck_waiting(follower.channel)

    def set_behind(self, follower: Follower, cursor: Cursor) -> None:
        """Serve a follower from a known place; it is live at the window's end."""
        channel = follower.channel
        channel.waiting.pop(follower, None)
        follower.wanted = None
        follower.waiting_since = None
        follower.cursor = cursor
        if cursor == NOTHING and channel.is_awaited:
            follower.state = FollowerState.NOT_CREATED
            if follower.is_replay:
                follower.is_replay = False
                self.catch_up.tell_caught_up(follower)
            return
        if cursor.id > channel.window.end.id:
            # The stream is ahead of the window, which will get these entries soon.
            self.wait(follower, FollowerState.WAITING, cursor)
            self.mark(channel.session)
            return
        follower.state = FollowerState.BEHIND
        follower.client.behind[follower] = None
        self.catch_up.wake(follower.client)

    def go_live(self, follower: Follower) -> None:
        """Make a client live whose follower has reached the window's end."""
        self.remove(follower)
        if follower.is_replay:
            frame = follower.encoder.caught_up(
                follower.cursor, reached=follower.reached
            )
            follower.client.socket.write(frame)

    def recheck_waiting(self, channel: Channel) -> None:
        """Look up the waiting followers whose place the session has reached."""
        end = channel.window.end.id
        for follower in list(channel.waiting):
            with self.isolation.over(follower.client):
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
        """Begin again with a follower that got nothing, as the stream is a new one."""
        channel = follower.channel
        channel.waiting.pop(follower, None)
        if isinstance(follower.wanted, EntryID):
            follower.skips_history = True
            # The place that the client was told does not exist any more.
            frame = follower.encoder.caught_up(BEGINNING_CURSOR)
            follower.client.socket.write(frame)
        if channel.is_awaited:
            follower.state, follower.wanted = FollowerState.NOT_CREATED, None
        elif not follower.skips_history or channel.history_end is None:
            self.look_up(follower, NOTHING)
        else:
            self.wait(follower, FollowerState.SKIPPING, channel.history_end)

    def begin_created(self, follower: Follower) -> None:
        """Its session has come into being: go on as it was asked to begin."""
        history_end = follower.channel.history_end
        if follower.skips_history and history_end is not None:
            self.wait(follower, FollowerState.SKIPPING, history_end)
        else:
            self.set_behind(follower, NOTHING)

    def look_up_anew(self, follower: Follower) -> None:
        """Its session's window was begun anew: find its place in what is stored now."""
        follower.read_again()
        if follower.state is FollowerState.NOT_CREATED or isinstance(
            follower.wanted, EntryID
        ):
            self.begin_anew(follower)
        else:
            self.look_up(follower, follower.wanted or follower.cursor)

    def remove(self, follower: Follower) -> None:
        """Drop a follower: its client is live, or does not get the session any more."""
        channel, client = follower.channel, follower.client
        del channel.followers[client]
        channel.waiting.pop(follower, None)
        client.followers.pop(channel.session, None)
        client.behind.pop(follower, None)
        channel.audience = None
