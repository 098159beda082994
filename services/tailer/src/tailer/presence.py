"""Whether the broker answers, and whether it knows that this tailer lives.

Holds the owner's presence key, which is also the probe: when any call fails, everybody
waits here until the key can be set again. Retries back off with jitter, so that many
tailers do not come back at once.
"""

import asyncio
import random
from collections.abc import Callable

from tailer.instruments import Instruments
from telemetry_stream.broker import SessionWriter
from telemetry_stream.exceptions import BrokerError


PRESENCE_SECONDS = 15.0
REFRESH_SECONDS = 5.0
# Between attempts while the broker is away: first, and at most.
RETRY_SECONDS = (0.05, 2.0)
# What is left of a presence when its tailer ends in order.
FAREWELL_SECONDS = 0.1


class Presence:
    """The one place where the broker's absence is waited out."""

    def __init__(
        self, writer: SessionWriter, *, owner: str, instruments: Instruments
    ) -> None:
        self._writer = writer
        self._owner = owner
        self._instruments = instruments
        # Set while the broker answers.
        self._is_up = asyncio.Event()
        # Set when a call failed, so that the next attempt is not in five seconds.
        self._was_lost = asyncio.Event()
        # Called when the broker answers again after it did not.
        self.on_back: Callable[[], None] = _nobody

    @property
    def is_up(self) -> bool:
        """Whether the latest that is known of the broker is that it answers."""
        return self._is_up.is_set()

    def lost(self, error: BrokerError) -> None:
        """Some call failed."""
        self._instruments.broker_lost(error)
        self._is_up.clear()
        self._was_lost.set()

    async def wait_until_up(self) -> None:
        """Wait while the broker is away."""
        await self._is_up.wait()

    async def run(self) -> None:
        """Keep the presence until cancelled."""
        retry_seconds = RETRY_SECONDS[0]
        was_up = True
        while True:
            self._was_lost.clear()
            try:
                await self._writer.hold_presence(self._owner, seconds=PRESENCE_SECONDS)
            except BrokerError as error:
                self.lost(error)
                was_up = False
                await asyncio.sleep(retry_seconds * random.uniform(0.5, 1.0))  # noqa: S311
                retry_seconds = min(RETRY_SECONDS[1], retry_seconds * 2)
                continue
            retry_seconds = RETRY_SECONDS[0]
            if not was_up or not self._is_up.is_set():
                self._is_up.set()
                self._instruments.broker_answers()
                self.on_back()
            was_up = True
            was_up = not await self._is_lost_within(REFRESH_SECONDS)

    async def farewell(self) -> None:
        """Let go: another tailer may take over at once."""
        try:
            async with asyncio.timeout(1.0):
                await self._writer.hold_presence(self._owner, seconds=FAREWELL_SECONDS)
        except (BrokerError, TimeoutError):
            return

    async def _is_lost_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._was_lost.wait()
        except TimeoutError:
            return False
        return True


def _nobody() -> None:
    """Nobody wants to know."""
