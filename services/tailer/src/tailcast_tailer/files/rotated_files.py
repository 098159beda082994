"""The files beside a path that were rotated away from it: blocking, for worker threads.

They are listed in the order in which they were written. `rotation` says which of them
follows the file that was read last.
"""

# ruff: noqa: PTH116, PTH120, PTH208  # paths are texts

import os
from collections.abc import Callable, Container
from pathlib import PurePath
from time import monotonic
from typing import NamedTuple, TypeAlias

from tailcast_tailer.core.rotated_names import (
    dated_of,
    in_rotation_order,
    is_compressed,
    part_of_names,
    rotated_of,
    rotated_of_day,
)
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    Opened,
    close_file,
    glimpse,
    may_be_written,
    open_regular,
)
from tailcast_tailer.files.known_files import KnownFiles
from tailcast_tailer.files.portions import READ_BYTES, Place, is_read_to


# Rotated files that are looked at, the newest ones.
MOST_ROTATED = 100
# How often a directory is listed until two lists in a row are the same.
MOST_LISTS = 5
# How long a list of a directory that changes is good enough, and how many are kept.
NAMES_KEPT_SECONDS = 1.0
MOST_DIRECTORIES = 1_000


# Whether the file of a path, which the file system calls so, is followed as a session.
IsSession: TypeAlias = Callable[[str, Identity], bool]


def is_none(_path: str, _identity: Identity) -> bool:
    """No file is."""
    return False


class RotatedFile(NamedTuple):
    """A file whose name says that it was rotated."""

    path: str
    glimpse: Glimpse
    # Whether only rotation gives such a name.
    is_strong: bool

    @property
    def is_past(self) -> bool:
        """Whether it is the past of the path, and its lines can be read."""
        return self.is_strong and not is_compressed(self.path)

    @property
    def is_read(self) -> bool:
        """Whether it is so, and there is something to read."""
        return self.is_past and self.glimpse.size > 0


class Oldest(NamedTuple):
    """The oldest file that was rotated away and has lines, or may get some."""

    opened: Opened
    # How many files there are to read, with it and what has the path, and the size of
    # the last of them.
    files: int
    last_size: int


