"""Replies as they come over the wire: many at once, in pieces, or not at all."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import hiredis
import pytest
from redis import exceptions as redis_errors
from redis.asyncio import Redis

from tailcast_streams.redis import connection, own_line
from tailcast_streams.redis.connection import Command, connect, exchange
from tailcast_streams.redis.own_line import OwnLine
from tests.patience import PATIENCE_SECONDS


Ask = Callable[[Redis], Awaitable[Sequence[Any]]]

COMMANDS = 5
ASKED = b"STRLEN"
GREETING = b"%1\r\n+proto\r\n:3\r\n"


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncGenerator[tuple[Redis, asyncio.Event]]:
    """A client whose server gives these pieces to its first pipeline, one by one.

    Also what is set once the client has left it.
    """
    is_left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands, asked = hiredis.Reader(), 0
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                commands.feed(data)
                while command := commands.gets():
                    asked += command[0] == ASKED
                    if command[0] != ASKED:
                        writer.write(GREETING if command[0] == b"HELLO" else b"+OK\r\n")
                for piece in pieces if asked == COMMANDS else ():
                    writer.write(piece)
                    await asyncio.sleep(0.002)
        writer.close()
        is_left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = connect(f"redis://127.0.0.1:{port}/0")
    try:
        yield client, is_left
    finally:
        await client.aclose()
        await is_left.wait()
        server.close()
        await server.wait_closed()


async def exchanged(client: Redis) -> Sequence[Any]:
    """What comes of commands that are sent together."""
    command: Command = ((ASKED, "key"), {})
    return await exchange(client, [command] * COMMANDS)


async def piped(client: Redis) -> Sequence[Any]:
    """The same by redis-py's pipeline."""
    pipeline = client.pipeline(transaction=False)
    for _ in range(COMMANDS):
        pipeline.strlen("key")
    return await pipeline.execute(raise_on_error=False)


async def on_a_line(client: Redis) -> Sequence[Any]:
    """The same over a connection of its own."""
    line = OwnLine(client)
    try:
        return await line.exchange([(ASKED, "key")] * COMMANDS)
    finally:
        await line.aclose()


in_all_ways = pytest.mark.parametrize("ask", [exchanged, piped, on_a_line])


@in_all_ways
@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_each_command_has_its_reply_however_they_come(
    size: int, ask: Ask
) -> None:
    """Also where an error stands among them, and a notice that nobody asked for."""
    wire = b":1\r\n-ERR no\r\n>2\r\n+notice\r\n:7\r\n:3\r\n:4\r\n:5\r\n"
    pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
    async with answering(*pieces) as (client, _):
        one, error, *others = await ask(client)
    assert isinstance(error, redis_errors.ResponseError)
    assert [one, *others] == [1, 3, 4, 5]


@in_all_ways
async def test_a_reply_that_does_not_come_whole_is_waited_for_and_given_up(
    monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """Those before it had come at once."""
    monkeypatch.setattr(connection, "REPLY_TIMEOUT", 0.05)
    monkeypatch.setattr(own_line, "REPLY_TIMEOUT", 0.05)
    async with answering(b":1\r\n:2\r\n:3") as (client, _):
        with pytest.raises((redis_errors.TimeoutError, TimeoutError)):
            await ask(client)


@in_all_ways
@pytest.mark.parametrize("before", [b"", b":1\r\n"])
async def test_a_server_that_turns_us_away_is_left(before: bytes, ask: Ask) -> None:
    """What it says after that is nobody's reply."""
    async with answering(before + b"-LOADING soon\r\n:2\r\n:3\r\n:4\r\n:5\r\n") as (
        client,
        is_left,
    ):
        with pytest.raises(redis_errors.BusyLoadingError):
            await ask(client)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await is_left.wait()
