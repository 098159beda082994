"""`python -m benchmarks.wakeup`: ways to learn which of many sessions moved, in turns.

Two questions: what a record costs a reader that watches 10,000 sessions of which ten
are live, and what a reader pays for sessions that it does not watch. CPU is the
reader's and the broker's own, as the kernel counts it.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import redis.asyncio as redis

from benchmarks.wakeup.reader import WAYS
from tailcast.embedded import find_program


TICKS = os.sysconf("SC_CLK_TCK")
SESSIONS = 10_000


def cpu_seconds(pid: int) -> float:
    """What a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def write(
    broker: Any, way: str, live: list[str], rate: int, seconds: float
) -> int:
    """Append to live sessions in turn, and wake as the way asks for."""
    count = int(rate * seconds)
    started = time.monotonic()
    for number in range(count):
        name = live[number % len(live)]
        async with broker.pipeline(transaction=False) as pipeline:
            pipeline.xadd(name, {"r": repr(time.time())})
            if way == "channel":
                pipeline.publish("feed", name)
            elif way == "sharded channels":
                pipeline.execute_command("SPUBLISH", name, name)
            elif way == "feed stream":
                pipeline.xadd("feed", {"s": name}, maxlen=10_000, approximate=True)
            await pipeline.execute()
        ahead = started + (number + 1) / rate - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return count


async def measure(
    way: str, url: str, server: int, *, watched: int, live: list[str], rate: int
) -> dict[str, float]:
    """One way, for some seconds; µs of CPU for each record that was written."""
    broker: Any = redis.Redis.from_url(url)
    await broker.flushall()
    command = [sys.executable, "-m", "benchmarks.wakeup.reader"]
    reader = subprocess.Popen(  # noqa: ASYNC220  # nothing else runs meanwhile
        [*command, way, url, str(watched)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip  # one glance
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    before = cpu_seconds(server)
    written = await write(broker, way, live, rate, seconds=5.0)
    await asyncio.sleep(0.5)
    broker_cpu = cpu_seconds(server) - before
    out, _ = reader.communicate()
    found = json.loads(out)
    await broker.aclose()
    return {
        "reader_us": found["cpu"] / written * 1e6,
        "broker_us": broker_cpu / written * 1e6,
        "p50_ms": found["p50"] * 1e3,
        "p99_ms": found["p99"] * 1e3,
        "read": found["records"] / written,
    }


async def compare(url: str, server: int, rounds: int) -> None:
    """All ways in turns; medians and the spread."""
    ten = [f"s{n}" for n in range(10)]
    others = [f"other{n}" for n in range(1_000)]
    for title, watched, live, rate in (
        (f"watches {SESSIONS:,}, ten live, 500 records/s", SESSIONS, ten, 500),
        ("watches 10, ten live, 500 records/s", 10, ten, 500),
        ("watches 10, none live; 1,000 others, 500 records/s", 10, others, 500),
    ):
        print(f"\n{title}")
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, results in found.items():
                results.append(
                    await measure(
                        way, url, server, watched=watched, live=live, rate=rate
                    )
                )
        for way, results in found.items():
            words = [f"{way:>18}"]
            for name, unit in (
                ("reader_us", "µs reader"), ("broker_us", "µs broker"),
                ("p50_ms", "ms p50"), ("p99_ms", "ms p99"),
            ):  # fmt: skip  # one glance
                values = sorted(result[name] for result in results)
                middle = statistics.median(values)
                spread = f"({values[0]:.1f}-{values[-1]:.1f})"
                words.append(f"{middle:8.1f} {spread:<16} {unit}")
            print("  ".join(words), flush=True)


def main() -> None:
    """Run it over an embedded Valkey of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/s"
        server = subprocess.Popen(
            [find_program(), "--port", "0", "--unixsocket", path, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not Path(path).exists():
                time.sleep(0.01)
            asyncio.run(compare(f"unix://{path}", server.pid, arguments.rounds))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
