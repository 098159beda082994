"""Tells a client where it is in each of several sessions, once that is known.

Some places have to be looked up. Those that are known are told at once, and the others
together, when the last of them is found. What is told is where the client is at that
moment, so it agrees with the frames before it.
"""

from collections.abc import Iterable

from tailcast_gateway.commands.core.parts import positions
from tailcast_gateway.delivery.core.channel import Channel, Client
from tailcast_gateway.protocol.client_messages import MessageID
from tailcast_streams.births import Birth


class ToldPositions:
    """The positions that answer one `subscribe`."""

    def __init__(self, client: Client, *, births: Birth, id: MessageID) -> None:
        self._client = client
        # The number of the latest session when the sessions were listed.
        self._births = births
        # The `id` of the `subscribe`.
        self._id = id
        # The sessions that are not told yet, and those of them that are looked up.
        self._untold: list[Channel] = []
        self._looked_up: set[Channel] = set()

    def begin(self, channels: Iterable[Channel]) -> None:
        """Tell all that are known; the client is attached to these sessions."""
        channels = list(channels)
        self._untold = self._unknown(channels)
        self._looked_up = set(self._untold)
        self._tell(channels, is_last=not self._untold)
        if self._untold:
            self._client.on_found.append(self.found)

    def found(self, channel: Channel) -> bool:
        """Note that a look-up is over; returns whether all positions are told."""
        self._looked_up.discard(channel)
        if self._looked_up:
            return False
        # A place that was found may be looked up anew meanwhile.
        self._looked_up = set(self._unknown(self._untold))
        if self._looked_up:
            return False
        wants = self._client.subscription.matches
        self._tell([one for one in self._untold if wants(one.session)], is_last=True)
        return True

    def _unknown(self, channels: Iterable[Channel]) -> list[Channel]:
        return [one for one in channels if one.place_of(self._client) is None]

    def _tell(self, channels: Iterable[Channel], *, is_last: bool) -> None:
        client = self._client
        places = ((one.session, one.place_of(client)) for one in channels)
        known = [(session, place) for session, place in places if place is not None]
        for part in positions(
            known, client.wire, at=self._births, id=self._id, is_last=is_last
        ):
            client.send(part)
