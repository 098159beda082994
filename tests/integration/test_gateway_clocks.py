"""Clocks that are set, and machines whose clocks differ: what is new is counted."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tailcast_gateway.delivery import session_events
from tailcast_service import clock_steps
from tailcast_streams.births import UNCOUNTED, Birth
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)
from tests.integration.named_clients import steps, until_kept, until_step
from tests.tailer.harness import (
    append,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


HOURS_MS = 2 * 3_600_000


@pytest.mark.parametrize("off_by_ms", [-HOURS_MS, HOURS_MS])
async def test_a_new_session_of_a_tailer_whose_clock_differs(
    rig: Rig, gateway: Gateway, off_by_ms: int
) -> None:
    """It is new to who is there: from its beginning, and told as started."""
    when: dict[str, Any] = {
        "updated_ms": gateway.replica.wall_clock_ms() + off_by_ms,
        "created_ms": gateway.replica.wall_clock_ms() + off_by_ms,
    }
    await gateway.until_ready()
    async with watching(gateway) as everything:
        await everything.subscribe()
        positions = await everything.until("positions")
        await rig.writer("new").append(*numbered(0, 5), **when)
        await rig.writer("new").append(*numbered(5, 8), **when)
        told: list[str] = []
        while len(everything.records) < 8 or not told:
            # It may be told before the records have been read.
            message = await everything.next()
            told += [message["event"]] if message["type"] == "session" else []
        assert everything.records == numbered(0, 8)
        assert told == ["started"]
    async with watching(gateway) as back:
        await back.subscribe(cursors=positions["cursors"], at=positions["at"])
        assert await back.until_records(8) == numbered(0, 8)


async def test_what_was_there_is_not_new(rig: Rig, gateway: Gateway) -> None:
    """A session that the cursors do not name begins by `from` if it was counted."""
    await rig.writer("a").append(*numbered(0, 3))
    async with watching(gateway) as first:
        await first.subscribe(sessionIds=["b*"])
        at = (await first.until("positions"))["at"]
    await rig.writer("b").append(*numbered(10, 12))
    async with watching(gateway) as back:
        await back.subscribe(cursors={}, at=at)
        await until_step(back, 11)
        await rig.writer("a").append(*numbered(3, 4))
        await until_step(back, 3)
        assert steps(back) == [10, 11, 3]


async def test_one_session_that_came_into_being_since(
    rig: Rig, gateway: Gateway
) -> None:
    """By its name, without a cursor of it."""
    await rig.writer("old").append(*numbered(0, 3))
    async with watching(gateway) as first:
        await first.subscribe()
        at = (await first.until("positions"))["at"]
    await rig.writer("new").append(*numbered(0, 3))
    async with watching(gateway) as back:
        told = await back.subscribe(sessionId="old", at=at)
        assert told["cursor"] == told["head"]
        await back.subscribe(sessionId="new", at=at)
        assert await back.until_records(3) == numbered(0, 3)
        await back.subscribe(sessionId="to come", at=at)
        await rig.writer("to come").append(*numbered(5, 7), backlog_end=1_000)
        await until_step(back, 6)
        assert steps(back)[3:] == [5, 6]


async def test_a_session_that_was_forgotten_and_born_again(
    rig: Rig, gateway: Gateway
) -> None:
    """Its new life is new to whoever has not named it."""
    await rig.writer("a").append(*numbered(0, 3))
    async with watching(gateway) as first:
        await first.subscribe(sessionIds=["b*"])
        at = (await first.until("positions"))["at"]
    assert await rig.broker.discard("a", (await rig.broker.positions(["a"]))[0])
    await rig.broker.unlist("a")
    await rig.writer("a").append(*numbered(7, 9))
    async with watching(gateway) as back:
        await back.subscribe(cursors={}, at=at)
        assert await back.until_records(2) == numbered(7, 9)


async def test_a_broker_that_was_emptied(
    own_rig: Rig, own_broker: BrokerServer
) -> None:
    """A moment of another count: what no cursor names begins at its beginning."""
    await own_rig.writer("a").append(*numbered(0, 3))
    async with own_rig.serving() as gateway:
        async with watching(gateway) as first:
            await first.subscribe(sessionIds=["b*"])
            at = (await first.until("positions"))["at"]
        own_broker.client().flushall()
        # A clock that was set back meanwhile: the numbers of the new count are lower.
        key = own_rig.broker._keys.births
        await own_rig.broker._redis.hset(key, "counter", "ffffffff")
        writer = own_rig.writer("a")
        await writer.append(*numbered(0, 3), birth="ffffffff-5")
        assert Birth.parse(at).number > 5
        async with watching(gateway) as back:
            await back.subscribe(cursors={}, at=at)
            assert await back.until_records(3) == numbered(0, 3)


@pytest.mark.parametrize("at", [1_764_344_383_000, "0"])
async def test_a_client_of_version_0_1_comes_back(
    rig: Rig, gateway: Gateway, at: int | str
) -> None:
    """With a time as `at`: nothing is passed over that its cursors do not name."""
    await rig.writer("a").append(*numbered(0, 3))
    await rig.writer("b").append(*numbered(10, 13))
    async with watching(gateway) as first:
        await first.subscribe()
        cursors = (await first.until("positions"))["cursors"]
    del cursors["b"]
    async with watching(gateway) as back:
        await back.subscribe(cursors=cursors, at=at)
        assert await back.until_records(3) == numbered(10, 13)


async def test_a_session_of_a_tailer_of_version_0_1(rig: Rig, gateway: Gateway) -> None:
    """It has no number: new to who is there, known to who comes back."""
    await rig.writer("counted").append(*numbered(0, 1))
    async with watching(gateway) as everything:
        await everything.subscribe()
        positions = await everything.until("positions")
        await rig.writer("a").append(*numbered(0, 3), birth=str(UNCOUNTED))
        assert await everything.until_records(3) == numbered(0, 3)
    async with watching(gateway) as back:
        await back.subscribe(cursors={}, at=positions["at"])
        await rig.writer("a").append(*numbered(3, 4))
        await back.until_records(1)
        assert steps(back) == [3]


async def test_a_subscription_is_added_while_a_session_is_new(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the second `subscribe` is new to the first one."""
    async with watching(gateway) as client:
        await client.subscribe(sessionIds=["run_*"])
        await client.until("positions")

        def lose(payload: str) -> bool:
            return payload.startswith(
                f"!canary:{gateway.replica.feed._hearing._replica}:"
            )

        monkeypatch.setattr(gateway.replica.feed, "notified", lose)
        await rig.writer("run_1").append(*numbered(0, 3))
        await client.subscribe(sessionIds=["other_*"], add=True)
        await gateway.replica.feed.audit.audit()
        assert await client.until_records(3) == numbered(0, 3)


