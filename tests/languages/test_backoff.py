"""Behind a proxy that accepts each handshake before it knows whether anybody answers.

There a refusal is a connection that opens and breaks, so an open socket must not count
as success: the pauses have to grow all the same.
"""

import asyncio
import itertools
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.languages.building import need
from tests.languages.programs import PROGRAMS, Program
from tests.languages.running import running, until


pytestmark = pytest.mark.timeout(900)

WITH_SOCKETS = [one for one in PROGRAMS if one.door == "websocket"]
# The sixth pause lies between half a second and twenty: that of seven connections none
# was longer than what the first may be, happens to one client in some 300,000.
CONNECTIONS = 7
LEAST_SECONDS = 0.5
FIRST_LIMIT_SECONDS = 1.0


class BreakingServer:
    """Accepts and breaks; when it did so."""

    def __init__(self) -> None:
        self.accepted_at: list[float] = []

    async def serve_socket(self, socket: ServerConnection) -> None:
        """Break it before a message."""
        self.accepted_at.append(time.monotonic())
        socket.transport.abort()

    @property
    def pauses(self) -> list[float]:
        """Between one connection and the next."""
        return [
            after - before for before, after in itertools.pairwise(self.accepted_at)
        ]


@pytest.fixture(scope="module")
def pauses(
    able: list[Program], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[float]]:
    """What each program waited between connections, seconds."""
    clients = [one for one in able if one in WITH_SOCKETS]
    return asyncio.run(_broken_each_time(clients, tmp_path_factory.mktemp("breaking")))


async def _broken_each_time(
    clients: list[Program], directory: Path
) -> dict[str, list[float]]:
    servers = {one.name: BreakingServer() for one in clients}
    async with AsyncExitStack() as stack:
        addresses: list[str] = []
        for server in servers.values():
            listening = await stack.enter_async_context(
                serve(server.serve_socket, "127.0.0.1", 0)
            )
            (socket,) = listening.sockets
            addresses.append(f"127.0.0.1:{socket.getsockname()[1]}")
        with running(zip(clients, addresses, strict=True), directory):
            await until(
                lambda: all(
                    len(one.accepted_at) >= CONNECTIONS for one in servers.values()
                )
            )
    return {name: server.pauses for name, server in servers.items()}


@pytest.mark.parametrize("program", WITH_SOCKETS, ids=lambda one: one.name)
def test_pauses_grow_until_a_message_comes(
    program: Program, broken: dict[str, str], pauses: dict[str, list[float]]
) -> None:
    """Each is half a second at least, and one is longer than the first may be."""
    need(program, broken)
    found = pauses[program.name]
    assert len(found) >= CONNECTIONS - 1
    # Timers of some libraries are early by a little.
    assert min(found) >= LEAST_SECONDS * 0.9, found
    assert max(found) > FIRST_LIMIT_SECONDS, found
