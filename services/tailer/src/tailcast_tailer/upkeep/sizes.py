"""Measures how much streams hold that were found with more than is surely there.

So what a tailer says of it is right again soon after it began; nothing waits for that.
"""

from collections.abc import Awaitable, Callable

from tailcast_service.pauses import next_tick
from tailcast_streams.exceptions import BrokerError
from tailcast_tailer.upkeep.presence import Presence


# From one look to the next.
LOOK_SECONDS = 1.0


class SizesUpkeep:
    """Has the sizes of streams measured."""

    def __init__(
        self, presence: Presence, *, measure: Callable[[], Awaitable[None]]
    ) -> None:
        """`measure` measures those that were guessed, and may raise BrokerError."""
        self._presence = presence
        self._measure = measure

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await next_tick(LOOK_SECONDS)
            await self._presence.wait_until_up()
            try:
                await self._measure()
            except BrokerError as error:
                self._presence.lost(error, "sizes of streams")
