"""The files beside a path that were rotated away from it: blocking, for worker threads.

They are listed in the order in which they were written. One of them is the file that
was read last, known by what the file system calls it or by its proofs; those behind it
came later, and were not read yet.
"""

# ruff: noqa: PTH116, PTH120, PTH208  # paths are texts

import os
from collections.abc import Callable, Sequence
from pathlib import PurePath
from time import monotonic
from typing import NamedTuple

from tailcast_tailer.core.rotated_names import (
    dated_of,
    in_rotation_order,
    is_compressed,
    number_of,
    rotated_of,
    way_of,
)
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    Opened,
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
# What was rotated away after another file may be this much older, by its modification
# time: that one may have been written to since.
LATE_NS = 2_000_000_000
# A compressed file has the modification time of what it was made of, perhaps cut to one
# of these; gzip ends with that one's size, in so many bytes.
TIME_STEPS_NS = (1, 1_000, 1_000_000_000)
SIZE_BYTES = 4


class RotatedFile(NamedTuple):
    """A file whose name says that it was rotated."""

    path: str
    glimpse: Glimpse
    # Whether only rotation gives such a name.
    is_strong: bool

    @property
    def is_read(self) -> bool:
        """Whether its lines can be read, and are the past of the path."""
        is_text = self.is_strong and not is_compressed(self.path)
        return is_text and self.glimpse.size > 0


class Following(NamedTuple):
    """What follows the file that was read last."""

    # The rotated file; None: what has the path now.
    file: RotatedFile | None
    # Whether nothing is missing between the two, as far as the names show.
    is_gapless: bool
    # Whether the names show that there was a rotation.
    is_rotation: bool


class Oldest(NamedTuple):
    """The oldest file that was rotated away and has lines."""

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
        is_session: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Prepare.

        Args:
            clock: monotonic seconds.
            is_session: whether the file of a path is followed as a session; it is asked
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
        opened = _open_same(file)
        if opened is None:
            continue
        if is_read_to(opened, place):
            return opened
        os.close(opened.descriptor)
    return None


def oldest_of(path: str, is_young: Callable[[Glimpse], bool]) -> Oldest | None:
    """Open the oldest rotated file that has lines; None if there is none."""
    files = rotated_files(path) or []
    for at, file in enumerate(files):
        if not file.is_read or not is_young(file.glimpse):
            continue
        opened = _open_same(file)
        if opened is None:
            continue
        if has_line(opened):
            sizes = [one.glimpse.size for one in files[at:] if one.is_read]
            if size := _size_of_lines(path):
                sizes.append(size)
            return Oldest(opened, len(sizes), sizes[-1])
        os.close(opened.descriptor)
    return None


def _size_of_lines(path: str) -> int:
    """The size of what has a path; 0 if it has no line yet, or cannot be seen."""
    try:
        opened = open_regular(path)
    except CannotBeSeen:
        return 0
    try:
        return opened.glimpse.size if has_line(opened) else 0
    finally:
        os.close(opened.descriptor)


def what_follows(
    files: Sequence[RotatedFile],
    read: Glimpse | None,
    past: str,
    *,
    since_ms: int,
    is_session: Callable[[str], bool] = lambda _: False,
) -> Following:
    """What follows the file that was read last: a rotated one, or that at the path.

    Args:
        files: the rotated files, the oldest one first.
        read: that file, None if it was not found.
        past: which files the session has read whole.
        since_ms: when something was read last, Unix milliseconds, where `past` may not
            tell of all of them; else 0.
        is_session: whether the file of a path is followed as a session.
    """
    known = KnownFiles(past)
    files = _with_proven(
        files,
        known,
        lambda file: read is not None and file.glimpse.identity == read.identity,
        is_session,
    )
    at = None if read is None else _index(files, read)
    if at is None:
        return _what_may_follow(files, read, known, since_ms=since_ms)
    is_gapless = True
    number = number_of(files[at].path)
    for file in files[at + 1 :]:
        before, number = number, number_of(file.path)
        is_gapless = is_gapless and _are_neighbours(before, number)
        if file.is_read and not _is_known(known, file):
            return Following(file, is_gapless, is_rotation=True)
        is_gapless = is_gapless and (file.is_read or _stays_empty(file))
    is_gapless = is_gapless and _are_neighbours(number, 0)
    return Following(None, is_gapless, is_rotation=True)


def _are_neighbours(one: int | None, other: int | None) -> bool:
    """Whether no number is missing between two, the path's being 0."""
    return one is None or other is None or one == other + 1


def _what_may_follow(
    files: Sequence[RotatedFile],
    read: Glimpse | None,
    known: KnownFiles,
    *,
    since_ms: int,
) -> Following:
    """What follows a file that has no name any more: what was not read whole yet."""
    unknown = [one for one in files if not _is_known(known, one)]
    late_ns = since_ms * 1_000_000
    if read is not None and since_ms:
        late_ns = read.mtime_ns - LATE_NS
    for file in unknown:
        if file.is_read and file.glimpse.mtime_ns >= late_ns:
            return Following(file, is_gapless=False, is_rotation=True)
    # (A weak name that is newer than what was read may be what followed it.)
    is_gapless = read is not None and not any(
        one.is_read or one.glimpse.mtime_ns >= read.mtime_ns - LATE_NS
        for one in unknown
    )
    return Following(None, is_gapless, is_rotation=False)


