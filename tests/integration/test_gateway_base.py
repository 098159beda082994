"""The protocol's Base, word for word, and what clients may add to it."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tailcast_service.build import read_build
from tailcast_streams.entries import Document
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


HANDSHAKE = (
    b"GET /ws/telemetry HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
EMERGENCY = {
    "timestamp": "2025-12-18T01:30:00.000Z",
    "emergency": {"reason": "collapse", "severity": "critical", "metric": "phi",
                  "value": 0.1, "threshold": 0.5},
    "telemetry": {"phi": 0.1},
}  # fmt: skip  # one glance


async def test_subscribing_to_one_session(rig: Rig, gateway: Gateway) -> None:
    """The answer has Base's words; a session that is not there is waited for."""
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(sessionId="session_001")
        assert answer["sessionId"] == "session_001"
        assert answer["message"] == "Subscribed to session_001"
        assert answer["cursor"] is answer["head"] is answer["oldest"] is None
        record = {"timestamp": "2025-12-18T01:30:00.000Z", "step": 42,
                  "telemetry": {"phi": 0.72, "emergency": True}}  # fmt: skip
        await rig.writer("session_001").append(record)
        told = await watcher.until("telemetry")
        assert told["sessionId"] == "session_001"
        assert told["data"] == [record]
        assert told["prev"] == "1-0-00000000"
        assert "replayed" not in told


async def test_subscribing_to_all_sessions(rig: Rig, gateway: Gateway) -> None:
    """Records of all sessions, those to come included; the records before are not."""
    await rig.writer("old").append(*numbered(0, 3))
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(sessionId=None)
        assert len(answer.pop("connectionId")) == 12
        assert answer == {"type": "subscribed", "message": "Subscribed to all sessions"}
        positions = await watcher.until("positions", more=False)
        assert positions["cursors"]["old"].startswith("1-")
        await rig.writer("old").append(*numbered(3, 4))
        assert (await watcher.until("telemetry"))["data"] == numbered(3, 4)
        await rig.writer("dir/new one").append(*numbered(0, 2))
        told = await watcher.until("telemetry")
        assert (told["sessionId"], told["data"]) == ("dir/new one", numbered(0, 2))


async def test_unsubscribing(rig: Rig, gateway: Gateway) -> None:
    """No records any more; the connection lives."""
    writer = rig.writer("a")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await watcher.send(type="unsubscribe")
        assert await watcher.next() == {"type": "unsubscribed"}
        await writer.append(*numbered(0, 5))
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(5, 6))
        assert (await watcher.until_records(1)) == numbered(5, 6)


async def test_heartbeat(gateway: Gateway) -> None:
    """A heartbeat is answered, with a time; `everyMs` brings more unasked."""
    async with watching(gateway) as watcher:
        await watcher.send(type="heartbeat")
        assert (await watcher.next())["timestamp"].endswith("Z")
        await watcher.send(type="heartbeat", everyMs=1_000)
        assert (await watcher.next())["type"] == "heartbeat"
        beat = await watcher.until("heartbeat")
        assert beat["feed"] in {"fresh", "stale"}
        assert beat["cursors"] == beat["heads"] == {}


async def test_emergency_line(rig: Rig, gateway: Gateway) -> None:
    """An emergency line comes in its place as `emergency`, once."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await rig.writer("a").append(*numbered(0, 1), EMERGENCY, *numbered(1, 2))
        await watcher.until("telemetry", data=numbered(0, 1))
        told = await watcher.next()
        assert (told["type"], told["sessionId"]) == ("emergency", "a")
        assert told["data"] == EMERGENCY
        assert told["id"] == f"a/{told['cursor']}"
        assert (await watcher.next())["prev"] == told["cursor"]


async def test_emergency_documents(rig: Rig, gateway: Gateway) -> None:
    """Whole-file emergencies reach those whose session it is, or all if it has none."""
    async with watching(gateway) as mine, watching(gateway) as other:
        await mine.subscribe(sessionId="a")
        await other.subscribe(sessionId="b")
        text = json.dumps(EMERGENCY).encode()
        old = Document("emergency/0.json", "00", b'{"old":1}', "a", is_news=False)
        one = Document("emergency/1.json", "11", text, "a", is_news=True)
        two = Document("emergency/2.json", "22", b'{"two":2}', "", is_news=True)
        for document in (old, one, two):
            await rig.broker.add_document(document)
        first = await mine.until("emergency")
        assert (first["sessionId"], first["data"]) == ("a", EMERGENCY)
        assert first["id"] == "emergency/1.json/11"
        assert "cursor" not in first
        for watcher in (mine, other):
            told = await watcher.until("emergency")
            assert "sessionId" not in told
            assert told["data"] == {"two": 2}
        async with watching(gateway) as back:
            await back.subscribe(sessionId="a", cursors=first["cursors"])
            assert (await back.until("emergency"))["data"] == {"two": 2}


@pytest.mark.parametrize(
    "garbage",
    ["[]", '{"type":1}', "{", "nonsense", '{"type":"dance"}', b"\x00\xff", "[" * 9_000],
)
async def test_garbage(rig: Rig, gateway: Gateway, garbage: str | bytes) -> None:
    """The documented answer, nothing else disturbed."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await watcher.connection.send(garbage)
        assert await watcher.next() == {
            "type": "error",
            "code": "invalid_message",
            "message": "Invalid message format",
        }
        await rig.writer("a").append(*numbered(0, 1))
        assert await watcher.until_records(1) == numbered(0, 1)