class RotatedNames:
    """Which paths have rotated files beside them: asked once for each file that begins.

    A directory is listed once for all its files, and again when it has changed since
    and that was a while ago.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = monotonic,
        is_session: IsSession = is_none,
    ) -> None:
        """Prepare.

        Args:
            clock: monotonic seconds.
            is_session: whether a file is followed as a session of its own; it is asked
                in threads.
        """
        self._clock = clock
        self.is_session = is_session
        # By directory: when it was listed, as it was then, and what has rotated files.
        self._listed: dict[str, tuple[float, int, frozenset[str]]] = {}

    def are_beside(self, path: str) -> bool:
        """Whether there are any beside a path."""
        if os.path.lexists(f"{path}.1"):
            return True
        directory = os.path.dirname(path)
        try:
            changed_ns = os.stat(directory).st_mtime_ns
            listed_at, was_changed_ns, bases = self._listed.get(
                directory, (-NAMES_KEPT_SECONDS, 0, frozenset[str]())
            )
            is_old = self._clock() - listed_at >= NAMES_KEPT_SECONDS
            if is_old and changed_ns != was_changed_ns:
                bases = frozenset(
                    base
                    for name in os.listdir(directory)
                    if (base := rotated_of(f"{directory}/{name}")) is not None
                )
                if len(self._listed) >= MOST_DIRECTORIES:
                    self._listed.clear()
                self._listed[directory] = self._clock(), changed_ns, bases
        except OSError:
            return False
        return path in bases


def rotated_files(path: str) -> list[RotatedFile] | None:
    """The files that were rotated away from a path, the oldest one first.

    None while they are being renamed. Raises CannotBeSeen.
    """
    before = _list(path)
    for _ in range(MOST_LISTS):
        now = _list(path)
        if _identities(now) == _identities(before):
            by_time = sorted(now, key=lambda name: now[name].glimpse.mtime_ns)
            return [now[name] for name in in_rotation_order(by_time)[-MOST_ROTATED:]]
        before = now
    return None


def find_read(path: str, place: Place, but: Identity | None) -> Opened | None:
    """Open the rotated file that was read up to a place, the newest one of several.

    Args:
        path: what it was rotated away from.
        place: its proofs.
        but: the file that has the path.
    """
    if place.offset == 0:
        return None
    for file in reversed(rotated_files(path) or []):
        if file.glimpse.identity == but or is_compressed(file.path):
            continue
        opened = open_same(file)
        if opened is None:
            continue
        if is_read_to(opened, place):
            return opened
        close_file(opened.descriptor)
    return None


def oldest_of(
    path: str,
    is_due: Callable[[Glimpse], bool],
    *,
    past: str = "",
    passed: Container[Identity] = (),
    asks_writers: bool = False,
    is_session: IsSession = is_none,
) -> Oldest | None:
    """Open the oldest rotated file that is to be read; None if there is none.

    It has lines that were not read; or it is empty, and has a writer.

    Args:
        path: what it was rotated away from.
        is_due: whether a file with lines is new enough to be read.
        past: which files the session has read whole.
        passed: files that showed no line, however long they were looked at.
        asks_writers: whether the system tells who has a file open to write.
        is_session: whether a file is followed as a session of its own.
    """
    files = [
        one
        for one in rotated_files(path) or []
        if not is_session(one.path, one.glimpse.identity)
    ]
    known = KnownFiles(past)
    for at, file in enumerate(files):
        if not file.is_past or file.glimpse.identity in passed:
            continue
        if not (is_due(file.glimpse) if file.is_read else asks_writers):
            continue
        opened = open_same(file)
        if opened is None:
            continue
        if _is_to_be_read(opened, known):
            later = [one.glimpse.size for one in files[at + 1 :] if one.is_read]
            sizes = [file.glimpse.size, *later]
            if size := _size_of_lines(path):
                sizes.append(size)
            return Oldest(opened, len(sizes), sizes[-1])
        close_file(opened.descriptor)
    return None


def _is_to_be_read(opened: Opened, known: KnownFiles) -> bool:
    """Whether a file has lines that were not read, or is empty and may get some."""
    if opened.glimpse.size == 0:
        return may_be_written(opened.descriptor) is True
    return not is_blank(opened) and not known.has(opened)


def _size_of_lines(path: str) -> int:
    """The size of what has a path; 0 if it has no line yet, or cannot be seen."""
    try:
        opened = open_regular(path)
    except CannotBeSeen:
        return 0
    try:
        return opened.glimpse.size if has_line(opened) else 0
    finally:
        close_file(opened.descriptor)


def has_line(opened: Opened) -> bool:
    """Whether a file has a whole line, or is too long to have none."""
    data = os.pread(opened.descriptor, READ_BYTES, 0)
    return b"\n" in data.lstrip(b"\0 \t\r\n") or len(data) == READ_BYTES


def is_blank(opened: Opened) -> bool:
    """Whether nothing stands in a file that is, or becomes, a line."""
    data = os.pread(opened.descriptor, READ_BYTES, 0)
    return not data.lstrip(b"\0 \t\r\n") and len(data) < READ_BYTES


def _list(path: str) -> dict[str, RotatedFile]:
    directory = str(PurePath(path).parent)
    name = PurePath(path).name
    part = part_of_names(path)
    found: dict[str, RotatedFile] = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if part not in entry.name or entry.name == name:
                    continue
                other = f"{path[: -len(name)]}{entry.name}"
                is_strong = path in (rotated_of(other), rotated_of_day(other))
                if not is_strong and path not in dated_of(other):
                    continue
                try:
                    if entry.is_file(follow_symlinks=False):
                        found[other] = RotatedFile(other, glimpse(other), is_strong)
                except CannotBeSeen:
                    continue
    except OSError as error:
        raise CannotBeSeen(error) from error
    return found


def _identities(files: dict[str, RotatedFile]) -> dict[str, Identity]:
    return {path: file.glimpse.identity for path, file in files.items()}


def open_same(file: RotatedFile) -> Opened | None:
    """Open it, if it still has its name."""
    try:
        opened = open_regular(file.path)
    except CannotBeSeen:
        return None
    if opened.glimpse.identity == file.glimpse.identity:
        return opened
    close_file(opened.descriptor)
    return None