def open_following(
    path: str,
    read: Glimpse | None,
    past: str,
    *,
    since_ms: int,
    is_session: Callable[[str], bool] = lambda _: False,
) -> tuple[Following, Opened | None] | None:
    """Open what follows the file that was read last; no file if nothing has the path.

    None while files are being renamed. Raises CannotBeSeen.
    """
    try:
        newest: Opened | None = open_regular(path)
    except CannotBeSeen as error:
        if not error.is_absent:
            raise
        newest = None
    try:
        files = rotated_files(path)
        is_same = newest is None or _has_identity(path, newest.glimpse.identity)
        if files is not None and is_same:
            following = what_follows(
                files, read, past, since_ms=since_ms, is_session=is_session
            )
            if following.file is None:
                found, newest = newest, None
                return following, found
            opened = _open_same(following.file)
            return None if opened is None else (following, opened)
    finally:
        if newest is not None:
            os.close(newest.descriptor)
    return None


def has_line(opened: Opened) -> bool:
    """Whether a file has a whole line, or is too long to have none."""
    data = os.pread(opened.descriptor, READ_BYTES, 0)
    return b"\n" in data.lstrip(b"\0 \t\r\n") or len(data) == READ_BYTES


def _is_known(known: KnownFiles, file: RotatedFile) -> bool:
    """Whether a session has read a rotated file whole."""
    is_text = file.glimpse.size > 0 and not is_compressed(file.path)
    if not (known and is_text) or (opened := _open_same(file)) is None:
        return False
    try:
        return known.has(opened)
    finally:
        os.close(opened.descriptor)


def _with_proven(
    files: Sequence[RotatedFile],
    known: KnownFiles,
    is_read: Callable[[RotatedFile], bool],
    is_session: Callable[[str], bool],
) -> list[RotatedFile]:
    """The files; a weak name is a strong one if the past of the path has such names.

    That is so for all behind the first file that was read, by its bytes, and has a name
    of this way; but what is a session is none of them.
    """
    proven: set[str] = set()
    found: list[RotatedFile] = []
    for file in files:
        way = None if file.is_strong or is_session(file.path) else way_of(file.path)
        if way is not None and (
            way in proven or is_read(file) or _is_known(known, file)
        ):
            proven.add(way)
            found.append(file._replace(is_strong=True))
        else:
            found.append(file)
    return found


def proven_past(path: str, place: Place, past: str) -> frozenset[str]:
    """The files with weak names that are the past of a path, read or not.

    Args:
        path: what they were rotated away from.
        place: up to where it was read, with its proofs.
        past: which files were read whole.

    Raises CannotBeSeen.
    """

    def is_read(file: RotatedFile) -> bool:
        if (opened := _open_same(file)) is None:
            return False
        try:
            return is_read_to(opened, place)
        finally:
            os.close(opened.descriptor)

    files = rotated_files(path) or []
    proven = _with_proven(files, KnownFiles(past), is_read, lambda _: False)
    return frozenset(file.path for file in proven if file.is_strong)


def _list(path: str) -> dict[str, RotatedFile]:
    directory = str(PurePath(path).parent)
    name = PurePath(path).name
    stem = PurePath(path).stem
    found: dict[str, RotatedFile] = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.name.startswith(stem) or entry.name == name:
                    continue
                other = f"{path[: -len(name)]}{entry.name}"
                is_strong = rotated_of(other) == path
                if not is_strong and dated_of(other) != path:
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


def _index(files: Sequence[RotatedFile], read: Glimpse) -> int | None:
    """Where the file that was read is among them, or where it was compressed."""
    found = None
    for at, file in enumerate(files):
        if file.glimpse.identity == read.identity:
            return at
        if is_compressed(file.path) and _is_made_of(file, read):
            found = at
    return found


def _is_made_of(file: RotatedFile, read: Glimpse) -> bool:
    """Whether a compressed file is what became of the one that was read."""
    time_ns = file.glimpse.mtime_ns
    if not any(read.mtime_ns // step * step == time_ns for step in TIME_STEPS_NS):
        return False
    if not file.path.endswith(".gz") or (opened := _open_same(file)) is None:
        return not file.path.endswith(".gz")
    try:
        at = max(0, opened.glimpse.size - SIZE_BYTES)
        size = int.from_bytes(os.pread(opened.descriptor, SIZE_BYTES, at), "little")
    finally:
        os.close(opened.descriptor)
    return bool(size == read.size % 256**SIZE_BYTES)


def _stays_empty(file: RotatedFile) -> bool:
    """Whether a file is empty, and nobody is known to have it open to write."""
    if file.glimpse.size > 0 or (opened := _open_same(file)) is None:
        return False
    try:
        return not may_be_written(opened.descriptor)
    finally:
        os.close(opened.descriptor)


def _open_same(file: RotatedFile) -> Opened | None:
    """Open it, if it still has its name."""
    try:
        opened = open_regular(file.path)
    except CannotBeSeen:
        return None
    if opened.glimpse.identity == file.glimpse.identity:
        return opened
    os.close(opened.descriptor)
    return None


def _has_identity(path: str, identity: Identity) -> bool:
    try:
        return glimpse(path).identity == identity
    except CannotBeSeen:
        return False
