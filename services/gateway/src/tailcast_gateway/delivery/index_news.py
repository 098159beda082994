"""Tells clients what the index says of their sessions: one task for a replica.

Where a run was taken up at a checkpoint is told as a rewind, and that a metric has come
to those who asked for that; and by the index it is known where records have their steps
and times. It is read for sessions that have moved and that somebody watches, and for
those of whose metrics a newcomer is to be told, a bounded number at a time; nothing is
in the way of records.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from tailcast_gateway.delivery.core.channel import Channel, Client, FollowerState
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.delivery.core.news import NewMetrics
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.breaks import Break, resumed
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.views.reading import Reading
from tailcast_index.fold import News, Rewind
from tailcast_index.meaning import Choice
from tailcast_service.pauses import next_tick
from tailcast_streams.exceptions import BrokerError


# The pause between two looks, seconds, and how many sessions one look has.
LOOK_SECONDS = 1.0
MAX_LOOKS = 128
# A session that moved so long ago is looked at no more, though its index be older.
LAST_LOOK_SECONDS = 600.0
# What a message has besides names, bytes.
_ENVELOPE_BYTES = 256


class NewsReader(Protocol):
    """What reads indexes; may raise BrokerError."""

    async def news(self, sessions: Sequence[str]) -> list[News | None]:
        """What their indexes say, None for a session without one."""
        ...


class IndexNews:
    """Reads what indexes say, and tells it."""

    def __init__(
        self,
        hub: Hub,
        reader: NewsReader,
        *,
        reading_of: Callable[[Choice], Reading],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._hub = hub
        self._reader = reader
        # Makes what reads the records of a session.
        self._reading_of = reading_of
        self._clock = clock
        self._instruments = instruments
        # When `look` last began, monotonic seconds.
        self._looked_at = clock()

    async def run(self) -> None:
        """Tell news until cancelled."""
        while True:
            await next_tick(LOOK_SECONDS)
            try:
                await self.look()
            except BrokerError as error:
                # Whoever reads the feed says that the broker is away.
                self._instruments.broker_failed("index", error)

    async def look(self) -> None:
        """Look once at sessions that have moved, or are new to somebody.

        Raises BrokerError.
        """
        now = self._clock()
        due = list(dict.fromkeys([*self._hub.uncounted, *self._due(now)]))
        due.sort(key=lambda channel: channel.news.looked_at)
        await self._read(due[:MAX_LOOKS], now)
        self._looked_at = now

    async def learn(self, channels: Sequence[Channel]) -> None:
        """Read what the indexes of sessions say. Raises BrokerError."""
        await self._read(channels, self._clock())

    def _due(self, now: float) -> Iterator[Channel]:
        for channel in reversed(self._hub.recent):
            if channel.changed_at < now - LAST_LOOK_SECONDS:
                return
            end = channel.window.end.id
            if channel.is_documents or channel.news.indexed_to >= end:
                continue
            if not self._hub.is_watched(channel.session):
                channel.news.pass_over(end)
            elif now - channel.news.looked_at >= _pause(now - channel.changed_at):
                yield channel

    async def _read(self, channels: Sequence[Channel], now: float) -> None:
        if not channels:
            return
        isolation = self._hub.isolation
        names = [one.session for one in channels]
        found = await isolation.each(names, self._reader.news)
        for channel in channels:
            if self._hub.channels.get(channel.session) is not channel:
                continue
            channel.news.looked_at = now
            self._hub.uncounted.pop(channel, None)
            with isolation.over_session(channel.session):
                self._take(channel, found.get(channel.session))

    def _take(self, channel: Channel, found: News | None) -> None:
        if found is not None and found.incarnation != channel.incarnation:
            found = None
        if found is not None and found.choice is not None:
            self._note_choice(channel, found.choice)
        rewinds = channel.news.note(found, channel.window.end.id)
        metrics = None if found is None else channel.news.new_metrics(found)
        if not rewinds and metrics is None:
            return
        frames: dict[Wire, bytes] = {}
        for client in list(self._hub.clients_of(channel.session)):
            with self._hub.isolation.over(client):
                self._tell_rewinds(client, channel, rewinds)
                if metrics is not None:
                    self._tell_metrics(client, channel, metrics, frames)

    def _note_choice(self, channel: Channel, choice: Choice) -> None:
        reading = channel.reading
        if reading is None or reading.choice != choice:
            channel.reading = self._reading_of(choice)

    def _tell_rewinds(
        self, client: Client, channel: Channel, rewinds: Sequence[Rewind]
    ) -> None:
        """Tell those that the client has passed; the others come in their places."""
        follower, place = channel.followers.get(client), channel.place_of(client)
        for rewind in rewinds:
            if follower is not None and (
                follower.state is not FollowerState.BEHIND
                or follower.cursor.id < rewind.id
            ):
                continue
            if place is None or not self._accepts(client):
                continue
            told = Break("rewind", resumed(rewind, place))
            client.socket.write(channel.encoder(client.wire).break_frame(told))

    def _tell_metrics(
        self,
        client: Client,
        channel: Channel,
        metrics: NewMetrics,
        frames: dict[Wire, bytes],
    ) -> None:
        rule = client.subscription.rule_for(channel.session)
        if rule is None or not rule.tells_metrics or not self._accepts(client):
            return
        wire = client.wire
        if (frame := frames.get(wire)) is None:
            frame = frames[wire] = metric_frame(wire, channel.session, metrics)
        client.socket.write(frame)

    def _accepts(self, client: Client) -> bool:
        if client.socket.paused:
            self._instruments.session_event_dropped()
        return not client.socket.paused


def metric_frame(wire: Wire, session: str, metrics: NewMetrics) -> bytes:
    """The message that names metrics that have come, as many as it may have."""
    around = {"type": "metric", "sessionId": session, "names": (), "of": metrics.of}
    room = wire.limits.several - wire.size_of(around) - _ENVELOPE_BYTES
    names: list[str] = []
    for name in reversed(metrics.names):
        room -= wire.size_of(name) + 1
        if room < 0:
            break
        names.insert(0, name)
    others = metrics.others + len(metrics.names) - len(names)
    left_out = {"namesLeftOut": others} if others else {}
    return wire.message({**around, "names": names, **left_out})


def _pause(idle: float) -> float:
    """How long to leave a session alone that has been idle for so long, seconds."""
    return max(LOOK_SECONDS, idle / 4)
