"""Runs a program that ends when its parent ends, even by `kill -9`.

`python -m tailcast.bound SIGNAL PARENT PROGRAM…`: Linux is asked to send SIGNAL to
PROGRAM when process PARENT dies. Elsewhere this process stays between the two and
watches stdin, which PARENT holds open and never writes to. Standard library only: it
is started for every child.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import IO, NoReturn


__all__ = ["bind_command", "watch"]

# From <sys/prctl.h>.
PR_SET_PDEATHSIG = 1
NEVER_RAN = 127
# stdin is watched where the kernel cannot be asked.
KERNEL_BINDS = sys.platform == "linux"


def bind_command(command: tuple[str, ...], *, how: signal.Signals) -> tuple[str, ...]:
    """The command that runs `command` bound to this process, ended by the signal `how`.

    Where KERNEL_BINDS is false its stdin has to be a pipe that this process holds.
    """
    # -P: a module of ours is meant, not a file of that name in the working directory.
    bound = (sys.executable, "-P", "-m", "tailcast.bound")
    return (*bound, how.name, str(os.getpid()), *command)


def run_bound(how: str, parent: str, *command: str) -> NoReturn:
    """Become the command, or watch over it."""
    number = signal.Signals[how]
    if not KERNEL_BINDS:
        sys.exit(watch(command, number, sys.stdin.buffer))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number))
    # The parent may have died before the call.
    if os.getppid() != int(parent):
        sys.exit(NEVER_RAN)
    try:
        os.execv(command[0], command)  # noqa: S606  # becoming the command is the point
    except OSError as error:
        sys.exit(f"tailcast: {command[0]}: {error.strerror}")


def watch(command: tuple[str, ...], how: signal.Signals, held: IO[bytes]) -> int:
    """Run the command until it ends, or until the pipe `held` ends; its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    def wait_for_parent() -> None:
        held.read()
        child.send_signal(how)

    signal.signal(signal.SIGTERM, forward)
    threading.Thread(target=wait_for_parent, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    run_bound(*sys.argv[1:])
