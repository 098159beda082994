"""`python -m benchmarks.ingest.gigabyte`: memory and CPU with much to read, and none.

A gigabyte in four files into a real broker, retention as it is by default; then ten
thousand files that rest, for a minute. The tailer is a process of its own; what is
counted is its CPU and its peak resident memory. Some three minutes in all.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks.ingest.__main__ import cpu_of, make_line, peak_of
from tests.brokers import BrokerServer, make_broker


FILES = 4
# What a file repeats: making each line would take longer than reading it.
BLOCK_LINES = 20_000
IDLE_FILES = 10_000
# Since when they rest, as their modification times say.
REST_SECONDS = 3_600.0
IDLE_SECONDS = 60.0


def make_files(directory: Path, size: int) -> int:
    """Write the files, some `size` bytes in all; how many lines they have."""
    directory.mkdir(parents=True)
    lines = 0
    for number in range(FILES):
        chance = random.Random(number)
        block = b"".join(make_line(step, chance) for step in range(BLOCK_LINES))
        with (directory / f"run{number}.jsonl").open("wb") as file:
            for _ in range(max(1, size // FILES // len(block))):
                file.write(block)
                lines += BLOCK_LINES
    return lines


def make_idle_files(directory: Path, count: int) -> int:
    """Write small files that have not changed for long; how many lines they have."""
    directory.mkdir(parents=True)
    chance = random.Random(7)
    rests_since = time.time() - REST_SECONDS
    for number in range(count):
        path = directory / f"run{number}.jsonl"
        path.write_bytes(make_line(number, chance))
        os.utime(path, (rests_since, rests_since))
    return count


@contextmanager
def tailing(
    log_dir: Path, server: BrokerServer, prefix: str
) -> Generator["subprocess.Popen[bytes]"]:
    """The tailer as a process, retention as it is by default."""
    command = [sys.executable, "-m", "benchmarks.ingest.ours", str(log_dir)]
    process = subprocess.Popen([*command, server.url, prefix, "default"])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until_read(client: "redis.Redis", prefix: str, directory: Path) -> None:
    """Wait until every file's state says that it was read to its end."""
    waiting = {path.stem: path.stat().st_size for path in directory.iterdir()}
    while waiting:
        time.sleep(0.1)
        names = list(waiting)[:1_000]
        with client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hget(f"{prefix}:{{{name}}}:state", "offset")
            offsets: list[Any] = pipeline.execute()
        for name, offset in zip(names, offsets, strict=True):
            if int(offset or 0) == waiting[name]:
                del waiting[name]


def gigabyte(server: BrokerServer, root: Path, size: int) -> None:
    """Read it all."""
    log_dir = root / "much"
    count = make_files(log_dir / "telemetry", size)
    with server.client() as client, tailing(log_dir, server, "much") as process:
        started = time.perf_counter()
        wait_until_read(client, "much", log_dir / "telemetry")
        seconds = time.perf_counter() - started
        print(
            f"  {size / 1e9:.2f} GB, {count / 1e6:.1f} M records in {FILES} files:"
            f" {size / seconds / 1e6:.0f} MB/s,"
            f" {cpu_of(process.pid) / count * 1e6:.2f} CPU s/M records,"
            f" peak {peak_of(process.pid):.0f} MiB"
        )


def idle(server: BrokerServer, root: Path, count: int) -> None:
    """Watch files that rest."""
    log_dir = root / "idle"
    make_idle_files(log_dir / "telemetry", count)
    with server.client() as client, tailing(log_dir, server, "idle") as process:
        wait_until_read(client, "idle", log_dir / "telemetry")
        # Until what was due together at the start is spread.
        time.sleep(IDLE_SECONDS / 4)
        before = cpu_of(process.pid)
        time.sleep(IDLE_SECONDS)
        share = (cpu_of(process.pid) - before) / IDLE_SECONDS
        print(
            f"  {count} idle files: {share:.1%} of a core,"
            f" peak {peak_of(process.pid):.0f} MiB"
        )


def main() -> None:
    """Both, with the embedded Valkey."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest.gigabyte")
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--idle-files", type=int, default=IDLE_FILES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, make_broker("valkey") as server:
        gigabyte(server, Path(root), options.megabytes * 1_000_000)
        idle(server, Path(root), options.idle_files)


if __name__ == "__main__":
    main()
