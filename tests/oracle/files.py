"""Files, what their writers do to them, and what machines see of that.

What was written is remembered, with which files were only appended to.
"""

import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from tests.oracle.view import View
from tests.oracle.virtual_time import VirtualLoop
from tests.tailer.harness import rested_lines, valid_lines


# How long files may show what they were, or are not yet, without being taken for
# others: less than the tailer waits for a file that stands still.
STALE_SECONDS = 1.8
NETWORK_STALE_SECONDS = 9.0
BACKUPS = 3


class Kind(StrEnum):
    """What the files are on."""

    # Notifications tell of each change; or they do not.
    LOCAL = "local"
    UNTOLD = "untold"
    NETWORK = "network"


class Files:
    """The files below a directory."""

    def __init__(self, base: Path, kind: Kind) -> None:
        self.base = base
        self.kind = kind
        self.directory = base / "telemetry"
        (self.directory / "deep").mkdir(parents=True)
        self.loop = VirtualLoop()
        self.view = View(self.loop.wall_time)
        # Each record that was written: by its text, of which file.
        self.written: dict[bytes, str] = {}
        self._step = 0
        # Files that were more than appended to, or that were seen wrongly for long.
        self.rewritten: set[Path] = set()
        self._stale_seconds: dict[Path, float] = {}
        # The number that the next new file gets; 0: one that no file had.
        self.next_number = 0
        # Files with the lines of others, and directories that were called otherwise.
        self.copies: set[Path] = set()
        self.renamed: dict[str, str] = {}

    def pass_time(self, seconds: float) -> None:
        """Let this time pass."""
        self.loop.pass_time(seconds)

    # Writers.

    def path(self, name: str) -> Path:
        """Where a file of that name is."""
        return self.directory / f"{name}.jsonl"

    def lines(self, name: str, count: int) -> bytes:
        """New lines of a file, for who writes them otherwise."""
        return self._lines(self.path(name), count)

    def _lines(self, path: Path, count: int, pad: int = 0) -> bytes:
        lines: list[bytes] = []
        for _ in range(count):
            self._step += 1
            fields = {"step": self._step, **({"pad": "x" * pad} if pad else {})}
            lines.append(json.dumps(fields).encode())
            self.written[lines[-1]] = path.name
        return b"".join(line + b"\n" for line in lines)

    def _put(self, path: Path, data: bytes, mode: str) -> None:
        is_new = not path.exists()
        before = b"" if is_new else path.read_bytes()
        if rested_lines(before) != valid_lines(before) and data[:1] != b"\n":
            # What was taken for a whole line goes on: that is told as a rewind.
            self.rewritten.add(path)
        with path.open(mode) as file:
            file.write(data)
        if is_new:
            self.view.made(path, reuse=self.next_number)
            self.next_number = 0
        self.view.changed(path, names=is_new)

    def note_copy(self, path: Path) -> None:
        """A file has the lines of another one."""
        self.copies.add(path)
        self.view.made(path)
        self.view.changed(path, names=True)

    def write_late(self, file: BinaryIO, name: str) -> None:
        """Write by a descriptor that was opened under another name."""
        file.write(self.lines(name, 1))
        file.flush()

    def rename_directory(self, before: str, after: str) -> None:
        """A directory has another name."""
        path = self.directory / before
        self.view.rename_directory(path, path.with_name(after))
        self.renamed[after] = before

    def write(self, name: str, count: int, *, pad: int = 0, rest: bytes = b"") -> None:
        """Append lines, and perhaps the beginning of another one."""
        path = self.path(name)
        lines = self._lines(path, count, pad)
        if rest == b"whole":
            rest = self._lines(path, 1)[:-1]
        self._put(path, lines + rest, "ab")

    def write_text(self, name: str, text: bytes) -> None:
        """Append what is no record."""
        self._put(self.path(name), text, "ab")

    def rewrite(self, name: str, percent: int, count: int) -> None:
        """Write it anew in place, the front as it was."""
        path = self.path(name)
        front = self._front(path, percent)
        self.rewritten.add(path)
        self._put(path, front + self._lines(path, count), "wb")

    def replace(self, name: str, percent: int, count: int) -> None:
        """Put another file in its place, the front as it was."""
        path = self.path(name)
        other = path.with_suffix(".tmp")
        self.rewritten.add(path)
        self._put(other, self._front(path, percent) + self._lines(path, count), "wb")
        other.replace(path)
        self.view.changed(path, names=True)

    def cut(self, name: str, percent: int) -> None:
        """Cut it at any byte."""
        path = self.path(name)
        if path.exists():
            self.rewritten.add(path)
            os.truncate(path, path.stat().st_size * percent // 100)
            self.view.changed(path)

    def remove(self, name: str) -> None:
        """Delete it."""
        path = self.path(name)
        if path.exists():
            self.rewritten.add(path)
            path.unlink()
            self.view.changed(path, names=True)

    def blink(
        self, name: str, seconds: float, then: Callable[[Path], object] | None = None
    ) -> None:
        """It is away for a while, and comes back, perhaps as something else."""
        path = self.path(name)
        if path.exists():
            other = self.base / f"{path.name}.away"
            path.rename(other)
            self.view.changed(path, names=True)
            self.pass_time(seconds)
            if then is not None:
                then(other)
                self.rewritten.add(path)
            if path.exists():
                other.unlink()
                self.rewritten.add(path)
            else:
                other.rename(path)
            self.view.changed(path, names=True)

    def rotate(self, name: str, count: int) -> None:
        """As Python's handler does; without lines: as logrotate does with `create`."""
        path = self.path(name)
        if not path.exists():
            return
        self.rewritten.add(path)
        for number in range(BACKUPS - 1, 0, -1):
            backup = path.with_name(f"{path.name}.{number}")
            if backup.exists():
                backup.replace(path.with_name(f"{path.name}.{number + 1}"))
        path.rename(path.with_name(f"{path.name}.1"))
        self.view.changed(path, names=True)
        self._put(path, self._lines(path, count), "xb")

    def put_aside(self, name: str, other: str, count: int) -> None:
        """Rename it as runs are called too, and begin anew in its place."""
        path = self.path(name)
        self.rewritten.add(path)
        path.rename(path.with_name(other))
        self.view.changed(path, names=True)
        self._put(path, self._lines(path, count), "xb")

    def copy_and_cut(self, name: str, count: int) -> None:
        """As logrotate does for writers that go on in the same file."""
        path = self.path(name)
        if not path.exists():
            return
        self.rewritten.add(path)
        backup = path.with_name(f"{path.name}.1")
        if backup.exists():
            backup.replace(path.with_name(f"{path.name}.2"))
        self._put(backup, path.read_bytes(), "xb")
        os.truncate(path, 0)
        self._put(path, self._lines(path, count), "ab")

    def _front(self, path: Path, percent: int) -> bytes:
        if not path.exists():
            return b""
        lines = path.read_bytes().split(b"\n")[:-1]
        return b"".join(one + b"\n" for one in lines[: len(lines) * percent // 100])

    # What machines see of it.

    def _for_a_while(self, seconds: float, end: Callable[[], object]) -> None:
        self.loop.call_later(seconds, end)

    def _is_stale(self, path: Path, seconds: float) -> None:
        total = self._stale_seconds.get(path, 0.0) + seconds
        self._stale_seconds[path] = total
        is_network = self.kind is Kind.NETWORK
        if total > (NETWORK_STALE_SECONDS if is_network else STALE_SECONDS):
            self.rewritten.add(path)

    def fail(
        self,
        name: str,
        number: int,
        calls: tuple[str, ...],
        seconds: float,
        on: int = 0,
    ) -> None:
        """Calls for it fail; for its directory without a name."""
        path = str(self.path(name) if name else self.directory)
        errors = self.view.sight(on).errors
        errors[path] = number, calls
        self._for_a_while(seconds, lambda: errors.pop(path, None))

    def show_size(self, name: str, percent: int, seconds: float, on: int = 0) -> None:
        """It shows the size of before."""
        self._limit(name, percent, seconds, self.view.sight(on).sizes)

    def read_short(self, name: str, percent: int, seconds: float, on: int = 0) -> None:
        """Less of it can be read than its size says."""
        self._limit(name, percent, seconds, self.view.sight(on).readable)

    def _limit(
        self, name: str, percent: int, seconds: float, limits: dict[int, int]
    ) -> None:
        path = self.path(name)
        if path.exists():
            found = path.stat()
            limits[found.st_ino] = found.st_size * percent // 100
            self._is_stale(path, seconds)
            self._for_a_while(seconds, lambda: limits.pop(found.st_ino, None))

    def show_hole(
        self, name: str, percents: tuple[int, int], seconds: float, on: int = 0
    ) -> None:
        """A part of it is NULs for a while; also of what is written meanwhile."""
        path = self.path(name)
        if path.exists():
            found, holes = path.stat(), self.view.sight(on).holes
            start, end = (found.st_size * one // 100 for one in percents)
            holes[found.st_ino] = min(start, end), max(start, end)
            self._is_stale(path, seconds)
            self._for_a_while(seconds, lambda: holes.pop(found.st_ino, None))

    def share_pages(self, path: Path, other: Path, on: int = 0) -> None:
        """A file that is about to take another one's place shares its cache."""
        found = other.stat()
        self.view.sight(on).pages[path.stat().st_ino] = found.st_ino, other.read_bytes()

    def stop_times(self, name: str, seconds: float, on: int = 0) -> None:
        """Its times stand still."""
        path = self.path(name)
        if path.exists():
            found, times = path.stat(), self.view.sight(on).times
            times[found.st_ino] = found.st_mtime_ns, found.st_mtime_ns
            self._for_a_while(seconds, lambda: times.pop(found.st_ino, None))

    def renumber(self, *, devices: bool, on: int = 0) -> None:
        """All files have other numbers than before, or are on another device."""
        sight = self.view.sight(on)
        if devices:
            sight.device_shift += 1
        else:
            sight.inode_shift += 100_000

    def delay_names(self, seconds: float, on: int = 0) -> None:
        """The directory shows the names of now for a while, whatever comes."""
        path, sight = str(self.directory), self.view.sight(on)
        names = sorted(one.name for one in self.directory.iterdir())
        sight.listings[path] = names, self.view.directory_ns(path)
        self._for_a_while(seconds, lambda: sight.listings.pop(path, None))

    def unmount(self, seconds: float, *, is_there: bool, on: int = 0) -> None:
        """The file system is away; perhaps its place is there, and empty."""
        sight = self.view.sight(on)
        sight.unmounted, sight.mount_point_is_there = str(self.directory), is_there

        def mount() -> None:
            sight.unmounted = ""

        self._for_a_while(seconds, mount)

    def meanwhile(self, calls: int, act: Callable[[], None]) -> None:
        """Something happens in the midst of a look."""
        self.view.meanwhile(calls, act)
