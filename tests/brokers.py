"""Real brokers for tests: start, stop, kill, pause and wipe them.

`ProcessBroker` runs a server's binary: the embedded Valkey on a unix socket, as
`tailcast up` does, the machine's Redis on a port, as clusters do. `ContainerBroker`
runs Redis in Docker, behind a published port: where there is no redis-server, and with
TEST_REDIS=container. All keep their data, append-only, until `wipe`. Nothing here
knows streams or records.
"""

import abc
import contextlib
import gc
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Self

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tailcast.embedded import find_program
from tests.patience import PATIENCE_SECONDS


DURABLE = (
    "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    "--maxmemory-policy", "noeviction", "--enable-debug-command", "yes",
)  # fmt: skip  # pairs of name and value
REDIS_IMAGE = "redis:8.0"
PORTS = range(20_000, 32_000)
# Which of them comes next.
_PORT_NUMBERS = itertools.count(os.getpid() * 1_009)


class BrokerServer(abc.ABC):
    """One broker of a test's own; a context manager that starts and removes it."""

    # What clients connect to; stays the same over restarts.
    url: str

    @abc.abstractmethod
    def start(self) -> None:
        """Start the server on the data it has, and wait until it answers."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End it as an operator would (SIGTERM): its data is complete on disk."""

    @abc.abstractmethod
    def kill(self) -> None:
        """End it by SIGKILL: what it had not yet written is lost."""

    @abc.abstractmethod
    def pause(self) -> None:
        """Stop it where it stands: connections stay open, nothing answers."""

    @abc.abstractmethod
    def resume(self) -> None:
        """Let a paused server go on."""

    @abc.abstractmethod
    def wipe(self) -> None:
        """Kill it, lose all its data, and start it anew, empty."""

    @abc.abstractmethod
    def remove(self) -> None:
        """End it, whatever state it is in, and delete what it left."""

    def restart(self) -> None:
        """Stop and start it on the same data."""
        self.stop()
        self.start()

    def client(self) -> "redis.Redis":
        """A blocking client for the test's own looks and changes; never retries."""
        return redis.Redis.from_url(
            self.url, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove()

    def _wait_until_ready(self) -> None:
        """Wait until it answers and has loaded its data."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with contextlib.closing(self.client()) as client:
                    client.ping()
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    message = f"broker at {self.url} did not start"
                    raise TimeoutError(message) from error
                time.sleep(0.01)
            else:
                return


class ProcessBroker(BrokerServer):
    """A server's binary as a child process, on a unix socket or a local TCP port."""

    def __init__(
        self, program: Path, *, tcp: bool = False, options: tuple[str, ...] = ()
    ) -> None:
        """Prepare `program`; `tcp` for tests that put something in between."""
        self._program = program
        # Further settings of the server, names and values.
        self._options = options
        # Short, since a socket's path may have some 100 bytes only.
        self._directory = Path(tempfile.mkdtemp(prefix="tc-", dir="/tmp"))
        # The running server, None while there is none.
        self._process: subprocess.Popen[bytes] | None = None
        # The TCP port, 0 for none.
        self.port = free_port() if tcp else 0
        socket_path = self._directory / "s"
        self.url = (
            f"redis://127.0.0.1:{self.port}/0" if tcp else f"unix://{socket_path}"
        )
        self._listen = ["--port", str(self.port), "--bind", "127.0.0.1"]
        if not tcp:
            self._listen += ["--unixsocket", str(socket_path)]

    @property
    def data(self) -> Path:
        """The directory of its data, for tests that cut it."""
        return self._directory / "data"

    def start(self) -> None:
        """As declared: on the data it has, until it answers."""
        assert self._process is None, "already running"
        self.data.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [
                str(self._program),
                *self._listen,
                "--dir",
                str(self.data),
                *DURABLE,
                *self._options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """As declared, by SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As declared, by SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """As declared, by SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """As declared, by SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """As declared; it may have ended before."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.data)
        self.start()

    def remove(self) -> None:
        """As declared."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None, "not running"
        self._process.send_signal(how)
        self._process.wait(PATIENCE_SECONDS)
        self._process = None


class ContainerBroker(BrokerServer):
    """Redis in a container, for machines with Docker and without redis-server."""

    def __init__(self, engine: Any) -> None:
        """Choose its port; `engine` is the client of a Docker engine."""
        self._engine = engine
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        # The container, None until the first start and after a wipe.
        self._container: Any = None

    def start(self) -> None:
        """As declared; the first time this makes the container."""
        if self._container is None:
            self._container = self._engine.containers.create(
                REDIS_IMAGE,
                ["redis-server", *DURABLE],
                ports={"6379/tcp": ("127.0.0.1", self.port)},
            )
        self._container.start()
        self._wait_until_ready()

    def stop(self) -> None:
        """As declared, by SIGTERM."""
        self._container.stop()

    def kill(self) -> None:
        """As declared, by SIGKILL."""
        self._container.kill()

    def pause(self) -> None:
        """As declared, by the engine's freezer."""
        self._container.pause()

    def resume(self) -> None:
        """As declared."""
        self._container.unpause()

    def wipe(self) -> None:
        """As declared: a new container on the same port."""
        self.remove()
        self.start()

    def remove(self) -> None:
        """As declared."""
        if self._container is not None:
            self._container.remove(force=True, v=True)
            self._container = None


def make_broker(kind: str, *, tcp: bool = False) -> BrokerServer:
    """A broker of that kind (`valkey` or `redis`), not started yet.

    `tcp`: on a local port, where the kind would take a socket.
    Skips the test with the reason where this machine cannot have one.
    """
    if kind == "valkey":
        return ProcessBroker(find_program(), tcp=tcp)
    program = shutil.which("redis-server")
    if program is None or os.environ.get("TEST_REDIS") == "container":
        return ContainerBroker(connect_engine())
    return ProcessBroker(Path(program), tcp=True)


def connect_engine() -> Any:
    """The Docker engine's client, with the image at hand; skips where there is none."""
    # All workers load this module, and few of them need an engine.
    import docker.errors  # noqa: PLC0415  # as said above

    with warnings.catch_warnings():
        # The client leaves its socket open where no engine answers.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return find_engine()
        except docker.errors.DockerException as error:
            reason = str(error).splitlines()[0][:120]
        gc.collect()
    pytest.skip(f"Redis would be a container, and there is none: {reason}")


def find_engine() -> Any:
    """The client; raises DockerException without an engine or the image."""
    import docker.errors  # noqa: PLC0415  # as above

    engine: Any = docker.from_env()
    try:
        engine.images.get(REDIS_IMAGE)
    except docker.errors.ImageNotFound:
        engine.images.pull(REDIS_IMAGE)
    return engine


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now, another one each time.

    Below those that the kernel gives to whoever asks for none in particular: no client
    and no other server can take it before the one it is meant for. Processes that test
    at the same time begin at different places.
    """
    while True:
        port = PORTS[next(_PORT_NUMBERS) % len(PORTS)]
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
