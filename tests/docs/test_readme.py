"""The README's clients, run as they stand there against a real gateway."""

import asyncio
import itertools
import sys
import time

import pytest

from tests.brokers import BrokerServer
from tests.docs.pages import read_page
from tests.docs.snippets import NODE, README, SESSION, curl, lines, snippet, started
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, numbered
from tests.integration.proxies import breaking


async def test_the_script_misses_nothing_when_it_is_sent_away(
    broker: BrokerServer,
) -> None:
    """It connects again by itself and goes on after the cursor that it kept."""
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        writer = rig.writer(SESSION)
        await writer.append(*numbered(0, 3))
        async with started(
            sys.executable, "-c", snippet("python", gateway.port)
        ) as client:
            printed = await lines(client, 3)
            _send_everybody_away(gateway)
            await writer.append(*numbered(3, 5))
            printed += await lines(client, 2)
    assert printed == [str(record) for record in numbered(0, 5)]


# Chance takes the whole of each pause: that is what grows.
WITHOUT_LUCK = "import random; random.uniform = lambda least, most: most"


@pytest.mark.one_broker  # nobody is asked
async def test_the_script_backs_off_until_a_message_comes(broker: BrokerServer) -> None:
    """An open connection proves nothing: some proxies open it, and nobody is there."""
    rig, tried_at = Rig(broker.url), list[float]()

    def is_broken(_target: str) -> bool:
        tried_at.append(time.monotonic())
        return len(tried_at) <= 3

    async with (
        rig.stack,
        rig.serving() as gateway,
        breaking(is_broken, gateway.port) as port,
    ):
        await rig.writer(SESSION).append(*numbered(0, 1))
        script = f"{WITHOUT_LUCK}\n{snippet('python', port)}"
        async with started(sys.executable, "-c", script) as client:
            assert await lines(client, 1) == [str(numbered(0, 1)[0])]
    pauses = [later - at for at, later in itertools.pairwise(tried_at)]
    # At least, whatever the machine adds.
    for pause, least in zip(pauses, (1, 2, 4), strict=True):
        assert pause >= least


@pytest.mark.parametrize("what", ["api/records", "sse/telemetry"])
async def test_curls_lines_show_records(broker: BrokerServer, what: str) -> None:
    """As they stand there, but for the port."""
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        await rig.writer(SESSION).append(*numbered(0, 1))
        commands = curl(what, gateway.port)
        for command in commands:
            async with started("sh", "-c", f"exec {command}") as client:
                assert client.stdout is not None
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while b'"step":0' not in await client.stdout.readline():
                        assert not client.stdout.at_eof(), command
    assert commands


def test_curl_asks_this_machine_itself() -> None:
    """In every line of the documentation."""
    pages = [README, *map(read_page, ("docs/operations.md", "docs/streams.md"))]
    asking = [
        line
        for page in pages
        for line in page.splitlines()
        if line.startswith("$ curl") and "localhost" in line
    ]
    assert len(asking) > 2
    assert [line for line in asking if "--noproxy localhost " not in line] == []


def _send_everybody_away(gateway: Gateway) -> None:
    """As a gateway that shuts down does, which this one does not."""
    for part in gateway.replica.connections._parts:
        for connection in list(part):
            connection.drain()


async def test_the_browsers_lines_show_records(broker: BrokerServer) -> None:
    """Node has the browsers' WebSocket."""
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        await rig.writer(SESSION).append(*numbered(0, 1))
        async with started(NODE, "-e", snippet("js", gateway.port)) as client:
            assert client.stdout is not None
            async with asyncio.timeout(PATIENCE_SECONDS):
                while b"type: 'telemetry'" not in await client.stdout.readline():
                    pass
