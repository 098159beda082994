"""A client of more sessions than a message holds: all it is told, it can send back."""

import asyncio
import json
from typing import Any

import pytest

from tailcast_gateway.connections.drain import Departure
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    Writer,
    numbered,
    watching,
)
from tests.integration.test_gateway_drain import Farewell


# What a message says does not depend on the broker.
pytestmark = pytest.mark.one_broker

# As the names of a sweep's trials are.
COUNT, NAME = 1_000, "sweep/trial_{:05d}_batch_size=32,lr=0.01,momentum=0.9," + 90 * "x"


@pytest.fixture
async def writers(rig: Rig) -> list[Writer]:
    """Those of all sessions, each of which has a record."""
    writers = [rig.writer(NAME.format(number)) for number in range(COUNT)]
    for some in range(0, COUNT, 100):
        several = writers[some : some + 100]
        await asyncio.gather(*(writer.append({"step": 0}) for writer in several))
    return writers


async def positions(watcher: Watcher) -> list[dict[str, Any]]:
    """All that come, as they are; what else comes is noted."""
    parts: list[dict[str, Any]] = []
    while not parts or parts[-1]["more"]:
        parts.append(await watcher.until("positions"))
    return parts


async def send_back(watcher: Watcher, told: list[dict[str, Any]], **more: Any) -> None:
    """Subscribe with what was told, each message as it came."""
    for part in told:
        fields = {
            name: part[name] for name in ("cursors", "at", "more") if name in part
        }
        await watcher.send(type="subscribe", **fields, **more)
    await watcher.until("subscribed")


async def quiet(watcher: Watcher) -> list[dict[str, Any]]:
    """What has come until a heartbeat is answered, but for positions."""
    await watcher.send(type="heartbeat", id="quiet")
    found: list[dict[str, Any]] = []
    while (message := await watcher.next())["type"] != "heartbeat":
        if message["type"] != "positions":
            found.append(message)
    return found


async def test_a_thousand_sessions_go_on(rig: Rig, writers: list[Writer]) -> None:
    """Their cursors come and go in pieces; nothing is told twice, and nothing lost."""
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            told = await positions(watcher)
        assert len(told) > 1
        assert sum(len(part["cursors"]) for part in told) == COUNT + 1
        for writer in writers[::250]:
            await writer.append({"step": 1})
        async with watching(gateway) as watcher:
            await send_back(watcher, told)
            assert await watcher.until_records(4) == [{"step": 1}] * 4
            assert all(one["type"] == "caught_up" for one in await quiet(watcher))
            await writers[7].append({"step": 1})
            await watcher.until("telemetry", sessionId=writers[7].session)


async def test_final_cursors_go_back(rig: Rig, writers: list[Writer]) -> None:
    """What `closing` said is taken by the next replica, also of who began just now."""
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(**{"from": "start"})
        draining = asyncio.create_task(gateway.replica.drain(Departure(1.0)))
        farewell = Farewell(watcher)
        await farewell.hear()
        await draining
    assert len(farewell.cursors) == COUNT + 1
    had = len(watcher.records)
    async with rig.serving() as gateway, watching(gateway) as watcher:
        parts = list(farewell.cursors.items())
        told = [
            {"cursors": dict(parts[at : at + 250]), "more": at + 250 < len(parts)}
            for at in range(0, len(parts), 250)
        ]
        await send_back(watcher, told)
        await watcher.until_records(COUNT - had)
        await writers[0].append({"step": 1})
        assert await watcher.until_records(COUNT - had + 1)


async def test_one_message_has_the_cursors_of_hundreds(
    rig: Rig, writers: list[Writer]
) -> None:
    """Who does not know of pieces goes on as long as a message is long enough."""
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe()
        told = await positions(watcher)
    some: dict[str, Any] = {}
    for part in told:
        some |= part["cursors"]
    some = dict(list(some.items())[:700])
    text = json.dumps({"type": "subscribe", "cursors": some, "at": told[0]["at"]})
    assert len(text) > 100_000
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.connection.send(text)
        await watcher.until("subscribed")
        await positions(watcher)


