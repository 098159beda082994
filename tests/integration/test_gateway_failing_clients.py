"""Work that fails over one client or request stops no other."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.connections.drain import Departure
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.wires import JSON
from tests.integration.failures import MSGPACK, closing, defects
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    numbered,
    watching,
)


@pytest.mark.parametrize("step", ["check", "beat", "pong_received"])
async def test_upkeep_that_fails_over_one_client(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The others are looked after, and hear."""
    kept = getattr(Connection, step)
    odd_one: list[Client] = []

    def fail(self: Connection, *args: Any, **more: Any) -> Any:
        if self.client in odd_one:
            raise LookupError("a bad client")
        return kept(self, *args, **more)

    monkeypatch.setattr(Connection, step, fail)
    async with (
        rig.serving(ping_interval=0.2) as gateway,
        watching(gateway) as odd,
        watching(gateway) as other,
    ):
        for watcher in (odd, other):
            await watcher.subscribe(sessionId="a")
            await watcher.send(type="heartbeat", everyMs=1_000)
            await watcher.until("heartbeat")
        client = next(iter(gateway.replica.connections)).client
        odd_one.append(client)
        told, code = await closing(odd)
        assert (told["code"], code) == ("internal_error", 1011)
        await rig.writer("a").append(*numbered(0, 1))
        await other.until_records(1)
        await other.until("heartbeat")


async def test_a_request_that_fails(
    rig: Rig,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said of its session, and counted; the server's own log says nothing."""
    await rig.writer("a").append(*numbered(0, 1))

    heads = gateway.replica._broker.heads

    async def fail(sessions: Sequence[str]) -> Any:
        # Whoever asks for the emergencies is none of the requests.
        if "a" in sessions:
            raise LookupError("a bad request")
        return await heads(sessions)

    monkeypatch.setattr(gateway.replica._broker, "heads", fail)
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answer = await client.get("/api/sessions/a")
    said = answer.status_code, answer.json()["code"]
    assert said == (503, "session_unavailable")
    assert defects(gateway, "session") >= 1
    assert not [one for one in caplog.records if one.name.startswith("uvicorn")]


async def test_an_event_stream_that_cannot_be_begun(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends, and says when to come again: what is refused is never come back to."""
    heads = gateway.replica._broker.heads

    async def fail(names: Sequence[str]) -> Any:
        # What else asks, for other names, is not to fail with it.
        if "a" in names:
            raise LookupError("a bad head")
        return await heads(names)

    monkeypatch.setattr(gateway.replica._broker, "heads", fail)
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answer = await client.get("/sse/telemetry?sessionId=a")
    assert answer.status_code == 200
    assert '"code":"internal_error"' in answer.text
    assert "\nretry: " in answer.text


@pytest.mark.parametrize("step", ["announced", "dismissed"])
async def test_a_drain_that_fails_over_one_client(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The others are sent away in order."""
    async with watching(gateway) as odd, watching(gateway) as other:
        for watcher in (odd, other):
            await watcher.subscribe(sessionId="a")
        connection = next(iter(gateway.replica.connections))
        bad = connection.client
        send, dismiss = Client.send, Connection.dismiss

        def fail_to_send(self: Client, message: Any) -> None:
            if self is bad and message["type"] == "draining":
                raise LookupError("a bad client")
            send(self, message)

        def fail_to_dismiss(self: Connection, farewell: Any) -> None:
            if self.client is bad:
                raise LookupError("a bad client")
            dismiss(self, farewell)

        if step == "announced":
            monkeypatch.setattr(Client, "send", fail_to_send)
        else:
            monkeypatch.setattr(Connection, "dismiss", fail_to_dismiss)
        # Long enough for both turns on a machine that is busy with other tests.
        draining = asyncio.create_task(gateway.replica.drain(Departure(4)))
        told, code = await closing(other)
        assert (told["type"], code) == ("closing", 1012)
        told, code = await closing(odd)
        assert (told["code"], code) == ("internal_error", 1011)
        await draining


async def test_a_session_event_that_fails_over_one_client(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others hear what became of the session."""
    message = type(JSON).message

    def fail(self: Any, fields: Any) -> bytes:
        if fields["type"] == "session":
            raise LookupError("a bad wire")
        return message(self, fields)

    async with watching(gateway) as odd, watching(gateway, **MSGPACK) as other:
        for watcher in (odd, other):
            await watcher.subscribe()
            await watcher.until("positions", more=False)
        monkeypatch.setattr(type(JSON), "message", fail)
        await rig.writer("a").append(*numbered(0, 1))
        assert (await other.until("session"))["event"] == "started"
        assert (await closing(odd))[1] == 1011
    assert gateway.replica.why_over is None
