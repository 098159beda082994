"""Writes new entries to the live clients, encoded once for all that get the same.

Pure. `hub` decides which clients are live; `catch_up` serves the others.
"""

from collections.abc import Callable, Iterator, Sequence

from tailcast_gateway.delivery.core.channel import (
    Audience,
    ByWire,
    Channel,
    Client,
    FollowerState,
)
from tailcast_gateway.delivery.core.followers import Followers
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.delivery.core.telling import told_documents
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.views.conflation import Conflated, Conflation
from tailcast_gateway.views.view import FILTERED_AT_ONCE, DecodedEntries, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import NOTHING, Cursor, EntryID


class Delivery:
    """Writes to live clients; those whose socket is full become followers."""

    def __init__(
        self, followers: Followers, *, isolation: Isolation, instruments: Instruments
    ) -> None:
        self._followers = followers
        self._isolation = isolation
        self._instruments = instruments
        # The views with a record that waits for its interval, and their clients.
        self.pending: dict[tuple[Channel, View], ByWire] = {}
        # Called when a record begins to wait; set by the caller of `flush`.
        self.on_pending: Callable[[], None] = lambda: None

    def write_records(
        self,
        channel: Channel,
        audience: Audience,
        entries: Sequence[Entry],
        previous: Cursor,
        now: float,
    ) -> None:
        """Encode once for each view and wire.

        If filtering takes too long for one step, those with the dearest filters are
        served when they have their turn.
        """
        decoded, filtered = DecodedEntries(entries), 0
        for view, by_wire in audience.items():
            filtered += view.filter_nodes * len(entries)
            if filtered > FILTERED_AT_ONCE:
                self._serve_apart(channel, view, by_wire, previous)
                continue
            try:
                wanted = decoded.wanted(view)
                counts: list[int] | None = None
                if view.max_rate:
                    sent = self._conflated(channel, view, by_wire, wanted, now)
                    wanted = [one.entry for one in sent]
                    counts = [one.of for one in sent]
            except Exception as error:  # noqa: BLE001  # other views go on
                self._give_up(channel, view, by_wire, previous, error)
                continue
            for wire, clients in by_wire.items():
                frames = channel.encoder(wire).frames(
                    wanted, previous, view, counts=counts
                )
                self._write(channel, clients, frames, previous)

    def _give_up(
        self,
        channel: Channel,
        view: View,
        by_wire: ByWire,
        previous: Cursor,
        error: Exception,
    ) -> None:
        """Serve each client of a view by itself, since encoding for all failed."""
        self._isolation.session_failed(channel.session, error)
        self._serve_apart(channel, view, by_wire, previous)

    def _serve_apart(
        self, channel: Channel, view: View, by_wire: ByWire, previous: Cursor
    ) -> None:
        """Serve each client of a view by itself, as one that has fallen behind."""
        channel.conflations.pop(view, None)
        self.pending.pop((channel, view), None)
        for client in list(members_of({view: by_wire})):
            with self._isolation.over(client):
                if self._is_live(client, channel, view):
                    self._fall_behind(client, channel, previous)
                    self._followers.catch_up.wake(client)

    def _conflated(
        self,
        channel: Channel,
        view: View,
        by_wire: ByWire,
        entries: Sequence[Entry],
        now: float,
    ) -> Sequence[Conflated]:
        """What is sent at once; the newest other record waits for its interval.

        The record that waits is only for the clients that are live now. A client that
        comes later begins after it.
        """
        conflation = channel.conflations.get(view)
        if conflation is None:
            conflation = channel.conflations[view] = Conflation(view.max_rate)
        sent = conflation.take(entries, now)
        if conflation.due_at is not None:
            self.pending[channel, view] = by_wire
            self.on_pending()
        return sent

    def next_due(self) -> float | None:
        """When to call `flush`, monotonic seconds; None while nothing waits."""
        dues = [
            conflation.due_at
            for channel, view in list(self.pending)
            if (conflation := channel.conflations.get(view)) is not None
            and conflation.due_at is not None
        ]
        return min(dues, default=None)

    def flush(self, now: float) -> None:
        """Send the records whose interval is over."""
        for (channel, view), by_wire in list(self.pending.items()):
            before = channel.window.end
            try:
                before = channel.delivered_up_to(view) or before
                self._flush(channel, view, by_wire, now)
            except Exception as error:  # noqa: BLE001  # other sessions go on
                self._give_up(channel, view, by_wire, before, error)

    def _flush(self, channel: Channel, view: View, by_wire: ByWire, now: float) -> None:
        conflation = channel.conflations.get(view)
        sent = None if conflation is None else conflation.flush(now)
        if sent is not None:
            self._write_conflated(channel, view, by_wire, sent)
        if conflation is None or conflation.due_at is None:
            self.pending.pop((channel, view), None)

    def _write_conflated(
        self, channel: Channel, view: View, by_wire: ByWire, sent: Conflated
    ) -> None:
        entry = sent.entry
        before = EntryID(entry.id.generation, entry.id.offset - 1)
        previous = channel.window.last_up_to(before) or channel.window.end
        # Group the clients by the wires that they have now.
        live_by_wire: ByWire = {}
        for client in members_of({view: by_wire}):
            if self._is_live(client, channel, view):
                live_by_wire.setdefault(client.wire, []).append(client)
        for wire, live in live_by_wire.items():
            frames = channel.encoder(wire).frames(
                [entry], previous, view, counts=[sent.of]
            )
            self._write(channel, live, frames, previous)

    def _is_live(self, client: Client, channel: Channel, view: View) -> bool:
        return (
            client not in channel.followers
            and client.subscription.matches(channel.session)
            and client.subscription.view_for(channel.session) is view
        )

    def _write(
        self,
        channel: Channel,
        clients: list[Client],
        frames: bytes,
        previous: Cursor,
    ) -> None:
        """Write the same bytes to every live client; this loop is the hot path."""
        if not frames:
            return
        slow: list[Client] = []
        for client in clients:
            socket = client.socket
            if socket.paused:
                slow.append(client)
                continue
            try:
                socket.write(frames)
            except Exception as error:  # noqa: BLE001  # the other clients go on
                self._isolation.client_failed(client, error)
        self._instruments.frames_sent(len(clients) - len(slow), len(frames))
        for client in slow:
            self._fall_behind(client, channel, previous)

    def _fall_behind(self, client: Client, channel: Channel, cursor: Cursor) -> None:
        self._instruments.fell_behind()
        follower = self._followers.follow(
            client, channel, FollowerState.BEHIND, cursor=cursor
        )
        client.behind[follower] = None

    def write_documents(
        self,
        channel: Channel,
        audience: Audience,
        entries: Sequence[Entry],
        previous: Cursor,
    ) -> None:
        """Write to each client the whole-file emergencies that concern it."""
        for client in list(members_of(audience)):
            with self._isolation.over(client):
                self._write_documents(channel, client, entries, previous)

    def _write_documents(
        self,
        channel: Channel,
        client: Client,
        entries: Sequence[Entry],
        previous: Cursor,
    ) -> None:
        if client.socket.paused:
            self._fall_behind(client, channel, previous)
        elif frames := told_documents(
            entries,
            client.subscription,
            client.wire,
            self._isolation.session_failed,
            with_history=False,
        ):
            client.socket.write(frames)
            self._instruments.frames_sent(1, len(frames))

    def announce(self, channel: Channel, entries: Sequence[Entry]) -> None:
        """Let emergencies overtake records that followers have not got yet."""
        history_end = channel.history_end or NOTHING.id
        for entry in entries:
            if entry.kind is Kind.EMERGENCY and entry.id > history_end:
                frames: dict[Wire, bytes] = {}
                for follower in channel.followers.values():
                    if follower.state is FollowerState.NOT_CREATED:
                        continue
                    client = follower.client
                    if client.wire not in frames:
                        frames[client.wire] = follower.encoder.announcement(entry)
                    if frames[client.wire]:
                        client.announcements.append(frames[client.wire])
                        self._followers.catch_up.wake(client)


def members_of(audience: Audience) -> Iterator[Client]:
    """All clients of an audience."""
    for by_wire in audience.values():
        for clients in by_wire.values():
            yield from clients
