"""Everybody comes at once to the stack as its users run it."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect

from tests.checker.compose_stack import ComposeStack


# More than wait to be accepted where nobody has said how many may.
CROWD = 5_000


def _overflows(container: Any) -> int:
    """How many connections found no room to wait in, in this container so far."""
    text: str = container.exec_run(["cat", "/proc/net/netstat"]).output.decode()
    names, values = (
        line.split() for line in text.splitlines() if line.startswith("TcpExt:")
    )
    return int(dict(zip(names, values, strict=True))["ListenOverflows"])


@pytest.mark.parametrize("service", ["gateway", "lb"])
async def test_nobody_is_lost_who_comes_while_all_is_busy(
    stack: ComposeStack, service: str
) -> None:
    """They wait in the kernel, and are accepted when it goes on."""
    stack.scale(2)
    container = stack.containers(service)[0]
    address = urlsplit(stack.direct_url(container)).hostname
    assert address is not None
    try:
        async with AsyncExitStack() as opened:
            container.pause()
            try:
                for _ in range(CROWD):
                    _, writer = await asyncio.open_connection(address, 5_000)
                    opened.callback(writer.close)
            finally:
                container.unpause()
            assert _overflows(container) == 0
    finally:
        await asyncio.to_thread(stack.wait_for, container)
        stack.up()


async def test_all_are_served_who_come_at_once(stack: ComposeStack) -> None:
    """Through the balancer: none is refused, and none waits in vain."""
    stack.scale(2)
    request = json.dumps({"type": "subscribe"})

    async def come(clients: AsyncExitStack) -> str:
        client = await clients.enter_async_context(
            connect(stack.urls[0], open_timeout=60, compression=None)
        )
        await client.send(request)
        kind: str = json.loads(await client.recv())["type"]
        return kind

    async with AsyncExitStack() as clients:
        kinds = await asyncio.gather(*(come(clients) for _ in range(500)))
    assert set(kinds) == {"subscribed"}
