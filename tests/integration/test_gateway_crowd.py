"""Very many clients that all lose their replica at once, while records come."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import Rig, Writer, numbered
from tests.integration.light_client import LightClient, allow_many_files


# So many of them shake hands at a time at first; when they come back, all do at once.
WAVE = 100
# All of them have one address.
ROOMY = {"max_connections_per_address": "2000", "connection_burst": "2000"}
SESSIONS = ("a", "b", "c")
# Records that each append brings, and seconds between appends.
BATCH = 5
PAUSE_SECONDS = 0.2


class Flow:
    """A writer of several sessions that goes on and on."""

    def __init__(self, rig: Rig) -> None:
        self._writers: list[Writer] = [rig.writer(name) for name in SESSIONS]
        # How many records each session has.
        self.count = 0
        # Replaced and set with each append.
        self._went_on = asyncio.Event()

    async def append(self) -> None:
        """Some records more of each session."""
        for writer in self._writers:
            await writer.append(*numbered(self.count, self.count + BATCH))
        self.count += BATCH
        self._went_on.set()
        self._went_on = asyncio.Event()

    async def goes_on(self) -> None:
        """Until there has been another append."""
        await self._went_on.wait()

    @asynccontextmanager
    async def going(self) -> AsyncGenerator[None]:
        """Appends as long as the context lasts."""
        enough = asyncio.Event()

        async def go() -> None:
            while not enough.is_set():
                await self.append()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE_SECONDS):
                        await enough.wait()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(go())
            yield
            enough.set()


def made(number: int) -> LightClient:
    """Clients of one session, of several by name, and of all."""
    if number % 10 == 0:
        return LightClient({}, SESSIONS)
    if number % 10 == 1:
        return LightClient({"sessionIds": ["a", "b*"]}, ("a", "b"))
    session = SESSIONS[number % 3]
    return LightClient({"sessionId": session}, (session,))


@pytest.mark.parametrize(
    "count",
    # A thousand handshakes are half a minute on a small machine.
    [200, pytest.param(1_000, marks=pytest.mark.long)],
)
async def test_g12_clients_resume_all_at_once(
    own_brokers: Callable[[str], BrokerServer], count: int
) -> None:
    """G12, P1: a replica is killed; each of its clients has every record once.

    They resume at the other replica at the same time, while the writer goes on.
    """
    allow_many_files()
    rig, ports = Rig(own_brokers("valkey").url), (free_port(), free_port())
    clients = [made(number) for number in range(count)]
    async with (
        rig.stack,
        running(rig.url, ports[0], key_prefix=rig.prefix, **ROOMY) as one,
        running(rig.url, ports[1], key_prefix=rig.prefix, **ROOMY),
    ):
        flow = Flow(rig)
        await flow.append()
        for port in ports:
            await until_ready(port)
        async with flow.going():
            for start in range(0, count, WAVE):
                wave = clients[start : start + WAVE]
                await asyncio.gather(*(client.connect(ports[0]) for client in wave))
            one.kill()

            async def come_back(client: LightClient) -> None:
                await client.is_lost.wait()
                await client.connect(ports[1])

            await asyncio.gather(flow.goes_on(), *map(come_back, clients))
        await flow.append()
        await asyncio.gather(*(client.until(flow.count) for client in clients))
        for client in clients:
            assert client.steps == dict.fromkeys(client.sessions, flow.count)
            client.close()
