"""Tests pass in any shell: what it ignores is not ignored by what tests start."""

import subprocess
import sys
from pathlib import Path


# Deaf to Ctrl-C and to a hang-up, as what nohup starts in the background.
SHELL = """trap '' INT HUP; exec "$0" -c "$1" """
PROGRAM = """
import os, signal, subprocess, sys
from tests.dispositions import catch_ignored_signals
catch_ignored_signals()
os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGHUP)
child = "import signal; print(*map(signal.getsignal, (signal.SIGINT, signal.SIGHUP)))"
subprocess.run([sys.executable, "-c", child], check=True)
"""


def test_children_hear_what_the_shell_had_ignored() -> None:
    """They begin with the defaults; who starts them stays deaf."""
    finished = subprocess.run(
        ["/bin/sh", "-c", SHELL, sys.executable, PROGRAM],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        check=True,
        text=True,
    )
    assert finished.stdout == "<built-in function default_int_handler> 0\n"
