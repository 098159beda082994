"""`tailcast up` as a process: it says when it is ready, and leaves nothing behind.

The broker and everything about processes is real. The two services, which have tests
of their own, are stood in for by small programs, so that these tests need nothing else.
"""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis

from tailcast.embedded import choose_socket_path
from tailcast.up import (
    PROBLEMS_TOLD,
    explain_bind,
    find_path,
    knows_who_reads,
    listening,
    problem_lines,
    tunnel_command,
)
from tailcast_gateway.settings import GatewaySettings
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_tailer.settings import TailerSettings
from tests.brokers import free_port
from tests.patience import PATIENCE_SECONDS


# `tailcast` with services that note their process and environment in a file, and a
# gateway that answers /readyz.
PROGRAM = '''
import dataclasses, os, sys
from tailcast import up
SERVICE = """
import contextlib, json, os, socket, sys, threading, time
name = sys.argv[1]
ours = {k: v for k, v in os.environ.items() if k.startswith(("TAILCAST_", "TEST_"))}
with open(name + ".tmp", "w") as file:
    json.dump({"pid": os.getpid(), "ours": ours}, file)
os.rename(name + ".tmp", name + ".json")
if name == "tailer":
    ready = int(ours["TAILCAST_READY_FD"])
    os.write(ready, ours["TEST_SAYS"].encode())
    while not os.path.exists(ours["TEST_GO"]):
        time.sleep(0.01)
    os.write(ready, chr(10).encode())
def serve(descriptor):
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(True)
    while True:
        client, _ = listener.accept()
        with contextlib.suppress(OSError), client:
            asked = client.recv(65536)
            status = "200 OK" if b" /readyz " in asked else "404 Not Found"
            client.sendall(f"HTTP/1.0 {status}{2 * (chr(13) + chr(10))}".encode())
descriptors = ours.get("TAILCAST_LISTEN_FDS", "")
for descriptor in descriptors.split(",") if descriptors else ():
    threading.Thread(target=serve, args=(int(descriptor),)).start()
threading.Event().wait()
"""
def stand_in(make_child):
    def make(settings, url, *more):
        child = make_child(settings, url, *more)
        # Nothing but the standard library: a dozen of them are started.
        command = (sys.executable, "-IS", "-c", SERVICE, child.name)
        return dataclasses.replace(child, command=command)
    return make
up.tailer_child = stand_in(up.tailer_child)
up.indexer_child = stand_in(up.indexer_child)
up.gateway_child = stand_in(up.gateway_child)
up.TAILER_READY_SECONDS = float(os.environ.get("TEST_SECONDS", 40))
from tailcast.main import main
main()
'''


@asynccontextmanager
async def up(directory: Path, *arguments: str, **more: str) -> AsyncGenerator[Process]:
    """`tailcast up ARGUMENTS` in that directory, ended at the latest with the test."""
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("TAILCAST_", "SSH_"))
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "up", *arguments),
        cwd=directory,
        env={**environment, "TEST_SAYS": "\n", "TEST_GO": "go", **more},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def read_line(process: Process) -> str:
    """The next line that it says."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        return (await process.stdout.readline()).decode()


def answers(port: int) -> None:
    """Return when the gateway has answered."""
    while True:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 10) as one,
        ):
            one.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            if b" 200 " in one.recv(4_096):
                return
        time.sleep(0.01)


async def service(directory: Path, name: str) -> tuple[int, dict[str, str]]:
    """The process ID and the settings of that stand-in, once it has started."""
    path = directory / f"{name}.json"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not path.exists():
            await asyncio.sleep(0.01)
    noted = json.loads(path.read_text())
    return noted["pid"], noted["ours"]


def broker(directory: Path) -> redis.Redis:
    """A client of the embedded broker."""
    path = choose_socket_path(directory / ".tailcast")
    return redis.Redis(unix_socket_path=str(path))


def test_the_first_problems_are_told() -> None:
    """A line each, with what mends it; of more it is said where they are."""
    problems = [
        {"kind": "tailer", "reason": "none", "mend": "start one"},
        {"kind": "refused", "about": "/logs/a", "reason": "unreadable"},
    ]
    assert problem_lines({"problems": problems, "more": False}, "URL") == [
        "problem: none → start one",
        "problem: /logs/a: unreadable",
    ]
    for many, has_more in ((problems * 3, False), (problems, True)):
        lines = problem_lines({"problems": many, "more": has_more}, "URL")
        assert lines[-1] == "more problems: URL"
        assert len(lines) == min(len(many), PROBLEMS_TOLD) + 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_when_it_is_ready_and_ends_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Ready means that the gateway answers; ending keeps the data."""
    port = str(free_port())
    async with up(tmp_path, "--port", port) as process:
        assert (
            await read_line(process) == f"tailcast ready on http://localhost:{port}\n"
        )
        broker(tmp_path).set("key", 1)
        process.send_signal(number)
        assert await process.wait() == 0
    async with up(tmp_path, "--port", port) as process:
        await read_line(process)
        assert broker(tmp_path).get("key") == b"1"


