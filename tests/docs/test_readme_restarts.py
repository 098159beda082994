"""The README's clients through what happens to a stack, and the largest record.

One story, told once: a full gateway, the largest record, and a restart of the tailer,
the broker and the gateway. Each record is printed once and in order.
"""

import asyncio
import json
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.protocol.limits import MAX_MESSAGE_BYTES
from tests.brokers import BrokerServer
from tests.checker.stack import ProcessStack, wait_until_ready
from tests.docs.snippets import NODE, SESSION, curl, lines, snippet, started
from tests.integration.gateway_rig import PATIENCE_SECONDS


# Room for what stands around a record, in an event too.
LARGEST_BYTES = MAX_MESSAGE_BYTES - 1_000
SEATS = 3
REFUSALS = 2


class Log:
    """The session's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # The steps of the records so far.
        self.steps: list[int] = []

    def append(self, size: int = 0) -> None:
        """One record more, of a size at least."""
        step = len(self.steps) + 1
        line = f'{{"step":{step},"text":"{"x" * size}"}}'
        with self._path.open("a") as file:
            file.write(line + "\n")
        self.steps.append(step)


async def refusals(port: int, *, least: int) -> None:
    """Until so many were not let in."""
    name = 'tailcast_gateway_connections_refused_total{reason="overloaded"} '

    def count() -> float:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text: str = answer.read().decode()
        found = [one for one in text.splitlines() if one.startswith(name)]
        return float(found[0].split()[-1]) if found else 0.0

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await asyncio.to_thread(count) < least:
            await asyncio.sleep(0.05)


async def until(client: Process, *words: str) -> None:
    """Until it has printed a line that has all of these."""
    assert client.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line := (await client.stdout.readline()).decode():
            if all(word in line for word in words):
                return
    pytest.fail(f"it ended before it printed {words}")


async def ended(client: Process) -> None:
    """Until a program that does not come back has ended by itself."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.communicate()


def _shell(command: str) -> AbstractAsyncContextManager[Process]:
    return started("sh", "-c", f"exec {command}")


async def _exported(command: str) -> list[int]:
    async with _shell(command) as records:
        told, _ = await records.communicate()
    return [json.loads(line)["step"] for line in told.splitlines()]


async def test_the_readmes_clients_through_restarts(
    own_brokers: Callable[[str], BrokerServer], tmp_path: Path
) -> None:
    """The script has all; what does not come back has all up to there, and ends."""
    broker = own_brokers("valkey")
    settings = {"TAILCAST_MAX_CONNECTIONS": str(SEATS)}
    stack = ProcessStack(broker, tmp_path, gateways=1, settings=settings)
    (gateway,), (port,) = stack.gateways, stack.ports
    log = Log(stack.telemetry / f"{SESSION}.jsonl")
    log.append()
    python = (sys.executable, "-c", snippet("python", port))
    (events,) = curl("sse/telemetry", port)
    printed: list[str] = []
    try:
        await stack.start()
        async with AsyncExitStack() as clients:
            async with AsyncExitStack() as seats:
                for _ in range(SEATS):
                    await seats.enter_async_context(connect(stack.urls[0]))
                script = await clients.enter_async_context(started(*python))
                await refusals(port, least=REFUSALS)
            printed += await lines(script, 1)
            log.append(LARGEST_BYTES)
            printed += await lines(script, 1)

            page = await clients.enter_async_context(
                started(NODE, "-e", snippet("js", port))
            )
            await until(page, "caught_up")
            stream = await clients.enter_async_context(_shell(events))
            await until(stream, '"step":2')

            assert await asyncio.to_thread(stack.tailer.stop) == 0
            log.append()
            stack.tailer.start()
            printed += await lines(script, 1)
            await asyncio.to_thread(broker.restart)
            log.append()
            printed += await lines(script, 1)
            await until(page, "step: 4")
            await until(stream, '"step":4')

            for end in (gateway.stop, gateway.kill):
                await asyncio.to_thread(end)
                log.append()
                gateway.start()
                printed += await lines(script, 1)
            for one in (page, stream):
                await ended(one)
            await wait_until_ready(port)
            for command in curl("api/records", port):
                assert await _exported(command) == log.steps
    finally:
        stack.stop()
    assert [int(line.split(":")[1].split(",")[0]) for line in printed] == log.steps
    # It was not told where it is to be had instead.
    assert len(printed[1]) > LARGEST_BYTES
