"""Clients that name themselves: how they resume, acknowledge, and are taken over."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.connections.drain import Departure
from tailcast_gateway.resume import saver
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
    closed_with,
    kept,
    steps,
    until_kept,
)


@pytest.fixture(autouse=True)
def saves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves come soon."""
    monkeypatch.setattr(saver, "SAVE_SECONDS", 0.1)


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
            async with connect(f"{gateway.ws_url}?clientId={name}") as connection:
                client = Watcher(connection)
                assert "clientId" in (await client.until("error"))["message"]


async def test_what_needs_a_name(rig: Rig) -> None:
    """Nobody is resumed or believed without one."""
    async with rig.serving() as gateway, watching(gateway) as client:
        for fields in ({"from": "resume"}, {"ack": "manual"}):
            await client.send(type="subscribe", **fields)
            assert (await client.until("error"))["code"] == "invalid_message"
        await client.send(type="ack", sessionId="a", cursor=BEGINNING)
        assert (await client.until("error"))["code"] == "invalid_message"


async def test_gone_again_before_anything_came(rig: Rig) -> None:
    """G10: who leaves before a first message resumes where it would have begun."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    # No ping is answered before they leave.
    async with rig.serving() as gateway:
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
    """G11: nothing is sent, the hold is kept up, and the client resumes there."""
    monkeypatch.setattr("tailcast_gateway.resume.core.holding.REFRESH_SECONDS", 0.2)
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
    """B4: a new one takes it over; the old one is closed at once, and keeps no more."""
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
    """A10: each where it was; one that came into being meanwhile from its beginning."""
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
            await writer.append(*numbered(3, 4))
            # It is the only one of its interval: whatever comes now waits.
            await client.until_records(1)
            for step in range(4, 10):
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
        await gateway.replica.drain(Departure(0.1))
    assert (await kept(rig))["a"] == client.cursors["a"]
