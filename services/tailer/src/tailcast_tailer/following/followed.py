"""A followed file as the queues see it, and what they remember of it.

Also how files are asked for a change, many at a time: blocking, for worker threads.
"""

from collections.abc import Sequence
from typing import Protocol

from tailcast_tailer.files.file_system import CannotBeSeen, Glimpse, glimpse


class Followed(Protocol):
    """A file that is given turns."""

    path: str
    glimpse: Glimpse | None

    @property
    def has_parts(self) -> bool:
        """Whether it is a run that is written as numbered files."""
        ...

    @property
    def look_path(self) -> str:
        """The path that shows whether it changed."""
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
        "changed_at", "comes_again", "due", "followed", "is_queued", "is_running",
        "wants_turn",
    )  # fmt: skip  # one name a line would hide what they are

    def __init__(self, followed: Followed, now: float) -> None:
        self.followed = followed
        # When the file is looked at next, and whether it then gets a turn in any case.
        self.due = now
        self.wants_turn = False
        # When it was last seen to change; None before it was looked at.
        self.changed_at: float | None = None
        self.is_queued = False
        self.is_running = False
        # Something happened to it during its turn.
        self.comes_again = False


def glimpse_all(paths: Sequence[str], *, reopen: bool) -> list[Glimpse | None]:
    """What each path shows now, None for what cannot be seen. Blocking."""
    glimpses: list[Glimpse | None] = []
    for path in paths:
        try:
            glimpses.append(glimpse(path, reopen=reopen))
        except CannotBeSeen:
            glimpses.append(None)
    return glimpses
