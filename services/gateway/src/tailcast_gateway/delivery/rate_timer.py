"""When records go that wait for their interval to be over: one task for a replica.

What lives here: the clock. What never does: which record waits, and for whom; that is
`conflation` and `live`.
"""

import asyncio
from collections.abc import Callable

from tailcast_gateway.delivery.core.live import Delivery
from tailcast_service.pauses import wait_or_timeout


class RateTimer:
    """Has delivery give out records that are due."""

    def __init__(self, delivery: Delivery, *, clock: Callable[[], float]) -> None:
        self._delivery = delivery
        self._clock = clock
        # One has begun to wait, perhaps for less long than the others.
        self._has_more = asyncio.Event()
        delivery.on_pending = self._has_more.set

    async def run(self) -> None:
        """Give out what is due until cancelled."""
        while True:
            due = self._delivery.next_due()
            delay = None if due is None else due - self._clock()
            if await wait_or_timeout(self._has_more, delay):
                self._has_more.clear()
            else:
                self._delivery.flush(self._clock())
