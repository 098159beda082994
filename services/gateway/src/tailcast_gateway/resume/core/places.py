"""The places of clients in their sessions, and which of them have changed.

No I/O and no clock. All clients that are live in a session are at its window's end. So
these places are collected once for all clients that are noted at the same time. What a
client has received is found out in `holding`.
"""

import itertools
from collections.abc import Iterable, Iterator

from tailcast_gateway.delivery.core.channel import Channel, Client, FollowerState
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


class Places:
    """Reads clients' places from the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # The ends of windows that changed since a time, collected at `_changed_at`.
        self._changed: dict[float | None, dict[str, Cursor]] = {}
        self._changed_at = 0.0

    def delivered(self, client: Client, session: str) -> Cursor | None:
        """The place up to which a session was sent to a client, None if it is not."""
        channel = self._hub.channels.get(session)
        if channel is None or not _wants(client, session):
            return None
        return channel.place_of(client)

    def places(
        self, client: Client, subscription: Subscription
    ) -> dict[str, Cursor | None]:
        """The places in all sessions of a subscription, and in the emergencies.

        The sessions in which the client is not live come first. A place that is not
        known yet is None.
        """
        channels = [self._hub.channels[EMERGENCIES], *self._hub.matching(subscription)]
        channels.sort(key=lambda channel: client not in channel.followers)
        return {channel.session: self._place(client, channel) for channel in channels}

    def changes(
        self, client: Client, *, since: float | None, lagging: Iterable[str], now: float
    ) -> tuple[dict[str, Cursor], dict[str, Cursor | None]]:
        """The places of a client that must be noted: the shared ones and its own.

        Args:
            client: the client.
            since: earlier changes need no note; None to note everything.
            lagging: sessions that must be noted even if they did not change.
            now: the time, the same for all clients noted in one step of the loop.
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
        """Whether there are records that must still be sent to a client."""
        for session, follower in client.followers.items():
            if follower.state in (FollowerState.NOT_CREATED, FollowerState.SKIPPING):
                continue
            channel = self._hub.channels[session]
            if channel.place_of(client) != channel.window.end:
                return True
        return False

    def lagging(self, client: Client) -> list[str]:
        """The sessions in which a client may not have all up to the window's end."""
        return [*client.followers, *self._held_back(client)]

    def _held_back(self, client: Client) -> Iterator[str]:
        """The sessions of which a record waits for the end of its interval."""
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
        if follower.state is FollowerState.NOT_CREATED:
            # There is no place in a session that does not exist, whoever made it up.
            return None
        if follower.sample is not None:
            # Between what is sent there are records that were left out.
            return None
        place = channel.place_of(client) or channel.beginning_of(client)
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
    """Whether a client gets records of a session, or emergencies."""
    if session == EMERGENCIES:
        return bool(client.subscription)
    return client.subscription.matches(session)
