"""The system under test, as processes of this machine that can be killed and paused."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from tests.brokers import BrokerServer, free_port
from tests.checker.outages import Gateway, Outage
from tests.patience import PATIENCE_SECONDS


class Service:
    """One `tailcast` command as a child process; its log goes to a file."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "tailcast", *command]
        self._env = {**_clean_environment(), **env}
        self._log = Path(env["TAILCAST_LOG_DIR"]).parent / f"{name}.log"
        # The running process, None while there is none.
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it where it stands."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, f"{self.name} is not running"
        self._process.send_signal(number)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._process = None


class ProcessStack:
    """A broker, a tailer, indexers and gateways over one log directory."""

    outage_seconds: tuple[float, ...] = (0.0, 0.1, 0.5, 2.0)

    def __init__(
        self,
        broker: BrokerServer,
        directory: Path,
        *,
        gateways: int = 2,
        indexers: int = 0,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.broker = broker
        self.log_dir = directory / "logs"
        self.telemetry = self.log_dir / "telemetry"
        self.telemetry.mkdir(parents=True)
        env = {
            "TAILCAST_REDIS_URL": broker.url,
            "TAILCAST_LOG_DIR": str(self.log_dir),
            "TAILCAST_HOST": "127.0.0.1",
            **(settings or {}),
        }
        self._metrics_port = free_port()
        monitored = {**env, "TAILCAST_METRICS_PORT": str(self._metrics_port)}
        self.tailer = Service("tailer", ["tailer"], monitored)
        self.indexers = [
            Service(f"indexer{n}", ["indexer"], env) for n in range(indexers)
        ]
        self.ports = [free_port() for _ in range(gateways)]
        self.gateways = [
            Service(f"gateway{n}", ["gateway"], {**env, "TAILCAST_PORT": str(port)})
            for n, port in enumerate(self.ports)
        ]

    @property
    def services(self) -> list[Service]:
        """All but the broker."""
        return [self.tailer, *self.indexers, *self.gateways]

    @property
    def is_indexed(self) -> bool:
        """As declared."""
        return bool(self.indexers)

    @property
    def urls(self) -> list[str]:
        """Where each gateway serves clients."""
        return [f"ws://127.0.0.1:{port}/ws/telemetry" for port in self.ports]

    async def start(self) -> None:
        """Start everything and wait until the gateways are ready."""
        for service in self.services:
            service.start()
        for port in self.ports:
            await wait_until_ready(port)

    def stop(self) -> None:
        """End everything; the broker is its owner's."""
        for service in self.services:
            service.kill()

    def outages(self) -> list[list[Outage]]:
        """Kills and pauses, of the broker too."""
        gateways = [self._outages(gateway) for gateway in self.gateways]
        broker = [
            Outage("kill broker", self.broker.kill, self.broker.start),
            Outage("pause broker", self.broker.pause, self.broker.resume),
        ]
        indexers = [self._outages(indexer) for indexer in self.indexers]
        alike = [gateways, indexers] if indexers else [gateways]
        several = [[*itertools.chain(*one)] for one in alike]
        return [self._outages(self.tailer), *several, broker]

    def restartable(self) -> list[Gateway]:
        """All of them."""
        return [
            Gateway(
                gateway.name,
                gateway.kill,
                gateway.stop,
                partial(self._restart, gateway, port),
            )
            for gateway, port in zip(self.gateways, self.ports, strict=True)
        ]

    def wipe(self) -> None:
        """As declared."""
        self.broker.wipe()

    def contradiction(self) -> str:
        """What the tailer says that streams keep, held against the streams."""
        address = f"http://127.0.0.1:{self._metrics_port}/metrics"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                said = _metric(answer.read().decode(), "tailcast_tailer_kept_bytes")
        except OSError as error:
            return f"the tailer does not answer: {error}"
        kept = self._kept_bytes()
        if said == kept:
            return ""
        return f"the tailer says that streams keep {said} bytes, they keep {kept}"

    def _kept_bytes(self) -> int:
        """What streams keep: the lines of all their records, of each generation."""
        kept = 0
        with self.broker.client() as connection:
            client: Any = connection
            for key in client.scan_iter("telemetry:{*}:stream", count=1_000):
                for id, fields in client.xrange(key):
                    if b"r" in fields:
                        kept += _offset(id) - _offset(fields[b"p"])
        return kept

    def _outages(self, service: Service) -> list[Outage]:
        return [
            Outage(f"kill {service.name}", service.kill, service.start),
            Outage(f"pause {service.name}", service.pause, service.resume),
        ]

    def _restart(self, gateway: Service, port: int) -> None:
        gateway.start()
        asyncio.run(wait_until_ready(port))


def _offset(id: bytes) -> int:
    return int(id.partition(b"-")[2])


def _metric(text: str, name: str) -> int:
    line = next(one for one in text.splitlines() if one.startswith(f"{name} "))
    return int(float(line.split()[1]))


async def wait_until_ready(port: int) -> None:
    """Wait until the gateway on this port can serve.

    Raises:
        TimeoutError: it could not.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (
            await asyncio.to_thread(_status, f"http://127.0.0.1:{port}/readyz") != 200
        ):
            await asyncio.sleep(0.05)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # ours
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _clean_environment() -> dict[str, str]:
    """This process's, less what would set the services up otherwise."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAILCAST_")
    }
