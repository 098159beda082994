"""What is asked in unusual ways is answered, or refused with a reason."""

import asyncio
import json

import httpx
import pytest
from starlette.routing import Route

from tailcast_gateway.http import changes
from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, numbered
from tests.red_team.requests import UPGRADE, asked, request


async def test_head_is_like_get(rig: Rig, gateway: Gateway) -> None:
    """On each route that has GET: the same status and type, without a body."""
    await rig.writer("a").append(*numbered(0, 3))
    routes = [one for one in gateway.app.routes if isinstance(one, Route)]
    paths = {one.path for one in routes if "GET" in (one.methods or ())}
    assert {"/", "/healthz", "/metrics", "/api/sessions", "/sse/telemetry"} <= paths
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for path in sorted(paths):
            url = path.replace("{session:path}", "a").replace("{id}", "a")
            url += "?sessionId=a"
            head = await client.head(url)
            async with client.stream("GET", url) as got:
                assert head.status_code == got.status_code, url
                names = ("content-type",)
                assert [head.headers.get(one) for one in names] == [
                    got.headers.get(one) for one in names
                ], url
            assert head.content == b""


async def test_head_of_what_has_no_end(rig: Rig, gateway: Gateway) -> None:
    """An event stream and an export are over with their headers."""
    await rig.writer("a").append(*numbered(0, 3))
    lines = {"accept": "application/x-ndjson"}
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for _ in range(2):
            answer = await client.head("/sse/telemetry?sessionId=a&from=start")
            assert answer.headers["content-type"].startswith("text/event-stream")
            answer = await client.head("/api/records?sessionId=a", headers=lines)
            assert answer.headers["content-type"] == "application/x-ndjson"
        answer = await client.put("/api/sessions")
        assert answer.headers["allow"] == "GET, HEAD, PATCH"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(gateway.replica.connections):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/telemetry/", "/ws/telemetry/a"])
async def test_a_path_that_is_no_websocket_is_not_found(
    gateway: Gateway, path: str
) -> None:
    """404, in the form of all errors."""
    status, body = await asked(
        gateway.port, request(path, *UPGRADE, hosts=("localhost",))
    )
    assert status == 404
    assert '"code":"not_found"' in body


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("/api/sessions?sesionId=a", "sesionId"),
        ("/api/records?sessionId=a&limit=1&limit=2", "limit"),
        ("/sse/telemetry?sessionId=a&from=now&from=start", "from"),
        ("/api/status?a=b", "a"),
    ],
)
async def test_parameters_that_have_no_effect_are_refused(
    gateway: Gateway, query: str, wrong: str
) -> None:
    """With the name of what is wrong."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answer = await client.get(query)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{wrong}: ")


async def test_several_values_are_a_list(rig: Rig, gateway: Gateway) -> None:
    """Where there may be several."""
    for name in ("a", "b", "c"):
        await rig.writer(name).append(*numbered(0, 1))
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answer = await client.get("/api/sessions?sessionId=a&sessionId=b")
    assert {one["sessionId"] for one in answer.json()["sessions"]} == {"a", "b"}


async def test_a_plus_that_was_not_escaped(rig: Rig, gateway: Gateway) -> None:
    """In a time it arrives as a blank, which can be nothing else."""
    times = [f"2025-11-26T0{hour}:00:00Z" for hour in range(3)]
    await rig.writer("a").append(*({"step": 1, "timestamp": time} for time in times))
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for text in ("03:00:00+02:00", "03:00:00%2B02:00", "01:00:00Z"):
            place = f"time:2025-11-26T{text}"
            answer = await client.get(f"/api/records?sessionId=a&from={place}")
            found = [one["timestamp"] for one in answer.json()["data"]]
            assert found == times[1:], text
        query = "/api/emergencies?since=2025-11-26T03:00:00+02:00"
        assert (await client.get(query)).status_code == 200


async def test_a_name_with_a_comma_is_one_name(rig: Rig, gateway: Gateway) -> None:
    """In an address as in a message; what else has its parts is not it."""
    for name in ("a,b", "a", "b"):
        await rig.writer(name).append({"step": 1, "name": name})
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        listed = (await client.get("/api/sessions?sessionId=a,b")).json()["sessions"]
        assert [one["sessionId"] for one in listed] == ["a,b"]
        page = (await client.get("/api/records?sessionId=a%2Cb")).json()
        assert [one["name"] for one in page["data"]] == ["a,b"]


async def test_readers_that_split_lines_elsewhere(rig: Rig, gateway: Gateway) -> None:
    """Lines and events have one record each for them, and names are whole."""
    name = text = "a\x85b\u2028c\u2029d"
    await rig.writer(name).append(*({"step": step, "text": text} for step in range(3)))
    lines = {"accept": "application/x-ndjson"}
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        params = {"sessionId": name, "from": "start"}
        whole = await client.get("/api/records", params=params, headers=lines)
        records = [json.loads(line) for line in whole.text.splitlines()]
        assert [one["text"] for one in records] == [text] * 3
        async with client.stream("GET", "/sse/telemetry", params=params) as events:
            read = ""
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for part in events.aiter_text():
                    read += part
                    if "event: caught_up" in read and read.endswith("\n\n"):
                        break
    said = [line for line in read.splitlines() if line.startswith("data: ")]
    messages = [json.loads(line.removeprefix("data: ")) for line in said]
    assert {one["sessionId"] for one in messages if "sessionId" in one} == {name}
    found = [one for each in messages for one in each.get("data", ())]
    assert [one["text"] for one in found] == [text] * 3


async def test_the_docs_are_all_from_here(gateway: Gateway) -> None:
    """The browser is told so, and there is nothing to be run."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answer = await client.get("/docs")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "GET /api/sessions" in answer.text
    assert "<script" not in answer.text


