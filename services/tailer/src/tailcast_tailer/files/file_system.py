"""What the file system says of a path, and which kind of file system it is.

Blocking, for worker threads. Nothing here waits for anything but the file system: what
is no regular file, such as a pipe, is never read.
"""

# ruff: noqa: PTH116  # ten thousand paths: texts, `Path` costs more

import errno
import fcntl
import os
import signal
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


NETWORK_TYPES = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fhgfs", "glusterfs", "gpfs", "lustre",
        "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "smb3", "smbfs",
        "vboxsf", "virtiofs", "wekafs",
    }
)  # fmt: skip  # a list of names
# What was changed less than this ago may change again with the same time.
SAME_TICK_SECONDS = 2.0
_MOUNTS = Path("/proc/self/mountinfo")


class CannotBeSeen(Exception):
    """The file cannot be read now, which never means that it was deleted."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        # Whether no file has this name, as far as the error shows.
        self.is_absent = error.errno in (errno.ENOENT, errno.ENOTDIR)


class Identity(NamedTuple):
    """What the file system calls a file: a hint, never a proof."""

    device: int
    inode: int


class Glimpse(NamedTuple):
    """Size, times and identity of a file: one of them differs when it changed."""

    size: int
    mtime_ns: int
    # When something of it was changed last; who sets the other time back changes this.
    ctime_ns: int
    identity: Identity


class Opened(NamedTuple):
    """An open regular file; the caller closes it."""

    descriptor: int
    glimpse: Glimpse


def glimpse(path: str, *, reopen: bool = False) -> Glimpse:
    """What the path shows now; `reopen` where a network may answer from a cache.

    Raises CannotBeSeen.
    """
    if reopen:
        opened = open_regular(path)
        close_file(opened.descriptor)
        return opened.glimpse
    try:
        return _glimpse_of(os.stat(path))
    except OSError as error:
        raise CannotBeSeen(error) from error


def glimpse_at(path: str, *, reopen: bool) -> tuple[Glimpse, bool]:
    """As `glimpse`, and whether the path is a link or its file has other names too."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise CannotBeSeen(error) from error
    is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if reopen or stat.S_ISLNK(found.st_mode):
        return glimpse(path, reopen=reopen), not is_plain
    return _glimpse_of(found), not is_plain


def is_still(path: str, seen: Glimpse) -> bool:
    """Whether the path is that of a plain file, of no other name, that looks so still.

    It costs less than a glimpse: of thousands of files nearly all are as they were.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return False
    size, mtime_ns, ctime_ns, (device, inode) = seen
    return (
        found.st_mtime_ns == mtime_ns
        and found.st_size == size
        and found.st_ctime_ns == ctime_ns
        and found.st_ino == inode
        and found.st_dev == device
        and found.st_nlink == 1
        and stat.S_ISREG(found.st_mode)
    )


def glimpse_of(descriptor: int) -> Glimpse:
    """What an open file shows now. Raises OSError."""
    return _glimpse_of(os.fstat(descriptor))


def open_regular(path: str) -> Opened:
    """Open a file to be read. Raises CannotBeSeen."""
    try:
        # Without waiting: a pipe of that name would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise CannotBeSeen(error) from error
    try:
        found = os.fstat(descriptor)
    except OSError as error:
        close_file(descriptor)
        raise CannotBeSeen(error) from error
    if not stat.S_ISREG(found.st_mode):
        close_file(descriptor)
        raise CannotBeSeen(OSError(errno.EINVAL, "not a regular file"))
    return Opened(descriptor, _glimpse_of(found))


def close_file(descriptor: int) -> None:
    """Close a file that was read: it is closed even where a file system says it failed.

    It has nothing to lose by that. Raises OSError for what was not open.
    """
    try:
        os.close(descriptor)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise


def may_change_unseen(mtime_ns: int) -> bool:
    """Whether a directory may change and show the same modification time after it."""
    return time.time() - mtime_ns / 1e9 < SAME_TICK_SECONDS


def may_be_written(descriptor: int) -> bool | None:
    """Whether any process has an open file open for writing; None if nobody knows.

    Linux grants a lease on a file to its owner only while nobody has.
    """
    try:
        # Who opens it meanwhile waits, and sends what this signal is ignored for.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    except AttributeError:
        # No Linux.
        return None
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def read_regular(path: str, *, most: int) -> bytes:
    """A file's first bytes. Raises CannotBeSeen."""
    opened = open_regular(path)
    try:
        with os.fdopen(opened.descriptor, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise CannotBeSeen(error) from error
    finally:
        close_file(opened.descriptor)


def why_unseen(path: str) -> str:
    """Why a file, or what is below a directory, cannot be read now; "" if it can."""
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            os.scandir(path).close()
        else:
            close_file(open_regular(path).descriptor)
    except OSError as error:
        return error.strerror or str(error)
    except CannotBeSeen as error:
        return str(error)
    return ""


def _glimpse_of(found: os.stat_result) -> Glimpse:
    identity = Identity(found.st_dev, found.st_ino)
    return Glimpse(found.st_size, found.st_mtime_ns, found.st_ctime_ns, identity)


def is_network(path: str) -> bool:
    """Whether the path is on a file system that changes from elsewhere.

    Where nothing is known, on other systems than Linux, it is not: looking often costs
    little.
    """
    return _type_at(path) in NETWORK_TYPES


def is_local(path: str) -> bool:
    """Whether the path is known to be on a file system of this machine."""
    return _type_at(path) not in {"", *NETWORK_TYPES}


def _type_at(path: str) -> str:
    """The type of the file system that a path is on; "" if that is not known."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    return type_of(os.path.realpath(path), mounts)


def type_of(path: str, mounts: str) -> str:
    """The type of the file system that holds an absolute path; FUSE counts as `9p`.

    Args:
        mounts: the text of `/proc/self/mountinfo`, see proc(5).
    """
    best, found = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:  # noqa: PLR2004  # the fifth is the place
            continue
        place = _unescaped(fields[4]).rstrip("/")
        if (path + "/").startswith(place + "/") and len(place) >= best:
            best, found = len(place), after.split(" ")[0]
    return "9p" if found.startswith("fuse") else found


def _unescaped(text: str) -> str:
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        text = text.replace("\\" + code, character)
    return text
