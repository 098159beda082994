"""What tests of failing work look at: what was counted, and how clients were closed."""

from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.integration.gateway_rig import (
    Gateway,
    Watcher,
)


MSGPACK = {"subprotocols": [Subprotocol("tailcast.v1.msgpack")]}


def defects(gateway: Gateway, over: str) -> int:
    """How many were counted."""
    text = gateway.replica.instruments.exposition().decode()
    name = f'tailcast_gateway_defects_total{{over="{over}"}} '
    (line,) = (line for line in text.splitlines() if line.startswith(name))
    return int(float(line.removeprefix(name)))


async def closing(watcher: Watcher) -> tuple[dict[str, Any], int | None]:
    """The last message before the close, and its code."""
    last: dict[str, Any] = {}
    try:
        while True:
            last = await watcher.next()
    except ConnectionClosed:
        return last, watcher.connection.close_code
