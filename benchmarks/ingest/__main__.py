"""`python -m benchmarks.ingest`: throughput, CPU and latency from file to stream.

Ours and a plain pipelined-XADD tailer alternate on the same file and broker; ratios are
of neighbouring runs. CPU is the tailer process's own. A run ends with the file, or when
its time is over, so that all ends within two minutes.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import redis

from tests.brokers import BrokerServer, ProcessBroker, make_broker


ROUNDS = 3
RUN_SECONDS = 5.0
LATENCY_LINES = 500
LATENCY_RATE = 100


class Run(NamedTuple):
    """One ingestion of the file, or of as much as there was time for."""

    records: int
    seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def make_line(step: int, chance: random.Random) -> bytes:
    """A record as the usual producer writes it, some 220 bytes."""
    return (
        b'{"timestamp":"2025-12-18T01:%02d:%02d.000Z","step":%d,"telemetry":{"phi":%.16f,'
        b'"kappa_eff":%.13f,"regime":"geometric","basin_distance":%.16f,'
        b'"recursion_depth":5,"breakdown_pct":0.0,"coherence_drift":%.3f,'
        b'"emergency":false}}\n'
        % (
            step // 60 % 60, step % 60, step, chance.random(), chance.random() * 64,
            chance.random(), chance.random(),
        )
    )  # fmt: skip


def make_file(path: Path, mebibytes: int) -> int:
    """Write the file; how many lines it has."""
    chance = random.Random(7)
    count = 0
    with path.open("wb") as file:
        while file.tell() < mebibytes << 20:
            file.write(b"".join(make_line(count + i, chance) for i in range(1_000)))
            count += 1_000
    return count


def measure(command: list[str], client: "redis.Redis", stream: str, count: int) -> Run:
    """Start the process, wait until the stream has so many records, end it.

    Counts from the first entries on: starting Python is not what is measured here.
    """
    process = subprocess.Popen(command)
    while (before := client.xlen(stream)) == 0:
        assert process.poll() is None, "the tailer ended early"
        time.sleep(0.005)
    started, cpu_before = time.perf_counter(), cpu_of(process.pid)
    done = before
    while done < count and time.perf_counter() - started < RUN_SECONDS:
        assert process.poll() is None, "the tailer ended early"
        time.sleep(0.02)
        done = client.xlen(stream)
    seconds, cpu = time.perf_counter() - started, cpu_of(process.pid) - cpu_before
    peak = peak_of(process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    return Run(done - before, seconds, cpu, peak)


def cpu_of(pid: int) -> float:
    """The process's CPU time so far, seconds; see proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    """The process's peak resident memory, MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def ours(log_dir: Path, server: BrokerServer, count: int, number: int) -> Run:
    """One run of the tailer."""
    prefix = f"b{number}"
    command = [sys.executable, "-m", "benchmarks.ingest.ours"]
    command += [str(log_dir), server.url, prefix]
    with server.client() as client:
        run = measure(command, client, f"{prefix}:{{big}}:stream", count + 1)
        client.flushall()
    return run


def plain(log_dir: Path, server: BrokerServer, count: int, number: int) -> Run:
    """One run of the plain tailer."""
    del number
    file = log_dir / "telemetry" / "big.jsonl"
    command = [sys.executable, "-m", "benchmarks.ingest.plain"]
    command += [str(file), server.url, "big", str(count)]
    with server.client() as client:
        run = measure(command, client, "plain:{big}", count)
        client.flushall()
    return run


def show(name: str, runs: list[Run], count: int, size: int) -> None:
    """Print one row: medians with their spread."""

    def cell(values: list[float], form: str) -> str:
        low, high = min(values), max(values)
        middle = statistics.median(values)
        return f"{middle:{form}} ({low:{form}}-{high:{form}})"

    speed = [run.records / run.seconds for run in runs]
    print(
        f"  {name:<8}"
        f" {cell([one * size / count / 1e6 for one in speed], '.0f'):>18} MB/s"
        f" {cell([one / 1e3 for one in speed], '.0f'):>18} k records/s"
        f" {cell([run.cpu_seconds / run.records * 1e6 for run in runs], '.2f'):>20}"
        f" CPU s/M {max(run.peak_mebibytes for run in runs):>6.0f} MiB"
    )


