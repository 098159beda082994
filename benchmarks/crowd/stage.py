"""A directory of files, and `tailcast up` on it, whose processes are watched."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from redis.asyncio import Redis

from benchmarks.processes import cpu_seconds, free_port, rss_bytes, stop


# Files of one directory.
FILES_IN_ONE = 200
LINES = 3
# How long one step may take.
PATIENCE_SECONDS = 240.0
# The parts of `up`, by what their command lines have.
PARTS = ("tailer", "indexer", "gateway")
PREFIX = "crowd"
# With this variable each start compiles all modules again.
NOT_COMPILED = "PYTHONDONTWRITEBYTECODE"


class Crowd:
    """Files with a few records each."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self.paths = [
            folder / f"{number // FILES_IN_ONE:03}" / f"run-{number:05}.jsonl"
            for number in range(count)
        ]

    def write(self) -> None:
        """Make them all."""
        for number, path in enumerate(self.paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(record(number, step) for step in range(LINES)))

    def write_one(self, chance: random.Random) -> tuple[Path, int]:
        """Append a line to one of them; its path, and its size then."""
        path = chance.choice(self.paths)
        with path.open("ab") as file:
            file.write(record(0, LINES))
        return path, path.stat().st_size

    def age(self, seconds: float) -> None:
        """Have them changed so long ago."""
        at = time.time() - seconds
        for path in self.paths:
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (at, at))

    def delete(self) -> None:
        """Delete them all, and their directories; not the one that is watched."""
        for one in self._folder.iterdir():
            shutil.rmtree(one)


def record(number: int, step: int) -> bytes:
    """One line of a run."""
    values = {"run": number, "step": step, "loss": 1 / (step + 1), "lr": 3e-4}
    return json.dumps({**values, "time": time.time()}).encode() + b"\n"


class Stage:
    """`tailcast up`, and what each of its processes used."""

    def __init__(self, folder: Path, socket: Path, valkey_pid: int) -> None:
        self._folder = folder
        self._redis = Redis(unix_socket_path=str(socket))
        self._url = f"unix://{socket}"
        self._broker = valkey_pid
        self._log = folder.parent / f"{folder.name}.log"

    async def __aenter__(self) -> Self:
        # Written once all files that were there had their turn.
        await self._redis.delete(f"{PREFIX}:begun")
        self._metrics, port = free_port(), free_port()
        self._broker_before = cpu_seconds([self._broker])
        self._started = time.monotonic()
        self._up = self._start(port)
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(stop, self._up)
        await self._redis.aclose()

    def _start(self, port: int) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tailcast", "up", str(self._folder),
                 "--port", str(port), "--redis-url", self._url],
                stdout=subprocess.PIPE,
                stderr=log,
                # What is installed has compiled modules too.
                env={
                    **{k: v for k, v in os.environ.items() if k != NOT_COMPILED},
                    "TAILCAST_METRICS_PORT": str(self._metrics),
                    "TAILCAST_KEY_PREFIX": PREFIX,
                },
            )  # fmt: skip  # one glance

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self._started

    async def until_ready(self) -> None:
        """Until it says so."""
        assert self._up.stdout is not None
        said = await asyncio.to_thread(self._up.stdout.readline)
        assert said.startswith(b"tailcast ready"), said

    async def until_has(self, path: Path, size: int) -> None:
        """Until so much of a file is in the broker."""
        session = path.relative_to(self._folder).with_suffix("")
        key = f"{PREFIX}:{{{session}}}:state"
        while int(await self._redis.hget(key, "offset") or 0) < size:
            await self._pause("a line")

    async def until_all(self, files: int) -> None:
        """Until each file has a state, and had a turn."""
        while await self._redis.zcard(f"{PREFIX}:sessions") < files:
            await self._pause("sessions")
        while not await self._redis.exists(f"{PREFIX}:begun"):
            await self._pause("turns")

    async def _pause(self, what: str) -> None:
        assert self._up.poll() is None, f"it ended; see {self._log}"
        if self.seconds > PATIENCE_SECONDS:
            raise TimeoutError(what)
        await asyncio.sleep(0.01)

    async def share(self, seconds: float) -> tuple[float, str]:
        """How much of a core the tailer uses, and all others."""
        before = self._cpu()
        await asyncio.sleep(seconds)
        shares = {
            name: (after - before[name]) / seconds
            for name, after in self._cpu().items()
        }
        others = ", ".join(f"{name} {share:.2%}" for name, share in shares.items())
        return shares["tailer"], others

    def used(self) -> str:
        """CPU seconds and memory of each, and what the tailer has and wrote."""
        parts = ", ".join(f"{name} {used:.1f}" for name, used in self._cpu().items())
        size = self._log.stat().st_size / 1e6
        memory = rss_bytes([self._pids()["tailer"]]) / 1e6
        return (
            f"CPU s: {parts}; tailer {memory:.0f} MB, follows {self._files()};"
            f" log {size:.2f} MB"
        )

    def _cpu(self) -> dict[str, float]:
        pids = self._pids()
        used = {name: cpu_seconds([pid]) for name, pid in pids.items()}
        broker = cpu_seconds([self._broker]) - self._broker_before
        return {**used, "broker": broker}

    def _pids(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for children in Path(f"/proc/{self._up.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found |= {part: int(pid) for part in PARTS if part.encode() in command}
        return found

    def _files(self) -> str:
        with contextlib.suppress(OSError):
            address = f"http://127.0.0.1:{self._metrics}/metrics"
            with urllib.request.urlopen(address, timeout=5) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("tailcast_tailer_files "):
                        return str(int(float(line.split()[1])))
        return "?"
