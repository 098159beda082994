"""What is running: its version, and the revision of the source that it was made from.

All distributions of the project have one version, which is written here (`make version`
changes it everywhere). The revision is what the build wrote beside this module, as
`make dist` and the images do; in a checkout it is the commit that git's files name,
read without running git: a program would cost more than the rest of a command's start.
What was changed since that commit is not seen. A revision that is not known is said to
be that, and is never an error.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple


__all__ = ["UNKNOWN", "VERSION", "Build", "read_build", "revision_of"]

VERSION = "0.1.0"
UNKNOWN = "unknown"

_FOLDER = Path(__file__).parent
# From the checkout's root.
_PLACE = Path("packages/tailcast_service/src/tailcast_service")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Build(NamedTuple):
    """What programs, metrics, logs and `/healthz` say of themselves."""

    version: str
    revision: str

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.version} (revision {self.revision})"


@cache
def read_build() -> Build:
    """What this process runs; read once."""
    return Build(VERSION, revision_of(_FOLDER))


def revision_of(folder: Path) -> str:
    """The revision of this package in `folder`; UNKNOWN if nothing says it."""
    written = _read(folder / "REVISION")
    if written is not None:
        return written or UNKNOWN
    if folder.parts[-len(_PLACE.parts) :] != _PLACE.parts:
        return UNKNOWN
    return commit_of(folder.parents[len(_PLACE.parts) - 1]) or UNKNOWN


def commit_of(root: Path) -> str | None:
    """The commit that a checkout (or a worktree) is at; None if there is none."""
    git = root / ".git"
    if (pointer := _read(git)) is not None:
        git = root / pointer.removeprefix("gitdir: ")
    # A worktree has its own HEAD; branches are with the repository that it is of.
    shared = git / (_read(git / "commondir") or ".")
    head = _read(git / "HEAD") or ""
    branch = head.removeprefix("ref: ")
    commit = head if branch == head else _read(shared / branch)
    commit = commit or _packed(_read(shared / "packed-refs") or "", branch)
    return commit if commit is not None and _COMMIT.fullmatch(commit) else None


def _packed(lines: str, branch: str) -> str | None:
    for line in lines.splitlines():
        commit, _, name = line.partition(" ")
        if name == branch:
            return commit
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
