"""What tests start and ask is given its time, whatever its libraries would do."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncGenerator

import httpx
import pytest
import websockets.asyncio.client
import websockets.sync.client
from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, serve

from tailcast_streams.redis import connection
from tests.patience import PATIENCE_SECONDS


def test_brokers_are_waited_for() -> None:
    """To answer, and to take a connection."""
    client: Redis = connection.connect("redis://127.0.0.1:1")
    options = client.connection_pool.connection_kwargs
    assert options["socket_connect_timeout"] == PATIENCE_SECONDS
    assert options["socket_timeout"] == PATIENCE_SECONDS


def test_http_is_waited_for() -> None:
    """By a client that does not say how long."""
    with httpx.Client() as client:
        assert client.timeout == httpx.Timeout(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "connect",
    [websockets.asyncio.client.connect.__init__, websockets.sync.client.connect],
)
def test_web_sockets_are_waited_for(connect: object) -> None:
    """To open, to answer a ping, and to close."""
    assert callable(connect)
    parameters = inspect.signature(connect).parameters
    for name in ("open_timeout", "ping_timeout", "close_timeout"):
        assert parameters[name].default == PATIENCE_SECONDS


@contextlib.asynccontextmanager
async def sending_at_goodbye() -> AsyncGenerator[str]:
    """A server whose answer to a close frame is behind more than a client queues."""

    async def send(connection: ServerConnection) -> None:
        for _ in range(100):
            await connection.send("unread")
        await connection.wait_closed()

    async with serve(send, "localhost", 0) as server:
        _, port, *_ = next(iter(server.sockets)).getsockname()
        yield f"ws://localhost:{port}"


async def test_what_was_not_read_delays_no_goodbye() -> None:
    """The client hears the answer to its close frame."""
    async with (
        sending_at_goodbye() as address,
        websockets.asyncio.client.connect(address, proxy=None) as client,
    ):
        while not client.recv_messages.paused:
            await asyncio.sleep(0)
        await client.close()
        assert client.close_code == websockets.CloseCode.NORMAL_CLOSURE


async def test_what_a_thread_did_not_read_delays_no_goodbye() -> None:
    """The client without a loop hears it, too."""

    def come_and_go(address: str) -> int | None:
        with websockets.sync.client.connect(address, proxy=None) as client:
            while not client.recv_messages.paused:
                time.sleep(0)
            client.close()
            return client.close_code

    async with sending_at_goodbye() as address:
        code = await asyncio.to_thread(come_and_go, address)
        assert code == websockets.CloseCode.NORMAL_CLOSURE