async def test_messages_that_ask_for_too_much(gateway: Gateway) -> None:
    """What is not supported, or does not fit, is said with a code, never swallowed."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"type": "subscribe", "where": {}}, "invalid_filter"),
        ({"type": "subscribe", "from": "resume"}, "invalid_message"),
        ({"type": "auth"}, "invalid_message"),
        ({"type": "subscribe", "sessionId": "a", "from": {"cursor": "x"}},
         "invalid_cursor"),
        ({"type": "subscribe", "from": {"cursor": "1-2-00000000"}}, "invalid_message"),
        ({"type": "subscribe", "sessionId": 5}, "invalid_message"),
        ({"type": "subscribe", "strict": True, "sesionId": "a"}, "invalid_message"),
        ({"type": "subscribe", "sessionIds": [str(n) for n in range(1_001)]},
         "too_many_subscriptions"),
    ]  # fmt: skip  # one glance
    async with watching(gateway) as watcher:
        for number, (message, code) in enumerate(cases):
            await watcher.send(**message, id=number)
            answer = await watcher.next()
            assert (answer["type"], answer["id"], answer["code"]) == (
                "error", number, code,
            ), message  # fmt: skip


async def test_message_that_is_too_large(gateway: Gateway) -> None:
    """It closes the connection with 1009, and says so first."""
    async with watching(gateway) as watcher:
        await watcher.connection.send("x" * 270_000)
        assert (await watcher.next())["close"] == 1009
        with pytest.raises(ConnectionClosed):
            await watcher.next()
        assert watcher.connection.close_code == 1009


async def test_positions(rig: Rig, gateway: Gateway) -> None:
    """start, last, replay, cursor: each begins where it says, then goes on live."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 10))
    for start, first in (
        ({"from": "start"}, 0),
        ({"from": {"last": 3}}, 7),
        ({"replay": 2}, 8),
        ({"replay": 100}, 0),
        ({"replay": 0}, 10),
    ):
        async with watching(gateway) as watcher:
            answer = await watcher.subscribe(sessionId="a", id="x", **start)
            assert answer["id"] == "x"
            assert answer["oldest"] == "1-0-00000000"
            caught_up = await watcher.until("caught_up")
            assert watcher.records == numbered(first, 10)
            assert caught_up["cursor"] == answer["head"]
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        frame = await watcher.until("telemetry", replayed=True)
    async with watching(gateway) as watcher:
        cursor = {"cursor": frame["prev"]}
        answer = await watcher.subscribe(sessionId="a", **{"from": cursor})
        assert answer["recovered"] is True
        await writer.append(*numbered(10, 12))
        assert await watcher.until_records(12) == numbered(0, 12)


async def test_wildcards_add_and_leaving_out(rig: Rig, gateway: Gateway) -> None:
    """Globs match what comes later; each comes once; one can be left out."""
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(sessionIds=["run_*", "x?"])
        assert answer["sessionIds"] == ["run_*", "x?"]
        await watcher.subscribe(sessionId="run_1", add=True)
        await watcher.send(type="unsubscribe", sessionId="run_3")
        assert (await watcher.until("unsubscribed"))["sessionId"] == "run_3"
        for session in ("other", "run_3", "run_1", "run_a/b", "x1"):
            await rig.writer(session).append({"of": session})
        records = await watcher.until_records(3)
        assert sorted(r["of"] for r in records) == ["run_1", "run_a/b", "x1"]


async def test_origins(rig: Rig, gateway: Gateway) -> None:
    """No origin, its own, loopback and named ones may connect; others get HTTP 403."""
    async with connect(gateway.ws_url):
        pass
    for text in (gateway.url, "http://localhost:3000", "http://127.0.0.1:5173"):
        async with connect(gateway.ws_url, origin=Origin(text)):
            pass
    with pytest.raises(InvalidStatus) as refused:
        async with connect(gateway.ws_url, origin=Origin("https://evil.example")):
            pass
    assert refused.value.response.status_code == 403
    async with (
        rig.serving(allowed_origins=("https://good.example",)) as strict,
        connect(strict.ws_url, origin=Origin("https://good.example")),
    ):
        pass


