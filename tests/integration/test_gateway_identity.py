"""Clients that name themselves: resumed anywhere, after anything, nothing skipped."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway import keeper
from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    Watcher,
    numbered,
    watching,
)
from tests.integration.test_gateway_process import running, until_ready


# Pings come soon: connections are looked at ten times a second.
HASTY: dict[str, Any] = {"ping_interval": 0.4}
BEGINNING = "1-0-00000000"


@pytest.fixture(autouse=True)
def saves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves come soon."""
    monkeypatch.setattr(keeper, "SAVE_SECONDS", 0.1)


@pytest.fixture
async def rig(broker: BrokerServer) -> AsyncIterator[Rig]:
    """Keys of the test's own."""
    made = Rig(broker.url)
    async with made.stack:
        yield made


@pytest.fixture
async def own_rig(own_broker: BrokerServer) -> AsyncIterator[Rig]:
    """A broker of the test's own."""
    made = Rig(own_broker.url)
    async with made.stack:
        yield made


async def kept(rig: Rig, client: str = "me") -> dict[str, str]:
    """What an operator sees of a client."""
    key = rig.broker._keys.client(client)
    found: dict[Any, Any] = await rig.broker._redis.hgetall(key)
    return {name.decode(): value.decode() for name, value in found.items()}


async def until_kept(rig: Rig, client: str = "me", **cursors: str | None) -> None:
    """Until these are what is kept of a client."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cursors.items() <= (await kept(rig, client)).items():
            await asyncio.sleep(0.01)


async def closed_with(connection: ClientConnection) -> int | None:
    """Read to the end; its code."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            while True:
                await connection.recv()
        except ConnectionClosed:
            return connection.close_code


def steps(watcher: Watcher) -> list[int]:
    """The records that a client has had, by their numbers."""
    return [record["step"] for record in watcher.records]


async def until_step(watcher: Watcher, step: int) -> None:
    """Read until that record has come."""
    while step not in steps(watcher)[-1:]:
        await watcher.next()


async def test_resuming_on_another_replica(rig: Rig) -> None:
    """What the peer's pong confirmed is not sent again, what came since is."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with rig.serving(**HASTY) as one, rig.serving(**HASTY) as other:
        async with watching(one) as client:
            await client.subscribe(sessionId="a", **{"from": "start"}, clientId="me")
            await client.until_records(3)
            await client.until("caught_up")
            await until_kept(rig, a=client.cursors["a"])
        await writer.append(*numbered(3, 5))
        async with watching(other) as client:
            subscribed = await client.subscribe(
                sessionId="a", clientId="me", **{"from": "resume"}
            )
            assert subscribed["recovered"] is True
            assert await client.until_records(2) == numbered(3, 5)


async def test_a_client_that_nobody_knows(rig: Rig) -> None:
    """It begins now, and is told that nothing proves that it missed nothing."""
    await rig.writer("a").append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        one = await client.subscribe(sessionId="a", clientId="me", **{"from": "resume"})
        assert one["recovered"] is False
        assert one["cursor"] == one["head"]
        await until_kept(rig, a=one["cursor"])
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        everything = await client.subscribe(clientId="other", **{"from": "resume"})
        assert everything["recovered"] is False
        positions = await client.until("positions")
        assert positions["cursors"]["a"] == one["cursor"]


async def test_the_name_comes_with_the_handshake(rig: Rig) -> None:
    """As with the message; one connection has one name; a name has its bounds."""
    await rig.writer("a").append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway:
        url = f"{gateway.ws_url}?clientId=me"
        async with connect(url) as connection:
            client = Watcher(connection)
            told = await client.subscribe(sessionId="a", **{"from": "start"})
            assert told["cursor"] == BEGINNING
            await until_kept(rig, a=BEGINNING)
            await client.send(type="subscribe", clientId="other", id=1)
            assert (await client.until("error"))["code"] == "invalid_message"
        for name in ("", "x" * 257):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{gateway.ws_url}?clientId={name}")
            assert refused.value.response.status_code == 400


async def test_what_needs_a_name(rig: Rig) -> None:
    """Nobody is resumed or believed without one."""
    async with rig.serving() as gateway, watching(gateway) as client:
        for fields in ({"from": "resume"}, {"ack": "manual"}):
            await client.send(type="subscribe", **fields)
            assert (await client.until("error"))["code"] == "invalid_message"
        await client.send(type="ack", sessionId="a", cursor=BEGINNING)
        assert (await client.until("error"))["code"] == "invalid_message"


async def test_gone_again_before_anything_came(rig: Rig) -> None:
    """A client that leaves before its first message resumes where it would have."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway:
        async with watching(gateway) as client:
            first = await client.subscribe(sessionId="a", clientId="me")
            await until_kept(rig, a=first["cursor"])
        await writer.append(*numbered(3, 5))
        for _ in range(3):
            async with watching(gateway) as client:
                await client.send(
                    type="subscribe", sessionId="a", clientId="me", **{"from": "resume"}
                )
        async with watching(gateway) as client:
            await client.subscribe(sessionId="a", clientId="me", **{"from": "resume"})
            assert await client.until_records(2) == numbered(3, 5)