@pytest.mark.parametrize("start", ["start", "now", {"last": 1}, {"step": 1}])
async def test_every_session_has_a_position(rig: Rig, start: Any) -> None:
    """Whatever was asked for; and from these it goes on."""
    names = [f"run_{number}" for number in range(40)]
    for name in names:
        await rig.writer(name).append(*numbered(0, 3))
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe(**{"from": start})
            told = await positions(watcher)
            had = len(watcher.records)
        cursors = {name: at for part in told for name, at in part["cursors"].items()}
        assert cursors.keys() == {*names, "!emergencies"}
        expected = {"start": 3, "now": 0}.get(str(start), 3 if "step" in start else 1)
        expected -= 1 if "step" in start and expected else 0
        async with watching(gateway) as watcher:
            await send_back(watcher, told)
            await watcher.until_records(expected * len(names) - had)
            assert not [
                one for one in await quiet(watcher) if one["type"] == "telemetry"
            ]


async def told_to(watcher: Watcher, gateway: Gateway, writer: Writer) -> None:
    """Append a record, and read until it has come, and nothing else."""
    await writer.append({"step": 100})
    while True:
        message = await watcher.until("telemetry")
        assert message["data"] == [{"step": 100}]
        if message["sessionId"] == writer.session:
            return


async def test_adding_leaves_alone_what_is_there(rig: Rig) -> None:
    """Neither `at` nor `from` moves what the connection has, unless it is named."""
    writers = {name: rig.writer(name) for name in ("a", "b", "c")}
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            (early,) = await positions(watcher)
        for writer in writers.values():
            await writer.append(*numbered(0, 3))
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            (now,) = await positions(watcher)
            add = {"add": True, "at": early["at"]}
            several: list[dict[str, Any]] = [
                {"cursors": {}},
                {"from": "start"},
                {"sessionIds": ["*"], "from": {"last": 2}},
                {"sessionIds": ["a", "b*"]},
            ]
            for fields in several:
                await watcher.subscribe(**fields, **add)
                (added,) = await positions(watcher)
                for name in ("a", "b"):
                    assert added["cursors"][name] == now["cursors"][name]
            await told_to(watcher, gateway, writers["a"])
            # (What it has of those that are moved does not go on.)
            del watcher.cursors["b"], watcher.cursors["c"]
            await watcher.subscribe(sessionIds=["b"], add=True, **{"from": {"last": 1}})
            assert (await watcher.until("telemetry"))["data"] == numbered(2, 3)
            await watcher.subscribe(cursors={"c": None}, **add)
            assert (await watcher.until("telemetry"))["data"] == numbered(0, 3)


async def test_adding_what_is_kept_leaves_alone_what_is_there(rig: Rig) -> None:
    """A named client that resumes beside what it has gets nothing of that again."""
    writers = {name: rig.writer(name) for name in ("a", "b")}
    for writer in writers.values():
        await writer.append({"step": -1})
    async with rig.serving() as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe(clientId="me")
            await positions(watcher)
        for writer in writers.values():
            await writer.append(*numbered(0, 3))
        async with watching(gateway) as watcher:
            await watcher.subscribe(
                sessionId="a", clientId="me", ack="manual", **{"from": "resume"}
            )
            await watcher.until_records(3)
            await watcher.subscribe(add=True, clientId="me", **{"from": "resume"})
            assert await watcher.until_records(6) == numbered(0, 3) * 2
            assert not [
                one for one in await quiet(watcher) if one["type"] == "telemetry"
            ]


async def test_a_piece_that_is_invalid(rig: Rig) -> None:
    """The whole of it is refused, since what it named is not known."""
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.send(type="subscribe", cursors={"a": None}, more=True)
        await watcher.send(type="subscribe", cursors={"b": 3}, more=True)
        assert (await watcher.until("error"))["code"] == "invalid_message"
        await watcher.send(type="subscribe", cursors={"c": None}, id=9)
        refused = await watcher.until("error")
        assert (refused["id"], refused["code"]) == (9, "invalid_message")
        await watcher.subscribe(id=10)
