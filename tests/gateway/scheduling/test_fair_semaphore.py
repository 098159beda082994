"""What is bounded: those come next whose clients have cost least."""

import asyncio
from functools import partial

import pytest

from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.turns import SharedWork
from tests.gateway.scheduling.rig import MS, Rig


class Bounded:
    """Something that one at a time does."""

    def __init__(self, rig: Rig, most: int = 1) -> None:
        self.rig = rig
        self.semaphore = FairSemaphore(most)
        # Who has begun, in order, and what lets the first of them end.
        self.begun: list[str] = []
        self.may_end = asyncio.Event()

    async def hold(self, name: str) -> str:
        """Wait within it until everybody may end."""
        async with self.semaphore:
            self.begun.append(name)
            await self.may_end.wait()
            return name

    async def compute(self, name: str, pieces: int) -> str:
        """Compute within it."""
        async with self.semaphore:
            self.begun.append(name)
            return await self.rig.work(name, pieces)


def crowd_of(rig: Rig, one: Bounded, count: int) -> "list[asyncio.Task[str]]":
    """Clients that have cost 24 ms each when they come to wait."""

    async def wait() -> str:
        await rig.work("dear", 19)
        rig.compute("dear", 5)
        return await one.hold("dear")

    return [rig.task(wait) for _ in range(count)]


async def test_who_has_cost_least_comes_next(rig: Rig) -> None:
    """However many wait for longer that have cost more."""
    one = Bounded(rig)
    tasks = [rig.task(partial(one.hold, "first"))]
    await rig.passes(3)
    tasks += crowd_of(rig, one, 10)
    await rig.passes(200)
    tasks.append(rig.task(partial(one.hold, "cheap")))
    await rig.passes(5)
    assert one.begun == ["first"]
    one.may_end.set()
    await asyncio.gather(*tasks)
    assert one.begun[:2] == ["first", "cheap"]
    assert one.semaphore.free == 1


async def test_the_gateways_own_work_comes_first(rig: Rig) -> None:
    """It is for all clients."""
    one = Bounded(rig)
    tasks = [rig.task(partial(one.hold, name)) for name in ("first", "client")]
    await rig.passes(5)
    tasks.append(asyncio.create_task(one.hold("own")))
    await rig.passes(2)
    one.may_end.set()
    await asyncio.gather(*tasks)
    assert one.begun == ["first", "own", "client"]


async def test_who_waits_does_not_wait_for_the_turns_of_one_that_comes_late(
    rig: Rig,
) -> None:
    """What runs is brought forward: it comes as early as the one that waits for it."""
    one = Bounded(rig)
    account = Account()
    holder = rig.task(partial(one.compute, "holder", 30), account)
    await rig.passes(3)
    account.start = 1_000_000 * MS
    crowd = [rig.begin("crowd", 1_000) for _ in range(20)]
    await rig.passes(50)
    held = rig.done.count("holder")
    await rig.passes(50)
    assert rig.done.count("holder") == held
    waiting = rig.task(partial(one.compute, "waiting", 1))
    await waiting
    assert rig.done.count("holder") == 30
    assert rig.done.count("crowd") < 2_000
    for task in crowd:
        task.cancel()
    await asyncio.gather(holder, *crowd, return_exceptions=True)


async def test_who_shares_a_read_brings_it_forward(rig: Rig) -> None:
    """One that has cost little does not wait behind others for a read of a dear one."""
    one = Bounded(rig)
    reads: list[SharedWork[str]] = []

    async def begin() -> str:
        await rig.work("dearest", 19)
        rig.compute("dearest", 10)
        reads.append(SharedWork(partial(one.hold, "shared")))
        return await reads[0].result()

    async def join() -> str:
        return await reads[0].result()

    tasks = [rig.task(partial(one.hold, "first"))]
    await rig.passes(3)
    tasks += [*crowd_of(rig, one, 5), rig.task(begin), *crowd_of(rig, one, 5)]
    await rig.passes(200)
    tasks.append(rig.task(join))
    await rig.passes(5)
    one.may_end.set()
    await asyncio.gather(*tasks)
    assert one.begun[:2] == ["first", "shared"]


async def test_who_gives_up_leaves_its_place_to_others(rig: Rig) -> None:
    """Whether it still waits, or may just have begun."""
    one = Bounded(rig)
    first = rig.task(partial(one.hold, "first"))
    await rig.passes(3)
    gone, chosen, last = (
        rig.task(partial(one.hold, name)) for name in ("gone", "chosen", "last")
    )
    await rig.passes(5)
    gone.cancel()
    await rig.passes(2)
    one.may_end.set()
    while not first.done():
        await asyncio.sleep(0)
    # Its place has been given to the one that is cancelled now.
    chosen.cancel()
    assert await last == "last"
    for task in (gone, chosen):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert one.semaphore.free == 1
