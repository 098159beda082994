"""Strangers of many names: no record goes for them, nor does another's place.

What clients store is bounded for each and in sum: the broker keeps room for records.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from tailcast_gateway.resume import saver
from tailcast_streams.client_cursors import ClientBounds, Save
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import Gateway, Rig, Watcher, serving, watching
from tests.integration.named_clients import HASTY, kept, until_kept
from tests.tailer.harness import (
    append,
    entries_of,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.test_full_broker import is_full, metric


# Sessions with the longest names, as many as a message holds.
NAMES = [f"{number:0>950}" for number in range(60)]


@pytest.fixture(autouse=True)
def saves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves come soon."""
    monkeypatch.setattr(saver, "SAVE_SECONDS", 0.1)


@pytest.fixture
async def adapters(own_broker: BrokerServer) -> AsyncIterator[list[RedisBroker]]:
    """What a tailer, a gateway and its strangers have of one broker."""
    async with AsyncExitStack() as stack:
        made = [RedisBroker(own_broker.url) for _ in range(3)]
        for one in made:
            await stack.enter_async_context(aclosing(one))
        yield made


async def crowd(broker: RedisBroker, *, proves: bool, count: int = 100) -> None:
    """Names with more positions each than one may have, as if all of them existed."""
    cursors = {name: Cursor(EntryID(1, 30), 0xABC) for name in NAMES}
    for number in range(count):
        name = f"stranger {proves} {number}"
        hold = (await broker.clients.take(name, "x")).hold
        await broker.clients.save([Save(name, hold, 1, cursors, proves=proves)])


async def test_a_crowd_of_names_costs_no_record(
    own_broker: BrokerServer, adapters: list[RedisBroker], tmp_path: Path
) -> None:
    """They would store 11 MB where 2 MiB are free; who was there before goes on."""
    tailers, gateways, strangers = adapters
    gateways.clients.bounds = strangers.clients.bounds = ClientBounds(
        bytes_of_all=512 * 1024
    )
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(1, 2_001)))
    async with (
        running(tailers, tmp_path) as tailer,
        serving(gateways, **HASTY) as gateway,
    ):
        await wait_for_records(tailers, "a", texts(*range(1, 2_001)))
        cursor = await confirm(gateway, gateways)
        is_full(own_broker, spare_bytes=2 * 1024 * 1024)

        await crowd(strangers, proves=False)
        append(path, lines(*range(2_001, 2_101)))

        await wait_for_records(tailers, "a", texts(*range(1, 2_101)))
        assert metric(tailer, "trimmed_bytes") == 0
        assert metric(tailer, "full_refusals") == 0
        async with watching(gateway) as watcher:
            told = await watcher.subscribe(
                sessionId="a", clientId="honest", **{"from": "resume"}
            )
            assert (told["recovered"], told["cursor"]) == (True, cursor)
        # Those who answer pings push others out at worst, never records.
        await crowd(strangers, proves=True)
        append(path, lines(*range(2_101, 2_201)))
        await wait_for_records(tailers, "a", texts(*range(1, 2_201)))
        assert metric(tailer, "trimmed_bytes") == 0
    assert len(await entries_of(tailers, "a")) == 2_201


async def confirm(gateway: Gateway, broker: RedisBroker) -> str:
    """A client that has had all there is, and said so; its place."""
    async with watching(gateway) as watcher:
        told = await watcher.subscribe(sessionId="a", clientId="honest")
        cursor = str(told["cursor"])
        await watcher.send(type="ack", sessionId="a", cursor=cursor)
        proven, *_ = broker._keys.of_clients()
        async with asyncio.timeout(30):
            while not await broker._redis.zcard(proven):
                await asyncio.sleep(0.01)
    return cursor


@pytest.mark.one_broker
async def test_names_that_were_made_up_store_nothing(rig: Rig) -> None:
    """A client has positions in sessions that exist; when one begins, it is whole."""
    await rig.writer("real").append({"step": 1})
    async with rig.serving(**HASTY) as gateway:
        async with watching(gateway) as watcher:
            names = ["real", "later", *NAMES[:10]]
            await watcher.subscribe(sessionIds=names, clientId="me")
            told = await watcher.until("positions")
            await until_kept(rig, real=told["cursors"]["real"])
            stored = await kept(rig)
        assert {name for name in stored if name[0] != "!"} == {"real"}
        await rig.writer("later").append({"step": 1}, {"step": 2})
        async with watching(gateway) as watcher:
            await watcher.subscribe(
                sessionIds=names, clientId="me", **{"from": "resume"}
            )
            assert await watcher.until_records(2) == [{"step": 1}, {"step": 2}]


@pytest.mark.one_broker
async def test_a_name_too_many_is_told_so(rig: Rig) -> None:
    """Its connection lives on, and may go on without a name; who was there stays."""
    broker = rig.connect()
    broker.clients.bounds = ClientBounds(clients=1)
    await rig.writer("a").append({"step": 1})
    async with (
        serving(broker, **HASTY) as gateway,
        watching(gateway) as first,
        watching(gateway) as stranger,
    ):
        told = await first.subscribe(sessionId="a", clientId="first")
        await first.send(type="ack", sessionId="a", cursor=told["cursor"])
        proven, *_ = broker._keys.of_clients()
        async with asyncio.timeout(30):
            while not await broker._redis.zcard(proven):
                await asyncio.sleep(0.01)

        error = await refused(stranger)

        assert (error["code"], error["id"]) == ("too_many_clients", 7)
        await stranger.subscribe(sessionId="a", **{"from": "start"})
        assert await stranger.until_records(1) == [{"step": 1}]
        text = gateway.replica.instruments.exposition().decode()
        assert "tailcast_gateway_named_refused_total 1.0" in text
        assert (await kept(rig, "first"))["a"] == told["cursor"]


async def refused(watcher: Watcher) -> dict[str, object]:
    """What a subscription under a new name is answered."""
    await watcher.send(type="subscribe", sessionId="a", clientId="stranger", id=7)
    return await watcher.until("error")
