"""What clients can take: how long messages are, and what is too long for one."""

import asyncio
import json
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tailcast_streams.entries import Document
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    until_read,
    watching,
)
from tests.integration.test_gateway_sse import reading


# Frames are made from records, whatever they are read from.
pytestmark = pytest.mark.one_broker


# The smallest limit that libraries have by themselves.
SMALLEST_LIMIT = 32_768

# A record that no message has room for, and one that nearly fills one.
HUGE = {"step": 1, "filler": "x" * 983_040}
LARGE = {"step": 1, "filler": "x" * 980_000}

WIRES = ["tailcast.v1.json", "tailcast.v1.msgpack"]


async def write(rig: Rig, session: str, count: int) -> list[dict[str, Any]]:
    """Short records, several batches of them."""
    records = numbered(0, count)
    for start in range(0, count, 1_000):
        await rig.writer(session).append(*records[start : start + 1_000])
    return records


@pytest.mark.parametrize("subprotocol", WIRES)
@pytest.mark.parametrize("window_bytes", [1, 4 * 1024 * 1024])
async def test_many_short_records(
    rig: Rig, subprotocol: str, window_bytes: int
) -> None:
    """From pages, from the window and live: a library with the least limit has all."""
    records = await write(rig, "a", 3_000)
    options = {"max_size": SMALLEST_LIMIT, "subprotocols": [subprotocol]}
    async with (
        rig.serving(window_bytes=window_bytes) as gateway,
        watching(gateway, **options) as first,
        watching(gateway, **options) as second,
    ):
        await first.subscribe(sessionId="a", **{"from": "start"})
        assert await first.until_records(3_000) == records
        await second.subscribe(sessionId="a", index=True, **{"from": "start"})
        await second.until_records(3_000)
        await first.until("caught_up")
        await second.until("caught_up")
        await rig.writer("a").append(*records[:2_000])
        await second.until_records(5_000)
        assert (await first.until_records(5_000))[3_000:] == records[:2_000]


async def test_many_short_records_as_events(rig: Rig, gateway: Gateway) -> None:
    """An event is no longer, its lines included."""
    records = await write(rig, "a", 3_000)
    query = {"sessionId": "a", "from": "start"}
    async with reading(gateway, **query) as reader:
        assert await reader.until_records(3_000) == records
    async with reading(gateway, **query, maxMessage="5000") as reader:
        reader.max_message = 5_000
        assert await reader.until_records(3_000) == records


@pytest.mark.parametrize("subprotocol", WIRES)
async def test_a_long_record_goes_alone(rig: Rig, subprotocol: str) -> None:
    """With whatever is before and after it, nobody is cut off."""
    small = [{"n": n, "filler": "x" * 200} for n in range(355)]
    await rig.writer("a").append(*small, LARGE, *small)
    async with (
        rig.serving() as gateway,
        watching(gateway, subprotocols=[subprotocol]) as watcher,
    ):
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        assert await watcher.until_records(711) == [*small, LARGE, *small]
        await rig.writer("a").append(*small, LARGE, *small)
        assert (await watcher.until_records(1_422))[711:] == [*small, LARGE, *small]


async def whole(gateway: Gateway, stand_in: dict[str, Any], stream: str) -> Any:
    """What an address of a message answers, taken from the stream's own."""
    address = urljoin(f"{gateway.url}{stream}", stand_in["url"])
    async with httpx.AsyncClient() as client:
        answer = await client.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert len(answer.content) == stand_in["bytes"]
        return answer.json()


async def test_a_record_that_no_message_has_room_for(
    rig: Rig, gateway: Gateway
) -> None:
    """Replayed, live, as a page and as an event: it is had over HTTP, whole."""
    name = "runs/a b?#é"
    writer = rig.writer(name)
    await writer.append({"step": 0}, HUGE, {"step": 2})
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=name, **{"from": "start"})
        for _ in range(2):
            stands = (await watcher.until_records(3))[1]
            assert stands["truncated"] is True
            assert await whole(gateway, stands, "/ws/telemetry") == HUGE
            watcher.records.clear()
            if _ == 0:
                await watcher.until("caught_up")
                await writer.append({"step": 0}, HUGE, {"step": 2})
        await watcher.send(
            type="history", sessionId=name, after="1-0-00000000", limit=1
        )
        page = await watcher.until("history")
        await watcher.send(type="history", sessionId=name, after=page["cursor"])
        page = await watcher.until("history")
        assert (page["truncated"], len(page["data"])) == (True, 1)
        assert await whole(gateway, page["data"][0], "/ws/telemetry") == HUGE
    query = {"sessionId": name, "from": "start"}
    async with reading(gateway, **query) as reader:
        stands = (await reader.until_records(3))[1]
        assert await whole(gateway, stands, "/sse/telemetry") == HUGE


