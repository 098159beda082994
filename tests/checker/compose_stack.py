"""The system under test as its users run it: containers of docker-compose.yml."""

import asyncio
import itertools
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker
import docker.errors

from tests.brokers import free_port
from tests.checker.outages import Gateway, Outage


ROOT = Path(__file__).parent.parent.parent
# Who reads the logs where tests run as root, which is nobody's part in a container.
READER = 4321
DOCKER = shutil.which("docker") or "docker"
# What the images are told of their source.
REVISION = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-11-27T12:00:00Z"
BUILD_SECONDS = 600
FREEZE_ATTEMPTS = 5
START_SECONDS = 120


class ComposeStack:
    """One project of Compose, with a port and a log directory of its own."""

    # Some longer than the balancer and the engine need to notice.
    outage_seconds: tuple[float, ...] = (0.0, 0.5, 2.0, 5.0, 12.0)

    def __init__(
        self,
        directory: Path,
        *,
        gateways: int = 2,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; `settings` are variables of the environment of `docker compose`."""
        self.project = f"tailcast-test-{os.getpid()}-{free_port()}"
        self.port = free_port()
        # Where Prometheus is, with the profile `monitoring`.
        self.prometheus_port = free_port()
        self.gateways = gateways
        self.log_dir = directory / "logs"
        self.telemetry = self.log_dir / "telemetry"
        self.telemetry.mkdir(parents=True)
        self.uid = os.getuid() or READER
        if os.getuid() == 0:
            for path in (self.log_dir, self.telemetry):
                os.chown(path, self.uid, self.uid)
        self._settings = dict(settings or {})
        self._engine: Any = docker.from_env()

    @property
    def is_indexed(self) -> bool:
        """Always: the stack has an indexer."""
        return True

    @property
    def urls(self) -> list[str]:
        """The balancer's."""
        return [f"ws://127.0.0.1:{self.port}/ws/telemetry"]

    async def start(self) -> None:
        """As declared; the images are built by `build`."""
        await asyncio.to_thread(self.up)

    def build(self) -> None:
        """Build the images."""
        self.compose("build", "--quiet", seconds=BUILD_SECONDS)

    def up(self) -> None:
        """Start what does not run, and wait until all of it is healthy."""
        scale = f"gateway={self.gateways}"
        self.compose("up", "--detach", "--no-recreate", "--wait", "--scale", scale)

    def scale(self, gateways: int) -> None:
        """Run so many gateways, and wait until they are healthy."""
        self.gateways = gateways
        self.up()

    def stop(self) -> None:
        """Remove everything, the broker's data too."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "5")

    def compose(self, *arguments: str, seconds: float = START_SECONDS) -> str:
        """Run `docker compose` for this project; what it says on stdout."""
        finished = subprocess.run(
            [DOCKER, "compose", "--project-name", self.project, *arguments],
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert finished.returncode == 0, f"{arguments}: {finished.stderr}"
        return finished.stdout

    def containers(self, service: str) -> list[Any]:
        """The service's containers, in the order of their numbers."""
        found = self._engine.containers.list(
            all=True,
            filters={
                "label": [
                    f"com.docker.compose.project={self.project}",
                    f"com.docker.compose.service={service}",
                ]
            },
        )
        return sorted(found, key=lambda container: str(container.name))

    def container(self, name: str) -> Any:
        """A container by its name or ID."""
        return self._engine.containers.get(name)

    def direct_url(self, container: Any) -> str:
        """A gateway's own, past the balancer, for whoever runs on this machine."""
        container.reload()
        networks = container.attrs["NetworkSettings"]["Networks"]
        address = networks[f"{self.project}_clients"]["IPAddress"]
        return f"ws://{address}:5000/ws/telemetry"

    @asynccontextmanager
    async def another_tailer(self, log_dir: Path) -> AsyncGenerator[None]:
        """A tailer of another machine, with files of its own."""
        [tailer, *_] = self.containers("tailer")
        start = partial(
            self._engine.containers.run,
            tailer.image.id,
            detach=True,
            hostname="elsewhere",
            network=f"{self.project}_broker",
            environment={"TAILCAST_REDIS_URL": "redis://redis:6379/0"},
            volumes={str(log_dir): {"bind": "/logs", "mode": "ro"}},
        )
        container = await asyncio.to_thread(start)
        try:
            yield
        finally:
            await asyncio.to_thread(container.remove, force=True)

    def cut(self, container: Any, network: str) -> Callable[[], None]:
        """Take a container off a network of the project; what puts it back."""
        container.reload()
        name = f"{self.project}_{network}"
        aliases = container.attrs["NetworkSettings"]["Networks"][name]["Aliases"]
        self._cut(name, container)
        return partial(self._join, name, container, aliases)

    def outages(self) -> list[list[Outage]]:
        """Kills, pauses and cut networks, of every service."""
        return [
            list(
                itertools.chain.from_iterable(
                    self._outages(container) for container in self.containers(service)
                )
            )
            for service in ("tailer", "indexer", "gateway", "redis", "lb")
        ]

    def restartable(self) -> list[Gateway]:
        """All gateways."""
        return [
            Gateway(
                self._short(container),
                container.kill,
                partial(self.end, container),
                partial(self._start_and_wait, container),
            )
            for container in self.containers("gateway")
        ]

    def wipe(self) -> None:
        """As declared: the files go, then the server that has them open."""
        (redis,) = self.containers("redis")
        redis.exec_run(["rm", "-rf", "/data/appendonlydir"])
        redis.kill()
        redis.start()

    def contradiction(self) -> str:
        """Nothing: the tailer's metrics are its network's own."""
        return ""

    def end(self, container: Any) -> int:
        """End a container as `docker stop` does, within its grace; its exit code."""
        container.stop()
        return int(container.wait()["StatusCode"])

    def status(self, path: str) -> int:
        """What the balancer answers to a GET; 0 if nothing."""
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def _outages(self, container: Any) -> list[Outage]:
        name = self._short(container)
        container.reload()
        attached = container.attrs["NetworkSettings"]["Networks"]
        cuts = [
            Outage(
                f"cut {name} from {network.removeprefix(f'{self.project}_')}",
                partial(self._cut, network, container),
                partial(self._join, network, container, endpoint["Aliases"]),
            )
            for network, endpoint in attached.items()
        ]
        return [
            Outage(f"kill {name}", container.kill, container.start),
            Outage(f"pause {name}", partial(_pause, container), container.unpause),
            *cuts,
        ]

    def _cut(self, network: str, container: Any) -> None:
        self._engine.networks.get(network).disconnect(container)

    def _join(self, network: str, container: Any, aliases: list[str]) -> None:
        self._engine.networks.get(network).connect(container, aliases=aliases)

    def _start_and_wait(self, container: Any) -> None:
        container.start()
        self.wait_for(container)

    def wait_for(self, container: Any) -> None:
        """Wait until a container is healthy."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_healthy(container):
            assert time.monotonic() < deadline, f"{container.name} is not healthy"
            time.sleep(0.2)

    def _is_healthy(self, container: Any) -> bool:
        container.reload()
        health: dict[str, object] = container.attrs["State"].get("Health", {})
        return health.get("Status") == "healthy"

    def _short(self, container: Any) -> str:
        return str(container.name).removeprefix(f"{self.project}-")

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAILCAST_", "COMPOSE_"))
        }
        return {
            **kept,
            "TAILCAST_REVISION": REVISION,
            "TAILCAST_CREATED": CREATED,
            "TAILCAST_LOG_DIR": str(self.log_dir),
            "TAILCAST_PORT": str(self.port),
            "TAILCAST_PROMETHEUS_PORT": str(self.prometheus_port),
            "TAILCAST_UID": str(self.uid),
            "TAILCAST_GID": str(self.uid),
            **self._settings,
        }


def _pause(container: Any) -> None:
    """Pause it, again if the engine's freezer gave up, as it may on a busy machine.

    It then has let go of what it held: nothing is paused. All other errors are raised.
    """
    for _ in range(FREEZE_ATTEMPTS - 1):
        try:
            container.pause()
        except docker.errors.APIError as error:
            if "unable to freeze" not in str(error):
                raise
        else:
            return
    container.pause()
