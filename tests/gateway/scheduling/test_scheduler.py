"""What is computed for clients, in turns and behind all else in the event loop."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from tailcast_gateway.scheduling.core.fair_queue import Account, Group
from tailcast_gateway.scheduling.scheduler import SLICE_NS
from tailcast_gateway.scheduling.turns import SharedWork, WorkKind, in_thread, work_as
from tests.gateway.scheduling.rig import MS, Rig


async def test_work_is_carried_out_and_measured(rig: Rig) -> None:
    """Its result comes back, and what it used is counted by its kind."""
    assert await rig.begin("a", 3) == "a"
    assert rig.used == {"command": 3 * MS}


async def test_work_that_fails(rig: Rig) -> None:
    """Its error comes back, and what it used is counted."""

    async def fail() -> None:
        rig.compute("a")
        await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await rig.scheduler.run(Account(), WorkKind.REQUEST, fail)
    assert rig.used == {"request": MS}


async def test_work_that_is_cancelled(rig: Rig) -> None:
    """It can clean up, whether it waits for something or for its turn."""
    cleaned: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(name)

    work = partial(wait, "a")
    task = asyncio.create_task(rig.scheduler.run(Account(), WorkKind.REQUEST, work))
    await asyncio.sleep(0)
    busy = rig.begin("busy", 50, ms=5)
    late = rig.begin("late", 1)
    await rig.passes(1)
    for one in (task, late):
        one.cancel()
    for one in (task, late):
        with pytest.raises(asyncio.CancelledError):
            await one
    assert cleaned == ["a"]
    assert await busy == "busy"
    assert "late" not in rig.done


async def test_what_it_waits_for_may_fail(rig: Rig) -> None:
    """The work sees the error where it waits, and may go on."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    async def ask() -> str:
        try:
            await answer
        except OSError:
            return "went on"
        return "answered"

    task = asyncio.create_task(rig.scheduler.run(Account(), WorkKind.REQUEST, ask))
    await asyncio.sleep(0)
    answer.set_exception(OSError())
    assert await task == "went on"


async def test_time_outs_end_work(rig: Rig) -> None:
    """As they do outside."""

    async def wait() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await rig.scheduler.run(Account(), WorkKind.REQUEST, wait)


async def test_all_else_in_the_loop_comes_after_a_slice(rig: Rig) -> None:
    """However many clients want to compute, a pass has a slice and one piece more."""
    tasks = [rig.begin(str(at), 20, ms=2) for at in range(30)]
    used = await rig.passes(100)
    # Between two looks is the end of one pass and the beginning of the next one.
    assert max(used) <= 2 * (SLICE_NS + 2 * MS)
    assert sum(used) > 0
    await asyncio.gather(*tasks)


async def test_long_steps_are_expected_where_there_are_some(rig: Rig) -> None:
    """Also of clients whose latest step was short: few of them go on in one pass."""

    async def alternate(first: int) -> str:
        for number in range(first, first + 20):
            rig.compute("long" if number % 2 else "short", 10 if number % 2 else 1)
            await asyncio.sleep(0)
        return ""

    tasks = [rig.task(partial(alternate, first)) for first in range(20)]
    await rig.passes(30)
    used = await rig.passes(100)
    assert max(used) <= 2 * (SLICE_NS + 10 * MS)
    await asyncio.gather(*tasks)


async def test_a_new_client_comes_before_those_that_have_used_much(rig: Rig) -> None:
    """It waits for what is carried out now, not for all that want more."""
    tasks = [rig.begin("busy", 100) for _ in range(20)]
    await rig.passes(200)
    before = len(rig.done)
    tasks.append(rig.begin("new", 1))
    while "new" not in rig.done:
        await asyncio.sleep(0)
    # The pass in which it begins, the one in which it has its turn, and half a pass.
    assert len(rig.done) - before <= 3 * SLICE_NS // MS
    await asyncio.gather(*tasks)


async def test_clients_that_always_want_more_get_the_same(rig: Rig) -> None:
    """By time, not by pieces: one has few that are long, the other many short ones."""
    tasks = [rig.begin("long", 200, ms=10), rig.begin("short", 2_000, ms=1)]
    while len(rig.done) < 600:
        await asyncio.sleep(0)
    done = Counter(rig.done)
    assert abs(done["long"] * 10 - done["short"]) <= 30
    await asyncio.gather(*tasks)


async def test_many_connections_of_one_address_have_one_part(rig: Rig) -> None:
    """Whatever they want more, and while others want something."""
    group, tasks = Group(), [rig.begin("one", 2_000)]
    for _ in range(20):
        account = Account()
        account.join(group)
        tasks.append(rig.begin("many", 2_000, account=account))
    while len(rig.done) < 2_000:
        await asyncio.sleep(0)
    done = Counter(rig.done)
    assert 0.4 < done["one"] / len(rig.done) < 0.6
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert group.waiting == 0


async def test_one_of_an_address_where_nobody_waits_pays_for_itself(rig: Rig) -> None:
    """However many connections rest there."""
    group, accounts = Group(), [Account() for _ in range(20)]
    for account in accounts:
        account.join(group)
    await rig.begin("busy", 100, account=accounts[0])
    assert accounts[0].start == 100 * MS


async def test_calls_have_their_turns_too(rig: Rig) -> None:
    """Short ones together, and what else is in the loop after a slice."""
    account = Account()

    def soon(name: str) -> Callable[[], None]:
        return partial(rig.compute, name, 1)

    for name in ("a", "b", "c"):
        rig.scheduler.call(account, WorkKind.REPLAY, soon(name))
    assert rig.done == []
    await asyncio.sleep(0)
    assert rig.done == ["a", "b"]
    await asyncio.sleep(0)
    assert rig.done == ["a", "b", "c"]
    assert rig.used == {"replay": 3 * MS}


async def test_a_call_that_fails_holds_up_no_other(rig: Rig) -> None:
    """The loop says what went wrong, and the next one is called."""
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, about: failures.append(about["message"]))

    def fail() -> None:
        raise ValueError

    rig.scheduler.call(Account(), WorkKind.REPLAY, fail)
    rig.scheduler.call(Account(), WorkKind.REPLAY, partial(rig.compute, "b"))
    await rig.passes(2)
    assert rig.done == ["b"]
    assert len(failures) == 1


async def test_tasks_are_paid_for_by_who_began_them(rig: Rig) -> None:
    """And let others have their turn as it does."""

    async def ask() -> str:
        return await SharedWork(partial(rig.work, "shared", 10, 2)).result()

    account = Account()
    asked = rig.scheduler.run(account, WorkKind.REQUEST, ask)
    assert await asked == "shared"
    assert rig.used == {"request": 20 * MS}
    assert account.start == 20 * MS


async def test_work_of_nobody(rig: Rig) -> None:
    """What the gateway does by itself is not measured, and waits for no turn."""
    assert await SharedWork(partial(rig.work, "own", 2)).result() == "own"
    assert await in_thread(lambda: "thread") == "thread"
    work_as(WorkKind.EXPORT)
    assert rig.used == {}


async def test_threads_are_paid_for(rig: Rig) -> None:
    """By the work that waits for them, also when they fail."""

    def spin() -> int:
        return sum(range(200_000))

    def fail() -> None:
        spin()
        raise ValueError("no")

    async def ask() -> int:
        work_as(WorkKind.EXPORT)
        with pytest.raises(ValueError, match="no"):
            await in_thread(fail)
        return await in_thread(spin)

    assert await rig.scheduler.run(Account(), WorkKind.REQUEST, ask) == spin()
    assert rig.used["export"] > 0
    assert rig.used["request"] == 0
