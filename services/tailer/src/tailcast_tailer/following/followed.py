"""A followed file as the queues see it, and what they remember of it.

Also how files are asked for a change, many at a time: blocking, for worker threads.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    glimpse_at,
    is_still,
)


class Followed(Protocol):
    """A file that is given turns."""

    path: str

    @property
    def glimpse(self) -> Glimpse | None:
        """What it showed last; None before that, and while it cannot be seen."""
        ...

    @property
    def has_parts(self) -> bool:
        """Whether it is a run that is written as numbered files."""
        ...

    @property
    def look_path(self) -> str:
        """The path that shows whether it changed."""
        ...

    @property
    def session(self) -> str | None:
        """The session that it is; None for what is none."""
        ...

    @property
    def device(self) -> int | None:
        """The number of the device that it is on; None while that is not known."""
        ...

    @property
    def bytes_behind(self) -> int:
        """How many of its bytes are not in the broker."""
        ...

    @property
    def age_seconds(self) -> float:
        """Seconds since its modification time; 0 if that is not known."""
        ...

    async def turn(self) -> float | None:
        """Append at most one batch; seconds to the next turn, None: when it changes."""
        ...

    @property
    def is_prompt(self) -> bool:
        """Whether it may be looked at in the loop, together with others."""
        ...

    def move(self, path: str) -> None:
        """It was renamed: look for it there."""
        ...

    def reload_state(self) -> None:
        """Ask the broker again what is stored, before the next batch."""
        ...

    @property
    def open_since(self) -> float | None:
        """When the open file last had something new; None if nothing is open."""
        ...

    @property
    def rested_at(self) -> float | None:
        """When it wants a turn if it has not changed till then; None: not at all."""
        ...

    def release(self) -> None:
        """Close the descriptor, after the jobs that are under way."""
        ...


class Item:
    """A followed file in the queues."""

    __slots__ = (
        "absent_since", "changed_at", "comes_again", "followed", "is_elsewhere",
        "is_gone", "is_queued", "is_running", "is_unnoticed", "sighted", "wants_turn",
    )  # fmt: skip  # one name a line would hide what they are

    def __init__(self, followed: Followed) -> None:
        self.followed = followed
        # Whether it gets a turn when it is looked at next.
        self.wants_turn = False
        # What looks saw of it last that its turn had not seen.
        self.sighted: Glimpse | None = None
        # When it was last seen to change; None before it was looked at.
        self.changed_at: float | None = None
        self.is_queued = False
        self.is_running = False
        # Something happened to it during its turn.
        self.comes_again = False
        # Since when looks have not seen it; None while they do.
        self.absent_since: float | None = None
        # Its last change was seen before any notification told of it.
        self.is_unnoticed = False
        # It may be written to under another name, in a directory that nobody watches.
        self.is_elsewhere = False
        # It is followed no longer.
        self.is_gone = False


class Sight(NamedTuple):
    """What one path shows; no glimpse of what cannot be seen."""

    glimpse: Glimpse | None
    # Whether the path is a link, or the file has other names.
    is_elsewhere: bool


def see_all(
    expected: Iterable[tuple[str, Glimpse | None]], *, reopen: bool
) -> list[Sight | None]:
    """What each path shows now; None for a plain file that is as it was seen before.

    Blocking.

    Args:
        expected: paths, each with what was seen there before.
        reopen: whether they are opened for that, as a network may answer from a cache.
    """
    return [
        None
        if not reopen and seen is not None and is_still(path, seen)
        else _see(path, reopen=reopen)
        for path, seen in expected
    ]


def _see(path: str, *, reopen: bool) -> Sight:
    try:
        return Sight(*glimpse_at(path, reopen=reopen))
    except CannotBeSeen:
        return Sight(None, is_elsewhere=False)