async def test_emergencies_that_no_message_has_room_for(
    rig: Rig, gateway: Gateway
) -> None:
    """Of a session, and of a whole file."""
    alarm: dict[str, Any] = {"emergency": {}, **HUGE}
    document = b'{"filler":"%b"}' % (b"x" * 983_040)
    async with watching(gateway) as watcher:
        await watcher.subscribe()
        await watcher.until("positions")
        await rig.writer("a").append(alarm)
        told = await watcher.until("emergency")
        assert told["truncated"] is True
        assert await whole(gateway, told["data"], "/ws/telemetry") == alarm
        await rig.broker.add_document(
            Document("emergency/a.json", "00", document, "", True)
        )
        told = await watcher.until("emergency")
        assert told["truncated"] is True
        found = await whole(gateway, told["data"], "/ws/telemetry")
        assert found == json.loads(document)


async def test_snapshots_that_no_message_has_room_for(
    rig: Rig, gateway: Gateway
) -> None:
    """Alone, in lists and with a subscription; the others come as they are."""
    await rig.writer("a").append(HUGE)
    await rig.writer("b").append({"step": 2})
    async with watching(gateway) as watcher:
        await watcher.send(type="snapshot", sessionId="a")
        one = await watcher.until("snapshot")
        await watcher.send(type="snapshot")
        listed = await watcher.until("snapshot")
        await watcher.subscribe(snapshot=True)
        sent = await watcher.until("snapshot")
        for told in (one, *listed["snapshots"], *sent["snapshots"]):
            if told["sessionId"] == "b":
                assert told["data"] == {"step": 2}
                continue
            assert (told["truncated"], told["data"]) == (True, None)
            address = urljoin(f"{gateway.url}/ws/telemetry", told["url"])
            async with httpx.AsyncClient() as client:
                assert (await client.get(address)).json()["data"] == HUGE


async def test_a_client_that_takes_less(rig: Rig, gateway: Gateway) -> None:
    """By its message or its address; it holds for the connection until told anew."""
    records = [{"n": n, "filler": "x" * 900} for n in range(100)]
    long = {"filler": "x" * 5_000}
    await rig.writer("a").append(*records, long)
    async with watching(gateway, max_size=5_000) as watcher:
        watcher.max_message = 5_000
        await watcher.subscribe(sessionId="a", maxMessage=5_000, **{"from": "start"})
        *some, stands = await watcher.until_records(101)
        assert some == records
        assert await whole(gateway, stands, "/ws/telemetry") == long
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        await watcher.until_records(202)
        await rig.writer("a").append(*records)
        await watcher.until_records(302)
    async with connect(
        f"{gateway.ws_url}?maxMessage=4096", max_size=4_096
    ) as connection:
        watcher = Watcher(connection, max_message=4_096)
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        assert (await watcher.until_records(201))[:100] == records
        watcher.connection.protocol.max_message_size = None
        watcher.max_message = 983_040
        await watcher.subscribe(sessionId="a", maxMessage=983_040)
        await rig.writer("a").append(*records)
        told = await watcher.until("telemetry")
        assert told["data"] == records


async def test_what_cannot_be_asked_for(rig: Rig, gateway: Gateway) -> None:
    """One clear error, and nothing is changed by it."""
    await rig.writer("a").append(*numbered(0, 1))
    async with watching(gateway) as watcher:
        for wrong in (4_095, 983_041, "5000"):
            await watcher.send(type="subscribe", maxMessage=wrong, id=1)
            error = await watcher.until("error")
            assert (error["code"], error["id"]) == ("invalid_message", 1)
            assert "maxMessage" in error["message"]
    for wrong in ("4095", "983041", "x", "", "1e9"):
        # A client whose address cannot be changed is served all the same.
        async with connect(f"{gateway.ws_url}?maxMessage={wrong}") as connection:
            error = json.loads(await connection.recv())
            assert (error["type"], error["code"]) == ("error", "invalid_message")
            assert "maxMessage" in error["message"]
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            query = f"sessionId=a&maxMessage={wrong}"
            answer = await client.get(f"/sse/telemetry?{query}")
            assert answer.status_code == 400
            assert "maxMessage" in answer.json()["message"]


async def test_many_different_limits(rig: Rig, gateway: Gateway) -> None:
    """Bounded as forms are: who is one too many hears it, and gets no longer ones."""
    gateway.replica.wires.max_wires = 1
    async with watching(gateway) as watcher, watching(gateway) as other:
        await watcher.subscribe(sessionId="a", maxMessage=5_000)
        await other.subscribe(sessionId="a", maxMessage=5_000)
        await other.send(type="subscribe", sessionId="a", maxMessage=6_000)
        error = await other.until("error")
        assert error["code"] == "too_many_subscriptions"
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{gateway.ws_url}?maxMessage=7000")
        assert refused.value.response.status_code == 503