async def test_subprotocol(gateway: Gateway) -> None:
    """`tailcast.v1.json` is echoed if it was offered."""
    offered = [Subprotocol("other"), Subprotocol("tailcast.v1.json")]
    async with connect(gateway.ws_url, subprotocols=offered) as connection:
        assert connection.subprotocol == "tailcast.v1.json"


async def test_too_many_connections(rig: Rig) -> None:
    """The one that is too many is refused before the upgrade; the others stay."""
    async with rig.serving(max_connections=1) as gateway, watching(gateway) as first:
        with pytest.raises(InvalidStatus) as refused:
            async with watching(gateway):
                pass
        response = refused.value.response
        assert response.status_code == 503
        assert 5 <= int(response.headers["retry-after"]) <= 15
        # What comes in pieces takes the libraries' way, and gets the same answer.
        answer = await handshake_in_pieces(gateway.port)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer.lower()
        await first.subscribe(sessionId="a")


async def test_no_more_are_let_in_than_fit(rig: Rig) -> None:
    """Of many that come at once, each counts from when it is let in."""
    async with rig.serving(max_connections=3) as gateway:
        connecting = [connect(gateway.ws_url) for _ in range(12)]
        made = await asyncio.gather(*connecting, return_exceptions=True)
        connections = [one for one in made if isinstance(one, ClientConnection)]
        assert len(connections) == 3
        assert sum(isinstance(one, InvalidStatus) for one in made) == 9
        for one in connections:
            await one.close()


async def handshake_in_pieces(port: int) -> bytes:
    """What a handshake is answered that does not come in one go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    first, second = HANDSHAKE[:40], HANDSHAKE[40:]
    writer.write(first)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(second)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return answer


async def test_lag_is_measured_from_the_write_to_the_frame(
    rig: Rig, gateway: Gateway
) -> None:
    """By the time that the notification tells; a clock that is ahead counts as none."""
    now_ms = time.time_ns() // 1_000_000
    writer = rig.writer("a")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await writer.append(*numbered(0, 1))
        await watcher.until_records(1)
        before = _lag(gateway)
        await writer.append(*numbered(1, 2), written_ms=now_ms - 5_000)
        await watcher.until_records(2)
        behind = _lag(gateway)
        await writer.append(*numbered(2, 3), written_ms=now_ms + 3_600_000)
        await watcher.until_records(3)
        ahead = _lag(gateway)
    assert behind["count"] == before["count"] + 1
    assert behind["sum"] - before["sum"] >= 5.0
    assert ahead == {"count": behind["count"] + 1, "sum": behind["sum"]}


def _lag(gateway: Gateway) -> dict[str, float]:
    text = gateway.replica.instruments.exposition().decode()
    name = "tailcast_gateway_lag_seconds_"
    return {
        part: float(line.split()[1])
        for part in ("count", "sum")
        for line in text.splitlines()
        if line.startswith(name + part)
    }


async def test_http(rig: Rig, gateway: Gateway) -> None:
    """Sessions and pages of records; IDs may contain slashes."""
    writer = rig.writer("runs/a b")
    await writer.append(*numbered(0, 5), EMERGENCY, last_step=4, updated_ms=1)
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        found = (await client.get("/api/sessions")).json()["sessions"]
        assert [one["sessionId"] for one in found] == ["runs/a b"]
        # It was appended now, whatever its tailer's clock says.
        assert (found[0]["records"], found[0]["status"]) == (6, "running")
        one = (await client.get("/api/sessions/runs/a b")).json()
        assert one["steps"]["last"] == 4
        url = "/api/sessions/runs/a b/records"
        page = (await client.get(url, params={"limit": 4})).json()
        assert page["data"] == numbered(0, 4)
        assert page["more"] is True
        after = {"after": page["cursor"]}
        page = (await client.get(url, params=after)).json()
        assert page["data"] == [*numbered(4, 5), EMERGENCY]
        assert page["more"] is False
        assert (await client.get(url, params={"after": "x"})).status_code == 400
        assert (await client.get("/api/sessions/none")).status_code == 404
        build = read_build()
        life = await client.get("/healthz")
        assert (life.status_code, life.json()) == (
            200,
            {"status": "alive", **build._asdict()},
        )
        metrics = (await client.get("/metrics")).content
        labels = f'revision="{build.revision}",version="{build.version}"'
        assert f"tailcast_build_info{{{labels}}} 1.0".encode() in metrics
        assert b"tailcast_gateway_connections" in metrics
        html = (await client.get("/")).text
        assert "<title>Tailcast</title>" in html
        assert "://" not in html.replace("http://www.w3.org", "")
