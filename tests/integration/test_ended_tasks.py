"""No task ends unnoticed: each long-lived one is killed in turn.

What becomes of the service is looked at in this process; what becomes of its process,
which does not depend on whose end it was, in one that is killed in each of the ways.
"""

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tailcast_gateway.replica import Replica
from tailcast_service.tasks import TaskEnded
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.app import Tailer
from tailcast_tailer.options import Options
from tests.brokers import BrokerServer, free_port
from tests.conftest import BrokerFactory
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig
from tests.integration.sabotage import UNNAMED, running, until_status
from tests.tailer.harness import eventually


GATEWAY_TASKS = tuple(Replica(MemoryBroker()).loops)
TAILER_TASKS = tuple(Tailer(MemoryBroker()).pipeline.loops)


@pytest.fixture
def broker(own_brokers: BrokerFactory) -> BrokerServer:
    """One kind is enough: it is the service that ends."""
    return own_brokers("valkey")


def test_there_are_tasks_to_kill() -> None:
    """The registries are not empty, or nothing below would be tested."""
    assert "feed read" in GATEWAY_TASKS
    assert "sweep" in TAILER_TASKS


async def ended(process: asyncio.subprocess.Process) -> list[str]:
    """Wait for the end of a process; the lines of its stderr."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, stderr = await process.communicate()
    assert process.returncode == 1
    return stderr.decode().splitlines()


async def until_closed(connection: ClientConnection) -> set[str]:
    """Read to the end of a connection; the types of what it was told."""
    told: set[str] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionClosed):
            while True:
                told.add(json.loads(await connection.recv())["type"])
    return told


def kill(victim: str) -> None:
    """End the task of that name, which nobody asked for."""
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == victim)
    task.cancel()


@pytest.mark.parametrize("victim", GATEWAY_TASKS)
async def test_a_gateway_ends_with_any_of_its_tasks(rig: Rig, victim: str) -> None:
    """Not ready at once, its clients sent away, and a failure that is told."""
    async with rig.serving() as gateway, connect(gateway.ws_url) as client:
        await gateway.until_ready()
        await client.send('{"type":"subscribe"}')
        assert '"subscribed"' in str(await client.recv())
        kill(victim)
        assert {"draining", "closing"} <= await until_closed(client)
        assert client.close_code == 1012
        assert gateway.replica.why_not_ready
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving
        with pytest.raises(TaskEnded, match=f"the task {victim} has ended"):
            gateway.server.check()


@pytest.mark.parametrize("way", ["cancelled", "raised", "returned"])
async def test_the_process_of_a_gateway_ends_with_a_task(
    broker: BrokerServer, way: str
) -> None:
    """In whatever way that ended: it sends everybody away, and its exit code is 1."""
    port, victim = free_port(), "feed read"
    process = running(
        "gateway", victim, way, port=str(port), host="127.0.0.1", redis_url=broker.url
    )
    async with process as gateway:
        await until_status(port, "/readyz", is_fine=True)
        async with connect(f"ws://127.0.0.1:{port}/ws/telemetry") as client:
            await client.send('{"type":"subscribe"}')
            assert '"subscribed"' in str(await client.recv())
            gateway.send_signal(signal.SIGUSR1)
            assert {"draining", "closing"} <= await until_closed(client)
            assert client.close_code == 1012
        await until_status(port, "/readyz", is_fine=False)
        *_, last = lines = await ended(gateway)
    assert f"the task {victim} has ended" in last
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("victim", TAILER_TASKS)
async def test_a_tailer_ends_with_any_of_its_tasks(
    rig: Rig, tmp_path: Path, victim: str
) -> None:
    """Neither ready nor alive at once, and a failure that is told."""
    tailer = Tailer(rig.broker, Options(log_dir=str(tmp_path), name="host:test"))
    run = asyncio.create_task(tailer.run())

    async def is_ready() -> bool:
        return not tailer.why_not_ready()

    await eventually(is_ready)
    kill(victim)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(TaskEnded, match=f"the task {victim} has ended"):
            await run
    assert tailer.is_over
    assert tailer.why_not_ready()


@pytest.mark.parametrize("way", ["cancelled", "raised", "returned"])
async def test_the_process_of_a_tailer_ends_with_a_task(
    broker: BrokerServer, tmp_path: Path, way: str
) -> None:
    """In whatever way that ended: not ready at once, and its exit code is 1."""
    port, victim = free_port(), "sweep"
    process = running(
        "tailer", victim, way,
        metrics_port=str(port), log_dir=str(tmp_path), redis_url=broker.url,
    )  # fmt: skip  # whom to kill is one line
    async with process as tailer:
        await until_status(port, "/readyz", is_fine=True)
        tailer.send_signal(signal.SIGUSR1)
        await until_status(port, "/readyz", is_fine=False)
        await until_status(port, "/healthz", is_fine=False)
        *_, last = lines = await ended(tailer)
    assert f"the task {victim} has ended" in last
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize(
    ("service", "registered", "unnamed"),
    [
        # The server, its lifespan, and its answer to the question.
        ("gateway", GATEWAY_TASKS, 2),
        # `run`, `pipeline.run`, the guard of what is watched, what wakes its reader.
        ("tailer", TAILER_TASKS, 4),
    ],
)
async def test_no_other_task_lives_long(
    broker: BrokerServer,
    tmp_path: Path,
    service: str,
    registered: tuple[str, ...],
    unnamed: int,
) -> None:
    """Whoever adds one enters it into the registry, which is what was killed above."""
    port = str(free_port())
    settings = {
        "gateway": {"port": port, "host": "127.0.0.1"},
        "tailer": {"metrics_port": port, "log_dir": str(tmp_path)},
    }
    (tmp_path / "telemetry").mkdir()
    process = running(service, redis_url=broker.url, **settings[service])
    async with process as process_:
        await until_status(int(port), "/readyz", is_fine=True)
        assert process_.stdout is not None
        # Short tasks come and go: what stays is what is there each time.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                process_.send_signal(signal.SIGUSR2)
                names = json.loads(await process_.stdout.readline())
                others = [name for name in names if name not in registered]
                nameless = [name for name in others if name.startswith(UNNAMED)]
                if others == nameless and len(nameless) <= unnamed:
                    break
                await asyncio.sleep(0.02)
    assert set(registered) <= set(names)
