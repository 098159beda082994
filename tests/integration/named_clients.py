"""What tests of named clients share: what is kept of them, and what they have had."""

import asyncio
import contextlib
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, Watcher


# Pings come soon: connections are looked at ten times a second.
HASTY: dict[str, Any] = {"ping_interval": 0.4}
BEGINNING = "1-0-00000000"


async def kept(rig: Rig, client: str = "me") -> dict[str, str]:
    """What an operator sees of a client."""
    key = rig.broker._keys.client(client)
    found: dict[Any, Any] = await rig.broker._redis.hgetall(key)
    return {name.decode(): value.decode() for name, value in found.items()}


async def until_kept(rig: Rig, client: str = "me", **cursors: str | None) -> None:
    """Until these are what is kept of a client."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cursors.items() <= (await kept(rig, client)).items():
            await asyncio.sleep(0.01)


async def closed_with(connection: ClientConnection) -> int | None:
    """Read to the end; its code."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            while True:
                await connection.recv()
        except ConnectionClosed:
            return connection.close_code


async def read_out(watcher: Watcher) -> None:
    """To the end of a connection that is over: what its library had got, it has had.

    The library has answered pings for it, and so it has been confirmed.
    """
    with contextlib.suppress(ConnectionClosed):
        while True:
            await watcher.next()


def steps(watcher: Watcher) -> list[int]:
    """The records that a client has had, by their numbers."""
    return [record["step"] for record in watcher.records]


async def until_step(watcher: Watcher, step: int) -> None:
    """Read until that record has come."""
    while step not in steps(watcher)[-1:]:
        await watcher.next()
