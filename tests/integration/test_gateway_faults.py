"""What clients are told when brokers forget, hints are lost and peers are slow."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.connections import websocket
from tailcast_gateway.connections.drain import Departure
from tailcast_gateway.delivery import catch_up
from tailcast_gateway.sessions import audit, feed
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import Keys
from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Head
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    Rig,
    Writer,
    fill_sockets,
    numbered,
    serving,
    until_read,
    watching,
)
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits and retries come soon."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.2)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(catch_up, "CATCH_UP_RETRY_SECONDS", 0.05)


@pytest.mark.usefixtures("hasty")
async def test_a6_trimmed_under_a_reader(rig: Rig) -> None:
    """A6, P2: what was trimmed is told as a gap, and `recovered` is false."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 300))
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe(sessionId="a", **{"from": "start"})
            frame = await watcher.until("telemetry")
        early = frame["prev"]
        entries = await rig.broker.read_after("a", EntryID(1, 0), limit=300)
        # Trimming is approximate in units of a hundred entries: say exactly.
        await rig.trim("a", entries[200].id)
        async with watching(gateway) as watcher:
            answer = await watcher.subscribe(sessionId="a", **{"from": "start"})
            assert answer["oldest"] == str(entries[200].cursor)
            await watcher.until("caught_up")
            assert watcher.records == numbered(200, 300)
        cursor = str(entries[10].cursor)
        async with watching(gateway) as watcher:
            answer = await watcher.subscribe(
                sessionId="a", **{"from": {"cursor": cursor}}
            )
            assert answer["recovered"] is False
            gap = await watcher.until("gap")
            assert (gap["from"], gap["reason"]) == (cursor, "trimmed")
            await watcher.until("caught_up")
            assert watcher.records == numbered(200, 300)
        assert early == "1-0-00000000"


async def test_a7_killed_gateway(rig: Rig) -> None:
    """A7: whoever resumes from a cursor it holds on another replica misses nothing."""
    writer = rig.writer("a")
    async with rig.serving() as second:
        async with rig.serving() as first, watching(first) as watcher:
            await watcher.subscribe(sessionId="a")
            await writer.append(*numbered(0, 20))
            await watcher.until_records(20)
        await writer.append(*numbered(20, 30))
        async with watching(second) as back:
            back.records = watcher.records
            held = {"cursor": watcher.cursors["a"]}
            answer = await back.subscribe(sessionId="a", **{"from": held})
            assert answer["recovered"] is True
            assert await back.until_records(30) == numbered(0, 30)


async def test_a9_history_is_not_news(rig: Rig) -> None:
    """A9: what was in a file before it was first seen is skipped for `now`."""
    writer = rig.writer("a")
    lines = numbered(0, 10)
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe()
        await watcher.until("positions")
        size = sum(len(_line(line)) for line in lines)
        await writer.append(*lines[:4], backlog_end=size)
        async with watching(gateway) as late, watching(gateway) as whole:
            answer = await late.subscribe(sessionId="a")
            assert answer["cursor"] == answer["head"]
            await whole.subscribe(sessionId="a", **{"from": "start"})
            await writer.append(*lines[4:])
            await writer.append(*numbered(10, 12))
            for one in (watcher, late):
                caught_up = await one.until("caught_up")
                assert caught_up["cursor"].startswith(f"1-{size}-")
                assert await one.until_records(2) == numbered(10, 12)
            assert await whole.until_records(12) == numbered(0, 12)


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


async def test_a10_all_sessions_resume(rig: Rig) -> None:
    """A10: positions name all sessions; one that came into being since is had whole."""
    names = [f"run/{number:03}" for number in range(30)]
    for name in names:
        await rig.writer(name).append(*numbered(0, 2))
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            positions = await watcher.until("positions", more=False)
            assert set(positions["cursors"]) == {*names, "!emergencies"}
        await rig.writer(names[0]).append({"step": "mine"})
        await rig.writer("new").append({"step": "new"})
        async with watching(gateway) as back:
            await back.subscribe(cursors=positions["cursors"], at=positions["at"])
            records = await back.until_records(2)
            assert sorted(one["step"] for one in records) == ["mine", "new"]
            await rig.writer(names[5]).append({"step": "live"})
            assert (await back.until_records(3))[2] == {"step": "live"}


@pytest.mark.usefixtures("hasty")
async def test_b5_broker_away(own_rig: Rig, own_broker: BrokerServer) -> None:
    """B5, P5: away at the start and later: not ready, and goes on by itself."""
    own_broker.stop()
    writer = own_rig.writer("a")
    async with (
        own_rig.serving() as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
        watching(gateway) as watcher,
    ):
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/api/sessions")).status_code == 503
        await watcher.send(type="subscribe", sessionId="a", id=1)
        refused = await watcher.until("error", code="unavailable", id=1)
        assert refused["retryAfterMs"] > 0
        own_broker.start()
        await _until_ready(client)
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(0, 3))
        await watcher.until_records(3)
        own_broker.restart()
        await asyncio.sleep(0)
        await _appended(writer, numbered(3, 5))
        assert await watcher.until_records(5) == numbered(0, 5)


