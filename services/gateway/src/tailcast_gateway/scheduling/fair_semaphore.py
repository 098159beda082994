"""Bounds how much of something runs at once; who comes next is decided as for turns.

Of those that wait that one comes next whose client has cost least. It lends its place
to what runs for longest, so that a client that comes early does not wait for the turns
of one that comes late.
"""

import asyncio
import math
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from tailcast_gateway.scheduling.turns import Turns, current_turns


class _Waiting(NamedTuple):
    # Where it begins on the clock of the queue; of those that begin together that comes
    # first that waits for longest.
    start: float
    number: int
    may_run: "asyncio.Future[None]"
    # None for the gateway's own work.
    turns: Turns | None


class FairSemaphore:
    """A semaphore; `async with` it."""

    def __init__(self, most: int) -> None:
        # How many more may run.
        self.free = most
        # Those that wait, once more for each time that they were brought forward.
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        # What runs for clients, that which began first at the beginning.
        self._running: dict[Turns, None] = {}

    async def __aenter__(self) -> None:
        """Wait until it may run."""
        turns = current_turns()
        if self.free:
            self.free -= 1
        else:
            await self._wait(turns)
        if turns is not None:
            self._running[turns] = None

    async def __aexit__(self, *_: object) -> None:
        """Let the next one run."""
        turns = current_turns()
        if turns is not None:
            self._running.pop(turns, None)
            turns.hurry_no_more()
        self._let_next()

    async def _wait(self, turns: Turns | None) -> None:
        may_run = asyncio.get_running_loop().create_future()

        def come(start: float) -> None:
            self._add(start, may_run, turns)
            longest = next(iter(self._running), None)
            if longest is not None:
                longest.hurry(start)

        try:
            if turns is None:
                # The gateway's own work.
                come(-math.inf)
                await may_run
            else:
                come(turns.start)
                with turns.standing(come):
                    await may_run
        except BaseException:
            if may_run.done() and not may_run.cancelled():
                self._let_next()
            raise

    def _add(
        self, start: float, may_run: "asyncio.Future[None]", turns: Turns | None
    ) -> None:
        waiting = _Waiting(start, next(self._numbers), may_run, turns)
        heappush(self._waiting, waiting)

    def _let_next(self) -> None:
        while self._waiting:
            start, _, may_run, turns = heappop(self._waiting)
            if may_run.done():
                continue
            if turns is not None and start < turns.start:
                # It has cost more since, as the step in which it came.
                self._add(turns.start, may_run, turns)
                continue
            may_run.set_result(None)
            return
        self.free += 1
