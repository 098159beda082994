"""Ends connections in time: those whose proof is over, and those that never gave one.

One task looks at those whose time has come, by the machine's clock, since that is what
the times in tokens mean; so a clock that is set is noticed at the next look. Where no
connection's time is limited, it rests.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from heapq import heapify, heappop, heappush
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
        # When to look at each connection.
        self._due: dict[Limited, float] = {}
        # The same in order, the next first, with looks that are not due any more; the
        # number orders equals.
        self._looks: list[tuple[float, int, Limited]] = []
        self._numbers = itertools.count()
        # Set while there is a connection to look at.
        self._is_wanted = asyncio.Event()

    def watch(self, connection: Limited, at: float) -> None:
        """Look at a connection at a time, Unix seconds, in place of any other time."""
        self._due[connection] = at
        heappush(self._looks, (at, next(self._numbers), connection))
        self._is_wanted.set()
        self._tidy()

    def forget(self, connection: Limited) -> None:
        """Look at a connection no more, which has ended."""
        self._due.pop(connection, None)
        self._tidy()

    @property
    def loops(self) -> Mapping[str, Loop]:
        """The loop that looks until cancelled."""
        return {"expiry": self._keep_looking}

    async def _keep_looking(self) -> None:
        while True:
            await self._is_wanted.wait()
            await asyncio.sleep(EXPIRY_LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Look at those whose time has come."""
        now = self._now()
        came: list[Limited] = []
        while self._looks and self._looks[0][0] <= now:
            at, _, connection = heappop(self._looks)
            if self._due.get(connection) == at:
                del self._due[connection]
                came.append(connection)
        for connection in came:
            if connection.is_over:
                continue
            with connection.isolated:
                again = connection.look_at_time(now)
                if again is not None:
                    self.watch(connection, again)
        if not self._due:
            self._is_wanted.clear()

    def _tidy(self) -> None:
        """Drop what is not due any more, if that is most of what is kept."""
        if len(self._looks) > 2 * len(self._due):
            kept = [one for one in self._looks if self._due.get(one[2]) == one[0]]
            heapify(kept)
            self._looks = kept