async def test_health_has_a_port_of_its_own(broker: BrokerServer) -> None:
    """There is nothing else at it."""
    port, own = free_port(), free_port()
    async with (
        running(broker.url, port, metrics_port=str(own)),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{own}") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        assert (await client.get("/healthz")).json()["status"] == "alive"
        assert "tailcast_gateway_tcp_connections" in (await client.get("/metrics")).text
        assert (await client.get("/api/sessions")).status_code == 404


CHANGING = ("/api/series", "/login", "/api/emergencies/ack?id=a")


@pytest.mark.parametrize("path", CHANGING)
async def test_a_body_that_does_not_come_is_not_the_brokers_fault(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It is answered 408, and counted as that; the connection is over."""
    monkeypatch.setattr(changes, "BODY_SECONDS", 0.1)
    kind = ("Content-Type: application/json", "Content-Length: 100")
    text = request(path, *kind, method="POST", hosts=("localhost",))
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"{text}{{".encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "the body did not come in time" in answer
    metrics = gateway.replica.instruments.exposition().decode()
    assert 'tailcast_gateway_requests_unread_total{status="408"} 1.0' in metrics
    assert 'tailcast_gateway_unavailable_total{to="request"} 1.0' not in metrics
    assert "tailcast_gateway_broker_errors_total{" not in metrics


@pytest.mark.parametrize("path", CHANGING)
async def test_whoever_leaves_within_a_body_is_no_defect(
    gateway: Gateway, path: str
) -> None:
    """Nobody is alarmed of it."""
    kind = ("Content-Type: application/json", "Content-Length: 100")
    text = request(path, *kind, method="POST", hosts=("localhost",))
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"{text}{{".encode())
    await writer.drain()
    edge = gateway.replica.edge
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not edge.open:
            await asyncio.sleep(0)
        writer.close()
        while edge.open:
            await asyncio.sleep(0)
    # What serves it ends by itself, a few turns of the loop later.
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        metrics = (await client.get("/metrics")).text
    assert 'tailcast_gateway_defects_total{over="request"} 0.0' in metrics
