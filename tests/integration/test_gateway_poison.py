"""One record or session over which work fails stops nobody else."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from tailcast_gateway.delivery.core.channel import Channel
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.views.view import DecodedEntries, View
from tests.integration.failures import MSGPACK, closing, defects
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)


# Deeper than any reader goes whose stack is Python's, and no tailer lets in.
DEPTH = 3_000


def deep(step: int) -> dict[str, Any]:
    """A record that MessagePack cannot be made of, as an older tailer took it in."""
    return {"step": step, "tree": RawTree()}


class RawTree:
    """Stands for what `json` cannot write either."""


@pytest.fixture(autouse=True)
def raw_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers write such a record as bytes."""
    dumps = json.dumps
    tree = '{"c":' * DEPTH + "1" + "}" * DEPTH

    def dump(value: Any, **options: Any) -> str:
        if isinstance(value, dict) and "tree" in value:
            return f'{{"step":{value["step"]},"tree":{tree}}}'
        return dumps(value, **options)

    monkeypatch.setattr(json, "dumps", dump)


async def test_a_record_that_cannot_be_held(rig: Rig, gateway: Gateway) -> None:
    """A gap to all; what follows comes, and nobody else hears of it."""
    calm, sick = rig.writer("calm"), rig.writer("sick")
    await calm.append(*numbered(0, 1))
    await sick.append(*numbered(0, 1))
    async with (
        watching(gateway) as other,
        watching(gateway, **MSGPACK) as odd,
        watching(gateway, **MSGPACK) as late,
    ):
        await other.subscribe(sessionId="calm")
        await odd.subscribe(sessionId="sick")
        await sick.append(numbered(1, 2)[0], deep(2), numbered(3, 4)[0])
        gap = await odd.until("gap")
        assert gap["reason"] == "unreadable"
        assert await odd.until_records(2) == [*numbered(1, 2), *numbered(3, 4)]
        await calm.append(*numbered(1, 2))
        await other.until_records(1)
        # From the past, in pages and slices, it is the same.
        await late.subscribe(sessionId="sick", **{"from": "start"})
        assert (await late.until("gap"))["to"] == gap["to"]
        assert (await late.until("caught_up"))["cursor"] == odd.cursors["sick"]
        assert [record["step"] for record in late.records] == [0, 1, 3]
    assert not defects(gateway, "client")
    assert gateway.replica.why_over is None


async def test_a_record_that_a_filter_cannot_judge(rig: Rig, gateway: Gateway) -> None:
    """It is told, and not held back in silence."""
    writer = rig.writer("sick")
    await writer.append(*numbered(0, 1))
    async with watching(gateway) as watcher:
        where = {"metric": "step", "op": "gte", "value": 0}
        await watcher.subscribe(sessionId="sick", where=where)
        await writer.append({"step": 1}, {"step": -1}, deep(2), {"step": 3})
        # (Python's own reader could not take it.)
        text = ""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while '"step":3' not in text:
                text += str(await watcher.connection.recv())
        assert [n for n in range(-1, 4) if f'"step":{n}' in text] == [1, 3]
        assert '"reason":"unreadable"' in text


