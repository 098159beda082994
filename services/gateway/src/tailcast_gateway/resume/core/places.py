"""Where a client is in its sessions: what is noted of it, and what changed since.

No I/O and no clock. Where a client is live it stands at the window's end, as all who
are live there: such places are collected once for everybody who is noted at one time.
What never lives here: what a client has received.
"""

import itertools
from collections.abc import Iterable, Iterator

from tailcast_gateway.delivery.core.channel import Channel, Client, FollowerState
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.views.subscription import Begin, Subscription
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, Cursor


class Places:
    """Reads clients' places from the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # Ends of windows that changed since a time, as they were at another one.
        self._changed: dict[float | None, dict[str, Cursor]] = {}
        self._changed_at = 0.0

    def delivered(self, client: Client, session: str) -> Cursor | None:
        """What a client was sent up to, None where nothing is sent to it."""
        channel = self._hub.channels.get(session)
        if channel is None or not _wants(client, session):
            return None
        return channel.place_of(client)

    def places(
        self, client: Client, subscription: Subscription
    ) -> dict[str, Cursor | None]:
        """Where delivery could go on, of all that a subscription wants, and documents.

        Those first in which the client is not live; None where that is not known yet.
        """
        channels = [self._hub.channels[EMERGENCIES], *self._hub.matching(subscription)]
        channels.sort(key=lambda channel: client not in channel.followers)
        return {channel.session: self._place(client, channel) for channel in channels}

    def changes(
        self, client: Client, *, since: float | None, lagging: Iterable[str], now: float
    ) -> tuple[dict[str, Cursor], dict[str, Cursor | None]]:
        """What is to be noted of a client, as the shared part and its own.

        Args:
            client: whose places these are.
            since: what changed before needs no note; None to note everything.
            lagging: sessions that have to be noted whether they changed or not.
            now: the same for all who are noted in one step of the loop.
        """
        changed = self._changed_since(since, now)
        own: dict[str, Cursor | None] = {}
        for session in (*self.lagging(client), *lagging):
            channel = self._hub.channels.get(session)
            if channel is not None and _wants(client, session):
                own[session] = self._place(client, channel)
        if client.subscription.has_globs():
            concerns = any(_wants(client, session) for session in changed)
            return (changed if concerns else {}), own
        for session in (EMERGENCIES, *client.subscription.literals()):
            is_changed = session in changed and _wants(client, session)
            if is_changed and session not in own:
                own[session] = changed[session]
        return {}, own

    def has_more(self, client: Client) -> bool:
        """Whether there is something to send to a client that it has not been sent."""
        for session, follower in client.followers.items():
            if follower.pace in (FollowerState.NOT_CREATED, FollowerState.SKIPPING):
                continue
            channel = self._hub.channels[session]
            if channel.place_of(client) != channel.window.end:
                return True
        return False

    def lagging(self, client: Client) -> list[str]:
        """Sessions in which a client may not have what the window's end says."""
        return [*client.followers, *self._held_back(client)]

    def _held_back(self, client: Client) -> Iterator[str]:
        """Sessions of which a record waits for its interval to be over."""
        rules = client.subscription.rules
        if not self._hub.delivery.pending or not any(
            rule.view.max_rate for rule in rules
        ):
            return
        for channel, view in self._hub.delivery.pending:
            if client.subscription.view_for(channel.session) is view:
                yield channel.session

    def _place(self, client: Client, channel: Channel) -> Cursor | None:
        follower = channel.followers.get(client)
        if follower is None:
            place = channel.delivered_up_to(
                client.subscription.view_for(channel.session)
            )
            return None if place is None else shown(place)
        if follower.sampler is not None:
            # What is read is held back, to be reduced: the replay comes again.
            return None
        place = channel.place_of(client)
        if place is None and follower.wanted is Begin.START:
            return BEGINNING_CURSOR
        return None if place is None else shown(place)

    def _changed_since(self, since: float | None, now: float) -> dict[str, Cursor]:
        if now != self._changed_at:
            self._changed.clear()
            self._changed_at = now
        found = self._changed.get(since)
        if found is None:
            found = self._changed[since] = {
                channel.session: shown(channel.window.end)
                for channel in self._moved_since(since)
            }
        return found

    def _moved_since(self, since: float | None) -> Iterable[Channel]:
        if since is None:
            return self._hub.channels.values()
        return itertools.takewhile(
            lambda channel: channel.changed_at >= since, reversed(self._hub.recent)
        )


def _wants(client: Client, session: str) -> bool:
    """Whether anything of a session, or any document, is for a client."""
    if session == EMERGENCIES:
        return bool(client.subscription)
    return client.subscription.matches(session)
