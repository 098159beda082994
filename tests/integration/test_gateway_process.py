"""The gateway as a process: where it listens, and how it ends."""

import asyncio
import contextlib
import json
import signal
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tailcast_gateway.connections.server import KEEP_ALIVE_SECONDS
from tests.brokers import BrokerServer, free_port
from tests.contract import checked
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import PATIENCE_SECONDS


# It is the process that is looked at.
pytestmark = pytest.mark.one_broker


def has_loopback_v6() -> bool:
    """Whether this machine can listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_sigterm_sends_everybody_away(broker: BrokerServer) -> None:
    """Clients are told and closed with 1012, then the process ends with 0."""
    port = free_port()
    async with running(broker.url, port) as process:
        await until_ready(port)
        async with connect(f"ws://127.0.0.1:{port}/ws/telemetry") as client:
            await client.send('{"type":"subscribe"}')
            process.send_signal(signal.SIGTERM)
            told: list[str] = []
            async with asyncio.timeout(PATIENCE_SECONDS):
                with contextlib.suppress(ConnectionClosedError):
                    while True:
                        told.append(str(await client.recv()))
                        checked(json.loads(told[-1]), len(told[-1]))
            assert any('"draining"' in message for message in told)
            assert client.close_code == 1012
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0


async def test_idle_connections_do_not_delay_the_end(broker: BrokerServer) -> None:
    """What was asked once and rests, and what never asked, is closed with the rest."""
    port = free_port()
    async with running(broker.url, port) as process:
        await until_ready(port)
        rested = await asyncio.open_connection("127.0.0.1", port)
        rested[1].write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent = await asyncio.open_connection("127.0.0.1", port)
        # They would be kept for longer than that if they were waited for.
        async with asyncio.timeout(KEEP_ALIVE_SECONDS / 2):
            head = await rested[0].readuntil(b"\r\n\r\n")
            assert b"connection: close" not in head.lower()
            await rested[0].readuntil(b"}")
            process.send_signal(signal.SIGTERM)
            for reader, writer in (rested, silent):
                assert await reader.read() == b""
                writer.close()
                await writer.wait_closed()
            assert await process.wait() == 0


async def test_both_loopback_addresses(broker: BrokerServer) -> None:
    """`localhost` is 127.0.0.1, and ::1 where the machine has it."""
    port = free_port()
    hosts = ["127.0.0.1", *(["[::1]"] if has_loopback_v6() else [])]
    async with running(broker.url, port):
        await until_ready(port)
        for host in hosts:
            async with connect(f"ws://{host}:{port}/ws/telemetry"):
                pass


async def test_taken_port(broker: BrokerServer) -> None:
    """One error that names what to change, and no traceback of the server's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with running(broker.url, port) as process:
            async with asyncio.timeout(PATIENCE_SECONDS):
                _, stderr = await process.communicate()
            assert process.returncode == 1
            assert b"TAILCAST_PORT" in stderr.splitlines()[-1]