def throughput(server: BrokerServer, log_dir: Path, count: int) -> None:
    """Alternate both tailers over the same file."""
    size = (log_dir / "telemetry" / "big.jsonl").stat().st_size
    kinds: dict[str, Callable[..., Run]] = {"tailer": ours, "plain": plain}
    runs: dict[str, list[Run]] = {name: [] for name in kinds}
    for number in range(ROUNDS):
        for name, kind in kinds.items():
            runs[name].append(kind(log_dir, server, count, number))
    for name in kinds:
        show(name, runs[name], count, size)
    pairs = list(zip(runs["tailer"], runs["plain"], strict=True))
    speed = [
        one.records / one.seconds / (other.records / other.seconds)
        for one, other in pairs
    ]
    cost = [
        other.cpu_seconds / other.records / (one.cpu_seconds / one.records)
        for one, other in pairs
    ]
    print(
        f"  ratio x{statistics.median(speed):.1f} ({min(speed):.1f}-{max(speed):.1f})"
        " as fast,"
        f" x{statistics.median(cost):.1f} ({min(cost):.1f}-{max(cost):.1f})"
        f" less CPU, {len(pairs)} paired rounds"
    )


def latency(server: BrokerServer, root: Path) -> None:
    """Time from the append to the entry, at a steady rate."""
    log_dir = root / "live"
    path = log_dir / "telemetry" / "live.jsonl"
    path.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "benchmarks.ingest.ours"]
    process = subprocess.Popen([*command, str(log_dir), server.url, "live"])
    written: list[float] = []
    delays: list[float] = []
    chance = random.Random(7)

    def write() -> None:
        for step in range(LATENCY_LINES):
            line = make_line(step, chance)
            # Noted first: the entry may be there before the file is closed.
            written.append(time.perf_counter())
            with path.open("ab") as file:
                file.write(line)
            time.sleep(1 / LATENCY_RATE)

    with server.client() as client:
        last: bytes = first_entry(path, client, make_line(0, chance))
        writer = threading.Thread(target=write)
        writer.start()
        while len(delays) < LATENCY_LINES:
            reply: Any = client.xread({"live:{live}:stream": last}, block=1_000)
            now = time.perf_counter()
            entries: list[tuple[bytes, dict[bytes, bytes]]]
            entries = reply[0][1] if reply else []
            for _ in entries:
                delays.append(now - written[len(delays)])
            last = entries[-1][0] if entries else last
        writer.join()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    cuts = statistics.quantiles(delays, n=100)
    print(
        f"  append → entry at {LATENCY_RATE} lines/s:"
        f" p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms"
    )


def first_entry(path: Path, client: "redis.Redis", line: bytes) -> bytes:
    """Wait until the tailer runs: the ID of a first line's entry."""
    path.write_bytes(line)
    while client.xlen("live:{live}:stream") < 2:
        time.sleep(0.02)
    # Until the file is no longer hot from its first line alone.
    time.sleep(1.0)
    newest: Any = client.xrevrange("live:{live}:stream", count=1)
    last_id: bytes = newest[0][0]
    return last_id


def main() -> None:
    """Run all that this machine has a broker for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--mebibytes", type=int, default=200)
    mebibytes: int = parser.parse_args().mebibytes
    kinds = ["valkey"] + ["redis"] * (shutil.which("redis-server") is not None)
    with tempfile.TemporaryDirectory() as root:
        log_dir = Path(root, "logs")
        path = log_dir / "telemetry" / "big.jsonl"
        path.parent.mkdir(parents=True)
        count = make_file(path, mebibytes)
        for kind in kinds:
            server = make_broker(kind)
            assert isinstance(server, ProcessBroker)
            print(f"{kind}, a file of {mebibytes} MiB")
            with server:
                throughput(server, log_dir, count)
                latency(server, Path(root, kind))


if __name__ == "__main__":
    main()
