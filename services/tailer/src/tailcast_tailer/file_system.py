"""Which kind of file system a path is on: whether other machines write there too."""

import os
from pathlib import Path


NETWORK_TYPES = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fhgfs", "glusterfs", "gpfs", "lustre",
        "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "smb3", "smbfs",
        "vboxsf", "virtiofs", "wekafs",
    }
)  # fmt: skip  # a list of names
_MOUNTS = Path("/proc/self/mountinfo")


def is_network(path: str) -> bool:
    """Whether the path is on a file system that changes from elsewhere."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        # No Linux: nothing is known, and looking often costs little.
        return False
    return type_of(os.path.realpath(path), mounts) in NETWORK_TYPES


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
