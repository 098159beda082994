"""What each machine sees of files that are really there: perhaps not what they are.

It stands where the tailer's modules have `os`. As a network file system may, it shows
sizes of before, NULs where bytes are still to come, other numbers of files, names of
before; and it fails. The files themselves are real.
"""

# ruff: noqa: PTH116, PTH208  # it stands for these calls

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tailcast_tailer.finding import inotify
from tests.oracle.virtual_time import modules_with


# On which machine the running code is.
MACHINE: ContextVar[int] = ContextVar("machine", default=0)
# What it does itself, and which of these may fail.
_OWN = (
    "open", "close", "stat", "lstat", "fstat", "pread", "lseek", "scandir", "listdir",
    "fdopen",
)  # fmt: skip  # one glance
CALLS = ("open", "stat", "fstat", "pread", "scandir", "close")


@dataclass(slots=True)
class Sight:
    """What one machine sees wrongly; files by their real inode, names by path."""

    # It sees no more bytes than these; and it can read no more than these, whatever
    # size it sees.
    sizes: dict[int, int] = field(default_factory=dict[int, int])
    readable: dict[int, int] = field(default_factory=dict[int, int])
    # From here on it reads NULs up to there.
    holes: dict[int, tuple[int, int]] = field(
        default_factory=dict[int, tuple[int, int]]
    )
    # What a file that took the place of another one shows, if it is opened while that
    # one is open: its number, and its bytes.
    pages: dict[int, tuple[int, bytes]] = field(
        default_factory=dict[int, tuple[int, bytes]]
    )
    # Times that stand still.
    times: dict[int, tuple[int, int]] = field(
        default_factory=dict[int, tuple[int, int]]
    )
    # What fails: the error, and which calls.
    errors: dict[str, tuple[int, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[int, tuple[str, ...]]]
    )
    # Directories that show the names of before, with their modification time.
    listings: dict[str, tuple[list[str], int]] = field(
        default_factory=dict[str, tuple[list[str], int]]
    )
    # What is added to the numbers of the device, and of each file.
    device_shift: int = 0
    inode_shift: int = 0
    # A directory whose file system is not mounted; whether the directory is there.
    unmounted: str = ""
    mount_point_is_there: bool = False