async def test_it_is_ready_when_the_tailer_is_too(tmp_path: Path) -> None:
    """A gateway that answers does not see what is written."""
    port = free_port()
    async with up(tmp_path, "--port", str(port), TEST_SAYS="not yet\n") as process:
        _, settings = await service(tmp_path, "tailer")
        await service(tmp_path, "gateway")
        says = asyncio.create_task(read_line(process))
        for _ in range(10):
            # It is asked one after the other: as often as we were answered, so was it.
            await asyncio.to_thread(answers, port)
            await asyncio.sleep(0.05)
        assert not says.done()
        (tmp_path / settings["TEST_GO"]).touch()
        assert (await says).startswith("tailcast ready on")
        process.terminate()
        assert process.stdout is not None
        assert not await process.stdout.read()


@pytest.mark.parametrize(
    ("says", "missing"),
    [
        ("", "the tailer is starting"),
        ("a file system does not answer\n", "a file system does not answer"),
        ("the broker is full\nfiles are being listed\n", "files are being listed"),
        ("files are being listed\nthe brok", "files are being listed"),
    ],
)
async def test_a_tailer_that_is_not_ready_is_waited_for_a_while(
    tmp_path: Path, says: str, missing: str
) -> None:
    """Then the page is there all the same, and what is missing is said."""
    port = str(free_port())
    waits = {"TEST_SAYS": says, "TEST_SECONDS": "0.5"}
    async with up(tmp_path, "--port", port, **waits) as process:
        assert "tailcast ready on" in await read_line(process)
        assert await read_line(process) == f"not all is followed yet: {missing}\n"


async def test_whoever_connects_while_the_gateway_begins_anew_waits(
    tmp_path: Path,
) -> None:
    """It is not refused: so it comes back as soon as there is one."""
    port = free_port()
    async with up(tmp_path, "--port", str(port)) as process:
        await read_line(process)
        first, _ = await service(tmp_path, "gateway")
        os.kill(first, signal.SIGSTOP)
        os.kill(first, signal.SIGKILL)
        for _ in range(20):
            socket.create_connection(("127.0.0.1", port), 10).close()
        await asyncio.to_thread(answers, port)
        assert (await service(tmp_path, "gateway"))[0] != first


async def test_services_get_what_the_command_line_said(tmp_path: Path) -> None:
    """Broker, host and port, log directory and absolute paths."""
    (tmp_path / "one.jsonl").touch()
    port = str(free_port())
    arguments = ("one.jsonl", str(tmp_path), "--port", port, "--host", "127.0.0.1")
    async with up(tmp_path, *arguments) as process:
        expected = f"tailcast ready on http://127.0.0.1:{port}\n"
        assert await read_line(process) == expected
        _, tailer = await service(tmp_path, "tailer")
        _, gateway = await service(tmp_path, "gateway")
    url = f"unix://{choose_socket_path(tmp_path / '.tailcast')}"
    assert tailer["TAILCAST_REDIS_URL"] == gateway["TAILCAST_REDIS_URL"] == url
    paths = [str(tmp_path / "one.jsonl"), str(tmp_path)]
    assert json.loads(tailer["TAILCAST_PATHS"]) == paths
    assert gateway["TAILCAST_PORT"] == port
    assert gateway["TAILCAST_HOST"] == "127.0.0.1"


