"""What clients ask over their connection: history, sessions, what becomes of them."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.commands import snapshots
from tailcast_gateway.delivery import session_events
from tailcast_gateway.sessions.core.activity import ENDED_MS, STALLED_MS
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    numbered,
    serving,
    watching,
)


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


async def history(watcher: Watcher, **fields: Any) -> dict[str, Any]:
    """A page; what comes before it is noted."""
    await watcher.send(type="history", **fields)
    while True:
        message = await watcher.read()
        if message["type"] in {"history", "error"}:
            return dict(message)
        watcher._note(message)


async def test_history_beside_the_live_flow(rig: Rig, gateway: Gateway) -> None:
    """Pages in both directions; the flow goes on where it was, `id` is repeated."""
    writer = rig.writer("a")
    alarm = {"emergency": {"reason": "collapse"}}
    await writer.append(*numbered(0, 30), alarm)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": {"last": 5}})
        await watcher.until("caught_up")
        place = watcher.cursors["a"]
        assert len(watcher.records) == 5
        latest = await history(watcher, sessionId="a", limit=10, id="h")
        assert latest["id"] == "h"
        assert latest["data"] == [*numbered(21, 30), alarm]
        assert (latest["cursor"], latest["more"]) == (place, True)
        before = await history(
            watcher, sessionId="a", before=latest["prev"], limit=1_000
        )
        assert (before["data"], before["more"]) == (numbered(0, 21), False)
        assert before["cursor"] == latest["prev"]
        after = await history(watcher, sessionId="a", after=before["prev"], limit=3)
        assert (after["data"], after["more"]) == (numbered(0, 3), True)
        await writer.append(*numbered(30, 33))
        assert (await watcher.until_records(8))[5:] == numbered(30, 33)


async def test_history_of_what_is_not_there(rig: Rig, gateway: Gateway) -> None:
    """A session to come is empty; cursors are proved, and refused if they are none."""
    await rig.writer("a").append(*numbered(0, 3))
    async with watching(gateway) as watcher:
        page = await history(watcher, sessionId="none")
        assert page == {
            "type": "history", "sessionId": "none", "data": [],
            "prev": "1-0-00000000", "cursor": "1-0-00000000", "more": False,
        }  # fmt: skip  # one glance
        page = await history(watcher, sessionId="a", after="1-10-00000001")
        assert page["rewind"]["reason"] == "replaced"
        assert page["data"] == numbered(0, 3)
        refused = await history(watcher, sessionId="a", after="x", id=7)
        assert (refused["code"], refused["id"]) == ("invalid_cursor", 7)


async def test_history_for_who_reads_slowly(rig: Rig, gateway: Gateway) -> None:
    """However much is asked for, one page waits for the socket."""
    big = [{"step": step, "pad": "x" * 5_000} for step in range(100)]
    await rig.writer("a").append(*big)
    address = f"{gateway.ws_url}?maxMessage=983040"
    async with connect(address, max_queue=1) as connection:
        watcher = Watcher(connection, max_message=983_040)
        for _ in range(40):
            await watcher.send(type="history", sessionId="a", limit=1_000)
        for _ in range(40):
            message = await watcher.until("history")
            assert message["data"] == big
            held = [one._socket.buffered_bytes
                    for part in gateway.replica.connections._parts
                    for one in part]  # fmt: skip
            assert max(held) < 1_000_000


@asynccontextmanager
async def asking_little(gateway: Gateway) -> AsyncGenerator[Watcher]:
    """A client that takes short messages only."""
    async with connect(f"{gateway.ws_url}?maxMessage=4096") as connection:
        yield Watcher(connection, max_message=4_096)


async def test_sessions(rig: Rig, gateway: Gateway) -> None:
    """What there is, the latest first, in messages of bounded size."""
    for at in range(6):
        await rig.writer(f"s{at}").append(
            *numbered(0, 2), updated_ms=1_000 + at, appended_ms=1_000 + at
        )
    await rig.writer("s3").append(*numbered(2, 3), last_step=2)
    async with watching(gateway) as watcher:
        await watcher.send(type="sessions", id=1)
        answer = await watcher.until("sessions")
        assert (answer["more"], answer["id"]) == (False, 1)
        names = [one["sessionId"] for one in answer["sessions"]]
        assert names == ["s3", "s5", "s4", "s2", "s1", "s0"]
        first = answer["sessions"][0]
        assert (first["status"], first["records"], first["lastStep"]) == (
            "running",
            3,
            2,
        )
        assert answer["sessions"][1]["status"] == "ended"
    for at in range(6, 40):
        await rig.writer(f"s{at}").append(*numbered(0, 1), updated_ms=at)
    async with asking_little(gateway) as watcher:
        await watcher.send(type="sessions")
        told: list[str] = []
        more, messages = True, 0
        while more:
            answer = await watcher.until("sessions")
            told += [one["sessionId"] for one in answer["sessions"]]
            more, messages = answer["more"], messages + 1
        assert told == [*names, *(f"s{at}" for at in range(39, 5, -1))]
        assert messages > 1


async def test_snapshots(rig: Rig, gateway: Gateway) -> None:
    """Of one session flat, of several in lists of bounded size."""
    alarm: dict[str, Any] = {"step": 3, "emergency": {"reason": "collapse"}}
    for name in ("run_1", "run_2", "other"):
        await rig.writer(name).append(*numbered(0, 3), alarm, last_step=3)
    async with watching(gateway) as watcher:
        await watcher.send(type="snapshot", sessionId="run_1", id=1)
        one = await watcher.until("snapshot")
        assert (one["sessionId"], one["data"], one["id"]) == ("run_1", alarm, 1)
        assert (one["status"], one["records"]) == ("running", 4)
        assert one["steps"]["last"] == 3
        assert one["emergencies"]["latest"] == {
            "id": f"run_1/{one['cursor']}", "data": alarm,
        }  # fmt: skip  # one glance
        await watcher.send(type="snapshot", sessionId="none")
        none = await watcher.until("snapshot")
        assert none["cursor"] is none["data"] is none["status"] is None
        await watcher.send(type="snapshot", sessionIds=["run_*", "none"])
        some = await watcher.until("snapshot")
        names = {each["sessionId"] for each in some["snapshots"]}
        assert (names, some["more"]) == ({"run_1", "run_2", "none"}, False)
    alarm["filler"] = "x" * 1_500
    for name in ("run_1", "run_2", "other"):
        await rig.writer(name).append(alarm, last_step=3)
    async with asking_little(gateway) as watcher:
        await watcher.send(type="snapshot")
        parts = [await watcher.until("snapshot") for _ in range(3)]
        assert [part["more"] for part in parts] == [True, True, False]
        assert {part["snapshots"][0]["sessionId"] for part in parts} == {
            "run_1", "run_2", "other",
        }  # fmt: skip  # one glance
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        told = (await client.get("/api/sessions/run_1")).json()
        last = next(
            one
            for part in parts
            for one in part["snapshots"]
            if one["sessionId"] == "run_1"
        )
        assert {**told, "rate": 0} == {**last, "rate": 0}


async def test_a_snapshot_is_where_delivery_starts(rig: Rig, gateway: Gateway) -> None:
    """While records come: the first to be delivered follows the one that was shown."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 1))

    watching_now: set[asyncio.Task[None]] = set()

    async def write() -> None:
        # As long as anybody waits for more, however late they come.
        for step in itertools.takewhile(lambda _: watching_now, itertools.count(1)):
            await writer.append(*numbered(step, step + 1))

    async def watch(fields: dict[str, Any]) -> None:
        async with watching(gateway) as watcher:
            await watcher.subscribe(snapshot=True, **fields)
            shown = await watcher.until("snapshot")
            shown = shown["snapshots"][0] if "snapshots" in shown else shown
            step = shown["data"]["step"]
            told = await watcher.until("telemetry")
            assert told["prev"] == shown["cursor"]
            assert told["data"][0]["step"] == step + 1
            assert "replayed" not in told
            await watcher.until_records(50)
            assert watcher.records[:50] == numbered(step + 1, step + 51)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            for fields in ({"sessionId": "a"}, {"sessionIds": ["a*"]}, {}):
                task = tasks.create_task(watch(fields))
                watching_now.add(task)
                task.add_done_callback(watching_now.discard)
        tasks.create_task(write())


