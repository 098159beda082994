"""Work for a client, driven step by step: when it goes on, and who waits for whom.

A step of a coroutine is what it does from one `await` to the next. It is carried out
when the client has its turn.

What several need is done once, in a task of its own. It waits for no turn but by
`sleep(0)`. Whoever waits for it lends it their place among those who wait for turns:
it comes as early as the earliest of them.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import partial
from time import thread_time_ns
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from tailcast_gateway.scheduling.core.fair_queue import Account


_T = TypeVar("_T")

# Makes a coroutine when it is begun, so that none is made that never begins.
Work: TypeAlias = Callable[[], Coroutine[Any, Any, _T]]
# Brings forward what waits, to another start on the clock of the queue.
Hurry: TypeAlias = Callable[[float], None]


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


class TurnGiver(Protocol):
    """Gives turns; the scheduler does."""

    async def turn_of(self, turns: "Turns") -> None:
        """Return when it is the turn of some work."""

    def measured(self, account: Account, kind: WorkKind, step: Callable[[], _T]) -> _T:
        """Carry out a step, and charge it."""
        ...

    def charge(self, account: Account, kind: WorkKind, used_ns: int) -> None:
        """Note what was used for a client."""


class StandsStill(Protocol):
    """What stands still while some work waits for a turn."""

    def stand(self) -> None:
        """Stand still."""

    def go_on(self) -> None:
        """Go on: it has its turn."""


class Turns:
    """The turns of one piece of work."""

    __slots__ = (
        "_ahead",
        "_behind",
        "_giver",
        "_lent",
        "_standing",
        "account",
        "kind",
    )

    def __init__(self, giver: TurnGiver, account: Account, kind: WorkKind) -> None:
        self._giver = giver
        # Who pays for it.
        self.account = account
        # What it counts as in the metrics.
        self.kind = kind
        # Where the earliest begins that has waited for it.
        self._lent = math.inf
        # What brings forward that for which it waits now.
        self._ahead: list[Hurry] = []
        # What stands still with it: work that waits for it, and limits of its time.
        self._behind: dict[object, StandsStill] = {}
        # How many turns it waits for, by itself or in that for which it waits.
        self._standing = 0

    @property
    def start(self) -> float:
        """Where it begins on the clock of the queue."""
        return min(self.account.start, self._lent)

    async def wait(self) -> None:
        """Return when it may go on."""
        await self._giver.turn_of(self)

    def carry_out(self, step: Callable[[], _T]) -> _T:
        """Carry out a step of it."""
        return self._giver.measured(self.account, self.kind, step)

    def charge(self, used_ns: int) -> None:
        """Note what was used for it elsewhere."""
        self._giver.charge(self.account, self.kind, used_ns)

    def part(self) -> "Turns":
        """The turns of a part of it, which is a task of its own."""
        return Turns(self._giver, self.account, self.kind)

    # Who waits for whom.

    def hurry(self, start: float) -> None:
        """Begin as early as somebody who waits for it."""
        if start < self.start:
            self._lent = start
            for bring_forward in self._ahead:
                bring_forward(start)

    def hurry_no_more(self) -> None:
        """Begin where its account does: what others waited for is done."""
        self._lent = math.inf

    @contextmanager
    def standing(self, hurry: Hurry) -> Generator[None]:
        """During the block it waits for a turn."""
        self._ahead.append(hurry)
        self.account.begin_to_wait()
        self.stand()
        try:
            yield
        finally:
            self.go_on()
            self.account.end_to_wait()
            self._ahead.remove(hurry)

    @contextmanager
    def waiting_for(self, other: "Turns") -> Generator[None]:
        """During the block it waits for other work."""
        self._ahead.append(other.hurry)
        other.hurry(self.start)
        try:
            with other.followed_by(self):
                yield
        finally:
            self._ahead.remove(other.hurry)

    @contextmanager
    def followed_by(self, one: StandsStill) -> Generator[None]:
        """During the block this stands still whenever the work does."""
        mark = object()
        self._behind[mark] = one
        if self._standing:
            one.stand()
        try:
            yield
        finally:
            del self._behind[mark]
            if self._standing:
                one.go_on()

    def stand(self) -> None:
        """Note that it waits for one more turn."""
        self._standing += 1
        if self._standing == 1:
            for one in self._behind.values():
                one.stand()

    def go_on(self) -> None:
        """Note that it waits for one less."""
        self._standing -= 1
        if not self._standing:
            for one in self._behind.values():
                one.go_on()


# The work that is carried out now; tasks that it starts have it too.
_current: Final[ContextVar[Turns | None]] = ContextVar("turns", default=None)


def current_turns() -> Turns | None:
    """The turns of the work that is carried out now; None if it is for no client."""
    return _current.get()


def work_as(kind: WorkKind) -> None:
    """Count what the work that is carried out now uses from here as another kind."""
    if (turns := _current.get()) is not None:
        turns.kind = kind


async def in_turns(turns: Turns, work: Work[_T]) -> _T:
    """Carry out work whenever it has its turn."""
    token = _current.set(turns)
    try:
        return await _Steps(turns, work(), waits=True)
    finally:
        _current.reset(token)


class SharedWork(Generic[_T]):
    """Work in a task of its own, for which several may wait; who begins it pays."""

    def __init__(self, work: Work[_T]) -> None:
        payer = _current.get()
        self._turns = None if payer is None else payer.part()
        self._task = asyncio.get_running_loop().create_task(self._carry_out(work))
        # Marks an exception as retrieved: all who waited may have been cancelled.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def result(self) -> _T:
        """What comes of it; whoever is cancelled meanwhile cancels nobody else."""
        turns = _current.get()
        if turns is None or self._turns is None:
            return await asyncio.shield(self._task)
        with turns.waiting_for(self._turns):
            return await asyncio.shield(self._task)

    def cancel(self) -> None:
        """End it."""
        self._task.cancel()

    def on_done(self, callback: Callable[[], object]) -> None:
        """Call something when it is over."""
        self._task.add_done_callback(lambda _: callback())

    async def _carry_out(self, work: Work[_T]) -> _T:
        if self._turns is None:
            return await work()
        _current.set(self._turns)
        return await _Steps(self._turns, work(), waits=False)


async def at_once(work: Work[_T]) -> _T:
    """Do something that is not to wait for turns, since it holds what others need."""
    shared = SharedWork(work)
    try:
        return await shared.result()
    except asyncio.CancelledError:
        shared.cancel()
        raise


async def in_thread(function: Callable[[], _T]) -> _T:
    """Call something in a thread; the work that is carried out now pays for it."""
    used_ns = 0

    def measured() -> _T:
        nonlocal used_ns
        started = thread_time_ns()
        try:
            return function()
        finally:
            used_ns = thread_time_ns() - started

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