async def _appended(writer: Writer, records: list[dict[str, Any]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await writer.append(*records)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def _until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("hasty")
async def test_wiped_broker_same_file(own_rig: Rig, own_broker: BrokerServer) -> None:
    """A1: all forgotten and read again: a live client gets each record once."""
    writer = own_rig.writer("a")
    async with own_rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(0, 20))
        await watcher.until_records(20)
        own_broker.wipe()
        writer.incarnation = "another"
        await _appended(writer, numbered(0, 7))
        await _appended(writer, numbered(7, 25))
        assert await watcher.until_records(25) == numbered(0, 25)


@pytest.mark.usefixtures("hasty")
async def test_wiped_broker_other_file(own_rig: Rig, own_broker: BrokerServer) -> None:
    """A1: all forgotten and another file there, of the same shape: it is told."""
    writer = own_rig.writer("a")
    async with own_rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(10, 30))
        await watcher.until_records(20)
        own_broker.wipe()
        writer.incarnation = "another"
        await _appended(writer, numbered(50, 75))
        rewind = await watcher.until("rewind")
        assert (rewind["reason"], rewind["cursor"]) == ("replaced", "1-0-00000000")
        watcher.records.clear()
        assert await watcher.until_records(25) == numbered(50, 75)


@pytest.mark.usefixtures("hasty")
async def test_diverged_by_hand(rig: Rig) -> None:
    """A3, G05: made anew under live clients: each record once."""
    writer = rig.writer("a")
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(0, 10))
        await watcher.until_records(10)
        await rig.broker._redis.delete(Keys(rig.prefix).stream("a"))
        state = await rig.broker.load("a")
        assert state is not None
        assert state.position.is_diverged
        assert await rig.broker.discard("a", state.position)
        writer.incarnation = "another"
        await writer.append(*numbered(0, 12))
        assert await watcher.until_records(12) == numbered(0, 12)


class Broken(RedisBroker):
    """A broker whose adapter has a defect, for one session."""

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        if "bad" in sessions:
            raise ZeroDivisionError
        return await super().heads(sessions)


async def test_a_defect_is_told_by_a_close(rig: Rig) -> None:
    """No client waits for an answer that does not come; others are not disturbed."""
    broker = Broken(rig.url, key_prefix=rig.prefix)
    rig.stack.push_async_callback(broker.aclose)
    async with (
        serving(broker) as gateway,
        watching(gateway) as good,
        watching(gateway) as bad,
    ):
        await good.subscribe(sessionId="a")
        await bad.send(type="subscribe", sessionId="bad")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await bad.connection.wait_closed()
        assert bad.connection.close_code == 1011
        await rig.writer("a").append(*numbered(0, 2))
        assert await good.until_records(2) == numbered(0, 2)


async def test_rewind(rig: Rig) -> None:
    """A new generation is told, with its cursor, before its records."""
    writer = rig.writer("a")
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(0, 3))
        await watcher.until_records(3)
        await writer.rewrite(*numbered(0, 2))
        assert await watcher.until("rewind") == {
            "type": "rewind", "sessionId": "a", "cursor": "2-0-00000000",
            "generation": "2", "reason": "truncated", "step": 0, "complete": True,
        }  # fmt: skip  # one glance
        assert (await watcher.until_records(5))[3:] == numbered(0, 2)


async def test_b6_slow_reader(rig: Rig) -> None:
    """B6, G08: a client that stops reading costs its buffer; then it gets all."""
    writer = rig.writer("a")
    big = {"pad": "x" * 2_000}
    async with (
        rig.serving(window_bytes=200_000) as gateway,
        watching(gateway, max_queue=1) as slow,
        watching(gateway) as quick,
    ):
        await slow.subscribe(sessionId="a")
        await quick.subscribe(sessionId="a")
        for start in range(0, 8_000, 500):
            await writer.append(
                *({**big, "step": n} for n in range(start, start + 500))
            )
        await quick.until_records(8_000)
        # 16 MB went by; of the one that does not read only so much is held.
        held = [c._socket.buffered_bytes for p in gateway.replica.connections._parts
                for c in p]  # fmt: skip
        assert max(held) < 1_000_000
        assert gateway.replica.hub.windows_bytes <= 200_000
        await slow.until_records(8_000)
        assert [one["step"] for one in slow.records] == list(range(8_000))
        await writer.append({"step": "last"})
        assert (await slow.until_records(8_001))[-1] == {"step": "last"}


async def test_early_announcement(rig: Rig) -> None:
    """P7: a client that is far behind hears an emergency at once, and in its place."""
    writer = rig.writer("a")
    alarm = {"emergency": {"reason": "collapse"}}
    async with rig.serving() as gateway, watching(gateway, max_queue=1) as slow:
        await slow.subscribe(sessionId="a")
        count = await fill_sockets(gateway, writer)
        await writer.append(alarm)
        # It is announced before anything is read: then nobody catches up first.
        await until_read(gateway, writer)
        early = await slow.until("emergency", early=True)
        assert len(slow.records) < count
        assert "cursor" not in early
        told = await slow.until("emergency")
        assert (told["id"], told["data"]) == (early["id"], alarm)
        assert len(slow.records) == count + 1


async def test_silent_peer_is_closed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pong: closed with 4012; one that reads and answers stays."""
    # It does not read the close either.
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.3)

    def deaf(data: bytes) -> None:
        del data

    async with (
        rig.serving(ping_interval=0.2, pong_timeout=0.2) as gateway,
        connect(gateway.ws_url) as alive,
        connect(gateway.ws_url) as dead,
    ):
        # Deaf from here on: its library answers no ping that it does not get.
        monkeypatch.setattr(dead.protocol, "receive_data", deaf)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(gateway.replica.connections) > 1:
                await asyncio.sleep(0.02)
        assert alive.state.name == "OPEN"
        dead.transport.abort()


async def test_draining(rig: Rig) -> None:
    """Everybody is told when to come back and closed with 1012; nobody new comes."""
    async with rig.serving() as gateway, watching(gateway) as watcher:
        draining = asyncio.create_task(gateway.replica.drain(Departure(1.0)))
        told = await watcher.until("draining")
        assert 100 <= told["reconnectAfterMs"] <= 1_000
        await watcher.connection.wait_closed()
        assert watcher.connection.close_code == 1012
        await draining
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            assert (await client.get("/readyz")).status_code == 503
