"""The gateway as a process: where it listens, and how it ends."""

import asyncio
import contextlib
import json
import signal
import socket

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.brokers import BrokerServer, free_port
from tests.contract import checked
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import PATIENCE_SECONDS


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
                        checked(json.loads(told[-1]))
            assert any('"draining"' in message for message in told)
            assert client.close_code == 1012
        async with asyncio.timeout(PATIENCE_SECONDS):
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
