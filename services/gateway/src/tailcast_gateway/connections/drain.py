"""Sending everybody away in order: who is told what, and who is closed when.

Everybody is told at once that the replica drains, each with another delay; then they
are closed, a wave at a time, over the whole window, each after the cursors that it has
been sent. A replica that is alone spreads nothing: its clients cannot go elsewhere, so
they are closed at once and come back when it does. What never lives here: who may come
in meanwhile, and what ends the process.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tailcast_gateway.commands.core.parts import closing
from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.connections.upkeep import Connections
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments


# Clients are closed in waves that are at least so far apart, seconds: one client's
# final cursors serve the others of its wave who are subscribed to the same.
WAVE_SECONDS = 0.05
# The shortest delay that a client is told, and the least over which delays are spread.
MIN_DELAY_MS = 100
MIN_SPREAD_MS = 1_000
# Of a replica that is alone: how long it waits for those whose sockets were full, and
# then for whoever has not answered its close.
ALONE_SECONDS = 0.5
ALONE_GRACE_SECONDS = 1
# The shortest delay that its clients are told, since most find it started anew by then,
# and the least over which their delays are spread.
ALONE_DELAY_MS = 1_500
ALONE_SPREAD_MS = 500


class Departure(NamedTuple):
    """In which way a replica sends its clients away."""

    # How long that may take.
    seconds: float
    # Whether others take them, so that they are closed in turn over all of that time.
    in_turn: bool = True


def departure(seconds: float, *, is_alone: bool) -> Departure:
    """The way to go for who was given so many seconds."""
    if is_alone:
        # Nobody takes its clients: until it is back each second is one of silence.
        return Departure(min(seconds, ALONE_SECONDS), in_turn=False)
    return Departure(seconds)


class Drain:
    """One drain of a replica's connections."""

    def __init__(
        self, connections: Connections, hub: Hub, *, instruments: Instruments
    ) -> None:
        self._connections = connections
        self._hub = hub
        self._instruments = instruments

    async def run(self, way: Departure) -> None:
        """Send everybody away, within the time that there is."""
        end = asyncio.get_running_loop().time() + way.seconds
        left = list(self._connections)
        random.shuffle(left)
        self._announce(left, way)
        await self._close_in_waves(left, way, end)
        await self._wait_for_readers(left, end)
        # Whoever is left did not read, or came in at the last moment.
        late = list(self._connections)
        untold = sum(not one.is_closing for one in late)
        for connection in late:
            connection.drain()
        self._instruments.drained(clients=len(left), untold=untold)

    def _announce(self, left: Sequence[Connection], way: Departure) -> None:
        self._instruments.draining(clients=len(left), seconds=way.seconds)
        delays = reconnect_delays_ms(len(left), way)
        for connection, delay in zip(left, delays, strict=True):
            with connection.isolated:
                connection.announce(delay)

    async def _close_in_waves(
        self, left: Sequence[Connection], way: Departure, end: float
    ) -> None:
        """Dismiss them evenly; once the window is over nobody is told any more."""
        loop = asyncio.get_running_loop()
        count = wave_count(len(left), way)
        for wave in range(count):
            pause = end - way.seconds * (count - wave) / count - loop.time()
            if pause > 0:
                await asyncio.sleep(pause)
            farewells = _Farewells(self._hub)
            for connection in _part(left, wave, count):
                if wave and loop.time() >= end:
                    return
                if not connection.client.is_closed:
                    with connection.isolated:
                        connection.dismiss(farewells.of(connection))

    async def _wait_for_readers(self, left: Sequence[Connection], end: float) -> None:
        """Until those whose sockets were full have taken their cursors, or the end."""
        loop = asyncio.get_running_loop()
        while loop.time() < end and not all(one.is_closing for one in left):  # noqa: ASYNC110  # a tick for all, not an event for each
            await asyncio.sleep(WAVE_SECONDS)


class _Farewells:
    """The final cursors of a wave's clients, made once for those with the same."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # Frames by wire and subscription, of clients that are live everywhere.
        self._shared: dict[object, list[bytes]] = {}

    def of(self, connection: Connection) -> Iterator[bytes]:
        """The frames that tell one client where it is."""
        client = connection.client
        if client.followers:
            return self._frames(client)
        rules = tuple(
            (rule.text, rule.is_glob, rule.is_included, rule.view)
            for rule in client.subscription.rules
        )
        key = (client.wire, rules)
        if key not in self._shared:
            self._shared[key] = list(self._frames(client))
        return iter(self._shared[key])

    def _frames(self, client: Client) -> Iterator[bytes]:
        # Found now: when it is said, the client has no place any more.
        places = list(self._hub.places(client))
        return map(client.wire.message, closing(places, client.wire))


def reconnect_delays_ms(count: int, way: Departure) -> list[int]:
    """A different delay for each of so many clients, evenly spread."""
    if way.in_turn:
        least, spread = MIN_DELAY_MS, max(MIN_SPREAD_MS, int(way.seconds * 1_000))
    else:
        least, spread = ALONE_DELAY_MS, ALONE_SPREAD_MS
    spread = max(spread, count)
    return [least + spread * at // count for at in range(count)]


def wave_count(clients: int, way: Departure) -> int:
    """In how many waves clients are closed: one each, unless that is too often."""
    most = int(way.seconds / WAVE_SECONDS) if way.in_turn else 1
    return min(clients, max(1, most))


def _part(left: Sequence[Connection], wave: int, count: int) -> Sequence[Connection]:
    return left[len(left) * wave // count : len(left) * (wave + 1) // count]
