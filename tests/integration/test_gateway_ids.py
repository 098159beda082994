"""Each connection and each request has an ID, under which its log lines are found."""

import asyncio
import json

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tailcast_gateway.connections.ids import ID_HEADER
from tailcast_gateway.limits import Quotas
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)
from tests.integration.tokens import bearer, by_tokens, hasten, token


pytestmark = pytest.mark.one_broker


async def until_gone(gateway: Gateway) -> None:
    """Until the gateway has noted the end of all connections."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while list(gateway.replica.connections):
            await asyncio.sleep(0.01)


async def test_all_lines_of_a_connection_have_its_id(rig: Rig) -> None:
    """Those about its limits, its gaps and its end; another one's have another."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    quotas = Quotas(subscriptions=2, invalid_messages=1, control_frames=1)
    with capture_logs() as lines:
        async with rig.serving(quotas=quotas) as gateway:
            async with watching(gateway) as other, watching(gateway) as watcher:
                theirs = (await other.subscribe(sessionId="a"))["connectionId"]
                mine = (await watcher.subscribe(sessionId="a"))["connectionId"]
                again = await watcher.subscribe(sessionId="a")
                assert again["connectionId"] == mine != theirs
                # It is beyond three limits, and its cursor is another file's.
                await watcher.subscribe(
                    sessionId="a", **{"from": {"cursor": "1-9-00000000"}}
                )
                await watcher.send(type="subscribe", sessionIds=["b", "c", "d"])
                await watcher.until("error")
                for _ in range(3):
                    await watcher.connection.ping()
                for _ in range(2):
                    await watcher.connection.send("none")
                await watcher.connection.wait_closed()
            await until_gone(gateway)
    mine_told = [one for one in lines if one.get("connection") == mine]
    assert {one["event"] for one in mine_told} == {
        "beyond a limit",
        "rewind told: a cursor of another file",
        "connection closed",
    }
    limits = {one["limit"] for one in mine_told if "limit" in one}
    assert limits == {"subscriptions", "control_frames", "invalid_messages"}
    (goodbye,) = [one for one in lines if one.get("connection") == theirs]
    assert goodbye["event"] == "connection closed"
    # However soon after them the replica ends.
    counts = [one["times"] for one in lines if one["event"] == "connections closed"]
    assert sum(counts) == 2


async def test_a_failure_over_one_client_has_its_id(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is known whose report belongs to it."""
    with capture_logs() as lines:
        async with watching(gateway) as watcher:
            id = (await watcher.subscribe(sessionId="a"))["connectionId"]
            connection = next(iter(gateway.replica.connections))

            def fail(*_: object) -> None:
                raise LookupError("a bad client")

            monkeypatch.setattr(gateway.replica.commands, "heartbeat", fail)
            await watcher.send(type="heartbeat")
            await watcher.connection.wait_closed()
            assert connection.is_over
    (told,) = [one for one in lines if one["event"] == "defect"]
    assert told["connection"] == id


async def refused_id(gateway: Gateway, way: str) -> str | None:
    """The ID that is told to whoever brings a token that does not count, in a way."""
    wrong = bearer("none")
    if way == "request":
        async with httpx.AsyncClient(headers=wrong) as client:
            answer = await client.get(f"{gateway.url}/api/sessions")
        return answer.headers[ID_HEADER]
    if way == "handshake":
        with pytest.raises(InvalidStatus) as refused:
            await connect(gateway.ws_url, additional_headers=wrong)
        return refused.value.response.headers[ID_HEADER]
    async with watching(gateway, additional_headers=bearer(token())) as watcher:
        id: str = (await watcher.subscribe())["connectionId"]
        response = watcher.connection.response
        assert response is not None
        assert response.headers[ID_HEADER] == id
        await watcher.send(type="auth", token="none")
        await watcher.until("error")
    return id


@pytest.mark.parametrize("way", ["request", "handshake", "message"])
async def test_a_token_that_does_not_count(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The line that says why has the ID that its bearer was told."""
    hasten(monkeypatch)
    async with rig.serving(authenticating=by_tokens) as gateway:
        with capture_logs() as lines:
            id = await refused_id(gateway, way)
    (told,) = [one for one in lines if one["event"] == "token refused"]
    assert told["connection"] == id


async def test_an_event_stream_has_the_id_of_its_request(
    rig: Rig, gateway: Gateway
) -> None:
    """In the header, in its first event, and in the line of its end."""
    await rig.writer("a").append(*numbered(0, 1))
    url = f"{gateway.url}/sse/telemetry?sessionId=a"
    with capture_logs() as lines:
        async with (
            httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client,
            client.stream("GET", url) as answer,
        ):
            id = answer.headers[ID_HEADER]
            lines_of = answer.aiter_lines()
            while not (line := await anext(lines_of)).startswith("data:"):
                pass
            told = json.loads(line.removeprefix("data:"))
        await until_gone(gateway)
    assert (told["type"], told["connectionId"]) == ("subscribed", id)
    (goodbye,) = [one for one in lines if one["event"] == "connection closed"]
    assert goodbye["connection"] == id


async def test_answers_have_ids(gateway: Gateway) -> None:
    """Each another, whatever is answered."""
    paths = ("/", "/healthz", "/api/sessions", "/api/nothing", "/nothing")
    foreign = ({"host": "evil.example"}, {"origin": "https://evil.example"})
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        answers = [
            *[await client.get(path) for path in paths],
            *[await client.get("/api/sessions", headers=one) for one in foreign],
            await client.head("/api/sessions"),
        ]
    assert len({one.headers[ID_HEADER] for one in answers}) == len(answers)


async def test_lines_that_break_off_have_the_id_of_their_answer(rig: Rig) -> None:
    """In the log, where the reason is."""
    await rig.writer("a").append(*numbered(0, 3))
    # It counts, since clocks may differ, and is over.
    headers = bearer(token(seconds=-20.0)) | {"accept": "application/x-ndjson"}
    with capture_logs() as lines:
        async with (
            rig.serving(authenticating=by_tokens) as gateway,
            httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as client,
            client.stream("GET", f"{gateway.url}/api/records?sessionId=a") as answer,
        ):
            with pytest.raises(httpx.RemoteProtocolError):
                await answer.aread()
    (told,) = [one for one in lines if one["event"] == "export cut short"]
    assert told["connection"] == answer.headers[ID_HEADER]