async def test_snapshots_that_are_too_large_together(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, and nothing is subscribed to."""
    await rig.writer("a").append({"pad": "x" * 1_000})
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS_BYTES", 100)
    async with watching(gateway) as watcher:
        await watcher.send(type="subscribe", snapshot=True, id=1)
        error = await watcher.until("error")
        assert (error["code"], error["id"]) == ("too_large", 1)
        assert not gateway.replica.hub.subscribers


async def test_a_snapshot_of_a_session_to_come(rig: Rig, gateway: Gateway) -> None:
    """Nulls, and then everything."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", snapshot=True)
        assert (await watcher.until("snapshot"))["cursor"] is None
        await rig.writer("a").append(*numbered(0, 3))
        assert await watcher.until_records(3) == numbered(0, 3)


async def test_what_becomes_of_sessions(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once, to those who subscribed to all or by a glob that matches."""
    monkeypatch.setattr(session_events, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(session_events, "TICK_SECONDS", 1_000.0)
    skipped_ms = 0

    def clock() -> float:
        return time.monotonic() + skipped_ms / 1_000

    broker = rig.connect()
    read_clock = broker.now_ms

    async def now_ms() -> int:
        return await read_clock() + skipped_ms

    # However late it is read, it is as late by the broker's clock as by ours.
    monkeypatch.setattr(broker, "now_ms", now_ms)
    await rig.writer("run_old").append(*numbered(0, 1))
    async with (
        serving(broker, clock=clock, ping_interval=1e6, pong_timeout=1e6) as gateway,
        watching(gateway) as everything,
        watching(gateway) as glob,
        watching(gateway) as named,
    ):
        tick = gateway.replica.session_events.tick
        while not gateway.replica.feed.is_fresh:
            await everything.send(type="heartbeat")
            await everything.until("heartbeat")
        await everything.subscribe()
        await glob.subscribe(sessionIds=["run_*"])
        await named.subscribe(sessionId="run_1")
        await tick()
        await tick()
        await rig.writer("run_1").append(*numbered(0, 1))
        for watcher in (everything, glob, named):
            await watcher.until_records(1)
        await tick()
        await tick()
        for watcher in (everything, glob):
            event = await watcher.until("session")
            assert (event["sessionId"], event["event"]) == ("run_1", "started")
            assert event["status"] == "running"
            assert event["head"] == watcher.cursors["run_1"]
        # Clocks are read across connections: none is right to the millisecond.
        skipped_ms = STALLED_MS + 20_000
        await tick()
        told = {(await everything.until("session"))["sessionId"] for _ in range(2)}
        assert told == {"run_1", "run_old"}
        await rig.writer("run_1").append(*numbered(1, 2))
        state = broker._keys.state("run_1")
        await broker._redis.hincrby(state, "appended_ms", skipped_ms)
        await everything.until_records(2)
        await tick()
        event = await everything.until("session")
        assert (event["sessionId"], event["event"]) == ("run_1", "resumed")
        skipped_ms += ENDED_MS - 30_000
        await tick()
        events = {}
        for _ in range(2):
            event = await everything.until("session")
            events[event["sessionId"]] = event["event"]
        assert events == {"run_1": "stalled", "run_old": "ended"}
        await named.send(type="heartbeat")
        while (message := await named.next())["type"] != "heartbeat":
            assert message["type"] != "session"
