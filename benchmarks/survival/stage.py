"""What a measurement stands on: a broker, a gateway process, and what they use."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.processes import ONE_ADDRESS
from tailcast.embedded import find_program
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import NOTHING_STORED, Batch, StoredPosition


# A wait that takes longer is a failure.
PATIENCE_SECONDS = 60.0
BATCH_RECORDS = 1_000
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Gateway:
    """A gateway's process."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_bytes(self) -> int:
        """Resident memory now."""
        statm = Path(f"/proc/{self.pid}/statm").read_text()
        return int(statm.split()[1]) * resource.getpagesize()

    def peak_bytes(self) -> int:
        """The most it has been since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def forget_peak(self) -> None:
        """Begin the peak anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        for line in _metrics(self.port):
            if line.startswith(f"tailcast_gateway_{name} "):
                return float(line.split()[1])
        raise KeyError(name)


@dataclass(frozen=True)
class Tailer:
    """A tailer's process."""

    port: int

    def sum_of(self, name: str) -> float:
        """The sum of a metric over all its labels."""
        lines = _metrics(self.port)
        some = [one for one in lines if one.startswith(f"tailcast_tailer_{name}{{")]
        return sum(float(one.split()[-1]) for one in some)


def _metrics(port: int) -> list[str]:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text: str = answer.read().decode()
    return text.splitlines()


@contextmanager
def valkey(max_bytes: int = 0) -> Generator[str]:
    """An embedded broker of its own, nothing kept; its URL.

    Args:
        max_bytes: how much it stores at most, 0 for as much as there is.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "valkey.sock"
        process = subprocess.Popen(
            [str(find_program()), "--port", "0", "--unixsocket", str(path),
             "--save", "", "--dir", folder, "--maxmemory", str(max_bytes)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip  # one glance
        try:
            while not path.exists():
                time.sleep(0.02)
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def gateway(url: str, prefix: str, **settings: str) -> Generator[Gateway]:
    """A gateway that is ready, with settings by their names without `TAILCAST_`."""
    port = free_port()
    more = {"port": str(port), "drain_seconds": "0s", **settings}
    with _service("gateway", url, prefix, port, {**ONE_ADDRESS, **_named(more)}) as pid:
        yield Gateway(pid, port)


@contextmanager
def tailer(url: str, prefix: str, folder: str) -> Generator[Tailer]:
    """A tailer that is ready, and follows the files below a folder."""
    port = free_port()
    more = _named({"metrics_port": str(port), "log_dir": folder})
    with _service("tailer", url, prefix, port, more):
        yield Tailer(port)


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the environment has them."""
    return {f"TAILCAST_{name.upper()}": value for name, value in settings.items()}


@contextmanager
def _service(
    name: str, url: str, prefix: str, port: int, more: Mapping[str, str]
) -> Generator[int]:
    """A service that is ready, as it says at a port; its process."""
    stage = {"redis_url": url, "key_prefix": prefix, "host": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tailcast", name],
        env={**os.environ, **_named(stage), **more},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(port)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(port: int) -> None:
    """Until `/readyz` is well."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/readyz"):
            return
        time.sleep(0.05)
    raise TimeoutError("the gateway did not become ready")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def allow_many_files() -> None:
    """As many sockets as the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Session:
    """Appends numbered records to one session, as the tailer does."""

    def __init__(self, broker: RedisBroker, name: str) -> None:
        self.broker = broker
        self.name = name
        # The next record's step.
        self.step = 0
        # Bytes of the file so far.
        self.offset = 0
        self._expected = NOTHING_STORED

    async def append(self, count: int, *, record_bytes: int = 0) -> None:
        """Append so many records, in one batch."""
        begins = self._expected == NOTHING_STORED
        entries = [NewEntry(0, Kind.MARKER, b"")] if begins else []
        for _ in range(count):
            line = record(self.step, record_bytes)
            self.step += 1
            self.offset += len(line) + 1
            entries.append(NewEntry(self.offset, Kind.RECORD, line))
        await self.broker.append(Batch(
            session=self.name, expected=self._expected, incarnation="x", generation=1,
            offset=self.offset, entries=entries,
            fields={"size": self.offset, "updated_ms": time.time_ns() // 1_000_000},
        ))  # fmt: skip  # one glance
        id = EntryID(1, self.offset)
        rejected = self._expected.last_rejected_id
        self._expected = StoredPosition("x", 1, self.offset, id, rejected, id)
        if begins:
            # Of yesterday: what was active in the last minute is audited more often.
            yesterday_ms = time.time_ns() // 1_000_000 - 86_400_000
            await self.broker.touch({self.name: yesterday_ms})

    async def fill(self, count: int) -> None:
        """Append so many records, in many batches."""
        for start in range(0, count, BATCH_RECORDS):
            await self.append(min(BATCH_RECORDS, count - start))


def record(step: int, size: int = 0) -> bytes:
    """A usual record with the time at which it was made, some 280 bytes or as asked."""
    fields: dict[str, object] = {
        "sent_ns": time.monotonic_ns(),
        "timestamp": "2025-12-18T01:30:00.000Z",
        "step": step,
        "telemetry": {
            "phi": 0.72, "kappa_eff": 64.2, "regime": "geometric",
            "basin_distance": 0.15, "recursion_depth": 5, "breakdown_pct": 0.0,
            "coherence_drift": 0.05, "emergency": False,
        },
    }  # fmt: skip  # one glance
    line = json.dumps(fields, separators=(",", ":"))
    if len(line) < size:
        fields["filler"] = "x" * (size - len(line) - 12)
        line = json.dumps(fields, separators=(",", ":"))
    return line.encode()
