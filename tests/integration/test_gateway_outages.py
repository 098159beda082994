"""The broker is away, and back: whatever is asked for is answered, both times."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tailcast_gateway.commands import commands, subscribing
from tailcast_gateway.connections import connection
from tailcast_gateway.sessions import feed
from tailcast_streams.redis import connection as redis_connection
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)


COMMANDS: dict[str, dict[str, Any]] = {
    "one session": {"type": "subscribe", "sessionId": "a", "from": "start"},
    "with a snapshot": {"type": "subscribe", "sessionId": "a", "snapshot": True},
    "several": {"type": "subscribe", "sessionIds": ["a", "b*"]},
    "all": {"type": "subscribe"},
    "one more": {"type": "subscribe", "sessionId": "a", "add": True},
    "resume": {"type": "subscribe", "clientId": "me", "from": "resume"},
    "from a step": {"type": "subscribe", "sessionId": "a", "from": {"step": 1}},
    "snapshot": {"type": "snapshot", "sessionId": "a"},
    "history": {"type": "history", "sessionId": "a"},
    "sessions": {"type": "sessions"},
}
ANSWERS = {"snapshot": "snapshot", "history": "history", "sessions": "sessions"}
PATHS = (
    "/api/sessions",
    "/api/sessions/a",
    "/api/sessions/a/records",
    "/api/sessions/a/rejected",
    "/api/snapshot?sessionId=a",
    "/api/records?sessionId=a",
    "/api/records?sessionId=a&from=last:1",
    "/api/rejected?sessionId=a",
    "/api/emergencies",
)
EXPORT = {"accept": "application/x-ndjson"}
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    *((path, {}) for path in PATHS),
    ("/api/records?sessionId=a", EXPORT),
)
EVENTS = "/sse/telemetry?sessionId=a&from=last:1"
AT_ONCE = 12


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not answer is away soon."""
    for module in (commands, subscribing):
        monkeypatch.setattr(module, "BROKER_SECONDS", 0.5)
    monkeypatch.setattr(redis_connection, "REPLY_TIMEOUT", 0.5)


@pytest.fixture
async def gateway(own_rig: Rig) -> AsyncIterator[Gateway]:
    """One that is ready, and whose connections to the broker are in use."""
    await own_rig.writer("a").append(*numbered(0, 3))
    async with own_rig.serving() as gateway:
        await gateway.until_ready()
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            await asyncio.gather(*(client.get("/api/sessions") for _ in range(AT_ONCE)))
        yield gateway


def unavailable(gateway: Gateway, to: str) -> float:
    """How often it was answered so."""
    name = f'tailcast_gateway_unavailable_total{{to="{to}"}} '
    text = gateway.replica.instruments.exposition().decode()
    return sum(float(one.split()[-1]) for one in text.splitlines() if name in one)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("how", ["stopped", "paused"])
@pytest.mark.one_broker
async def test_each_question_is_answered_while_the_broker_is_away(
    gateway: Gateway, own_broker: BrokerServer, how: str
) -> None:
    """Each says that, and when to ask again; each is counted."""
    if how == "stopped":
        own_broker.stop()
    else:
        own_broker.pause()
    async with AsyncExitStack() as stack:
        for asked in COMMANDS.values():
            watcher = await stack.enter_async_context(watching(gateway))
            before = unavailable(gateway, asked["type"])
            await watcher.send(**asked, id="mine")
            told = await watcher.until("error", code="unavailable", id="mine")
            assert told["retryAfterMs"] > 0
            assert unavailable(gateway, asked["type"]) == before + 1
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS)
        )
        for path, headers in ASKED:
            before = unavailable(gateway, "request")
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 503, path
            assert answer.json()["code"] == "unavailable"
            assert int(answer.headers["retry-after"]) > 0
            assert unavailable(gateway, "request") == before + 1
        events = await client.get(EVENTS)
        assert events.status_code == 200
        assert "event: error\n" in events.text
        assert "\nretry: " in events.text
    if how == "paused":
        own_broker.resume()


async def ask(watcher: Watcher, name: str, number: int) -> None:
    """Ask a question; it is answered, and not by an error."""
    asked: dict[str, Any] = COMMANDS[name] | {"id": number}
    if "clientId" in asked:
        asked["clientId"] = f"me{number}"
    await watcher.send(**asked)
    expected = ANSWERS.get(asked["type"], "subscribed")
    while (message := await watcher.next())["type"] != expected:
        assert message["type"] != "error", (asked, message)


