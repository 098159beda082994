"""Finds out whether the broker refuses something that a replica needs.

The canary shows that notifications arrive. But a broker may let it pass and refuse to
read a key: if the account lacks a permission, or on a node of a cluster. So the probe
reads keys too. That the broker is away is noticed by the canary.
"""

from collections.abc import Callable
from contextlib import suppress

from tailcast_gateway.instruments import Instruments
from tailcast_service.pauses import next_tick
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError, BrokerRefused, KeySpoiled
from tailcast_streams.keys import EMERGENCIES


PROBE_SECONDS = 2.0


class Probe:
    """Knows what the broker refuses to do now."""

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
        # The broker's refusals, by what was asked of it.
        self._refusals: dict[str, str] = {}

    @property
    def refusal(self) -> str:
        """The broker's refusal in its own words; "" if it refuses nothing."""
        return next(iter(self._refusals.values()), "")

    def failed(self, what: str, error: Exception) -> None:
        """Note a failure; a refusal is remembered until `done` is called."""
        self._instruments.broker_failed(what, error)
        if isinstance(error, BrokerRefused):
            self._refusals[what] = str(error)

    def done(self, what: str) -> None:
        """Note that something succeeded, which may have been refused before."""
        self._refusals.pop(what, None)

    async def run(self) -> None:
        """Read keys again and again until cancelled, whatever the broker does."""
        while True:
            await self.look()
            await next_tick(PROBE_SECONDS)

    async def look(self) -> None:
        """Read what every client needs: the list of sessions, and a stream."""
        try:
            await self._broker.sessions(active_since_ms=self._wall_clock_ms())
            with suppress(KeySpoiled):
                await self._broker.heads([EMERGENCIES])
        except BrokerError as error:
            self.failed("read", error)
        else:
            self.done("read")
