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
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from enum import Enum
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from tailcast_gateway.scheduling.core.fair_queue import Account, FairQueue


_T = TypeVar("_T")

# How much CPU time clients get together in one pass of the event loop, and what each
# step of a task is taken to use at least before it is carried out.
SLICE_NS = 5_000_000
LEAST_STEP_NS = 1_000_000


# Makes a coroutine when it is begun, so that none is made that never begins.
_Work: TypeAlias = Callable[[], Coroutine[Any, Any, _T]]


class WorkKind(Enum):
    """What is computed for a client, as the metrics have it."""

    # Records behind the newest, for a client that is catching up.
    REPLAY = "replay"
    # Messages over a WebSocket, and what begins an event stream.
    COMMAND = "command"
    # Requests over HTTP.
    REQUEST = "request"
    # Answers of lines.
    EXPORT = "export"


# A task that waits for its turn, or a call that does.
_Call: TypeAlias = tuple[WorkKind, Callable[[], None]]
_Waiter: TypeAlias = "asyncio.Future[None] | _Call"


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
        self._queue: FairQueue[_Waiter] = FairQueue()
        # How much CPU time was used in this pass of the event loop.
        self._used_ns = 0
        # Whether `_pass` is called in the next pass.
        self._is_due = False
        # What is to be called in a later pass than this one.
        self._calls: list[tuple[Account, _Call]] = []

    def call(
        self, account: Account, kind: WorkKind, callback: Callable[[], None]
    ) -> None:
        """Call something for a client when it has its turn, in a later pass."""
        self._calls.append((account, (kind, callback)))
        self._come_back()

    async def run(self, account: Account, kind: WorkKind, work: _Work[_T]) -> _T:
        """Run a coroutine for a client, whenever it has its turn."""
        turns = Turns(self, account, kind)
        token = _current.set(turns)
        try:
            return await _Steps(turns, work(), waits=True)
        finally:
            _current.reset(token)

    async def turn_of(self, account: Account) -> None:
        """Return when a client has its turn."""
        if not self._queue and self._used_ns < SLICE_NS:
            self._queue.begin(account)
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.add(account, turn)
        self._come_back()
        await turn

    def measured(self, account: Account, kind: WorkKind, step: Callable[[], _T]) -> _T:
        """Carry out a step, and charge it."""
        started = self._cpu_ns()
        try:
            return step()
        finally:
            self.charge(account, kind, self._cpu_ns() - started)

    def charge(self, account: Account, kind: WorkKind, used_ns: int) -> None:
        """Note what was used for a client."""
        self._queue.charge(account, used_ns)
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
        expected_ns, next_start = 0, math.inf
        try:
            while self._queue and (
                self._used_ns + expected_ns < SLICE_NS
                and self._queue.first_start <= next_start
            ):
                account, waiter = self._queue.take()
                if not isinstance(waiter, asyncio.Future):
                    self.measured(account, *waiter)
                elif not waiter.done():
                    waiter.set_result(None)
                    step_ns = max(LEAST_STEP_NS, account.latest)
                    expected_ns += step_ns
                    next_start = min(next_start, account.start + step_ns)
        finally:
            if self._queue:
                self._come_back()


class Turns:
    """The turns of one piece of work."""

    __slots__ = ("_account", "_scheduler", "kind")

    def __init__(self, scheduler: Scheduler, account: Account, kind: WorkKind) -> None:
        self._scheduler = scheduler
        self._account = account
        # What it counts as in the metrics.
        self.kind = kind

    async def wait(self) -> None:
        """Return when it may go on."""
        await self._scheduler.turn_of(self._account)

    def carry_out(self, step: Callable[[], _T]) -> _T:
        """Carry out a step of it."""
        return self._scheduler.measured(self._account, self.kind, step)

    def charge(self, used_ns: int) -> None:
        """Note what was used for it elsewhere."""
        self._scheduler.charge(self._account, self.kind, used_ns)


# The work that is carried out now; tasks that it starts have it too.
_current: Final[ContextVar[Turns | None]] = ContextVar("turns", default=None)


def work_as(kind: WorkKind) -> None:
    """Count what the work that is carried out now uses from here as another kind."""
    if (turns := _current.get()) is not None:
        turns.kind = kind


def in_task(work: _Work[_T]) -> "asyncio.Task[_T]":
    """Begin a task; the work that is carried out now pays for it.

    It waits for no turn except by `sleep(0)`, since others may wait for its result.
    """

    async def measured() -> _T:
        turns = _current.get()
        return await (work() if turns is None else _Steps(turns, work(), waits=False))

    return asyncio.get_running_loop().create_task(measured())


async def in_thread(function: Callable[[], _T]) -> _T:
    """Call something in a thread; the work that is carried out now pays for it."""
    used_ns = 0

    def measured() -> _T:
        nonlocal used_ns
        started = time.thread_time_ns()
        try:
            return function()
        finally:
            used_ns = time.thread_time_ns() - started

    try:
        return await asyncio.to_thread(measured)
    finally:
        if (turns := _current.get()) is not None:
            turns.charge(used_ns)


class _Steps(Awaitable[_T], Generic[_T]):
    """A coroutine that is awaited and measured, step by step."""

    def __init__(
        self, turns: Turns, work: Coroutine[Any, Any, _T], *, waits: bool
    ) -> None:
        self._turns = turns
        self._work = work
        # Whether it waits for its turn also when what it waited for has come.
        self._waits = waits

    def __await__(self) -> Generator[Any, None, _T]:
        turns, work = self._turns, self._work
        step, needs_turn = partial(work.send, None), self._waits
        while True:
            if needs_turn:
                try:
                    yield from turns.wait().__await__()
                except BaseException as error:  # noqa: BLE001  # the coroutine gets it
                    step = partial(work.throw, error)
            try:
                waited_for = turns.carry_out(step)
            except StopIteration as end:
                result: _T = end.value
                return result
            step, needs_turn = partial(work.send, None), True
            if waited_for is None:
                # It lets others have their turn.
                continue
            try:
                yield waited_for
                needs_turn = self._waits
            except BaseException as error:  # noqa: BLE001  # as above
                # It is to end soon, so it does not wait.
                step, needs_turn = partial(work.throw, error), False