async def get(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    """Ask over HTTP; it is answered."""
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.text)


async def stream(client: httpx.AsyncClient) -> None:
    """Follow events until a record comes, and no error."""
    async with client.stream("GET", EVENTS) as answer:
        async for line in answer.aiter_lines():
            assert line != "event: error"
            if line == "event: telemetry":
                return


async def test_nothing_is_unavailable_once_the_broker_is_back(
    gateway: Gateway, own_broker: BrokerServer
) -> None:
    """Each question, many at once: none meets a connection that died with it."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS)
        )
        watchers = [
            (await stack.enter_async_context(watching(gateway)), name)
            for name in COMMANDS
            for _ in range(AT_ONCE)
        ]
        await asyncio.to_thread(own_broker.restart)
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for number, (watcher, name) in enumerate(watchers):
                group.create_task(ask(watcher, name, number))
            for _ in range(AT_ONCE):
                group.create_task(stream(client))
                for path, headers in ASKED:
                    group.create_task(get(client, path, headers))


@pytest.mark.usefixtures("hasty")
@pytest.mark.one_broker
async def test_who_waits_for_a_turn_does_not_wait_for_each_before(
    gateway: Gateway, own_broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first have found out about the broker is told to all who wait."""
    tries, subscribe = list[Any](), subscribing.Subscribing._subscribe_several

    async def counted(self: subscribing.Subscribing, *rest: Any) -> None:
        tries.append(rest)
        await subscribe(self, *rest)

    monkeypatch.setattr(subscribing.Subscribing, "_subscribe_several", counted)
    monkeypatch.setattr(feed, "LATE_CANARIES", 0)
    own_broker.pause()
    async with AsyncExitStack() as stack:
        watchers = [
            await stack.enter_async_context(watching(gateway)) for _ in range(20)
        ]
        for watcher in watchers:
            await watcher.send(type="subscribe")
        for watcher in watchers:
            await watcher.until("error", code="unavailable")
    own_broker.resume()
    assert len(tries) < len(watchers)


@pytest.mark.one_broker
async def test_who_does_not_ask_again_is_closed(
    gateway: Gateway, own_broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hear nothing for ever: 1013 sends it back to where it subscribes."""
    monkeypatch.setattr(connection, "ASK_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(gateway.replica.connections, "_ping_interval", 0.1)
    own_broker.stop()
    async with watching(gateway) as watcher:
        await watcher.send(type="subscribe", sessionId="a")
        await watcher.until("error", code="unavailable")
        told = await watcher.until("error", code="closed", close=1013)
        assert told["retryAfterMs"] > 0
        await watcher.connection.wait_closed()
        assert watcher.connection.close_code == 1013


@pytest.mark.one_broker
async def test_who_asks_again_or_wants_no_more_stays(
    gateway: Gateway, own_broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says about subscriptions says that it has heard."""
    monkeypatch.setattr(connection, "ASK_AGAIN_SECONDS", 3_600.0)
    own_broker.stop()
    async with watching(gateway) as asking, watching(gateway) as leaving:
        for watcher in (asking, leaving):
            await watcher.send(type="subscribe", sessionId="a")
            await watcher.until("error", code="unavailable")
        await asyncio.to_thread(own_broker.start)
        await gateway.until_ready()
        await leaving.send(type="unsubscribe")
        await leaving.until("unsubscribed")
        await asking.subscribe(sessionId="a")
        now = gateway.replica._clock() + 7_200.0
        for one in list(gateway.replica.connections):
            one.check(now, ping_interval=9e9, pong_timeout=9e9, slow_timeout=9e9)
        for watcher in (asking, leaving):
            await watcher.send(type="heartbeat", id="there")
            await watcher.until("heartbeat", id="there")


async def test_it_is_logged_and_not_each_time(
    gateway: Gateway,
    own_broker: BrokerServer,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What could not be answered and why; of a thousand the first, and then a count."""
    own_broker.stop()
    async with watching(gateway) as watcher:
        for _ in range(5):
            await watcher.send(type="sessions")
            await watcher.until("error", code="unavailable")
    said = capsys.readouterr().out + caplog.text
    lines = [one for one in said.splitlines() if "answered unavailable" in one]
    assert len(lines) == 1, json.dumps(lines)
    assert "sessions" in lines[0]
