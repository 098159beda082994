"""A console block of a page, run as a person would: in a shell, on a terminal.

What a page shows may have `…` where values differ from run to run.
"""

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.patience import PATIENCE_SECONDS


PROMPT = "$ "


def examples(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and the output that is shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def is_as_shown(shown: str, output: str) -> bool:
    """Whether it is what the page shows, `…` standing for anything within a line."""
    pattern = re.escape(shown.rstrip()).replace("…", "[^\n]*")
    return re.fullmatch(pattern, output.rstrip()) is not None


def run(
    command: str,
    *,
    directory: Path,
    environment: Mapping[str, str],
    is_enough: Callable[[str], bool] = lambda _output: False,
) -> str:
    """What a command writes to a terminal, until it ends or that is enough."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        return _read(ours, is_enough)
    finally:
        os.close(ours)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def _read(terminal: int, is_enough: Callable[[str], bool]) -> str:
    written = b""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_enough(text := written.decode(errors="replace").replace("\r\n", "\n")):
        left = deadline - time.monotonic()
        assert select.select([terminal], [], [], max(0, left))[0], f"it hangs: {text}"
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            # Linux says so that nobody has the other end any more.
            piece = b""
        if not piece:
            return text
        written += piece
    return text
