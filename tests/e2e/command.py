"""`tailcast up` as a person starts it, for tests that use it with other tools."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

from tests.brokers import free_port
from tests.patience import PATIENCE_SECONDS


@contextlib.contextmanager
def tailcast_up(
    directory: Path,
    *arguments: str,
    program: Sequence[str] = (sys.executable, "-m", "tailcast"),
    data: str = "data",
    **settings: str,
) -> Generator[str]:
    """Run it with its data under `directory`; yields `HOST:PORT` once it is ready."""
    port = free_port()
    command = [*program, "up", *arguments, "--port", str(port)]
    command += ["--data-dir", str(directory / data)]
    log = directory / "up.log"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAILCAST_") and name != "SSH_CONNECTION"
    }
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment | settings,
            cwd=directory,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            first = process.stdout.readline().decode()
            expected = f"tailcast ready on http://localhost:{port}\n"
            assert first == expected, log.read_text()
            yield f"localhost:{port}"
        finally:
            process.terminate()
            exit_code = process.wait(PATIENCE_SECONDS)
    assert exit_code == 0, log.read_text()
