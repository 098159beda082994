"""What the broker's clock shows, by which the age of an append is measured.

One clock for all tailers and gateways, which may differ by hours. It is read now and
then, and goes on by the steady clock in between. Nothing is delivered by it.
"""

from collections.abc import Callable

from tailcast_gateway.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerRefused


class BrokerClock:
    """The broker's clock, as far as it is known."""

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
        # What it showed, Unix milliseconds, and when that was, steady seconds; None
        # before it was read: then ours has to do.
        self._read: tuple[int, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was asked for."""
        return self._read is not None

    def now_ms(self) -> int:
        """Unix milliseconds."""
        if self._read is None:
            return self._wall_clock_ms()
        shown_ms, read_at = self._read
        return shown_ms + int((self._clock() - read_at) * 1_000)

    def age_seconds(self, time_ms: int) -> float:
        """How long ago that was; 0 for what lies in the future."""
        return max(0, self.now_ms() - time_ms) / 1_000

    async def read(self) -> None:
        """Read it. Raises BrokerError, but not where the account may not read it."""
        try:
            now_ms = await self._broker.now_ms()
        except BrokerRefused as error:
            self._instruments.clock_refused(error)
            now_ms = self._wall_clock_ms()
        self._read = now_ms, self._clock()