async def test_a_form_that_cannot_be_made(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for it is told, and closed with 1011; the others go on."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 1))
    wanted = DecodedEntries.wanted

    def fail(self: DecodedEntries, view: View) -> Any:
        if view.where is not None:
            raise LookupError("a bad form")
        return wanted(self, view)

    async with watching(gateway) as odd, watching(gateway) as other:
        where = {"metric": "step", "op": "gte", "value": 0}
        await odd.subscribe(sessionId="a", where=where)
        await other.subscribe(sessionId="a")
        monkeypatch.setattr(DecodedEntries, "wanted", fail)
        await writer.append(*numbered(1, 3))
        told, code = await closing(odd)
        assert (told["code"], code) == ("internal_error", 1011)
        assert told["retryAfterMs"] >= 1_000
        await writer.append(*numbered(3, 4))
        assert await other.until_records(3) == numbered(1, 4)


async def test_a_page_that_cannot_be_read(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked for again without end."""
    await rig.writer("a").append(*numbered(0, 100))

    async def fail(self: Reads, *args: Any) -> Any:
        raise LookupError("a bad page")

    monkeypatch.setattr(Reads, "page", fail)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        told, code = await closing(watcher)
    assert (told["code"], code) == ("internal_error", 1011)
    assert defects(gateway, "client") == 1


async def test_a_place_that_cannot_be_found(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for it is told; several sessions are looked up after the answer."""
    await rig.writer("a").append(*numbered(0, 3))
    await rig.writer("b").append(*numbered(0, 3))
    place = Reads.place

    async def fail(self: Reads, channel: Channel, *args: Any, **more: Any) -> Any:
        if channel.session == "a":
            raise LookupError("a bad place")
        return await place(self, channel, *args, **more)

    monkeypatch.setattr(Reads, "place", fail)
    async with watching(gateway) as odd, watching(gateway) as other:
        await odd.subscribe(sessionIds=["a", "b"], **{"from": {"last": 1}})
        assert (await closing(odd))[1] == 1011
        await other.subscribe(sessionId="b", **{"from": {"last": 1}})
        assert await other.until_records(1) == numbered(2, 3)


async def test_a_session_that_the_broker_refuses(rig: Rig, gateway: Gateway) -> None:
    """Others are read; that one is told of, and read when it is mended."""
    calm, sick = rig.writer("calm"), rig.writer("sick")
    await calm.append(*numbered(0, 1))
    await sick.append(*numbered(0, 1))
    stream = f"{rig.prefix}:{{sick}}:stream"
    client = rig.broker._redis
    async with watching(gateway) as watcher:
        await watcher.subscribe()
        await watcher.until("positions", more=False)
        await client.rename(stream, f"{stream}:kept")
        await client.set(stream, "x")
        gateway.replica.feed.mark("sick")
        gateway.replica.feed.mark("calm")
        await calm.append(*numbered(1, 2))
        await watcher.until_records(1)
        told = await watcher.until("error")
        assert told["code"] == "session_unavailable"
        assert "sick" in told["message"]
        async with watching(gateway) as late:
            # Whoever comes meanwhile gets the others.
            await late.subscribe()
            await late.until("positions", more=False)
            await calm.append(*numbered(2, 3))
            await late.until_records(1)
        await watcher.until_records(2)
        await client.rename(f"{stream}:kept", stream)
        await sick.append(*numbered(1, 2))
        await watcher.until_records(3)
    assert gateway.replica.why_over is None
    # It was tried again and again, and not without end.
    exposition = gateway.replica.instruments.exposition().decode()
    (tried,) = re.findall(
        r"^tailcast_gateway_spoiled_total (\S+)", exposition, re.MULTILINE
    )
    assert 3 <= float(tried) <= 30


async def test_sessions_are_watched_beside_a_spoiled_one(
    rig: Rig, gateway: Gateway
) -> None:
    """Who asks for all is told of the one that cannot be had, and gets the others."""
    calm, sick = rig.writer("calm"), rig.writer("sick")
    await calm.append(*numbered(0, 1))
    await sick.append(*numbered(0, 1))
    state = f"{rig.prefix}:{{sick}}:state"
    await rig.broker._redis.delete(state)
    await rig.broker._redis.set(state, "x")
    async with watching(gateway) as watcher:
        await watcher.subscribe()
        told = await watcher.until("error")
        assert (told["code"], "sick" in told["message"]) == (
            "session_unavailable",
            True,
        )
        await watcher.until("positions", more=False)
        await calm.append(*numbered(1, 2))
        await watcher.until_records(1)
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        found = (await client.get("/api/sessions")).json()["sessions"]
    assert {one["sessionId"] for one in found} == {"calm", "sick"}


@pytest.mark.parametrize("how", [{}, {"sessionIds": ["calm", "sick"]}])
async def test_a_session_that_could_not_be_watched(
    rig: Rig, gateway: Gateway, how: dict[str, Any]
) -> None:
    """Is when it is mended, for who wants all as for who named it."""
    calm, sick = rig.writer("calm"), rig.writer("sick")
    await calm.append(*numbered(0, 1))
    await sick.append(*numbered(0, 1))
    state = f"{rig.prefix}:{{sick}}:state"
    client = rig.broker._redis
    await client.rename(state, f"{state}:kept")
    await client.set(state, "x")
    async with watching(gateway) as watcher:
        await watcher.subscribe(**how)
        told = await watcher.until("error")
        assert (told["code"], "sick" in told["message"]) == (
            "session_unavailable",
            True,
        )
        await watcher.until("positions", more=False)
        await client.rename(f"{state}:kept", state)
        await sick.append(*numbered(1, 2))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "sick" not in gateway.replica.hub.watched:
                await asyncio.sleep(0.01)
        await sick.append(*numbered(2, 3))
        await watcher.until_records(1)


async def test_a_session_over_which_delivery_fails(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is begun anew: its clients get all, later; the others notice nothing."""
    calm, sick = rig.writer("calm"), rig.writer("sick")
    hub = gateway.replica.hub
    deliver = hub.deliver
    tries = 0

    def fail(channel: Channel, *args: Any, **more: Any) -> None:
        nonlocal tries
        if channel.session == "sick":
            tries += 1
            raise LookupError("a bad session")
        deliver(channel, *args, **more)

    monkeypatch.setattr(hub, "deliver", fail)
    async with watching(gateway) as watcher, watching(gateway) as other:
        await sick.append(*numbered(0, 1))
        await watcher.subscribe(sessionId="sick", **{"from": "start"})
        await other.subscribe(sessionId="calm")
        await sick.append(*numbered(1, 4))
        await calm.append(*numbered(0, 1))
        await other.until_records(1)
        assert await watcher.until_records(4) == numbered(0, 4)
    assert 1 <= tries <= 5
    assert gateway.replica.why_over is None


async def test_a_hint_that_cannot_be_taken(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was is found by looking; the next ones are taken."""
    feed = gateway.replica.feed
    notified = feed.notified
    failed = asyncio.Event()

    def fail(payload: str) -> bool:
        if "a" in payload and not failed.is_set() and "canary" not in payload:
            failed.set()
            raise LookupError("a bad hint")
        return notified(payload)

    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        monkeypatch.setattr(feed, "notified", fail)
        await rig.writer("a").append(*numbered(0, 1))
        await asyncio.wait_for(failed.wait(), PATIENCE_SECONDS)
        await watcher.until_records(1)
        await rig.writer("a").append(*numbered(1, 2))
        await watcher.until_records(2)
    assert gateway.replica.why_over is None
