"""When what is due: each thing once, at the time that was set for it last. Pure.

Things that are due at one time are kept together: thousands that are looked at once a
minute cost no more than the seconds of that minute.
"""

import heapq
import math
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar


_T = TypeVar("_T", bound=Hashable)


class Schedule(Generic[_T]):
    """Things, each with the time at which it is due."""

    def __init__(self) -> None:
        self._due: dict[_T, float] = {}
        # The same by time, each in the order in which it came; some do not count any
        # more. And these times, as a heap.
        self._things: dict[float, deque[_T]] = {}
        self._times: list[float] = []

    @property
    def next_at(self) -> float:
        """Nothing is due before; infinite if there is nothing."""
        return self._times[0] if self._times else math.inf

    def put(self, thing: _T, at: float) -> None:
        """It is due then, whatever was set before."""
        if self._due.get(thing) == at:
            return
        self._due[thing] = at
        things = self._things.get(at)
        if things is None:
            things = self._things[at] = deque()
            heapq.heappush(self._times, at)
        things.append(thing)

    def hurry(self, thing: _T, at: float) -> None:
        """It is due then, unless it is sooner."""
        if at < self._due.get(thing, math.inf):
            self.put(thing, at)

    def drop(self, thing: _T) -> None:
        """It is not due any more."""
        self._due.pop(thing, None)

    def take(self, now: float) -> _T | None:
        """What has been due longest, once; None if nothing is due by now."""
        while self._times and (at := self._times[0]) <= now:
            things = self._things[at]
            while things:
                thing = things.popleft()
                if self._due.get(thing) == at:
                    del self._due[thing]
                    self._leave(at, things)
                    return thing
            self._leave(at, things)
        return None

    def _leave(self, at: float, things: deque[_T]) -> None:
        if not things:
            heapq.heappop(self._times)
            del self._things[at]
