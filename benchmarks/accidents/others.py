"""Others as followers of a stage: each writes the lines that it reads to one file.

They run with their defaults, but read files from the beginning and keep positions.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.accidents.installation import Installed
from tests.accidents.followers import Follower, Watched
from tests.accidents.ledger import Session, Told


END_SECONDS = 20.0

# What a follower is started by: what is installed, the directory that is watched, the
# file that it writes to, and a directory of its own.
Command = Callable[[Installed, Path, Path, Path], Sequence[str]]

RSYSLOG = """
global(workDirectory="{own}")
module(load="imfile")
template(name="line" type="string" string="%msg%\\n")
input(type="imfile" File="{watched}/*.jsonl" Tag="line" PersistStateInterval="100")
input(type="imfile" File="{watched}/*/*.jsonl" Tag="line" PersistStateInterval="100")
action(type="omfile" File="{output}" template="line")
"""
SYSLOG_NG = """
@version: {version}
source files {{
  wildcard-file(base-dir("{watched}") filename-pattern("*.jsonl") recursive(yes)
    flags(no-parse));
}};
destination lines {{ file("{output}" template("${{MESSAGE}}\\n")); }};
log {{ source(files); destination(lines); }};
"""


def run_rsyslog(
    installed: Installed, watched: Path, output: Path, own: Path
) -> Sequence[str]:
    """In the foreground."""
    configuration = own / "rsyslog.conf"
    configuration.write_text(RSYSLOG.format(own=own, watched=watched, output=output))
    return [
        str(installed.program), "-n", "-f", str(configuration),
        "-i", str(own / "pid"), "-M", str(installed.modules),
    ]  # fmt: skip  # as a command


def run_syslog_ng(
    installed: Installed, watched: Path, output: Path, own: Path
) -> Sequence[str]:
    """In the foreground."""
    configuration = own / "syslog-ng.conf"
    version = installed.version.rpartition(".")[0]
    text = SYSLOG_NG.format(version=version, watched=watched, output=output)
    configuration.write_text(text.lstrip())
    return [
        str(installed.program), "--foreground", "--no-caps", "-f", str(configuration),
        "-R", str(own / "persist"), "-c", str(own / "ctl"), "-p", str(own / "pid"),
        "--module-path", str(installed.modules),
    ]  # fmt: skip  # as a command


def run_fileconsumer(
    installed: Installed, watched: Path, output: Path, own: Path
) -> Sequence[str]:
    """With its positions in a file."""
    positions = str(own / "positions")
    return [str(installed.program), f"{watched}/**/*.jsonl", str(output), positions]


class LineFollower(Follower):
    """One that writes what it reads to a file, line by line."""

    def __init__(self, installed: Installed, command: Command, own: Path) -> None:
        self._installed = installed
        self._command = command
        self._own = own
        self._output = own / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._session = Session()
        self._read_bytes = 0

    def start(self, watched: Watched) -> None:
        [name] = watched.directories
        command = self._command(
            self._installed, watched.base / name, self._output, self._own
        )
        with (self._own / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **self._installed.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def close(self) -> None:
        self._end(signal.SIGKILL)

    def told(self) -> dict[str, Session]:
        if self._output.exists():
            with self._output.open("rb") as file:
                file.seek(self._read_bytes)
                whole, newline, _ = file.read().rpartition(b"\n")
            if newline:
                self._read_bytes += len(whole) + 1
                lines = [line.strip() for line in whole.split(b"\n")]
                self._session.told += [Told(line) for line in lines if line]
        return {"": self._session}

    def documents(self) -> dict[str, list[bytes]]:
        return {}

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
