"""The latest emergencies that a `subscribe` asks for: read before it, sent with it.

An emergency that lies where delivery is still to come is sent in its place and not
before: so each of them comes once. What arrives between the reading and the answer is
in the windows. Who acknowledged one is told to all who watch.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec import UNSET

from tailcast_gateway.delivery.core.channel import Channel, Client
from tailcast_gateway.delivery.core.encoding import history_frame
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.protocol.client_messages import Subscribe
from tailcast_gateway.sessions.core.emergency_list import (
    ListedEmergency,
    Listing,
    WantedEmergencies,
    acknowledgement_fields,
    concerns,
    marks,
)
from tailcast_gateway.sessions.emergencies import EmergencyHistory
from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.emergencies import Acknowledgement
from tailcast_streams.entries import Kind
from tailcast_streams.position import NOTHING, Cursor


class Recent(NamedTuple):
    """The latest emergencies, as of a moment before a client is subscribed."""

    listing: Listing
    # With their records, the oldest first.
    chosen: Sequence[tuple[ListedEmergency, bytes | None]]
    # How many were asked for.
    limit: int
    # Where the windows ended then.
    ends: Mapping[str, Cursor]


class RecentEmergencies:
    """Reads and sends them; all connections share one."""

    def __init__(self, history: EmergencyHistory, hub: Hub) -> None:
        self._history = history
        self._hub = hub

    async def read(
        self, sessions: Iterable[str], added: Subscription, message: Subscribe
    ) -> Recent | None:
        """Read what a message asks for; None if nothing. Raises BrokerError."""
        limit = message.emergencies
        if limit is UNSET or not limit:
            return None
        ends = {
            name: self._hub.channels[name].window.end
            for name in sessions
            if name in self._hub.channels
        }
        names = None if added.has_globs() else added.literals()
        listing = await self._history.listing(names)
        wanted = WantedEmergencies(added, with_general=added.grant.is_all)
        newest = list(islice(listing.newest(wanted), limit))[::-1]
        records = await self._history.records(newest)
        chosen = list(zip(newest, records, strict=True))
        return Recent(listing, chosen, limit, ends)

    def send(
        self, client: Client, recent: Recent | None, channels: Iterable[Channel]
    ) -> None:
        """Send them to a client that is attached to these sessions."""
        if recent is not None:
            _Replay(self._history, self._hub, client, recent, list(channels)).begin()

    def tell(self, id: str, session: str, one: Acknowledgement | None) -> None:
        """Tell all who watch that an emergency was acknowledged, or taken back."""
        message: dict[str, object] = {"type": "acknowledged", "id": id}
        if session:
            message["sessionId"] = session
        message["acknowledged"] = None if one is None else acknowledgement_fields(one)
        subscribers = self._hub.subscribers
        for client in list(subscribers.of(session) if session else subscribers):
            if not (session or client.subscription.grant.is_all):
                continue
            with self._hub.isolation.over(client):
                client.send(message)


class _Replay:
    """The emergencies that one `subscribe` gets."""

    def __init__(
        self,
        history: EmergencyHistory,
        hub: Hub,
        client: Client,
        recent: Recent,
        channels: Sequence[Channel],
    ) -> None:
        self._history = history
        self._hub = hub
        self._client = client
        self._recent = recent
        self._channels = {channel.session: channel for channel in channels}
        # Those whose sessions' places are looked up.
        self._waiting: list[tuple[ListedEmergency, bytes | None]] = []

    def begin(self) -> None:
        """Send those of sessions whose place is known."""
        self._send(self._with_newer())
        if self._waiting:
            self._client.on_found.append(self.found)

    def found(self, _channel: Channel) -> bool:
        """Note that a look-up is over; returns whether all are sent."""
        self._send(self._waiting)
        return not self._waiting

    def _with_newer(self) -> Sequence[tuple[ListedEmergency, bytes | None]]:
        """Those that were read, and what came since then; so many as were asked for."""
        recent = self._recent
        known = {one.order[1:] for one, _ in recent.chosen}
        newer = [
            found
            for name, channel in self._channels.items()
            for found in self._in_window(channel, recent.ends.get(name, NOTHING))
            if found[0].order[1:] not in known and self._concerns(found[0])
        ]
        return [*recent.chosen, *newer][-recent.limit :]

    def _concerns(self, one: ListedEmergency) -> bool:
        wants = self._client.subscription
        return concerns(wants, one, with_general=wants.grant.is_all)

    def _in_window(
        self, channel: Channel, after: Cursor
    ) -> Iterable[tuple[ListedEmergency, bytes | None]]:
        """The emergencies in a window behind a place."""
        for entry in channel.window.after(after, max_bytes=channel.window.max_bytes):
            if entry.kind is Kind.EMERGENCY:
                one = self._history.read_alone(channel.session, entry)
                yield one, entry.record

    def _send(self, some: Sequence[tuple[ListedEmergency, bytes | None]]) -> None:
        self._waiting = []
        frames: list[bytes] = []
        for one, record in some:
            channel = self._channels.get(one.order.stream)
            place = None if channel is None else channel.place_of(self._client)
            if channel is not None and place is None:
                self._waiting.append((one, record))
            elif place is None or one.order.cursor.id <= place.id:
                frames.append(self._frame(one, record))
        if frames:
            self._client.socket.write(b"".join(frames))

    def _frame(self, one: ListedEmergency, record: bytes | None) -> bytes:
        try:
            return history_frame(
                self._client.wire,
                session=one.session,
                place=(one.order.stream, one.order.cursor),
                record=record,
                fields={
                    "id": one.id,
                    "replayed": True,
                    "time": one.order.time_ms,
                    "step": one.step,
                    **marks(one, self._recent.listing),
                },
            )
        except Exception as error:  # noqa: BLE001  # the others are sent
            self._hub.isolation.session_failed(one.order.stream, error)
            return b""
