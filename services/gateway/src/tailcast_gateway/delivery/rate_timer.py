"""Sends records that waited for the end of their interval: one task for a replica.

This module has only the clock. Which record waits is decided in `conflation`, and which
clients get it in `live`.
"""

import asyncio
from collections.abc import Callable

from tailcast_gateway.delivery.core.live import Delivery
from tailcast_service.pauses import wait_or_timeout


class RateTimer:
    """Calls `Delivery.flush` when a record is due."""

    def __init__(self, delivery: Delivery, *, clock: Callable[[], float]) -> None:
        self._delivery = delivery
        self._clock = clock
        # Another record has begun to wait; it may be due before the others.
        self._has_more = asyncio.Event()
        delivery.on_pending = self._has_more.set

    async def run(self) -> None:
        """Send records when they are due, until cancelled."""
        while True:
            due = self._delivery.next_due()
            delay = None if due is None else due - self._clock()
            if await wait_or_timeout(self._has_more, delay):
                self._has_more.clear()
            else:
                self._delivery.flush(self._clock())
