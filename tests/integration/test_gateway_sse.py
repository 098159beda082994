"""The flow as server-sent events: the same records, resumed by the event's ID."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from tailcast_gateway.connections import event_stream
from tailcast_gateway.connections.event_stream import EventStream
from tailcast_gateway.protocol.event_wire import COMMENT
from tailcast_streams.entries import Document
from tests.brokers import BrokerServer, free_port
from tests.contract import checked
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)
from tests.integration.test_gateway_memory import asking


# Events are made from records, whatever they are read from.
pytestmark = pytest.mark.one_broker


class Reader:
    """Reads events as a browser does, and remembers the last ID."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id: str | None = None
        self.retry: str | None = None
        self.comments = 0
        # The longest event that it has asked for.
        self.max_message: int | None = None
        self.records: list[dict[str, Any]] = []
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The next event, or a comment as an event of its own."""
        event: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                if line == ":":
                    # A line of its own: no empty line ends it.
                    self.comments += 1
                    return {"event": ""}
                if line == "":
                    assert event, "an empty event"
                    return self._note(event)
                name, _, value = line.partition(": ")
                event[name] = value
        raise EOFError

    def _note(self, event: dict[str, str]) -> dict[str, str]:
        if "data" in event:
            size = sum(
                len(f"{name}: {value}\n".encode()) for name, value in event.items()
            )
            message = json.loads(event["data"])
            checked(message, size + len("\n"), max_message=self.max_message)
        self.last_id = event.get("id", self.last_id)
        self.retry = event.get("retry", self.retry)
        if event.get("event") == "telemetry":
            self.records += json.loads(event["data"])["data"]
        return event

    async def until(self, kind: str) -> dict[str, str]:
        """The next event of a type."""
        while True:
            event = await self.next()
            if event.get("event") == kind:
                return event

    async def until_records(self, count: int) -> list[dict[str, Any]]:
        """Read until it has had so many records."""
        while len(self.records) < count:
            await self.next()
        return self.records


@asynccontextmanager
async def reading(
    gateway: Gateway, last_id: str | None = None, **query: str
) -> AsyncGenerator[Reader]:
    """A reader of events."""
    headers = {} if last_id is None else {"last-event-id": last_id}
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
        client.stream("GET", "/sse/telemetry", params=query, headers=headers) as answer,
    ):
        yield Reader(answer)


async def test_records_as_events(rig: Rig, gateway: Gateway) -> None:
    """The message is the data, its type the event, its cursor the ID."""
    await rig.writer("runs/a").append(*numbered(0, 3))
    query = {"sessionId": "runs/a", "from": "start"}
    async with reading(gateway, **query) as reader:
        assert reader.response.status_code == 200
        kind = reader.response.headers["content-type"]
        assert kind == "text/event-stream; charset=utf-8"
        answer = await reader.until("subscribed")
        assert json.loads(answer["data"])["message"] == "Subscribed to runs/a"
        told = await reader.until("telemetry")
        message = json.loads(told["data"])
        assert message["data"] == numbered(0, 3)
        assert told["id"] == message["cursor"]
        assert (await reader.until("caught_up"))["id"] == message["cursor"]
        await rig.writer("runs/a").append(*numbered(3, 5))
        assert await reader.until_records(5) == numbered(0, 5)


async def test_c3_one_session_resumed_by_the_last_event_id(
    rig: Rig, gateway: Gateway
) -> None:
    """C3: of one session the last ID is its cursor, where the next request begins."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for query in ("", "?sessionId=", "?sessionId=a&sessionId="):
            answer = await client.get(f"/sse/telemetry{query}")
            assert (answer.status_code, answer.json()["code"]) == (
                400,
                "invalid_message",
            )
    writer = rig.writer("a")
    async with reading(gateway, sessionId="a") as reader:
        await reader.until("subscribed")
        await writer.append(*numbered(0, 4))
        await reader.until_records(4)
    await writer.append(*numbered(4, 9))
    async with reading(gateway, reader.last_id, sessionId="a") as again:
        answer = json.loads((await again.until("subscribed"))["data"])
        assert answer["recovered"] is True
        assert await again.until_records(5) == numbered(4, 9)