async def test_a_rate_and_another_limit(rig: Rig) -> None:
    """A record that waits for its interval goes by what was asked for since."""
    writer, passed_seconds = rig.writer("a"), 0.0

    def clock() -> float:
        return 1_000.0 + passed_seconds

    await writer.append(*numbered(0, 1))
    async with rig.serving(clock=clock) as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", maxRate=2)
        await writer.append({"n": 0})
        await watcher.until("telemetry")
        await writer.append({"n": 1, "filler": "x" * 5_000})
        await until_read(gateway, writer)
        await watcher.subscribe(sessionIds=["a*"], maxRate=2, maxMessage=4_096)
        watcher.max_message = 4_096
        await writer.append({"n": 2, "filler": "x" * 5_000})
        await until_read(gateway, writer)
        passed_seconds = 1.0
        told = await watcher.until("telemetry")
        assert told["truncated"] is True


async def test_pages_go_on_where_a_message_was_full(rig: Rig, gateway: Gateway) -> None:
    """In both directions every record comes once, though not all fit at a time."""
    records = await write(rig, "a", 2_000)
    async with watching(gateway, max_size=SMALLEST_LIMIT) as watcher:
        forward: list[Any] = []
        place, more = "1-0-00000000", True
        while more:
            await watcher.send(type="history", sessionId="a", after=place, limit=1_000)
            page = await watcher.until("history")
            forward += page["data"]
            place, more = page["cursor"], page["more"]
        assert forward == records
        back: list[Any] = []
        more = True
        while more:
            await watcher.send(type="history", sessionId="a", before=place, limit=1_000)
            page = await watcher.until("history")
            back = page["data"] + back
            place, more = page["prev"], page["more"]
        assert back == records


async def test_one_record_over_http(rig: Rig, gateway: Gateway) -> None:
    """By its cursor, as it was written; what is not there, or no record, is 404."""
    await rig.writer("a").append({"a": 1.10}, {"emergency": {}})
    entries = await rig.broker.read_before("a", None, limit=3)
    emergency, record, marker = (str(entry.cursor) for entry in entries)
    async with httpx.AsyncClient(base_url=gateway.url) as client:

        async def ask(**query: str) -> tuple[int, Any]:
            answer = await client.get("/api/record", params=query)
            return answer.status_code, answer.json()

        assert await ask(sessionId="a", cursor=record) == (200, {"a": 1.1})
        assert await ask(sessionId="a", cursor=emergency) == (200, {"emergency": {}})
        for session, cursor in (
            ("a", marker),
            ("a", f"{record[:-8]}00000000"),
            ("b", record),
            ("!clients", record),
            ("!emergencies", record),
        ):
            status, told = await ask(sessionId=session, cursor=cursor)
            assert (status, told["code"]) == (404, "not_found")
        for query in ({}, {"sessionId": "a"}, {"cursor": record}):
            status, told = await ask(**query)
            assert (status, told["code"]) == (400, "invalid_message")
        status, told = await ask(sessionId="a", cursor="x")
        assert (status, told["code"]) == (400, "invalid_cursor")


async def test_heartbeats_of_many_sessions(rig: Rig, gateway: Gateway) -> None:
    """What changed of more sessions than one has room for comes in several."""
    names = [f"runs/{n:03}/{'x' * 200}" for n in range(150)]
    await asyncio.gather(*(rig.writer(name).append({"n": 0}) for name in names))
    async with watching(gateway, max_size=SMALLEST_LIMIT) as watcher:
        await watcher.subscribe()
        await watcher.until("positions", more=False)
        await watcher.send(type="heartbeat", everyMs=1_000)
        await asyncio.gather(*(rig.writer(name).append({"n": 1}) for name in names))
        heads: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(heads) < len(names):
                heads |= (await watcher.until("heartbeat")).get("heads", {})
        assert set(names) <= heads.keys()


async def test_names_that_are_too_many_to_repeat(rig: Rig, gateway: Gateway) -> None:
    """An answer without them is one all the same."""
    names = [f"{n}{'x' * 300}" for n in range(150)]
    async with watching(gateway, max_size=SMALLEST_LIMIT) as watcher:
        told = await watcher.subscribe(sessionIds=names, id=7)
        assert told["id"] == 7
        assert "sessionIds" not in told
        await watcher.send(type="unsubscribe", sessionIds=names)
        assert "sessionIds" not in await watcher.until("unsubscribed")
