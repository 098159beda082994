"""A bound program ends when its parent does, also where the kernel does not help."""

import signal
import subprocess
import sys

from tests.patience import PATIENCE_SECONDS


WATCHING = """
import signal, sys
from tailcast.bound import watch
code = "import sys, time; print('up', flush=True); time.sleep(60)"
command = (sys.executable, "-c", code)
sys.exit(watch(command, signal.SIGTERM, sys.stdin.buffer))
"""
# Prints, and ends with 3, if it is started at all.
PROGRAM = (sys.executable, "-c", "import sys; print('ran'); sys.exit(3)")


def test_the_watched_program_ends_with_the_pipe() -> None:
    """The parent's end of stdin closed is the parent gone."""
    with subprocess.Popen(
        [sys.executable, "-c", WATCHING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) != 0


def test_the_watched_program_gets_the_signal() -> None:
    """To end the watcher is to end the program, whose exit code it has."""
    with subprocess.Popen(
        [sys.executable, "-c", WATCHING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) != 0


def test_a_program_of_a_dead_parent_does_not_start() -> None:
    """Who was started a moment too late is not left behind."""
    command = [sys.executable, "-m", "tailcast.bound", "SIGKILL", "1", *PROGRAM]
    result = subprocess.run(
        command, capture_output=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert result.returncode == 127
    assert result.stdout == b""