async def test_what_was_checked_is_what_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each path arrives as it was named, whatever separates paths elsewhere."""
    names = ["2026-11-28T13:05:44", "exp:2", "a,b", "[x]", '["y"]', "~nobody", " z \n"]
    for name in [*names, "exp"]:
        (tmp_path / name).mkdir()
    port = str(free_port())
    async with up(tmp_path, *names, "--port", port) as process:
        await read_line(process)
        _, tailer = await service(tmp_path, "tailer")
    for name, text in tailer.items():
        monkeypatch.setenv(name, text)
    watched = tuple(str(tmp_path / name) for name in names)
    assert TailerSettings.load().paths == watched


async def test_over_ssh_it_says_how_to_reach_it(tmp_path: Path) -> None:
    """The second line is the tunnel's command."""
    port = str(free_port())
    ssh = "192.0.2.1 50000 192.0.2.2 22"
    async with up(tmp_path, "--port", port, SSH_CONNECTION=ssh) as process:
        await read_line(process)
        assert f"ssh -L {port}:localhost:{port} " in await read_line(process)


async def test_nothing_outlives_it(tmp_path: Path) -> None:
    """After `kill -9` its children end too, and the next start finds all data."""
    port = str(free_port())
    async with up(tmp_path, "--port", port) as process:
        await read_line(process)
        broker(tmp_path).set("key", 1)
        pids = [(await service(tmp_path, name))[0] for name in ("tailer", "gateway")]
        process.kill()
        await process.wait()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(is_alive(pid) for pid in pids):
            await asyncio.sleep(0.01)
    async with up(tmp_path, "--port", port) as process:
        await read_line(process)
        assert broker(tmp_path).get("key") == b"1"


async def test_a_data_directory_has_one_up(tmp_path: Path) -> None:
    """The second one is told so in one line, and the first goes on."""
    async with up(tmp_path, "--port", str(free_port())) as first:
        await read_line(first)
        async with up(tmp_path, "--port", str(free_port())) as second:
            _, errors = await second.communicate()
            assert second.returncode == 1
            assert errors.decode().startswith("tailcast: another `tailcast up` uses")
            assert errors.count(b"\n") == 1
        assert broker(tmp_path).ping()


async def test_a_broker_of_ones_own_is_used(tmp_path: Path) -> None:
    """With `--redis-url` there is no embedded one."""
    port = str(free_port())
    url = "redis://127.0.0.1:1/0"
    async with up(tmp_path, "--port", port, "--redis-url", url) as process:
        await read_line(process)
        _, tailer = await service(tmp_path, "tailer")
    assert tailer["TAILCAST_REDIS_URL"] == url
    assert not (tmp_path / ".tailcast").exists()


def is_alive(pid: int) -> bool:
    """Whether there is such a process, dead ones that wait for their parent aside."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_host_that_is_none_is_told() -> None:
    """The option is named, for a name and for an address of elsewhere."""
    for host in ("nowhere.invalid", "192.0.2.1"):
        with (
            pytest.raises(SettingsError, match=f"--host {re.escape(host)}"),
            listening(host, free_port()),
        ):
            raise AssertionError("nobody listens there")


def test_a_port_that_needs_privileges_is_told() -> None:
    """The option is named."""
    with pytest.raises(ServiceError, match="port 80 needs privileges.*--port"):
        explain_bind(PermissionError(13, "Permission denied"), "localhost", 80)


def test_the_tunnels_command_has_port_and_server() -> None:
    """Without an SSH connection there is none."""
    assert tunnel_command("", 5000) == ""
    assert "ssh -p 2222 -L 5000:" in tunnel_command("192.0.2.1 5 192.0.2.2 2222", 5000)


def test_a_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").touch()
    assert find_path("~/a") == str(tmp_path / "a")


@pytest.mark.parametrize(
    "said",
    [
        {"auth": "none"},
        {"auth_token": "0123456789-abcdefghij-ABCDEFGHIJ"},
        {"jwt_key": "0123456789-abcdefghij-ABCDEFGHIJ"},
        {"jwt_jwks_url": "https://issuer.example/keys"},
        {"host": "localhost"},
        {"publish": "127.0.0.1"},
    ],
)
def test_no_token_is_drawn_where_it_is_said_who_reads(said: dict[str, str]) -> None:
    """Whoever has the link would read what the settings let others read alone."""
    reached = {"redis_url": "redis://localhost", "host": "192.0.2.7"}
    assert not knows_who_reads(GatewaySettings.model_validate(reached))
    assert knows_who_reads(GatewaySettings.model_validate(reached | said))
