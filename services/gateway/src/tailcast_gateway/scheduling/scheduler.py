"""Shares the event loop among clients, by the CPU time that each has used.

All that is computed for one client passes here: pages and filters of replays, answers
to messages and requests, exports, curves. In one pass of the event loop it has at most
a slice. Then comes all else that waits in the loop, which never passes here: live
records, handshakes, health. Which client comes next is decided by `core.fair_queue`.

A coroutine is measured from one `await` to the next. What it does between two of them
cannot be interrupted. So whoever may compute for longer than a slice awaits `sleep(0)`
now and then, and goes on when it has its turn.
"""

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias, TypeVar

from tailcast_gateway.scheduling.core.fair_queue import Account, FairQueue
from tailcast_gateway.scheduling.turns import Turns, Work, WorkKind, in_turns


_T = TypeVar("_T")

# How much CPU time clients get together in one pass of the event loop, and what each
# step of a task is taken to use at least before it is carried out.
SLICE_NS = 2_000_000
LEAST_STEP_NS = 1_000_000
# How much clients that have used little lately may have before others: a subscription,
# or a page of the dashboard.
CREDIT_NS = 10_000_000
# What is left with each step of the longest one of its kind. Long and short ones take
# turns in the same work, so a client's latest step does not say how long the next is.
FADING = 0.9


# A task that waits for its turn, or a call that does.
_Waiter: TypeAlias = "asyncio.Future[None] | Callable[[], None]"
_Piece: TypeAlias = tuple[WorkKind, _Waiter]


class Scheduler:
    """Gives clients their turns; one for a replica."""

    def __init__(
        self,
        *,
        on_used: Callable[[str, int], None],
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        # Called with the kind and the CPU time of each piece, nanoseconds.
        self._on_used = on_used
        # Returns the CPU time that this thread has used, nanoseconds.
        self._cpu_ns = cpu_ns
        self._queue: FairQueue[_Piece] = FairQueue(credit=CREDIT_NS)
        # How long steps of each kind were lately, the longest ones, nanoseconds.
        self._longest: dict[WorkKind, float] = dict.fromkeys(WorkKind, 0.0)
        # How much CPU time was used in this pass of the event loop.
        self._used_ns = 0
        # Whether `_pass` is called in the next pass.
        self._is_due = False
        # What is to be called in a later pass than this one.
        self._calls: list[tuple[Account, _Piece]] = []

    def call(
        self, account: Account, kind: WorkKind, callback: Callable[[], None]
    ) -> None:
        """Call something for a client when it has its turn, in a later pass."""
        account.begin_to_wait()
        self._calls.append((account, (kind, callback)))
        self._come_back()

    async def run(self, account: Account, kind: WorkKind, work: Work[_T]) -> _T:
        """Run a coroutine for a client, whenever it has its turn."""
        return await in_turns(Turns(self, account, kind), work)

    async def turn_of(self, turns: Turns) -> None:
        """Return when it is the turn of some work."""
        account = turns.account
        if not self._queue and self._used_ns < SLICE_NS:
            self._queue.begin(account)
            return
        turn = asyncio.get_running_loop().create_future()
        piece = (turns.kind, turn)
        self._queue.add(account, piece)
        if turns.start < account.start:
            self._queue.hurry(account, piece, turns.start)
        self._come_back()
        with turns.standing(partial(self._queue.hurry, account, piece)):
            await turn

    def measured(self, account: Account, kind: WorkKind, step: Callable[[], _T]) -> _T:
        """Carry out a step, and charge it."""
        started = self._cpu_ns()
        try:
            return step()
        finally:
            used_ns = self._cpu_ns() - started
            self._longest[kind] = max(used_ns, FADING * self._longest[kind])
            self.charge(account, kind, used_ns)

    def charge(self, account: Account, kind: WorkKind, used_ns: int) -> None:
        """Note what was used for a client."""
        account.charge(used_ns)
        self._used_ns += used_ns
        self._on_used(kind.value, used_ns)
        self._come_back()

    def _come_back(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        """Begin a pass: let those have their turn who come next."""
        self._is_due, self._used_ns = False, 0
        calls, self._calls = self._calls, []
        for account, call in calls:
            self._queue.add(account, call)
        # What those tasks will use that go on now, and where one of them may come next.
        expected_ns, next_start = 0.0, math.inf
        try:
            while self._queue and (
                self._used_ns + expected_ns < SLICE_NS
                and self._queue.first_start <= next_start
            ):
                account, (kind, waiter) = self._queue.take()
                if not isinstance(waiter, asyncio.Future):
                    account.end_to_wait()
                    self.measured(account, kind, waiter)
                elif not waiter.done():
                    waiter.set_result(None)
                    expected_ns += max(LEAST_STEP_NS, self._longest[kind])
                    step_ns = max(LEAST_STEP_NS, account.latest)
                    next_start = min(next_start, account.start + step_ns)
        finally:
            if self._queue:
                self._come_back()
