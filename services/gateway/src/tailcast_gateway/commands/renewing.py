"""Gives a client another grant, between two of its messages.

What it may not read any more ends, and what it may read from now on begins. All else
goes on where it is, so no record is lost or repeated.
"""

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.sessions.feed import Feed
from tailcast_gateway.sessions.stored import BROKER_SECONDS, Stored
from tailcast_gateway.views.grant import Grant


class Renewing:
    """Changes grants; all connections share one."""

    def __init__(self, *, stored: Stored, hub: Hub, feed: Feed) -> None:
        self._stored = stored
        self._hub = hub
        self._feed = feed

    async def renew(self, client: Client, grant: Grant) -> None:
        """Give a client a grant, and tell it what it may not read any more.

        Raises:
            TooManyWatched: this replica watches as many sessions as it may.
            BrokerError, TimeoutError: the broker is away, or refuses.
        """
        before = client.subscription
        after = before.within(grant)
        names = after.literals()
        if after.has_globs() and grant.globs != client.grant.globs:
            async with time_limit(BROKER_SECONDS):
                names += filter(after.matches, await self._stored.sessions())
        more = [name for name in dict.fromkeys(names) if not before.matches(name)]
        if more:
            async with time_limit(BROKER_SECONDS):
                await self._feed.open(more)
        if client.is_closed:
            return
        revoked = [
            channel.session
            for channel in self._hub.matching(before)
            if not after.matches(channel.session)
        ]
        client.grant = grant
        self._hub.subscribe(client, before, {})
        if revoked:
            # Some may be of these sessions; the others come again in their places.
            client.announcements.clear()
        for session in revoked:
            client.send({"type": "revoked", "sessionId": session})
