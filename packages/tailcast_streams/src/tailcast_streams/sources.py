"""Sources: the paths that tailers watch, and what became of each: the port and values.

Pure. A tailer publishes whether it follows each path, and why not; gateways answer with
it. It has no other effect: the files alone decide what is streamed. It is forgotten
when its tailer no longer publishes it.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from heapq import nsmallest
from typing import NamedTuple, Protocol


# How many paths of one tailer are listed; the others are only counted.
MAX_LISTED_PATHS = 50_000
# The reason of a file that no pattern of the settings names.
UNMATCHED = "matches no pattern"
# How long a tailer's paths are stored after it last published them.
SOURCES_KEPT_SECONDS = 60


class SourceState(StrEnum):
    """What became of a path; each path is in exactly one of these states."""

    # The lines of the file are sent to clients.
    FOLLOWED = "followed"
    # It cannot be decided now, and is tried again by itself.
    WAITING = "waiting"
    # It matches, but is not followed until somebody changes something.
    REFUSED = "refused"
    # It does not match the patterns.
    LEFT_OUT = "left_out"


class Source(NamedTuple):
    """One path that a tailer watches."""

    # In UTF-8; bytes that are not UTF-8 are escaped.
    path: str
    state: SourceState
    # The ID of its session; "" if it has none.
    session: str = ""
    # Why it is in this state, and what to do about it, in words for people; or "".
    reason: str = ""
    mend: str = ""


class Root(NamedTuple):
    """A path that a tailer's settings name, and what it found there."""

    path: str
    # Globs of the files below it. Without any: all files that hold records, or the path
    # itself.
    patterns: tuple[str, ...] = ()
    # How many files are there now.
    files: int = 0
    # Why nothing is followed there, and what to do about it; "" if something is.
    reason: str = ""
    mend: str = ""


class Overview(NamedTuple):
    """The paths of one tailer in numbers."""

    owner: str
    # The number of paths in each state, also of those that are not listed.
    counts: Mapping[SourceState, int]
    # How many paths are listed.
    listed: int = 0
    roots: tuple[Root, ...] = ()
    # When it last looked for files, by the tailer's clock, Unix milliseconds; 0 before
    # its first complete look.
    looked_ms: int = 0


class Sources(Protocol):
    """The sources in a broker; every call may raise `BrokerError`."""

    async def publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> Overview | None:
        """Store the changed paths, then the overview; None removes a path.

        This is not one step: after a crash in the middle the overview is the old one.
        All is forgotten `SOURCES_KEPT_SECONDS` after the last call.

        Returns the overview that this one replaced, None if there was none: the caller
        knows by it whether what was stored before is still there.
        """
        ...

    async def forget(self, owner: str) -> None:
        """Delete all that this tailer has published."""
        ...

    async def overviews(self) -> list[Overview]:
        """Read the latest overviews of all tailers, in the order of their names."""
        ...

    async def read(
        self,
        owner: str,
        *,
        after: str = "",
        states: Collection[SourceState] = tuple(SourceState),
        limit: int,
    ) -> list[Source]:
        """Read up to `limit` listed paths after a path, in their order."""
        ...


class FirstPaths:
    """Collects the first paths after a path, from any number in any order."""

    def __init__(
        self, *, after: str, states: Collection[SourceState], limit: int
    ) -> None:
        self._after = after
        self._states = states
        self._limit = limit
        # By path, so that one that comes twice counts once.
        self._found: dict[str, Source] = {}

    def take(self, sources: Iterable[Source]) -> None:
        """Take more paths."""
        for source in sources:
            if source.path > self._after and source.state in self._states:
                self._found[source.path] = source
        if len(self._found) > 2 * self._limit:
            self._found = {source.path: source for source in self.found}

    @property
    def found(self) -> list[Source]:
        """The first paths of all that were taken."""
        return nsmallest(self._limit, self._found.values())