async def test_a_named_client_and_what_came_while_it_was_away(
    rig: Rig, gateway: Gateway
) -> None:
    """Sessions are counted for whoever is kept, too."""
    when: dict[str, Any] = {"updated_ms": 1_000}
    await rig.writer("old").append(*numbered(0, 3), **when)
    async with watching(gateway) as first:
        await first.subscribe(clientId="me")
        await first.until("positions")
        await until_kept(rig, old=first.cursors["old"])
    await rig.writer("new").append(*numbered(10, 13), **when)
    await rig.writer("old").append(*numbered(3, 4), **when)
    async with watching(gateway) as back:
        await back.subscribe(clientId="me", **{"from": "resume"})
        await back.until_records(4)
        assert sorted(steps(back)) == [3, 10, 11, 12]


@pytest.mark.parametrize("step_ms", [HOURS_MS, -HOURS_MS])
async def test_the_gateways_clock_is_set(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, step_ms: int
) -> None:
    """Nothing becomes of a session by it, and none looks older or younger."""
    monkeypatch.setattr(session_events, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(session_events, "TICK_SECONDS", 1_000.0)
    set_by_ms = 0

    def wall_clock_ms() -> int:
        return time.time_ns() // 1_000_000 + set_by_ms

    await rig.writer("a").append(*numbered(0, 1))
    async with (
        rig.serving(wall_clock_ms=wall_clock_ms) as gateway,
        watching(gateway) as everything,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        await gateway.until_ready()
        await everything.subscribe()
        await everything.until("positions")
        tick = gateway.replica.session_events.tick
        await tick()
        set_by_ms = step_ms
        await tick()
        await rig.writer("a").append(*numbered(1, 2))
        await everything.until_records(1)
        await tick()
        await everything.send(type="heartbeat")
        while (message := await everything.next())["type"] != "heartbeat":
            assert message["type"] != "session"
        (session,) = (await client.get("/api/sessions")).json()["sessions"]
        assert (session["sessionId"], session["status"]) == ("a", "running")


@pytest.mark.parametrize("off_by_ms", [HOURS_MS, -HOURS_MS])
async def test_a_machine_whose_clock_differs_from_the_brokers(
    rig: Rig, off_by_ms: int
) -> None:
    """Ages are measured by the broker's clock: a run that goes on is running."""

    def wall_clock_ms() -> int:
        return time.time_ns() // 1_000_000 + off_by_ms

    now = time.time()
    records = [{"step": step, "time": now + 60 * (step - 9)} for step in range(9)]
    await rig.writer("a").append(*records)
    async with (
        rig.serving(wall_clock_ms=wall_clock_ms) as gateway,
        watching(gateway) as watcher,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        await gateway.until_ready()
        (listed,) = (await client.get("/api/sessions")).json()["sessions"]
        await watcher.send(type="snapshot", sessionId="a")
        shown = await watcher.until("snapshot")
        assert listed["status"] == shown["status"] == "running"
        assert listed["rate"] > 0.01


async def test_a_broker_whose_clock_may_not_be_read(own_rig: Rig) -> None:
    """All goes on, by the clock that there is, and the log says what to mend."""
    await own_rig.writer("a").append(*numbered(0, 1))
    client: Any = own_rig.broker._redis
    await client.execute_command("ACL", "SETUSER", "default", "-time")
    async with own_rig.serving() as gateway, watching(gateway) as watcher:
        await gateway.until_ready()
        await watcher.subscribe()
        await watcher.until("positions")
        await own_rig.writer("b").append(*numbered(0, 2))
        assert await watcher.until_records(2) == numbered(0, 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not gateway.replica.broker_clock.is_known:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("before_ms", [HOURS_MS, -HOURS_MS])
async def test_the_machines_clock_is_set_while_all_runs(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before_ms: int
) -> None:
    """By the first answer of a time server: nothing is missed, and it is told."""
    monkeypatch.setattr(clock_steps, "LOOK_SECONDS", 0.05)
    off_ms = before_ms

    def wall_clock_ms() -> int:
        return time.time_ns() // 1_000_000 + off_ms

    append(session_path(tmp_path, "before"), lines(0))
    async with (
        running(
            rig.connect(), tmp_path, wall_clock=lambda: wall_clock_ms() / 1_000
        ) as tailer,
        rig.serving(wall_clock_ms=wall_clock_ms) as gateway,
        watching(gateway) as everything,
    ):
        await wait_for_records(rig.broker, "before", texts(0))
        await gateway.until_ready()
        await everything.subscribe()
        positions = await everything.until("positions")
        off_ms = 0
        await until_counted(tailer.instruments.registry, "tailer")
        await until_counted(gateway.replica.instruments.registry, "gateway")
        append(session_path(tmp_path, "new_run"), lines(0, 1, 2))
        await everything.until_records(3)
        append(session_path(tmp_path, "new_run"), lines(3, 4))
        await everything.until_records(5)
        assert steps(everything) == [0, 1, 2, 3, 4]
        async with watching(gateway) as back:
            await back.subscribe(cursors=positions["cursors"], at=positions["at"])
            await back.until_records(5)
            assert steps(back) == [0, 1, 2, 3, 4]


async def until_counted(registry: CollectorRegistry, service: str) -> None:
    """Until a step of the clock was noticed."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not registry.get_sample_value(f"tailcast_{service}_clock_steps_total"):
            await asyncio.sleep(0.01)
