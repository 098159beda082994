"""Limits of time: waiting for turns does not count, and has a limit of its own."""

import asyncio
from functools import partial

import pytest

from tailcast_gateway.scheduling import time_limit as module
from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.time_limit import TimeLimit, WaitedTooLong, time_limit
from tailcast_gateway.scheduling.turns import SharedWork, at_once
from tests.gateway.scheduling.rig import MS, Rig


class Timeout:
    """Notes when it is to end."""

    def __init__(self) -> None:
        self.due: float | None = 0.0

    def when(self) -> float | None:
        return self.due

    def expired(self) -> bool:
        return False

    def reschedule(self, when: float | None) -> None:
        self.due = when


def test_waiting_for_a_turn_does_not_count() -> None:
    """All of it together may take 30 seconds."""
    now, timeout = [0.0], Timeout()
    limit = TimeLimit(2.0, timeout, clock=lambda: now[0])
    now[0] = 0.5
    limit.stand()
    assert timeout.due == 30.5
    now[0] = 10.5
    limit.go_on()
    assert timeout.due == 12.0
    now[0] = 11.5
    limit.stand()
    assert timeout.due == 31.5
    now[0] = 12.5
    limit.go_on()
    assert timeout.due == 13.0


def test_a_limit_is_lifted_for_good() -> None:
    """Whoever has begun to answer goes on, whatever it waits for."""
    timeout = Timeout()
    limit = TimeLimit(2.0, timeout, clock=lambda: 0.0)
    limit.lift()
    limit.stand()
    limit.go_on()
    assert timeout.due is None


class Held:
    """A semaphore that somebody has, and who waits for it with no time left."""

    def __init__(self) -> None:
        self.semaphore = FairSemaphore(1)
        self.may_end = asyncio.Event()

    async def hold(self) -> str:
        async with self.semaphore:
            await self.may_end.wait()
        return "held"

    async def enter(self) -> str:
        async with self.semaphore:
            await asyncio.Event().wait()
        return "never"

    async def wait(self) -> str:
        async with time_limit(0.0):
            return await self.enter()

    async def wait_for_shared(self, work: "SharedWork[str]") -> str:
        async with time_limit(0.0):
            return await work.result()


async def test_work_that_waits_is_not_ended(rig: Rig) -> None:
    """It is ended once it has had its turn and takes too long."""
    held = Held()
    holder = rig.task(held.hold)
    await rig.passes(3)
    waiting = rig.task(held.wait)
    await rig.passes(20)
    assert not waiting.done()
    held.may_end.set()
    with pytest.raises(TimeoutError) as error:
        await waiting
    assert not isinstance(error.value, WaitedTooLong)
    await holder
    assert held.semaphore.free == 1


async def test_work_is_not_ended_while_others_have_their_turns(rig: Rig) -> None:
    """The same for the turns of the loop."""

    async def compute() -> str:
        async with time_limit(0.0):
            await asyncio.sleep(0)
            await asyncio.Event().wait()
        return "never"

    account = Account()
    crowd = [rig.begin("crowd", 300) for _ in range(20)]
    await rig.passes(10)
    account.start = 100_000 * MS
    late = rig.task(compute, account)
    await rig.passes(100)
    assert not late.done()
    await asyncio.gather(*crowd)
    with pytest.raises(TimeoutError):
        await late


async def test_work_that_waits_for_shared_work_is_not_ended(rig: Rig) -> None:
    """What several wait for has not had its turn; who comes later waits likewise."""
    held = Held()
    holder = rig.task(held.hold)
    await rig.passes(3)
    reads: list[SharedWork[str]] = []

    async def begin() -> str:
        reads.append(SharedWork(held.enter))
        return await held.wait_for_shared(reads[0])

    waiting = [rig.task(begin)]
    await rig.passes(5)
    waiting.append(rig.task(partial(held.wait_for_shared, reads[0])))
    await rig.passes(20)
    assert not any(task.done() for task in waiting)
    held.may_end.set()
    for task in waiting:
        with pytest.raises(TimeoutError):
            await task
    reads[0].cancel()
    await holder


async def test_who_waits_for_too_long_is_told_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the broker's fault, and not its own."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    held = Held()
    holder = rig.task(held.hold)
    await rig.passes(3)
    waiting = rig.task(held.wait)
    with pytest.raises(WaitedTooLong, match="waited 0 s for its turn"):
        await waiting
    held.may_end.set()
    await holder
    assert held.semaphore.free == 1


async def test_the_gateways_own_work_has_its_limit_too() -> None:
    """It never waits for turns."""
    with pytest.raises(TimeoutError):
        async with time_limit(0.0):
            await asyncio.Event().wait()


async def test_what_is_done_at_once_is_ended_with_who_asked_for_it(rig: Rig) -> None:
    """Nobody else waits for it."""
    ended: list[str] = []

    async def ask() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("asked")
        return "never"

    task = rig.task(lambda: at_once(ask))
    await rig.passes(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await rig.passes(2)
    assert ended == ["asked"]
