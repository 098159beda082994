"""Asks which indexers are there, and how far each is.

Nothing depends on it: answers are made of indexes and streams, whoever is there. It is
for those who ask how late what runs mean is, and why.
"""

import asyncio
from collections.abc import Callable, Sequence

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.index_lag import ASK_SECONDS, IndexLag
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.indexers import Indexer


class KnownIndexers:
    """The indexers of a broker, as far as they are known."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._instruments = instruments
        self._lag = IndexLag()

    @property
    def present(self) -> Sequence[Indexer] | None:
        """Those that were there at the last look, None before the first."""
        return self._lag.indexers

    @property
    def lag_ms(self) -> int | None:
        """How far the indexes are behind; None if no indexer is known to be there."""
        return self._lag.milliseconds(self._clock())

    async def run(self) -> None:
        """Look until cancelled, whatever the broker does."""
        while True:
            try:
                await self.look()
            except BrokerError as error:
                self._instruments.broker_failed("indexers", error)
            await asyncio.sleep(ASK_SECONDS)

    async def look(self) -> None:
        """Read which indexers are there. Raises BrokerError."""
        self._lag.found(await self._broker.indexers.present(), self._clock())
