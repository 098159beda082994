"""Named clients when something breaks: resumed anywhere, and nothing is skipped."""

import asyncio
import random
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.resume import saver
from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    Watcher,
    numbered,
    watching,
)
from tests.integration.named_clients import (
    BEGINNING,
    HASTY,
    read_out,
    steps,
    until_kept,
    until_step,
)


@pytest.fixture(autouse=True)
def saves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves come soon."""
    monkeypatch.setattr(saver, "SAVE_SECONDS", 0.1)


async def test_a_killed_client_with_megabytes_on_their_way(rig: Rig) -> None:
    """A7: what was in buffers comes again; nothing is taken for received."""
    writer = rig.writer("a")
    await writer.append({"step": 0})
    async with rig.serving(**HASTY) as gateway:
        async with connect(gateway.ws_url, max_queue=2) as connection:
            client = Watcher(connection)
            await client.subscribe(sessionId="a", clientId="me", **{"from": "start"})
            await client.until("caught_up")
            await until_kept(rig, a=client.cursors["a"])
            for start in range(1, 4_001, 500):
                some = range(start, start + 500)
                await writer.append(*({"step": n, "x": "x" * 1_000} for n in some))
            await client.until_records(10)
            connection.transport.abort()
            await read_out(client)
            had = steps(client)
        async with watching(gateway) as client:
            again = await client.subscribe(
                sessionId="a", clientId="me", **{"from": "resume"}
            )
            assert again["recovered"] is True
            await until_step(client, 4_000)
        later = steps(client)
        assert later == list(range(later[0], 4_001))
        assert later[0] <= had[-1] + 1


async def test_a_broker_that_lost_everything(own_rig: Rig) -> None:
    """What a connected client has is kept anew; one that was away begins now."""
    writer = own_rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with own_rig.serving(**HASTY) as gateway:
        async with watching(gateway) as client:
            await client.subscribe(sessionIds=["*"], clientId="me")
            await client.until("positions")
            before = client.cursors["a"]
            await until_kept(own_rig, a=before)
            await own_rig.broker._redis.flushall()
            await own_rig.writer("a").append(*numbered(0, 4))
            await client.until_records(1)
            assert steps(client) == [3]
            await until_kept(own_rig, a=client.cursors["a"])
        await own_rig.writer("a").append(*numbered(4, 5))
        async with watching(gateway) as client:
            await client.subscribe(
                sessionIds=["*"], clientId="me", **{"from": "resume"}
            )
            await client.until_records(1)
            assert steps(client) == [4]
        await own_rig.broker._redis.flushall()
        await own_rig.writer("a").append(*numbered(0, 6))
        async with watching(gateway) as client:
            told = await client.subscribe(
                sessionId="a", clientId="gone", **{"from": "resume"}
            )
            assert told["recovered"] is False


async def test_a_rebuilt_stream(own_rig: Rig) -> None:
    """The cursor is found by offset and digest, whatever the generation is called."""
    writer = own_rig.writer("a")
    await writer.append(*numbered(0, 3))
    await writer.rewrite(*numbered(0, 5))
    async with own_rig.serving(**HASTY) as gateway, watching(gateway) as client:
        await client.subscribe(sessionId="a", clientId="me", **{"from": "start"})
        await client.until("caught_up")
        await until_kept(own_rig, a=client.cursors["a"])
    client_key = own_rig.broker._keys.client("me")
    saved: dict[Any, Any] = await own_rig.broker._redis.hgetall(client_key)
    await own_rig.broker._redis.flushall()
    await own_rig.broker._redis.hset(client_key, mapping=saved)
    await own_rig.writer("a").append(*numbered(0, 7))
    async with own_rig.serving(**HASTY) as gateway, watching(gateway) as client:
        told = await client.subscribe(
            sessionId="a", clientId="me", **{"from": "resume"}
        )
        assert told["recovered"] is True
        await client.until_records(2)
        assert steps(client) == [5, 6]


async def test_a_broker_that_is_away(own_rig: Rig, own_broker: BrokerServer) -> None:
    """Nothing waits for it; what was received is saved when it is back."""
    writer = own_rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with own_rig.serving(**HASTY) as gateway, watching(gateway) as client:
        await client.subscribe(
            sessionId="a", clientId="me", ack="manual", **{"from": "start"}
        )
        await client.until("caught_up")
        own_broker.kill()
        await client.send(type="ack", sessionId="a", cursor=client.cursors["a"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b'outcome="failed"' not in gateway.replica.instruments.exposition():
                await asyncio.sleep(0.01)
        async with watching(gateway) as other:
            await other.send(type="subscribe", sessionId="a", clientId="you")
            assert (await other.until("error"))["code"] == "unavailable"
        own_broker.start()
        await until_kept(own_rig, a=client.cursors["a"])


async def test_a_key_that_somebody_spoiled(rig: Rig) -> None:
    """It is that client's trouble and nobody else's."""
    await rig.writer("a").append(*numbered(0, 3))
    key = rig.broker._keys.client("bad")
    async with (
        rig.serving(**HASTY) as gateway,
        watching(gateway) as bad,
        watching(gateway) as good,
    ):
        first = await bad.subscribe(sessionId="a", clientId="bad")
        await until_kept(rig, "bad", a=first["cursor"])
        await rig.broker._redis.delete(key)
        await rig.broker._redis.set(key, "spoiled")
        await good.subscribe(sessionId="a", clientId="good", **{"from": "start"})
        await rig.writer("a").append(*numbered(3, 5))
        await good.until_records(5)
        await until_kept(rig, "good", a=good.cursors["a"])
        assert await bad.until_records(2) == numbered(3, 5)
        await rig.broker._redis.delete(key)
        await until_kept(rig, "bad", a=bad.cursors["a"])


async def test_kill_9(broker: BrokerServer) -> None:
    """G12: a gateway is killed; its clients resume on another, nothing is skipped."""
    rig = Rig(broker.url)
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    settings = {"KEY_PREFIX": rig.prefix, "PING_INTERVAL": "1s"}
    ports = free_port(), free_port()
    async with (
        rig.stack,
        running(broker.url, ports[0], **settings) as one,
        running(broker.url, ports[1], **settings),
    ):
        for port in ports:
            await until_ready(port)
        had: list[int] = []
        cursors: list[str] = []
        async with connect(f"ws://127.0.0.1:{ports[0]}/ws/telemetry") as connection:
            client = Watcher(connection)
            await client.subscribe(sessionId="a", clientId="me", **{"from": "start"})
            await client.until("caught_up")
            await until_kept(rig, a=client.cursors["a"])
            for step in range(3, 40):
                await writer.append(*numbered(step, step + 1))
            await client.until_records(30)
            one.kill()
            await read_out(client)
            had, cursors = steps(client), [str(client.cursors["a"])]
        for step in range(40, 50):
            await writer.append(*numbered(step, step + 1))
        async with connect(f"ws://127.0.0.1:{ports[1]}/ws/telemetry") as connection:
            client = Watcher(connection)
            told = await client.subscribe(
                sessionId="a", clientId="me", **{"from": "resume"}
            )
            assert told["recovered"] is True
            assert told["cursor"] <= cursors[0] or len(told["cursor"]) < len(cursors[0])
            await until_step(client, 49)
        again = steps(client)
        assert again == list(range(again[0], 50))
        assert again[0] <= had[-1] + 1


class Traveller:
    """A client that comes and goes, and what it has had in all."""

    def __init__(self) -> None:
        # The last step that it has had of each session.
        self.had: dict[str, int] = {}

    def note(self, watcher: Watcher) -> None:
        """Of one connection: no hole in it, and none before it."""
        for session in ("a", "b"):
            got = [one["step"] for one in watcher.records if one["session"] == session]
            if got:
                assert got == list(range(got[0], got[0] + len(got)))
                assert got[0] <= self.had.get(session, -1) + 1
                self.had[session] = max(got[-1], self.had.get(session, -1))


@pytest.mark.parametrize("seed", range(3))
async def test_coming_and_going(rig: Rig, seed: int) -> None:
    """Whichever replica, however the connection ends: nothing is ever skipped."""
    chance = random.Random(seed)
    traveller = Traveller()
    written = {"a": 0, "b": 0}
    writers = {session: rig.writer(session) for session in written}

    async def write(count: int) -> None:
        session = chance.choice("ab")
        steps = range(written[session], written[session] + count)
        await writers[session].append(*({"session": session, "step": n} for n in steps))
        written[session] += count

    async with (
        rig.serving(**HASTY) as one,
        rig.serving(window_bytes=2_000, **HASTY) as two,
        rig.serving(**HASTY) as three,
    ):
        await write(5)
        async with watching(one) as client:
            await client.subscribe(clientId="me", **{"from": "start"})
            await until_kept(rig, **{"!emergencies": BEGINNING})
            await client.connection.close()
            await read_out(client)
            traveller.note(client)
        for _ in range(15):
            async with watching(chance.choice([one, two, three])) as client:
                await client.subscribe(clientId="me", **{"from": "resume"})
                for _ in range(chance.randrange(6)):
                    await write(chance.randrange(1, 30))
                    if chance.random() < 0.7:
                        await client.send(type="heartbeat")
                        await client.until("heartbeat")
                if chance.random() < 0.5:
                    client.connection.transport.abort()
                else:
                    await client.connection.close()
                await read_out(client)
                traveller.note(client)
        async with watching(two) as client:
            await client.subscribe(clientId="me", **{"from": "resume"})
            while any(traveller.had.get(s, -1) < n - 1 for s, n in written.items()):
                await client.next()
                traveller.note(client)