async def test_idle_for_long(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, the hold is kept up, and the client resumes where it was."""
    monkeypatch.setattr("gateway.acknowledgement.REFRESH_SECONDS", 0.2)
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway:
        async with watching(gateway) as client:
            first = await client.subscribe(sessionId="a", clientId="me")
            await until_kept(rig, a=first["cursor"])
            await rig.broker._redis.persist(rig.broker._keys.client("me"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await rig.broker._redis.ttl(rig.broker._keys.client("me")) < 0:
                    await asyncio.sleep(0.01)
        await writer.append(*numbered(3, 5))
        async with watching(gateway) as client:
            await client.subscribe(sessionId="a", clientId="me", **{"from": "resume"})
            assert await client.until_records(2) == numbered(3, 5)


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
            had = steps(client)
            connection.transport.abort()
        async with watching(gateway) as client:
            again = await client.subscribe(
                sessionId="a", clientId="me", **{"from": "resume"}
            )
            assert again["recovered"] is True
            await until_step(client, 4_000)
        later = steps(client)
        assert later == list(range(later[0], 4_001))
        assert later[0] <= had[-1] + 1


async def test_its_own_word(rig: Rig) -> None:
    """Manual: what was sent and even answered by pongs is not received; acks are."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 4))
    async with rig.serving(window_bytes=1, **HASTY) as gateway:
        async with watching(gateway) as client:
            await client.subscribe(
                sessionId="a", clientId="me", ack="manual", **{"from": "start"}
            )
            await client.until_records(4)
            last = client.cursors["a"]
            middle = (await rig.broker.read_before("a", None, limit=3))[-1].cursor
            for cursor in (str(middle), BEGINNING):
                await client.send(type="ack", sessionId="a", cursor=cursor)
            await until_kept(rig, a=str(middle))
            wrong = ["1-999999-00000000", f"{str(middle)[:-8]}0000000f", "junk"]
            for cursor in wrong:
                await client.send(type="ack", sessionId="a", cursor=cursor, id=cursor)
                error = await client.until("error")
                assert (error["code"], error["id"]) == ("invalid_cursor", cursor)
            await client.send(type="ack", sessionId="b", cursor=str(middle))
            assert (await client.until("error"))["code"] == "invalid_cursor"
            assert (await kept(rig))["a"] == str(middle)
        async with watching(gateway) as client:
            await client.subscribe(sessionId="a", clientId="me", **{"from": "resume"})
            assert await client.until_records(2) == numbered(2, 4)
            await until_kept(rig, a=last)


@pytest.mark.parametrize("is_same_replica", [True, False])
async def test_one_connection_holds_a_client(
    rig: Rig,
    is_same_replica: bool,  # a case
) -> None:
    """A new one takes it over: the old one is closed at once, and keeps no more."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with (
        rig.serving(**HASTY) as one,
        rig.serving(**HASTY) as another,
        watching(one) as old,
        watching(one if is_same_replica else another) as new,
    ):
        await old.subscribe(sessionId="a", clientId="me", **{"from": "start"})
        await old.until_records(3)
        await until_kept(rig, a=old.cursors["a"])
        await new.subscribe(sessionId="a", clientId="me", **{"from": "resume"})

        assert await closed_with(old.connection) == 4409
        await writer.append(*numbered(3, 5))
        assert await new.until_records(2) == numbered(3, 5)
        await until_kept(rig, a=new.cursors["a"])


async def test_a_takeover_that_nobody_heard(rig: Rig) -> None:
    """The old holder's next save is refused, which closes it."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        first = await client.subscribe(sessionId="a", clientId="me")
        await until_kept(rig, a=first["cursor"])
        # By hand: no note on the channel.
        key = rig.broker._keys.client("me")
        later = int((await kept(rig))["!hold"]) + 1
        await rig.broker._redis.hset(key, "!hold", str(later))
        await writer.append(*numbered(3, 5))

        assert await closed_with(client.connection) == 4409
        assert (await kept(rig))["a"] == first["cursor"]
        metrics = gateway.replica.instruments.exposition().decode()
        assert 'progress_saves_total{outcome="refused"} 1.0' in metrics


async def test_all_sessions_and_documents(rig: Rig) -> None:
    """Each where it was; one that came into being meanwhile from its beginning."""
    for name in ("a", "b"):
        await rig.writer(name).append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway:
        async with watching(gateway) as client:
            await client.subscribe(clientId="me")
            await client.until("positions")
            await rig.writer("a").append(*numbered(3, 5))
            await client.until_records(2)
            await until_kept(rig, a=client.cursors["a"], b=client.cursors["b"])
            assert "!emergencies" in await kept(rig)
        await rig.writer("b").append(*numbered(3, 4))
        await rig.writer("new").append(*numbered(10, 12))
        async with watching(gateway) as client:
            told = await client.subscribe(clientId="me", **{"from": "resume"})
            assert "recovered" not in told
            await client.until_records(3)
            assert sorted(steps(client)) == [3, 10, 11]


async def test_a_record_that_is_held_back(rig: Rig) -> None:
    """With a rate: the record that waits is not taken for sent, those before are."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway:
        async with watching(gateway) as client:
            await client.subscribe(sessionIds=["*"], clientId="me", maxRate=0.01)
            await client.until("positions")
            for step in range(3, 10):
                await writer.append(*numbered(step, step + 1))
            newest = await rig.broker.read_before("a", None, limit=2)
            await until_kept(rig, a=str(newest[1].cursor))
        async with watching(gateway) as client:
            await client.subscribe(clientId="me", **{"from": "resume"})
            await client.until_records(1)
            assert steps(client) == [9]


async def test_a_replay_that_is_reduced(rig: Rig) -> None:
    """It comes again from its beginning, and is then kept as had."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 500))
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        await client.subscribe(
            sessionId="a", clientId="me", maxPoints=10, **{"from": "start"}
        )
        await until_kept(rig, a=BEGINNING)
        last = (await client.until("caught_up"))["cursor"]
        await until_kept(rig, a=last)


async def test_subscribing_otherwise_begins_anew(rig: Rig) -> None:
    """Without resume and add, nothing of what was kept before is."""
    for name in ("a", "b"):
        await rig.writer(name).append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        await client.subscribe(sessionId="a", clientId="me")
        await client.subscribe(sessionId="b", add=True)
        await until_kept(rig, a=client.cursors["a"], b=client.cursors["b"])
        await client.subscribe(sessionId="b", **{"from": "start"})
        await until_kept(rig, b=BEGINNING)
        assert "a" not in await kept(rig)
        await client.until("caught_up")
        await until_kept(rig, b=client.cursors["b"])


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
        await client.subscribe(sessionId="a", clientId="me", **{"from": "start"})
        await client.until("caught_up")
        own_broker.kill()
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
    """A gateway that is killed: its clients resume on another, nothing is skipped."""
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
            await closed_with(connection)
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


async def test_drain_saves_what_was_received(rig: Rig) -> None:
    """A replica that ends saves what its clients have confirmed."""
    await rig.writer("a").append(*numbered(0, 3))
    async with rig.serving(**HASTY) as gateway, watching(gateway) as client:
        await client.subscribe(
            sessionId="a", clientId="me", ack="manual", **{"from": "start"}
        )
        await client.until_records(3)
        await client.send(type="ack", sessionId="a", cursor=client.cursors["a"])
        await client.send(type="heartbeat")
        await client.until("heartbeat")
        await gateway.replica.connections.drain(0.1)
    assert (await kept(rig))["a"] == client.cursors["a"]


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
                # What its library has read and answered for is received.
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        await client.next()
                traveller.note(client)
        async with watching(two) as client:
            await client.subscribe(clientId="me", **{"from": "resume"})
            while any(traveller.had.get(s, -1) < n - 1 for s, n in written.items()):
                await client.next()
                traveller.note(client)
