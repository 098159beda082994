"""Each close that the gateway sends, for real: what it means is said before it."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tailcast_gateway.commands.commands import Commands
from tailcast_gateway.commands.subscribing import Subscribing
from tailcast_gateway.connections import connection, websocket
from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.connections.core import conduct
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES, CloseCode, ComeBack
from tailcast_streams.exceptions import BrokerUnavailable
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    fill_sockets,
    watching,
)


# Why and how it ends is the same over any broker.
pytestmark = pytest.mark.one_broker


# Nobody hears these, or no message of this version leads to them.
NOT_SENT = {
    close_codes.NORMAL,
    close_codes.GOING_AWAY,
    close_codes.NO_CODE,
    close_codes.LOST,
    close_codes.TOKEN_EXPIRED,
    close_codes.NOT_AUTHENTICATED,
}
# Few messages, and hardly more with time.
QUOTAS = Quotas(command_rate=0.001, command_burst=9, invalid_messages=3)
TOO_MUCH = "x" * (256 * 1024 + 1)

Cause = Callable[[Rig, Gateway, Watcher], Awaitable[None]]


async def break_framing(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """A text that is not masked."""
    client.connection.transport.write(b"\x81\x02no")


async def send_no_text(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """Bytes that are no UTF-8, as text."""
    await client.connection.send(b"\xff\xff", text=True)


async def send_too_much(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """A longer message than is allowed."""
    await client.connection.send(TOO_MUCH)


async def make_it_fail(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """What is asked for raises."""
    await client.send(type="subscribe", sessionId="a")


async def shut_down(_rig: Rig, gateway: Gateway, _client: Watcher) -> None:
    """As an operator does."""
    gateway.server.handle_exit(signal.SIGTERM, None)


async def stop_reading(rig: Rig, gateway: Gateway, client: Watcher) -> None:
    """Until the gateway has no patience any more; then what is left is read."""
    last_words, are_said = Connection.last_words, asyncio.Event()

    def noting(connection: Connection, code: int) -> bytes:
        are_said.set()
        return last_words(connection, code)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "last_words", noting)
        await client.subscribe(sessionId="a")
        await fill_sockets(gateway, rig.writer("a"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await are_said.wait()


async def keep_silent(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """Nothing is answered any more, pings neither."""
    # (Of this connection alone: nothing is to be undone.)
    protocol = client.connection.protocol

    def send_nothing(_frame: object) -> None:
        """As a library that does not."""

    pytest.MonkeyPatch().setattr(protocol, "send_frame", send_nothing)


async def pass_over_unavailable(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """A subscription that could not be served is not asked for again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "ASK_AGAIN_SECONDS", 0.0)
        patch.setattr(Subscribing, "_subscribe_one", away)
        await client.send(type="subscribe", sessionId="a")
        await client.until("error", code="unavailable")


async def be_taken_over(_rig: Rig, gateway: Gateway, client: Watcher) -> None:
    """By another connection of the same name."""
    await client.subscribe(sessionId="a", clientId="me")
    async with watching(gateway) as other:
        await other.subscribe(sessionId="a", clientId="me")


async def send_too_often(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """And go on when that is said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "AT_ONCE_SECONDS", 0.0)
        for _ in range(12):
            await client.send(type="heartbeat")
        for _ in range(3):
            told = await client.until("error", code="rate_limited")
            assert told["retryAfterMs"] > 0


async def send_nonsense(_rig: Rig, _gateway: Gateway, client: Watcher) -> None:
    """As often as it may be, and once more."""
    for number in range(4):
        await client.send(type="nonsense", id=number)
    for number in range(3):
        told = await client.until("error", id=number)
        is_last = "; one more soon ends this connection" in told["message"]
        assert is_last is (number == 2)


CAUSES: dict[CloseCode, Cause] = {
    close_codes.BAD_FRAME: break_framing,
    close_codes.NOT_UTF8: send_no_text,
    close_codes.FRAME_TOO_LARGE: send_too_much,
    close_codes.INTERNAL_ERROR: make_it_fail,
    close_codes.DRAINING: shut_down,
    close_codes.NOT_SERVED: pass_over_unavailable,
    close_codes.TOO_SLOW: stop_reading,
    close_codes.NO_PONG: keep_silent,
    close_codes.RATE_LIMITED: send_too_often,
    close_codes.PROTOCOL_ERROR: send_nonsense,
    close_codes.TAKEN_OVER: be_taken_over,
}


async def failing(*_args: Any) -> None:
    """A command that does not work."""
    raise RuntimeError("a defect")


async def away(*_args: Any) -> None:
    """A broker that is not there."""
    raise BrokerUnavailable("it is away")


async def farewell(client: Watcher) -> tuple[list[dict[str, Any]], int | None]:
    """What a client is told up to the close, and the code that it sees then."""
    told: list[dict[str, Any]] = []
    try:
        while True:
            told.append(await client.read())
    except ConnectionClosed as closed:
        return told, None if closed.rcvd is None else int(closed.rcvd.code)


def test_each_close_has_its_cause_here() -> None:
    """One that is new to the table is to be shown here too."""
    assert set(ALL_CLOSE_CODES) == NOT_SENT | set(CAUSES)


@pytest.mark.parametrize("wire", ["tailcast.v1.json", "tailcast.v1.msgpack"])
@pytest.mark.parametrize("close", CAUSES, ids=lambda close: str(close.number))
async def test_what_it_means_is_said_first(
    rig: Rig, close: CloseCode, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why, whether to come back and when; the code repeats it for those who see it."""
    if close is close_codes.INTERNAL_ERROR:
        monkeypatch.setattr(Commands, "subscribe", failing)
    haste: dict[str, Any] = {"quotas": QUOTAS}
    if close is close_codes.TOO_SLOW:
        haste = {"slow_timeout": 0.5}
    if close is close_codes.NOT_SERVED:
        haste = {"ping_interval": 0.2}
    if close is close_codes.NO_PONG:
        haste = {"ping_interval": 0.2, "pong_timeout": 0.2}
        # It does not answer the close either.
        monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.3)
    async with (
        rig.serving(**haste) as gateway,
        watching(gateway, subprotocols=[wire], max_queue=1, max_size=None) as client,
    ):
        await CAUSES[close](rig, gateway, client)
        told, code = await farewell(client)
    assert code == close.number
    if close is close_codes.DRAINING:
        assert [one["type"] for one in told] == ["draining", "closing"]
        assert told[0]["reconnectAfterMs"] > 0
        return
    last = told[-1]
    assert (last["type"], last["code"]) == ("error", close.error)
    assert last["close"] == code
    assert close.reason in last["message"]
    assert ("retryAfterMs" in last) is (close.come_back is not ComeBack.NO)


async def test_an_event_stream_says_why_it_ends(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no close code at all: an event says it, and when to come back."""
    monkeypatch.setattr(Commands, "subscribe", failing)
    url = f"{gateway.url}/sse/telemetry?sessionId=a"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
    assert answer.status_code == 200
    fields = dict(
        line.split(": ", 1) for line in answer.text.splitlines() if ": " in line
    )
    assert fields["event"] == "error"
    assert json.loads(fields["data"])["close"] == 1011
    assert int(fields["retry"]) >= 1_000
