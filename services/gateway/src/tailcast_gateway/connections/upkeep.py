"""All connections of a replica: counts, pings and checks them, and sends heartbeats.

One task looks at all connections, some of them at each tick, instead of a task for
each. Those that have ended are told together.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping

from tailcast_gateway.connections.connection import Connection
from tailcast_service.pauses import next_tick
from tailcast_service.tasks import Loop


# How many ticks a round over all connections has; each is checked once in a round.
TICKS = 8
# The pause between two looks for due heartbeats, seconds.
BEAT_SECONDS = 0.25
# The pause between two lines of the log that tell which connections have ended.
ENDS_SECONDS = 1.0


class Connections:
    """The open connections and their upkeep."""

    def __init__(
        self,
        *,
        ping_interval: float,
        pong_timeout: float,
        slow_timeout: float,
        clock: Callable[[], float],
        tell_ends: Callable[[], None],
    ) -> None:
        self._ping_interval = ping_interval
        self._pong_timeout = pong_timeout
        self._slow_timeout = slow_timeout
        self._clock = clock
        # Tells of the connections that have ended since.
        self._tell_ends = tell_ends
        # Open connections, in as many parts as a round has ticks.
        self._parts: list[dict[Connection, None]] = [{} for _ in range(TICKS)]
        # Which part gets the next connection.
        self._next_part = itertools.cycle(range(TICKS))
        # Whether the replica shuts down and refuses new connections.
        self.is_draining = False

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[Connection]:
        for part in self._parts:
            yield from part

    def add(self, connection: Connection) -> None:
        """Add a connection that was made."""
        self._parts[next(self._next_part)][connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended."""
        for part in self._parts:
            part.pop(connection, None)

    @property
    def loops(self) -> Mapping[str, Loop]:
        """The loops that look after the connections until cancelled."""
        return {
            "check": self._keep_checking,
            "beat": self._keep_beating,
            "ends": self._keep_telling,
        }

    async def _keep_checking(self) -> None:
        shortest = min(self._ping_interval, self._pong_timeout, self._slow_timeout)
        tick = shortest / 4 / TICKS
        for part in itertools.cycle(self._parts):
            await asyncio.sleep(tick)
            now = self._clock()
            for connection in list(part):
                with connection.isolated:
                    connection.check(
                        now,
                        ping_interval=self._ping_interval,
                        pong_timeout=self._pong_timeout,
                        slow_timeout=self._slow_timeout,
                    )

    async def _keep_beating(self) -> None:
        while True:
            await next_tick(BEAT_SECONDS)
            now = self._clock()
            for part in self._parts:
                for connection in list(part):
                    if connection.beat_seconds:
                        with connection.isolated:
                            connection.beat(now)

    async def _keep_telling(self) -> None:
        while True:
            await next_tick(ENDS_SECONDS)
            self._tell_ends()
