"""`python -m benchmarks.delivery`: our gateway and `send_text` in turns, and the ratio.

Records are appended at a rate into an embedded Valkey of its own; CPU is the server
process's, user and system, as the kernel counts it.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tailcast.embedded import find_program
from telemetry_stream.broker import (
    NOTHING_STORED,
    Batch,
    Kind,
    NewEntry,
    StoredPosition,
)
from telemetry_stream.broker_redis import RedisBroker
from telemetry_stream.position import EntryID


KINDS = ("gateway", "send_text")
TICKS = os.sysconf("SC_CLK_TCK")


async def measure(
    kind: str, url: str, clients: int, rate: int, seconds: float
) -> dict[str, float]:
    """One server, so many clients, so many records a second, for so long."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    port = free_port()
    module = [sys.executable, "-m"]
    server = subprocess.Popen(  # noqa: ASYNC220  # nothing else runs meanwhile
        [*module, "benchmarks.delivery.serve", kind, url, prefix, str(port)],
        stderr=subprocess.DEVNULL,
    )
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        wait_for_port(port)
        watch = subprocess.Popen(  # noqa: ASYNC220  # as above
            [*module, "benchmarks.delivery.watch", str(port), str(clients)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip  # one glance
        assert watch.stdout is not None
        assert watch.stdout.readline() == "ready\n"
        before = cpu_seconds(server.pid)
        count = await append(broker, rate, seconds)
        await asyncio.sleep(0.5)
        used = cpu_seconds(server.pid) - before
        rss = rss_kib(server.pid)
        output, _ = watch.communicate("")
        figures: dict[str, float] = json.loads(output)
        assert figures["records"] == count * clients, (figures, count * clients)
        figures["cpu_s_per_million"] = used / figures["records"] * 1e6
        figures["rss_mib"] = rss / 1024
        return figures
    finally:
        server.terminate()
        server.wait(20)
        await broker.aclose()


async def append(broker: RedisBroker, rate: int, seconds: float) -> int:
    """Append records evenly; how many they were."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    offset, number, expected = 0, 0, NOTHING_STORED
    entries = [NewEntry(0, Kind.MARKER, b"")]
    while (now := loop.time()) < start + seconds:
        due = start + number / rate
        if now < due:
            await asyncio.sleep(due - now)
        line = record(number)
        offset += len(line) + 1
        entries.append(NewEntry(offset, Kind.RECORD, line))
        await broker.append(Batch(
            session="run", expected=expected, incarnation="x", generation=1,
            offset=offset, entries=entries, fields={},
        ))  # fmt: skip  # one glance
        id = EntryID(1, offset)
        expected = StoredPosition("x", 1, offset, id, expected.last_rejected_id, id)
        entries = []
        number += 1
    return number


def record(number: int) -> bytes:
    """A usual record, with the time at which it was made."""
    return json.dumps({
        "timestamp": "2025-12-18T01:30:00.000Z", "step": number,
        "telemetry": {"phi": 0.72, "kappa_eff": 64.2, "regime": "geometric",
                      "basin_distance": 0.15, "recursion_depth": 5,
                      "breakdown_pct": 0.0, "coherence_drift": 0.05},
        "sent_ns": time.monotonic_ns(),
    }, separators=(",", ":")).encode()  # fmt: skip  # one glance


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Until somebody listens."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def spread(values: list[float]) -> str:
    """The median and what lies around it."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "valkey.sock"
        valkey = subprocess.Popen(
            [str(find_program()), "--port", "0", "--unixsocket", str(path),
             "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip  # one glance
        try:
            while not path.exists():
                time.sleep(0.02)
            for clients, rate in ((100, 400), (1_000, 40)):
                compare(f"unix://{path}", clients, rate, arguments)
        finally:
            valkey.terminate()
            valkey.wait(10)


def compare(url: str, clients: int, rate: int, arguments: argparse.Namespace) -> None:
    """Both servers in turns under one load."""
    rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.rounds):
        for kind in KINDS:
            rounds[kind].append(
                asyncio.run(measure(kind, url, clients, rate, arguments.seconds))
            )
    print(f"\n{clients} clients, {rate} records/s each, {arguments.rounds} rounds")
    for kind, figures in rounds.items():
        for name in ("cpu_s_per_million", "p50_ms", "p99_ms", "rss_mib"):
            values = [one[name] for one in figures]
            print(f"  {kind:10} {name:18} {spread(values)}")
    ratios = [
        other["cpu_s_per_million"] / ours["cpu_s_per_million"]
        for ours, other in zip(*rounds.values(), strict=True)
    ]
    print(f"  CPU of send_text / CPU of the gateway: {spread(ratios)}")


main()
