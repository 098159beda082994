"""How long clients hear nothing while `tailcast up`, or a part of it, is started anew.

A line is written every 20 ms; clients that come back as docs/protocol.md asks for
follow them with cursors. The silence of a client is its longest pause between two
records; what is lost or repeated is counted too.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import connect

from benchmarks.survival.stage import PATIENCE_SECONDS, free_port


LINE_SECONDS = 0.02
# Before each fault and after it: a gateway knows after five seconds that it is alone.
QUIET_SECONDS = 8.0
SIGNALS = {"gateway: SIGTERM": signal.SIGTERM, "gateway: SIGKILL": signal.SIGKILL}
FAULTS = (*SIGNALS, "all of it: SIGTERM, then `tailcast up`")


@dataclass
class Follower:
    """A client that keeps its cursor and comes back."""

    port: int
    cursor: str | None = None
    next_step: int = 0
    wrong: int = 0
    # When the last record came, and the longest pause since it was asked for.
    heard_at: float = field(default_factory=time.monotonic)
    longest: float = 0.0

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = 1.0
        while True:
            told: float | None = None
            with contextlib.suppress(OSError, websockets.WebSocketException):
                url = f"ws://127.0.0.1:{self.port}/ws/telemetry"
                async with connect(url, proxy=None) as socket:
                    start: Any = {"cursor": self.cursor} if self.cursor else "start"
                    asked = {"type": "subscribe", "sessionId": "run", "from": start}
                    await socket.send(json.dumps(asked))
                    async for text in socket:
                        pause, message = 1.0, json.loads(text)
                        self.hear(message)
                        told = message.get("reconnectAfterMs", told)
                        if "retryAfterMs" in message:
                            told = message["retryAfterMs"]
                            break
            chance = random.uniform(0.5, 1)
            await asyncio.sleep(told / 1_000 if told else pause * chance)
            pause = min(20.0, 2 * pause)

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message."""
        self.cursor = message.get("to") or message.get("cursor") or self.cursor
        if message["type"] == "telemetry":
            now = time.monotonic()
            self.longest = max(self.longest, now - self.heard_at)
            self.heard_at = now
            for record in message["data"]:
                self.wrong += record["step"] != self.next_step
                self.next_step = record["step"] + 1


class Up:
    """`tailcast up` as a process."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait for its word."""
        command = [sys.executable, "-m", "tailcast", "up", "logs", "--host"]
        command += ["127.0.0.1", "--port", str(self._port)]
        with (self._folder / "up.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self._folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "TAILCAST_LOG_LEVEL": "warning"},
            )
        assert self._process.stdout is not None
        assert b"ready" in await self._process.stdout.readline()

    async def end(self) -> None:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()

    async def restart(self) -> None:
        """End it, and start it at once."""
        await self.end()
        await self.start()

    def signal_gateway(self, number: signal.Signals) -> None:
        """As an operator would, who sees its process."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        (gateway,) = (
            int(child)
            for child in children
            if b"\0gateway\0" in Path(f"/proc/{child}/cmdline").read_bytes()
        )
        os.kill(gateway, number)


@dataclass(frozen=True)
class Figures:
    """What one of these did to clients."""

    what: str
    # Of the client that was silent for the shortest time, and for the longest.
    least_seconds: float
    most_seconds: float
    # Records lost or repeated, of all clients.
    wrong: int

    def __str__(self) -> str:
        return (
            f"{self.what}: silent for {self.least_seconds:.2f} to"
            f" {self.most_seconds:.2f} s, {self.wrong} records lost or repeated"
        )


async def measure(*, followers: int) -> AsyncGenerator[Figures]:
    """Fault by fault."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "logs").mkdir()
        lines = folder / "logs" / "run.jsonl"
        up = Up(folder, port)
        await up.start()
        crowd = [Follower(port) for _ in range(followers)]
        async with _running(_write(lines), *(one.run() for one in crowd)):
            await _until(lambda: all(one.next_step for one in crowd))
            for what in FAULTS:
                await asyncio.sleep(QUIET_SECONDS)
                for one in crowd:
                    one.longest = 0.0
                if what in SIGNALS:
                    up.signal_gateway(SIGNALS[what])
                else:
                    await up.restart()
                await asyncio.sleep(QUIET_SECONDS)
                now = time.monotonic()
                await _until(lambda: all(one.heard_at > now for one in crowd))  # noqa: B023  # awaited here
                silences = sorted(one.longest for one in crowd)
                wrong = sum(one.wrong for one in crowd)
                yield Figures(what, silences[0], silences[-1], wrong)
        await up.end()


async def _write(path: Path) -> None:
    step = 0
    while True:
        with path.open("a") as lines:
            lines.write(json.dumps({"step": step, "loss": 1 / (step + 1)}) + "\n")
        step += 1
        await asyncio.sleep(LINE_SECONDS)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110  # what others do sets no event of ours
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _running(*work: Any) -> AsyncGenerator[None]:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
