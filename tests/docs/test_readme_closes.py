"""The README's script, ended in every way there is: it comes back, or stays away.

Its pauses pass at a fiftieth of their length: how long they are has a test of its own.
"""

import json
import struct
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tailcast_gateway.protocol.close_codes import (
    ALL_CLOSE_CODES,
    DRAINING,
    LOST,
    NO_CODE,
    CloseCode,
    ComeBack,
    last_words,
)
from tests.docs.snippets import SESSION, lines, snippet, started


HURRY = (
    "import asyncio; _sleep = asyncio.sleep;"
    "asyncio.sleep = lambda seconds: _sleep(seconds / 50)\n"
)
TEMPORARY = [one for one in ALL_CLOSE_CODES if one.come_back is not ComeBack.NO]
FOR_EVER = [one for one in ALL_CLOSE_CODES if one.come_back is ComeBack.NO]
# What proxies and libraries of others send.
FOREIGN = (1008, 1014, 3000, 4999)
UNAVAILABLE: dict[str, object] = {
    "type": "error",
    "code": "unavailable",
    "message": "Later",
    "retryAfterMs": 10,
}


class Ender:
    """Gives each connection one record more, and ends it in the next way."""

    def __init__(self, ways: list[Any]) -> None:
        self._ways = iter(ways)
        self.port = 0
        # The places that were asked for.
        self.asked: list[Any] = []

    async def serve(self, socket: ServerConnection) -> None:
        """One connection."""
        subscribe = json.loads(await socket.recv())
        assert subscribe["sessionId"] == SESSION
        self.asked.append(subscribe["from"])
        step = len(self.asked)
        way = next(self._ways, None)
        if way is None:
            await socket.wait_closed()
            return
        if way == UNAVAILABLE:
            await tell(socket, UNAVAILABLE)
            await socket.wait_closed()
            return
        await tell(socket, telemetry(step))
        if isinstance(way, CloseCode) and way.sent_when and way not in {LOST, NO_CODE}:
            await tell(socket, last_words(way, chance=0.0))
        await close(socket, way.number if isinstance(way, CloseCode) else way)


def cursor(step: int) -> str:
    """Where a record is."""
    return f"1-{step}-00000000"


def telemetry(step: int) -> dict[str, object]:
    """The message of one record."""
    return {
        "type": "telemetry",
        "sessionId": SESSION,
        "data": [{"step": step}],
        "cursor": cursor(step),
    }


async def tell(socket: ServerConnection, message: dict[str, object]) -> None:
    """Say something."""
    await socket.send(json.dumps(message))


async def close(socket: ServerConnection, code: int) -> None:
    """End it so that the other end sees this code, whichever it is."""
    if code == LOST.number:
        socket.transport.abort()
        return
    payload = b"" if code == NO_CODE.number else struct.pack("!H", code)
    # (The library would refuse to send some of them.)
    socket.transport.write(bytes([0x88, len(payload)]) + payload)
    await socket.wait_closed()


@asynccontextmanager
async def ending(ways: list[Any]) -> AsyncGenerator[Ender]:
    """A server that ends its connections so, one after the other."""
    made = Ender(ways)
    async with serve(made.serve, "127.0.0.1", 0) as server:
        (socket,) = server.sockets
        made.port = socket.getsockname()[1]
        yield made


def script(port: int) -> tuple[str, ...]:
    """The README's script, in a hurry."""
    return (sys.executable, "-c", HURRY + snippet("python", port))


async def test_the_script_comes_back_from_every_close_that_is_not_for_ever() -> None:
    """With its cursor, so that it has each record once."""
    ways = [*TEMPORARY, *FOREIGN]
    async with ending(ways) as server, started(*script(server.port)) as client:
        printed = await lines(client, len(ways))
    assert printed == [str({"step": step + 1}) for step in range(len(ways))]
    assert server.asked[0] == "start"
    for step, asked in enumerate(server.asked[1:], 1):
        assert asked == {"cursor": cursor(step)}


async def test_the_script_asks_again_for_what_was_unavailable() -> None:
    """It does not wait in silence on a connection that has nothing for it."""
    ways = [DRAINING, UNAVAILABLE, UNAVAILABLE, DRAINING]
    async with ending(ways) as server, started(*script(server.port)) as client:
        assert await lines(client, 2) == [str({"step": 1}), str({"step": 4})]
    assert server.asked[:4] == ["start", *[{"cursor": cursor(1)}] * 3]


@pytest.mark.parametrize("way", FOR_EVER, ids=lambda one: str(one.number))
async def test_the_script_stays_away_when_it_is_told_to(way: CloseCode) -> None:
    """It would only end so again."""
    async with ending([way]) as server, started(*script(server.port)) as client:
        out, _ = await client.communicate()
    assert client.returncode == 0
    assert out.decode().splitlines() == [str({"step": 1})]
    assert server.asked == ["start"]