async def test_c3_what_moves_nothing_has_no_id(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3: comments, and announcements of emergencies, carry no ID."""
    monkeypatch.setattr(event_stream, "COMMENT_SECONDS", 0.05)
    await rig.writer("a").append(*numbered(0, 1))
    async with reading(gateway, sessionId="a") as reader:
        answer = await reader.until("subscribed")
        comment = await reader.until("")
        assert "id" not in comment
        assert reader.last_id == answer["id"] == json.loads(answer["data"])["cursor"]


async def test_a_comment_is_no_event(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a library either that makes one of each empty line."""
    written: list[bytes] = []
    hold = EventStream._hold

    def note(stream: EventStream, data: bytes) -> None:
        written.append(data)
        hold(stream, data)

    monkeypatch.setattr(EventStream, "_hold", note)
    monkeypatch.setattr(event_stream, "COMMENT_SECONDS", 0.05)
    # It does so once there was an ID.
    await rig.writer("a").append(*numbered(0, 1))
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
        aconnect_sse(client, "GET", "/sse/telemetry?sessionId=a") as source,
    ):
        events = aiter(source.aiter_sse())
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await anext(events)).event == "subscribed"
            while written.count(COMMENT) < 3:
                await asyncio.sleep(0.01)
            await rig.writer("a").append(*numbered(1, 2))
            assert (await anext(events)).event == "telemetry"


async def test_nobody_between_may_gather_or_change_it(
    rig: Rig, gateway: Gateway
) -> None:
    """Whatever goes on while it is read says so to compressors and to nginx."""
    await rig.writer("a").append(*numbered(0, 1))
    lines = {"accept": "application/x-ndjson"}
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for path, headers in (
            ("/sse/telemetry?sessionId=a", {}),
            ("/api/sessions/a/records", lines),
        ):
            async with client.stream("GET", path, headers=headers) as answer:
                assert answer.headers["cache-control"] == "no-store, no-transform"
                assert answer.headers["x-accel-buffering"] == "no"
        gateway.replica.connections.is_draining = True
        answer = await client.get("/sse/telemetry?sessionId=a")
        assert answer.headers["cache-control"] == "no-store, no-transform"


