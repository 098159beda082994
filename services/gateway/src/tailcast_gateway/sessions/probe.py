"""Whether the broker does what a replica needs of it, beside bringing its canary back.

The canary says that notifications get here, and is let pass by a broker that refuses to
read a key: an account without a permission, a node of a cluster. So keys are read too.
A broker that is away is the canary's to tell.
"""

import asyncio
from collections.abc import Callable

from tailcast_gateway.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError, BrokerRefused
from tailcast_streams.keys import EMERGENCIES


PROBE_SECONDS = 2.0


class Probe:
    """Knows what the broker refuses now."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        wall_clock_ms: Callable[[], int],
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._wall_clock_ms = wall_clock_ms
        self._instruments = instruments
        # What it says, by what was asked of it.
        self._refusals: dict[str, str] = {}

    @property
    def refusal(self) -> str:
        """What the broker says that it refuses, in words for people; "" if nothing."""
        return next(iter(self._refusals.values()), "")

    def failed(self, what: str, error: Exception) -> None:
        """Something failed; if it was refused, that stays so until it is `done`."""
        self._instruments.broker_failed(what, error)
        if isinstance(error, BrokerRefused):
            self._refusals[what] = str(error)

    def done(self, what: str) -> None:
        """Something that may have been refused before was done."""
        self._refusals.pop(what, None)

    async def run(self) -> None:
        """Look until cancelled, whatever the broker does."""
        while True:
            await self.look()
            await asyncio.sleep(PROBE_SECONDS)

    async def look(self) -> None:
        """Read what every client needs: the list of sessions, and a stream."""
        try:
            await self._broker.sessions(active_since_ms=self._wall_clock_ms())
            await self._broker.heads([EMERGENCIES])
        except BrokerError as error:
            self.failed("read", error)
        else:
            self.done("read")
