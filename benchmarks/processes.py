"""Processes that are measured: where they run, and what the kernel says they used."""

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tailcast.embedded import find_program


# What is measured has a core of its own; clients, writer and broker share the other.
SERVER_CORE, CLIENT_CORE = 0, 1

# All clients come from one address: how many a gateway takes of that, as its settings.
ONE_ADDRESS = {
    "TAILCAST_MAX_CONNECTIONS_PER_ADDRESS": "60000",
    "TAILCAST_CONNECTION_RATE": "60000",
    "TAILCAST_CONNECTION_BURST": "60000",
}

# Nanoseconds by process and thread, as they were last seen.
_used: dict[int, dict[str, int]] = {}


def require_linux() -> None:
    """CPU times are read with nanoseconds from a file that only Linux has."""
    if not Path("/proc/self/schedstat").exists():
        sys.exit("this benchmark reads CPU times from /proc/PID/schedstat: Linux only")


def allow_many_files() -> None:
    """As many connections as the benchmarks make."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))


def pin(pid: int, core: int) -> None:
    """Keep a process, 0 for this one, on one core; nothing where there is but one."""
    if core in os.sched_getaffinity(0) or (os.cpu_count() or 1) > core:
        os.sched_setaffinity(pid, {core})


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all threads of some processes so far.

    A thread that has ended counts with what it had used when it was last looked at.
    """
    nanoseconds = 0
    for pid in pids:
        used = _used.setdefault(pid, {})
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            # It may end between the two.
            with suppress(OSError):
                used[task.parent.name] = int(task.read_text().split()[0])
        nanoseconds += sum(used.values())
    return nanoseconds / 1e9


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident memory of some processes."""
    pages = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in pids)
    return sum(map(int, pages)) * resource.getpagesize()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until a process listens; RuntimeError if it ends, or does not for long."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("it does not listen") from None
            time.sleep(0.005)
        else:
            return


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process, by force if it takes long."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def valkey(port: int = 0) -> Generator[tuple[Path, int]]:
    """An embedded Valkey that keeps nothing: its socket and its process.

    Args:
        port: where it listens besides; 0 for nowhere.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "valkey.sock"
        process = subprocess.Popen(
            [str(find_program()), "--port", str(port), "--unixsocket", str(path),
             "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip  # one glance
        try:
            pin(process.pid, CLIENT_CORE)
            while not path.exists():
                assert process.poll() is None, "Valkey ended early"
                time.sleep(0.02)
            yield path, process.pid
        finally:
            stop(process)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median and what lies around it."""
    if not values:
        return "-"
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"