async def test_it_begins_at_once(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a comment if the broker takes its time; an error is an event then."""
    monkeypatch.setattr(event_stream, "FIRST_BYTE_SECONDS", 0.05)
    await rig.writer("a").append(*numbered(0, 1))
    goes_on = asyncio.Event()
    heads = rig.broker.heads

    async def slow(sessions: Any) -> Any:
        await goes_on.wait()
        return await heads(sessions)

    monkeypatch.setattr(gateway.replica._broker, "heads", slow)
    query = {"sessionId": "a", "from": "time:2025-01-01"}
    async with reading(gateway, **query) as reader:
        assert reader.response.status_code == 200
        assert await reader.next() == {"event": ""}
        goes_on.set()
        error = await reader.until("error")
        assert json.loads(error["data"])["code"] == "invalid_message"
        with pytest.raises(EOFError):
            await reader.next()


async def test_an_error_ends_it_that_is_not_the_first_word(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that shuts down says so to who has no answer yet, too."""
    await rig.writer("a").append(*numbered(0, 1))
    goes_on = asyncio.Event()
    heads = rig.broker.heads

    async def slow(sessions: Any) -> Any:
        for connection in gateway.replica.connections:
            connection.announce(reconnect_after_ms=1)
        await goes_on.wait()
        return await heads(sessions)

    monkeypatch.setattr(gateway.replica._broker, "heads", slow)
    query = {"sessionId": "a", "from": "time:2025-01-01"}
    async with reading(gateway, **query) as reader:
        await reader.until("draining")
        goes_on.set()
        error = await reader.until("error")
        assert json.loads(error["data"])["code"] == "invalid_message"
        with pytest.raises(EOFError):
            await reader.next()


async def test_errors(rig: Rig, gateway: Gateway) -> None:
    """What can never be is refused by its status, with code and message."""
    await rig.writer("a").append(*numbered(0, 1))
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for query, code in (
            ("from=x", "invalid_message"),
            ("from=cursor:x", "invalid_cursor"),
            ("from=time:2025-01-01", "invalid_message"),
        ):
            answer = await client.get(f"/sse/telemetry?sessionId=a&{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, code)
        headers = {"origin": "https://elsewhere.example"}
        answer = await client.get("/sse/telemetry?sessionId=a", headers=headers)
        assert answer.status_code == 403
    assert len(gateway.replica.connections) == 0


async def test_an_id_in_the_address_is_one_in_a_header(
    rig: Rig, gateway: Gateway
) -> None:
    """What stands in for `EventSource` cannot set a header."""
    await rig.writer("a").append(*numbered(0, 3))
    async with reading(gateway, sessionId="a", **{"from": "last:2"}) as reader:
        await reader.until_records(2)
        last = reader.last_id
    await rig.writer("a").append(*numbered(3, 5))
    assert last is not None
    query = {"sessionId": "a", "from": "start", "lastEventId": last}
    async with reading(gateway, **query) as reader:
        records = await reader.until_records(2)
    assert [one["step"] for one in records] == [3, 4]


async def test_it_counts_as_a_connection(rig: Rig) -> None:
    """Limits are those of WebSockets; whoever leaves makes room."""
    async with rig.serving(max_connections=1) as gateway:
        async with (
            httpx.AsyncClient(base_url=gateway.url) as client,
            reading(gateway, sessionId="a") as reader,
        ):
            await reader.until("subscribed")
            # Browsers never come back to what was refused: it ends, and says when.
            delays: set[int] = set()
            for _ in range(5):
                answer = await client.get("/sse/telemetry?sessionId=a")
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert '"code":"unavailable"' in answer.text
                last = answer.text.strip().splitlines()[-1]
                delays.add(int(last.removeprefix("retry: ")))
            assert len(delays) > 1
            assert all(5_000 <= delay <= 15_000 for delay in delays)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(gateway.replica.connections):
                await asyncio.sleep(0.01)
        async with watching(gateway) as watcher:
            await watcher.subscribe(sessionId="a")


async def test_filters_and_projections(rig: Rig, gateway: Gateway) -> None:
    """As over a WebSocket."""
    records = [{"step": step, "phi": step / 10, "loss": 1} for step in range(10)]
    await rig.writer("a").append(*records)
    where = '{"metric":"phi","op":"gte","value":0.8}'
    query = {"sessionId": "a", "from": "start", "where": where, "metrics": "phi"}
    async with reading(gateway, **query) as reader:
        wanted = [{"step": 8, "phi": 0.8}, {"step": 9, "phi": 0.9}]
        assert await reader.until_records(2) == wanted


async def test_emergencies(rig: Rig, gateway: Gateway) -> None:
    """In their place with an ID, those of whole files without."""
    alarm = {"emergency": {"reason": "collapse"}}
    async with reading(gateway, sessionId="a") as reader:
        await reader.until("subscribed")
        await rig.writer("a").append(*numbered(0, 1), alarm)
        told = await reader.until("emergency")
        assert json.loads(told["data"])["data"] == alarm
        assert told["id"] == json.loads(told["data"])["cursor"]
        await rig.broker.add_document(
            Document("emergency/a.json", "00", b'{"reason":"nan"}', "", True)
        )
        told = await reader.until("emergency")
        assert json.loads(told["data"])["data"] == {"reason": "nan"}
        assert "id" not in told


async def test_a_broker_that_is_away(own_broker: BrokerServer) -> None:
    """The stream ends and says when to come back, which browsers do by themselves."""
    rig = Rig(own_broker.url)
    async with rig.stack, rig.serving() as gateway:
        own_broker.kill()
        async with reading(gateway, sessionId="a") as reader:
            assert reader.response.status_code == 200
            error = await reader.until("error")
            assert json.loads(error["data"])["code"] == "unavailable"
            assert int(error["retry"]) >= 1_000
            with pytest.raises(EOFError):
                await reader.next()


async def test_draining(broker: BrokerServer) -> None:
    """SIGTERM: readers hear when to come back, and their stream ends as a whole one."""
    rig, port = Rig(broker.url), free_port()
    async with (
        rig.stack,
        running(broker.url, port, key_prefix=rig.prefix) as process,
    ):
        await until_ready(port)
        url = f"http://127.0.0.1:{port}/sse/telemetry?sessionId=a"
        async with (
            httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client,
            client.stream("GET", url) as answer,
        ):
            reader = Reader(answer)
            await reader.until("subscribed")
            process.send_signal(signal.SIGTERM)
            draining = await reader.until("draining")
            assert int(draining["retry"]) > 0
            with pytest.raises(EOFError):
                await reader.until("anything else")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0


async def test_a_reader_that_takes_nothing_is_cut_off(rig: Rig) -> None:
    """After the slow time-out, as any client; what it had not taken is dropped."""
    big = [{"step": step, "pad": "x" * 10_000} for step in range(1_000)]
    for start in range(0, 1_000, 250):
        await rig.writer("a").append(*big[start : start + 250])
    async with rig.serving(slow_timeout=0.5, ping_interval=1.0) as gateway:
        reader, writer = await asking(
            gateway.port, "/sse/telemetry?sessionId=a&from=start"
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b'closed_total{by="gateway",code="4008"} 1.0' not in (
                gateway.replica.instruments.exposition()
            ):
                await asyncio.sleep(0.05)
        assert len(gateway.replica.connections) == 0
        writer.transport.abort()
        del reader


async def test_a_reader_that_reads_stays(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot answer pings; that its socket takes bytes will do."""
    monkeypatch.setattr(event_stream, "COMMENT_SECONDS", 0.2)
    async with (
        rig.serving(ping_interval=0.1, pong_timeout=0.1) as gateway,
        reading(gateway, sessionId="a") as reader,
    ):
        while reader.comments < 5:
            await reader.next()
        await rig.writer("a").append(*numbered(0, 1))
        assert await reader.until_records(1) == numbered(0, 1)
