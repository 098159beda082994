"""When records go that wait for their interval to be over: one task for a replica.

What lives here: the clock. What never does: which record waits, and for whom; that is
`conflation` and `hub`.
"""

import asyncio
from collections.abc import Callable

from gateway.hub import Hub


class Pacing:
    """Has the hub give out records that are due."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._clock = clock
        # One has begun to wait, perhaps for less long than the others.
        self._has_more = asyncio.Event()
        hub.on_pending = self._has_more.set

    async def run(self) -> None:
        """Give out what is due until cancelled."""
        while True:
            due = self._hub.next_due()
            delay = None if due is None else due - self._clock()
            try:
                async with asyncio.timeout(delay):
                    await self._has_more.wait()
                self._has_more.clear()
            except TimeoutError:
                self._hub.flush(self._clock())
