"""Another machine's directory, shown here by sshfs: over SFTP, through FUSE.

Nothing tells of what happens there; sizes, times and names may be those of some seconds
ago, and the numbers of files are sshfs's own. The other machine is this one: sshfs has
an SFTP server at the other end of a pair of sockets.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.patience import PATIENCE_SECONDS


FUSE = "/dev/fuse"
# Where OpenSSH's is on the distributions of Linux: it is in nobody's PATH.
SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server",
)  # fmt: skip  # a list of paths
# sshfs, and what a directory is let go with.
SSHFS, UNMOUNT = "sshfs", "fusermount3"
# For how long it answers from what it has seen, so that names and sizes come late.
CACHE_SECONDS = 5
LOOK_SECONDS = 0.01


class CannotMount(Exception):
    """What is missing here, for people."""


@contextmanager
def mounted(served: Path, place: Path) -> Generator[None]:
    """Show a directory of the other machine at a place. Raises CannotMount."""
    server = next((one for one in SFTP_SERVERS if os.access(one, os.X_OK)), None)
    sshfs, unmount = shutil.which(SSHFS), shutil.which(UNMOUNT)
    if server is None or sshfs is None or unmount is None:
        raise CannotMount("sshfs, or OpenSSH's SFTP server, is not installed")
    if not os.access(FUSE, os.R_OK | os.W_OK):
        raise CannotMount(f"there is no {FUSE}")
    here, there = socket.socketpair()
    with here, there:
        ends = here.fileno(), there.fileno()
        options = f"passive,dcache_timeout={CACHE_SECONDS}"
        command = [sshfs, "-f", "-o", options, f"there:{served}", str(place)]
        with (
            subprocess.Popen([server], stdin=ends[1], stdout=ends[1]),
            subprocess.Popen(command, stdin=ends[0], stdout=ends[0]) as client,
        ):
            here.close()
            there.close()
            try:
                _wait_until_mounted(place, client)
                yield
            finally:
                # Though files are open: it goes when these are closed. The server ends
                # with its client.
                subprocess.run([unmount, "-u", "-z", place], check=False)
                client.terminate()


def _wait_until_mounted(place: Path, client: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not place.is_mount():
        if client.poll() is not None or time.monotonic() > deadline:
            raise CannotMount("nothing can be mounted here")
        time.sleep(LOOK_SECONDS)


@cache
def why_not() -> str:
    """Why no directory can be mounted here, for people; "" if one can."""
    with TemporaryDirectory() as served, TemporaryDirectory() as place:
        try:
            with mounted(Path(served), Path(place)):
                return ""
        except CannotMount as error:
            return str(error)