class View:
    """What the modules of the tailer have as `os`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sights: dict[int, Sight] = {}
        # Numbers that files are given here, by their real ones; so they can come again.
        self._numbers: dict[int, int] = {}
        self._last_number = 1_000
        # The times that directories, and inodes, changed last.
        self._directory_ns: dict[str, int] = {}
        self._ctime_ns: dict[int, int] = {}
        # By descriptor: the path that was opened, and the real number of the file.
        self.open_now: dict[int, tuple[str, int]] = {}
        self.faults: list[str] = []
        # How many calls there were.
        self.calls = 0
        # What happens in the midst of calls: after how many, and what.
        self._meanwhile: tuple[int, Callable[[], None]] | None = None

    def sight(self, machine: int | None = None) -> Sight:
        """What a machine sees; None: the one on which the running code is."""
        number = MACHINE.get() if machine is None else machine
        return self._sights.setdefault(number, Sight())

    def clear(self) -> None:
        """All see what there is; numbers stay what they have become."""
        for sight in self._sights.values():
            kept = Sight(device_shift=sight.device_shift, inode_shift=sight.inode_shift)
            for name in Sight.__slots__:
                setattr(sight, name, getattr(kept, name))
        self._meanwhile = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand where the modules of the tailer have `os`."""
        names = {name: getattr(os, name) for name in dir(os) if name[0] != "_"}
        paths = {name: getattr(os.path, name) for name in dir(os.path)}
        own = {name: getattr(self, name) for name in _OWN}
        own_paths = {
            "exists": self._exists,
            "lexists": self._exists,
            "isdir": self._isdir,
        }
        fake = SimpleNamespace(
            **names | own | {"path": SimpleNamespace(**paths | own_paths)}
        )
        for module in modules_with(os, "tailcast_tailer"):
            # Notifications are the kernel's own.
            if module is not inotify:
                monkeypatch.setattr(module, "os", fake)

    # What happens to files.

    def changed(self, path: Path, *, names: bool = False, reuse: int = 0) -> None:
        """A file was made or written to: it has the time of now.

        Args:
            path: the file.
            names: whether a name came, went, or is another file's.
            reuse: the number that it gets if it is new; 0: one that no file had.
        """
        now_ns = int(self._clock() * 1e9)
        with contextlib.suppress(OSError):
            real = path.stat().st_ino
            os.utime(path, ns=(now_ns, now_ns))
            self._ctime_ns[real] = now_ns
            if names and reuse:
                self._numbers[real] = reuse
        if names:
            # As of the kernel's clock, whose ticks are coarse.
            self._directory_ns[str(path.parent)] = now_ns // 4_000_000 * 4_000_000

    def rename_directory(self, before: Path, after: Path) -> None:
        """A directory gets another name."""
        before.rename(after)
        self.changed(after, names=True)
        self._directory_ns[str(after)] = self._directory_ns.pop(str(before), 0)

    def made(self, path: Path, *, reuse: int = 0) -> None:
        """A file was made: no other one's number is its own by chance."""
        self._last_number += 1
        self._numbers[path.stat().st_ino] = reuse or self._last_number

    def number(self, path: Path) -> int:
        """The number of a file."""
        return self._number(path.stat().st_ino)

    def is_open(self, path: Path) -> bool:
        """Whether somebody has the file open."""
        return self._is_open(path.stat().st_ino)

    def _is_open(self, real: int) -> bool:
        return any(one == real for _, one in self.open_now.values())

    def meanwhile(self, calls: int, act: Callable[[], None]) -> None:
        """Have something happen after so many calls."""
        self._meanwhile = calls, act

    def _tick(self) -> None:
        self.calls += 1
        if self._meanwhile is None:
            return
        calls, act = self._meanwhile
        if calls > 0:
            self._meanwhile = calls - 1, act
            return
        self._meanwhile = None
        act()

    # What the tailer calls.

    def open(self, path: str, flags: int) -> int:
        self._begin("open", path)
        descriptor = os.open(path, flags)
        real = os.fstat(descriptor).st_ino
        pages = self.sight().pages
        # Who opens it finds the cache empty; who has the other one open fills it.
        if real in pages and not self._is_open(pages[real][0]):
            del pages[real]
        self.open_now[descriptor] = path, real
        return descriptor

    def close(self, descriptor: int) -> None:
        opened = self.open_now.pop(descriptor, None)
        if opened is None:
            self.faults.append(f"{descriptor} is not ours to close")
            return
        os.close(descriptor)
        # It is closed, and may fail all the same.
        self._begin("close", opened[0])

    def stat(self, path: str) -> Any:
        self._begin("stat", path)
        return self._shown(path, os.stat(path))

    def lstat(self, path: str) -> Any:
        self._begin("stat", path)
        return self._shown(path, os.lstat(path))

    def fstat(self, descriptor: int) -> Any:
        path, _ = self._ours(descriptor)
        self._begin("fstat", path)
        return self._shown(path, os.fstat(descriptor))

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        path, real = self._ours(descriptor)
        self._begin("pread", path)
        sight = self.sight()
        end = min(
            offset + size,
            sight.sizes.get(real, offset + size),
            sight.readable.get(real, offset + size),
        )
        data = os.pread(descriptor, max(0, end - offset), offset)
        if real in sight.pages:
            data = sight.pages[real][1][offset : max(offset, end)]
        start, stop = sight.holes.get(real, (0, 0))
        first, last = (
            max(start, offset) - offset,
            min(stop, offset + len(data)) - offset,
        )
        if first < last:
            data = data[:first] + bytes(last - first) + data[last:]
        return data

    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        path, real = self._ours(descriptor)
        self._begin("pread", path)
        if real in self.sight().holes:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return os.lseek(descriptor, offset, whence)

    def fdopen(self, descriptor: int, _mode: str, *, closefd: bool) -> Any:
        assert not closefd
        return contextlib.nullcontext(_File(self, descriptor))

    def listdir(self, path: str) -> list[str]:
        self._begin("scandir", path)
        sight = self.sight()
        if path == sight.unmounted:
            return []
        if path in sight.listings:
            return list(sight.listings[path][0])
        return sorted(os.listdir(path))

    def scandir(self, path: str) -> "_Names":
        return _Names([_Name(self, path, name) for name in self.listdir(path)])

    def _exists(self, path: str) -> bool:
        try:
            self.lstat(path)
        except OSError:
            return False
        return True

    def _isdir(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(self.stat(path).st_mode)
        except OSError:
            return False

    # How it comes about.

    def _begin(self, call: str, path: str) -> None:
        self._tick()
        sight = self.sight()
        if sight.unmounted and (
            path.startswith(f"{sight.unmounted}/")
            or (path == sight.unmounted and not sight.mount_point_is_there)
        ):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        number, calls = sight.errors.get(path, (0, ()))
        if call in calls:
            raise OSError(number, os.strerror(number), path)

    def _ours(self, descriptor: int) -> tuple[str, int]:
        if descriptor not in self.open_now:
            self.faults.append(f"{descriptor} is not open here")
        return self.open_now[descriptor]

    def number_of(self, real: int) -> int:
        """As this machine sees it."""
        return self._number(real) + self.sight().inode_shift

    def _number(self, real: int) -> int:
        if real not in self._numbers:
            self._last_number += 1
            self._numbers[real] = self._last_number
        return self._numbers[real]

    def _shown(self, path: str, found: os.stat_result) -> Any:
        sight, real = self.sight(), found.st_ino
        mtime_ns, size = found.st_mtime_ns, found.st_size
        number, device = self.number_of(real), 7 + sight.device_shift
        if stat.S_ISDIR(found.st_mode):
            mtime_ns = self._directory_ns.get(path, 0)
            if path in sight.listings:
                mtime_ns = sight.listings[path][1]
            if path == sight.unmounted:
                number, device = 1, 1
        ctime_ns = self._ctime_ns.get(real, mtime_ns)
        mtime_ns, ctime_ns = sight.times.get(real, (mtime_ns, ctime_ns))
        return SimpleNamespace(
            st_mode=found.st_mode, st_nlink=found.st_nlink, st_dev=device,
            st_ino=number, st_size=min(size, sight.sizes.get(real, size)),
            st_mtime_ns=mtime_ns, st_ctime_ns=ctime_ns,
        )  # fmt: skip  # as the call is

    def directory_ns(self, path: str) -> int:
        """When names in it changed last."""
        return self._directory_ns.get(path, 0)


class _File:
    """What `fdopen` gives."""

    def __init__(self, view: View, descriptor: int) -> None:
        self._view = view
        self._descriptor = descriptor

    def read(self, most: int) -> bytes:
        """Its first bytes."""
        return self._view.pread(self._descriptor, most, 0)


class _Names:
    """What `scandir` gives."""

    def __init__(self, names: "list[_Name]") -> None:
        self._names = iter(names)

    def __enter__(self) -> "Iterator[_Name]":
        return self._names

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Iterator[_Name]":
        return self._names

    def close(self) -> None:
        """Nothing is open."""


class _Name:
    """What `scandir` gives for a name: what its directory knows of it."""

    def __init__(self, view: View, directory: str, name: str) -> None:
        self.name = name
        self.path = f"{directory.rstrip('/')}/{name}"
        self._view = view
        try:
            self._found: os.stat_result | None = os.lstat(self.path)
        except OSError:
            # A directory that shows the names of before.
            self._found = None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        del follow_symlinks
        return self._found is not None and stat.S_ISDIR(self._found.st_mode)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        del follow_symlinks
        return self._found is None or stat.S_ISREG(self._found.st_mode)

    def is_symlink(self) -> bool:
        return self._found is not None and stat.S_ISLNK(self._found.st_mode)

    def inode(self) -> int:
        real = 0 if self._found is None else self._found.st_ino
        return self._view.number_of(real)

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        return (self._view.stat if follow_symlinks else self._view.lstat)(self.path)
