"""Example clients as processes: what each has printed so far, and how it ended."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from tests.brokers import free_port
from tests.languages.programs import Door, Program


SESSION = "run"
STOP_SECONDS = 30
# For everybody to have everything, back-offs of 20 s included.
PATIENCE_SECONDS = 180.0
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy")


class Running:
    """One program that follows a session; its output goes to files."""

    def __init__(self, program: Program, directory: Path, address: str) -> None:
        """Start it against `HOST:PORT`; whoever made it ends it."""
        name = program.directory.name
        self.program = program
        self._printed = directory / f"{name}.out"
        self._complaints = directory / f"{name}.err"
        # How far it has been read, and how many lines that were.
        self._offset = 0
        self._lines = 0
        with self._printed.open("wb") as out, self._complaints.open("wb") as err:
            self._process = subprocess.Popen(
                (*program.command, _url(program.door, address), SESSION),
                cwd=program.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def count(self) -> int:
        """How many records it has printed."""
        with self._printed.open("rb") as file:
            file.seek(self._offset)
            while piece := file.read(1 << 20):
                self._offset += len(piece)
                self._lines += piece.count(b"\n")
        return self._lines

    def steps(self) -> list[int]:
        """The step of each record that it has printed, whole ones only."""
        with self._printed.open("rb") as file:
            return [json.loads(line)["step"] for line in file if line.endswith(b"\n")]

    def complaints(self) -> str:
        """What it has said on stderr."""
        return self._complaints.read_text(errors="replace")

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it and what it started, if they have not ended."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextmanager
def running(
    programs: Iterable[tuple[Program, str]], directory: Path
) -> Generator[list[Running]]:
    """All of them at once, each against its `HOST:PORT`, until the block is left."""
    started: list[Running] = []
    try:
        started.extend(
            Running(program, directory, address) for program, address in programs
        )
        yield started
    finally:
        for one in started:
            one.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Waits for it as long as there is patience; what came of it is told at the end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)


def _url(door: Door, address: str) -> str:
    return (
        f"ws://{address}/ws/telemetry" if door == "websocket" else f"http://{address}"
    )


def _environment() -> dict[str, str]:
    """As on many a cluster: a proxy, of which loopback is not excepted."""
    nobody = f"http://127.0.0.1:{free_port()}"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAILCAST_") and "proxy" not in name.lower()
    }
    proxies = {name: nobody for lower in PROXIES for name in (lower, lower.upper())}
    return {**kept, **proxies}
