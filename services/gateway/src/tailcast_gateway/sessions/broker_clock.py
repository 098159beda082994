"""The broker's clock, which measures the age of an append.

The clocks of tailers and gateways may differ by hours; the broker's is the same for all
of them. It is read from time to time, and the steady clock counts on in between.
Delivery does not depend on it.
"""

from collections.abc import Callable

from tailcast_gateway.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerRefused


class BrokerClock:
    """The broker's clock since it was last read."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        clock: Callable[[], float],
        wall_clock_ms: Callable[[], int],
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._wall_clock_ms = wall_clock_ms
        self._instruments = instruments
        # The time that it showed, Unix milliseconds, and when that was read, steady
        # seconds. None before the first read: then our own clock is used.
        self._read: tuple[int, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was read."""
        return self._read is not None

    def now_ms(self) -> int:
        """Unix milliseconds."""
        if self._read is None:
            return self._wall_clock_ms()
        shown_ms, read_at = self._read
        return shown_ms + int((self._clock() - read_at) * 1_000)

    def age_seconds(self, time_ms: int) -> float:
        """How long ago a time was; 0 for a time in the future."""
        return max(0, self.now_ms() - time_ms) / 1_000

    async def read(self) -> None:
        """Read the clock, or ours if the broker refuses. Raises BrokerError."""
        try:
            now_ms = await self._broker.now_ms()
        except BrokerRefused as error:
            self._instruments.clock_refused(error)
            now_ms = self._wall_clock_ms()
        self._read = now_ms, self._clock()
