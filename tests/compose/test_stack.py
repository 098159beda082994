"""The stack as its users run it."""

import asyncio
import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.checker.compose_stack import ComposeStack


SERVICES = ["redis", "tailer", "indexer", "gateway", "lb"]
READ_CONNECTIONS = """
import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:5000/metrics").read().decode()
for line in text.splitlines():
    if line.startswith("tailcast_gateway_connections "):
        print(int(float(line.split()[1])))
"""


async def _subscribed(socket: ClientConnection, session: str) -> None:
    """Follows the session from its start."""
    message = {"type": "subscribe", "sessionId": session, "from": "start"}
    await socket.send(json.dumps(message))
    await _next(socket, "subscribed")


async def _next(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


def test_everything_comes_up_healthy(stack: ComposeStack) -> None:
    """Two gateways, one of all else, each by its own health check."""
    stack.scale(2)
    for service in SERVICES:
        containers = stack.containers(service)
        assert len(containers) == (2 if service == "gateway" else 1)
        for container in containers:
            assert container.attrs["State"]["Health"]["Status"] == "healthy"


async def test_a_line_reaches_a_client_through_the_balancer(
    stack: ComposeStack,
) -> None:
    """It is there although only the one who wrote it may read the file."""
    file = stack.telemetry / "private.jsonl"
    file.touch(mode=0o600)
    if os.getuid() == 0:
        os.chown(file, stack.uid, stack.uid)
    stack.log_dir.chmod(0o700)
    async with connect(stack.urls[0]) as socket:
        await _subscribed(socket, "private")
        with file.open("a") as lines:
            lines.write('{"step":1}\n')
        message = await _next(socket, "telemetry")
    assert message["data"] == [{"step": 1}]


async def test_an_emergency_document_reaches_every_client(stack: ComposeStack) -> None:
    """A whole file under emergency/ is told to all who are subscribed."""
    directory = stack.log_dir / "emergency"
    directory.mkdir()
    if os.getuid() == 0:
        os.chown(directory, stack.uid, stack.uid)
    document = {"emergency": {"reason": "drill"}}
    async with connect(stack.urls[0]) as socket:
        await socket.send('{"type":"subscribe"}')
        await _next(socket, "subscribed")
        (directory / "drill.json").write_text(json.dumps(document, indent=2))
        message = await _next(socket, "emergency")
    assert message["data"] == document


@pytest.mark.parametrize("service", SERVICES)
def test_containers_may_do_nothing_but_their_work(
    stack: ComposeStack, service: str
) -> None:
    """No root, no capability, no new privileges, no writing to the image."""
    for container in stack.containers(service):
        status = _proc_status(container)
        assert "0" not in status["Uid"].split()
        assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        config = container.attrs["HostConfig"]
        assert config["ReadonlyRootfs"] is True
        assert config["Memory"] > 0
        assert config["LogConfig"]["Config"]["max-size"]
        assert container.exec_run(["touch", "/probe"]).exit_code != 0


def _proc_status(container: Any) -> dict[str, str]:
    """What the kernel says of process 1."""
    lines = container.exec_run(["cat", "/proc/1/status"]).output.decode().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def test_a_log_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Docker would make an empty one, as root, and all would look fine."""
    missing = tmp_path / "misspelt"
    stack = ComposeStack(tmp_path, settings={"TAILCAST_LOG_DIR": str(missing)})
    try:
        with pytest.raises(AssertionError, match="misspelt"):
            stack.compose("create", "tailer")
    finally:
        stack.stop()
    assert not missing.exists()


def test_logs_cannot_be_written(stack: ComposeStack) -> None:
    """The tailer reads as the one who owns them, and has them read-only."""
    (tailer,) = stack.containers("tailer")
    assert f"{stack.uid}" in _proc_status(tailer)["Uid"]
    told = tailer.exec_run(["touch", "/logs/telemetry/probe.jsonl"])
    assert b"Read-only file system" in told.output


def test_the_broker_cannot_be_reached_by_the_balancer(stack: ComposeStack) -> None:
    """They share no network."""
    networks = {
        service: set(stack.containers(service)[0].attrs["NetworkSettings"]["Networks"])
        for service in ("redis", "lb")
    }
    assert not networks["redis"] & networks["lb"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/readyz", 200),
        ("/api/sessions", 200),
        ("/metrics", 403),
        ("/%6detrics", 403),
        ("/metrics?a=b", 403),
        ("/./metrics", 404),
        ("//metrics", 404),
    ],
)
def test_figures_are_not_for_clients(
    stack: ComposeStack, path: str, status: int
) -> None:
    """/metrics stays behind the balancer, however it is spelt."""
    assert stack.status(path) == status


async def test_more_gateways_are_found_without_a_restart(stack: ComposeStack) -> None:
    """`--scale gateway=4`: connections spread over all four."""
    (balancer,) = stack.containers("lb")
    started_at = balancer.attrs["State"]["StartedAt"]
    stack.scale(4)
    gateways = stack.containers("gateway")
    assert len(gateways) == 4
    async with asyncio.timeout(60), AsyncExitStack() as sockets:
        while not all(_connections(gateway) for gateway in gateways):
            await sockets.enter_async_context(connect(stack.urls[0]))
    balancer.reload()
    assert balancer.attrs["State"]["StartedAt"] == started_at
    stack.scale(2)


async def test_clients_of_a_gateway_that_hangs_are_served_elsewhere(
    stack: ComposeStack,
) -> None:
    """While it hangs: they would not notice, for they ping nobody."""
    stack.scale(2)
    gateways = stack.containers("gateway")
    async with AsyncExitStack() as sockets:
        clients: list[ClientConnection] = []
        async with asyncio.timeout(30):
            while not all(_connections(gateway) for gateway in gateways):
                client = connect(stack.urls[0], ping_interval=None)
                clients.append(await sockets.enter_async_context(client))
        hung, _other = gateways
        count = _connections(hung)
        await asyncio.to_thread(hung.pause)
        try:
            async with asyncio.timeout(30):
                while sum(one.close_code is not None for one in clients) < count:
                    await asyncio.sleep(0.05)
            assert sum(one.close_code is not None for one in clients) == count
            for _ in range(count):
                client = connect(stack.urls[0], ping_interval=None)
                socket = await sockets.enter_async_context(client)
                await socket.send('{"type":"subscribe"}')
                await _next(socket, "subscribed")
        finally:
            await asyncio.to_thread(hung.unpause)
            await asyncio.to_thread(stack.wait_for, hung)


def _connections(gateway: Any) -> int:
    """The clients that a gateway has."""
    return int(gateway.exec_run(["python", "-c", READ_CONNECTIONS]).output)


@pytest.mark.parametrize("service", SERVICES)
async def test_sigterm_ends_a_container_within_its_grace(
    stack: ComposeStack, service: str
) -> None:
    """With exit code 0, while a client is connected; 137 would be a kill."""
    async with connect(stack.urls[0]) as socket:
        await socket.send('{"type":"subscribe"}')
        await _next(socket, "subscribed")
        for container in stack.containers(service):
            assert await asyncio.to_thread(stack.end, container) == 0
    stack.up()
