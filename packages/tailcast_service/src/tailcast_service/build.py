"""The version of the running program, and the revision of its source.

All distributions of the project have one version, which is written here (`make version`
changes it everywhere). `make dist` and the build of the images write the revision
beside this module. In a checkout it is the current commit, read from git's files:
running git would take longer than the rest of a command's start. Changes since that
commit are not seen. If the revision is not known, it is `unknown`, which is no error.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple


__all__ = ["UNKNOWN", "VERSION", "Build", "read_build", "revision_of"]

VERSION = "0.1.0"
UNKNOWN = "unknown"

_FOLDER = Path(__file__).parent
# The path of this package from the root of a checkout.
_PLACE = Path("packages/tailcast_service/src/tailcast_service")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Build(NamedTuple):
    """The version and revision that programs, metrics, logs and `/healthz` show."""

    version: str
    revision: str

    def __str__(self) -> str:
        """The text for people."""
        return f"{self.version} (revision {self.revision})"


@cache
def read_build() -> Build:
    """The build of this process; read once."""
    return Build(VERSION, revision_of(_FOLDER))


def revision_of(folder: Path) -> str:
    """The revision of this package in `folder`; UNKNOWN if it cannot be found."""
    written = _read(folder / "REVISION")
    if written is not None:
        return written or UNKNOWN
    if folder.parts[-len(_PLACE.parts) :] != _PLACE.parts:
        return UNKNOWN
    return commit_of(folder.parents[len(_PLACE.parts) - 1]) or UNKNOWN


def commit_of(root: Path) -> str | None:
    """The current commit of a checkout or a worktree; None if there is none."""
    git = root / ".git"
    if (pointer := _read(git)) is not None:
        git = root / pointer.removeprefix("gitdir: ")
    # A worktree has its own HEAD, but its branches are in its repository.
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
