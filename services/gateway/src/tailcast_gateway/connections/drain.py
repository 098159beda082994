"""Draining: tells all clients that the replica shuts down, and closes them in order.

All clients are told at once, each with another delay. Then they are closed in waves,
each after its final cursors: a few nearly at once, thousands over the whole drain time,
so that other replicas can take them. If the replica is alone, its clients cannot go to
another one. So it closes all at once, and they come back when it has restarted. So it
does with those that are left when it becomes alone meanwhile, because the other
replicas are leaving too. Refusing new clients, and ending the process, is not done
here.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tailcast_gateway.commands.core.parts import closing
from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.connections.upkeep import Connections
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments


# The shortest time between two waves, seconds. Clients of one wave that have the same
# subscription share the frames of their final cursors.
WAVE_SECONDS = 0.05
# How many clients are closed in a second, if the drain time suffices for that: other
# replicas have a fraction of a core to do with as many handshakes and subscriptions.
CLIENTS_PER_SECOND = 500
# The shortest time over which clients are closed, seconds: enough to hear whether the
# other replicas are ending too.
MIN_SPREAD_SECONDS = 0.2
# The shortest delay that is sent to a client.
MIN_DELAY_MS = 100
# How long a replica that is alone waits for clients whose sockets are full, and then
# for those that have not answered its close frame.
ALONE_SECONDS = 0.5
ALONE_GRACE_SECONDS = 1
# The shortest delay that is sent to its clients, as it has usually restarted by then,
# and the shortest span of their delays.
ALONE_DELAY_MS = 1_500
ALONE_SPREAD_MS = 500


class Departure(NamedTuple):
    """How a replica sends its clients away."""

    # How long the drain may take.
    seconds: float
    # Whether clients are closed in waves over that time, since other replicas take
    # them.
    in_turn: bool = True


def departure(seconds: float, *, is_alone: bool) -> Departure:
    """How a replica sends its clients away within these seconds."""
    if is_alone:
        # No replica takes its clients, and they get nothing until it is back.
        return Departure(min(seconds, ALONE_SECONDS), in_turn=False)
    return Departure(seconds)


class Drain:
    """One drain of a replica's connections."""

    def __init__(
        self,
        connections: Connections,
        hub: Hub,
        *,
        is_alone: Callable[[], bool],
        instruments: Instruments,
    ) -> None:
        self._connections = connections
        self._hub = hub
        # Returns whether it is certain that no other replica takes the clients.
        self._is_alone = is_alone
        self._instruments = instruments

    async def run(self, way: Departure) -> Departure:
        """Send all clients away within the time of the departure.

        Returns the way that the last of them went.
        """
        left = list(self._connections)
        random.shuffle(left)
        count = len(left)
        end = self._begin(left, way)
        if not await self._close_in_waves(left, way, end):
            way = departure(way.seconds, is_alone=True)
            left = [one for one in left if not one.client.is_closed]
            end = self._begin(left, way)
            await self._close_in_waves(left, way, end)
        await self._wait_for_readers(left, end)
        # The clients that are left did not read, or came at the last moment.
        late = list(self._connections)
        untold = sum(not one.is_closing for one in late)
        for connection in late:
            connection.drain()
        self._instruments.drained(clients=count, untold=untold)
        return way

    def _begin(self, left: Sequence[Connection], way: Departure) -> float:
        """Tell clients when to come back; returns when the departure must be over."""
        self._instruments.draining(clients=len(left), seconds=way.seconds)
        delays = reconnect_delays_ms(len(left), way)
        for connection, delay in zip(left, delays, strict=True):
            with connection.isolated:
                connection.announce(delay)
        return asyncio.get_running_loop().time() + way.seconds

    async def _close_in_waves(
        self, left: Sequence[Connection], way: Departure, end: float
    ) -> bool:
        """Dismiss all clients evenly, and none when the drain time is over.

        Returns False, with clients left, as soon as no other replica takes them.
        """
        loop = asyncio.get_running_loop()
        begun, seconds = loop.time(), spread_seconds(len(left), way)
        count = wave_count(len(left), way)
        for wave in range(count):
            while (pause := begun + seconds * wave / count - loop.time()) > 0:
                await asyncio.sleep(min(pause, WAVE_SECONDS))
                if self._is_alone():
                    return False
            farewells = _Farewells(self._hub)
            for connection in _part(left, wave, count):
                if wave and loop.time() >= end:
                    return True
                if not connection.client.is_closed:
                    with connection.isolated:
                        connection.dismiss(farewells.of(connection))
        return True

    async def _wait_for_readers(self, left: Sequence[Connection], end: float) -> None:
        """Wait until clients with full sockets have their cursors, or the end."""
        loop = asyncio.get_running_loop()
        while loop.time() < end and not all(one.is_closing for one in left):  # noqa: ASYNC110  # a tick for all, not an event for each
            await asyncio.sleep(WAVE_SECONDS)


class _Farewells:
    """The final cursors of a wave's clients, made once for equal subscriptions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # Frames by wire and subscription, for clients that are live everywhere.
        self._shared: dict[object, list[bytes]] = {}

    def of(self, connection: Connection) -> Iterator[bytes]:
        """The frames with one client's final cursors."""
        client = connection.client
        if client.followers:
            return self._frames(client)
        rules = tuple(
            (rule.text, rule.is_glob, rule.is_included, rule.view)
            for rule in client.subscription.rules
        )
        key = (client.wire, rules, client.subscription.grant)
        if key not in self._shared:
            self._shared[key] = list(self._frames(client))
        return iter(self._shared[key])

    def _frames(self, client: Client) -> Iterator[bytes]:
        # Collect the places now: `dismiss` drops them before the frames are made.
        places = list(self._hub.places(client))
        return map(client.wire.message, closing(places, client.wire))


def spread_seconds(count: int, way: Departure) -> float:
    """Over how long so many clients are closed."""
    if not way.in_turn:
        return 0.0
    return min(way.seconds, max(MIN_SPREAD_SECONDS, count / CLIENTS_PER_SECOND))


def reconnect_delays_ms(count: int, way: Departure) -> list[int]:
    """A different delay for each of `count` clients, evenly spread."""
    if way.in_turn:
        least, spread = MIN_DELAY_MS, int(spread_seconds(count, way) * 1_000)
    else:
        least, spread = ALONE_DELAY_MS, ALONE_SPREAD_MS
    spread = max(spread, count)
    return [least + spread * at // count for at in range(count)]


def wave_count(count: int, way: Departure) -> int:
    """The number of waves: one for each client, unless these are too many."""
    return min(count, max(1, int(spread_seconds(count, way) / WAVE_SECONDS)))


def _part(left: Sequence[Connection], wave: int, count: int) -> Sequence[Connection]:
    return left[len(left) * wave // count : len(left) * (wave + 1) // count]
