"""What follows the file that was read last, among those that were rotated away.

Blocking, for worker threads. One of them is that file, known by what the file system
calls it or by its proofs; those behind it came later, and were not read yet.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tailcast_tailer.core.rotated_names import (
    is_compressed,
    is_next,
    number_of,
    way_of,
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
from tailcast_tailer.files.portions import Place, is_read_to
from tailcast_tailer.files.rotated_files import (
    IsSession,
    RotatedFile,
    is_none,
    open_same,
    rotated_files,
)


# What was rotated away after another file may be this much older, by its modification
# time: that one may have been written to since.
LATE_NS = 2_000_000_000
# A compressed file has the modification time of what it was made of, perhaps cut to one
# of these; gzip ends with that one's size, in so many bytes.
TIME_STEPS_NS = (1, 1_000, 1_000_000_000)
SIZE_BYTES = 4


class Following(NamedTuple):
    """What follows the file that was read last."""

    # The rotated file; None: what has the path now.
    file: RotatedFile | None
    # Whether nothing is missing between the two, as far as the names show.
    is_gapless: bool
    # Whether the names show that there was a rotation.
    is_rotation: bool


def what_follows(
    files: Sequence[RotatedFile],
    read: Glimpse | None,
    past: str,
    *,
    since_ms: int,
    is_session: IsSession = is_none,
) -> Following:
    """What follows the file that was read last: a rotated one, or that at the path.

    Args:
        files: the rotated files, the oldest one first.
        read: that file, None if it was not found.
        past: which files the session has read whole.
        since_ms: when something was read last, Unix milliseconds, where `past` may not
            tell of all of them; else 0.
        is_session: whether a file is followed as a session of its own.
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
    # (The newest one has the number 1, or 0.)
    is_gapless = is_gapless and (number == 0 or _are_neighbours(number, 0))
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
    is_session: IsSession = is_none,
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
                if read is not None and os.path.islink(path):  # noqa: PTH114  # a text
                    is_next_file = leads_to_next(path, read.identity)
                    is_gapless = following.is_gapless and is_next_file
                    following = following._replace(is_gapless=is_gapless)
                found, newest = newest, None
                return following, found
            opened = open_same(following.file)
            return None if opened is None else (following, opened)
    finally:
        if newest is not None:
            close_file(newest.descriptor)
    return None


def proven_past(path: str, place: Place, past: str) -> frozenset[str]:
    """The files with weak names that are the past of a path, read or not.

    Args:
        path: what they were rotated away from.
        place: up to where it was read, with its proofs.
        past: which files were read whole.

    Raises CannotBeSeen.
    """

    def is_read(file: RotatedFile) -> bool:
        if (opened := open_same(file)) is None:
            return False
        try:
            return is_read_to(opened, place)
        finally:
            close_file(opened.descriptor)

    files = rotated_files(path) or []
    proven = _with_proven(files, KnownFiles(past), is_read, is_none)
    return frozenset(file.path for file in proven if file.is_strong)


def _with_proven(
    files: Sequence[RotatedFile],
    known: KnownFiles,
    is_read: Callable[[RotatedFile], bool],
    is_session: IsSession,
) -> list[RotatedFile]:
    """The files; a weak name is a strong one if the past of the path has such names.

    That is so for all behind the first file that was read, by its bytes, and has a name
    of this way; but what is a session is none of them, whatever its name.
    """
    proven: set[str] = set()
    found: list[RotatedFile] = []
    for file in files:
        if is_session(file.path, file.glimpse.identity):
            found.append(file._replace(is_strong=False))
            continue
        way = None if file.is_strong else way_of(file.path)
        if way is not None and (
            way in proven or is_read(file) or _is_known(known, file)
        ):
            proven.add(way)
            found.append(file._replace(is_strong=True))
        else:
            found.append(file)
    return found


def _is_known(known: KnownFiles, file: RotatedFile) -> bool:
    """Whether a session has read a rotated file whole."""
    is_text = file.glimpse.size > 0 and not is_compressed(file.path)
    if not (known and is_text) or (opened := open_same(file)) is None:
        return False
    try:
        return known.has(opened)
    finally:
        close_file(opened.descriptor)


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
    if not file.path.endswith(".gz") or (opened := open_same(file)) is None:
        return not file.path.endswith(".gz")
    try:
        at = max(0, opened.glimpse.size - SIZE_BYTES)
        size = int.from_bytes(os.pread(opened.descriptor, SIZE_BYTES, at), "little")
    finally:
        close_file(opened.descriptor)
    return bool(size == read.size % 256**SIZE_BYTES)


def _stays_empty(file: RotatedFile) -> bool:
    """Whether a file is empty, and nobody is known to have it open to write."""
    if file.glimpse.size > 0 or (opened := open_same(file)) is None:
        return False
    try:
        return not may_be_written(opened.descriptor)
    finally:
        close_file(opened.descriptor)


def leads_to_next(path: str, read: Identity) -> bool:
    """Whether a link leads to the file that has the number after that of another.

    Who moves a link faster than it is looked at has left files out.
    """
    target = os.path.realpath(path)
    directory, name = os.path.split(target)
    try:
        with os.scandir(directory) as entries:
            names = [one.name for one in entries if one.inode() == read.inode]
    except OSError:
        return False
    return any(is_next(name, before) for before in names)


def _has_identity(path: str, identity: Identity) -> bool:
    try:
        return glimpse(path).identity == identity
    except CannotBeSeen:
        return False
