"""All of Tailcast as a person starts it, with the files that it follows."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailcast_gateway.http.core.jwts import key_in, make_token
from tests.clients.watching import process_of
from tests.e2e.command import tailcast_up


PARTS = ("tailer", "indexer", "gateway", "valkey")
_SECRET = "a secret of thirty-two characters and more"  # a test's
# Settings with which a token says what may be read.
BY_TOKENS = {"TAILCAST_AUTH": "jwt", "TAILCAST_JWT_KEY": _SECRET}


@dataclass(frozen=True, slots=True)
class Running:
    """A `tailcast up`, and the runs that write."""

    directory: Path
    url: str

    @property
    def logs(self) -> Path:
        """What is watched."""
        return self.directory / "logs"

    @property
    def socket(self) -> Path:
        """Where its broker listens."""
        return self.directory / "data" / "valkey.sock"

    def write(self, session: str, *records: dict[str, Any]) -> None:
        """Append records to a session's file."""
        self.write_lines(session, *map(json.dumps, records))

    def write_lines(self, session: str, *lines: str) -> None:
        """Append lines as they are."""
        file = self.logs / "telemetry" / f"{session}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as written:
            written.write("".join(f"{line}\n" for line in lines))

    def write_old(self, session: str, written: float, *lines: str) -> None:
        """A file that nobody has written since then (Unix seconds)."""
        # Made where nobody looks, so that it is old when it is found.
        apart = Running(self.directory / "apart", self.url)
        apart.write_lines(session, *lines)
        name = Path("telemetry") / f"{session}.jsonl"
        os.utime(apart.logs / name, (written, written))
        (self.logs / "telemetry").mkdir(parents=True, exist_ok=True)
        (apart.logs / name).rename(self.logs / name)

    def signal(self, part: str, number: signal.Signals) -> None:
        """To one of its processes, as it is now."""
        os.kill(process_of(part, self.directory / "data"), number)

    @contextlib.contextmanager
    def simulating(self, *arguments: str) -> Generator[None]:
        """A training that writes meanwhile."""
        command = [sys.executable, "-m", "tailcast", "simulate"]
        with subprocess.Popen(
            [*command, "--log-dir", str(self.logs), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                yield
            finally:
                process.terminate()


@contextlib.contextmanager
def running(directory: Path, **settings: str) -> Generator[Running]:
    """Everything, ready, over a folder that is empty or has files already."""
    (directory / "logs").mkdir(exist_ok=True)
    with tailcast_up(directory, "--log-dir", "logs", **settings) as address:
        yield Running(directory, f"http://{address}/")


def token_for(seconds: int, *sessions: str) -> str:
    """A JWT for these sessions, valid for so long."""
    now = int(time.time())
    claims = {"sub": "ada", "iat": now, "exp": now + seconds}
    return make_token({**claims, "sessions": list(sessions)}, key_in(_SECRET))


def numbered(start: int, stop: int, **metrics: float) -> list[dict[str, Any]]:
    """Records with these steps, whose `loss` falls."""
    return [
        {"step": step, "telemetry": {"loss": 1 / (1 + step), **metrics}}
        for step in range(start, stop)
    ]
