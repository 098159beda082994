"""Ends connections in time: those whose proof is over, and those that never gave one.

One task looks at those whose time has come, by the machine's clock, since that is what
the times in tokens mean; so a clock that is set is noticed at the next look.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from heapq import heappop, heappush
from typing import Final, Protocol

from tailcast_service.tasks import Loop


# How often is looked, seconds.
EXPIRY_LOOK_SECONDS: Final = 0.5


class Limited(Protocol):
    """A connection whose time is limited."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to."""
        ...

    @property
    def isolated(self) -> AbstractContextManager[None]:
        """Close it if something fails in here."""
        ...

    def look_at_time(self, now: float) -> float | None:
        """Do what is due; returns when to look next. Times are Unix seconds."""
        ...


class Expiry:
    """The connections whose time is limited; one for a replica."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        """`now` returns Unix seconds."""
        self._now = now
        # When to look at which connection, the next first; the number orders equals.
        self._looks: list[tuple[float, int, Limited]] = []
        self._numbers = itertools.count()

    def watch(self, connection: Limited, at: float) -> None:
        """Look at a connection at a time, Unix seconds."""
        heappush(self._looks, (at, next(self._numbers), connection))

    @property
    def loops(self) -> Mapping[str, Loop]:
        """The loop that looks until cancelled."""
        return {"expiry": self._keep_looking}

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_LOOK_SECONDS)
            now = self._now()
            while self._looks and self._looks[0][0] <= now:
                _, _, connection = heappop(self._looks)
                if connection.is_over:
                    continue
                with connection.isolated:
                    at = connection.look_at_time(now)
                    if at is not None:
                        self.watch(connection, at)
