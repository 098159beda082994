"""What tailers know of the paths below what they watch: the port, and its values.

Pure. A tailer says of each path what became of it, and why; gateways answer it to who
asks. Nothing else follows from it: what is streamed is decided by the files alone. It
is forgotten when its tailer no longer says it.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from heapq import nsmallest
from typing import NamedTuple, Protocol


# Paths of one tailer that are listed; the others are counted.
MAX_LISTED_PATHS = 50_000
# How long it is kept after its tailer said it last.
SOURCES_KEPT_SECONDS = 60


class SourceState(StrEnum):
    """What became of a path: each is in exactly one of these."""

    # What is written to it is told to clients.
    FOLLOWED = "followed"
    # It cannot be decided now, and is tried again without anybody's help.
    WAITING = "waiting"
    # It was meant to be followed, and is not until somebody changes something.
    REFUSED = "refused"
    # It is none of those that were asked for.
    LEFT_OUT = "left_out"


class Source(NamedTuple):
    """One path below what a tailer watches."""

    # As UTF-8 can have it: what is none is escaped.
    path: str
    state: SourceState
    # What clients call it; "" if it is no session.
    session: str = ""
    # Why it is so, and what changes it: for people; "" where there is nothing to say.
    reason: str = ""
    mend: str = ""


class Root(NamedTuple):
    """A path that a tailer was told to watch, and what it found there."""

    path: str
    # Which files below it are meant, as globs; none: those that hold records, or the
    # path itself.
    patterns: tuple[str, ...] = ()
    # Files that are there now.
    files: int = 0
    # Why nothing is followed there, and what changes it; "" where something is.
    reason: str = ""
    mend: str = ""


class Overview(NamedTuple):
    """What one tailer knows, in numbers."""

    owner: str
    # All paths by what became of them, those too that are not listed.
    counts: Mapping[SourceState, int]
    # How many are listed.
    listed: int = 0
    roots: tuple[Root, ...] = ()
    # When it looked for files last, by the tailer's clock, Unix milliseconds; 0: it has
    # not been through yet.
    looked_ms: int = 0


class Sources(Protocol):
    """What the services ask of a broker; every call may raise `BrokerError`."""

    async def publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> None:
        """Say what changed, then the overview; None: no more is known of the path.

        Not one step: after a crash in the middle the overview is still the one before.
        All is forgotten `SOURCES_KEPT_SECONDS` after the last call.
        """
        ...

    async def overview(self, owner: str) -> Overview | None:
        """Read what a tailer said last; None if nothing is kept of it."""
        ...

    async def forget(self, owner: str) -> None:
        """Forget what was said in this tailer's name."""
        ...

    async def overviews(self) -> list[Overview]:
        """Read what all tailers said last, in the order of their names."""
        ...

    async def read(
        self,
        owner: str,
        *,
        after: str = "",
        states: Collection[SourceState] = tuple(SourceState),
        limit: int,
    ) -> list[Source]:
        """Read up to `limit` listed paths above one, in their order."""
        ...


class FirstPaths:
    """The first paths after one, of any number that come in any order."""

    def __init__(
        self, *, after: str, states: Collection[SourceState], limit: int
    ) -> None:
        self._after = after
        self._states = states
        self._limit = limit
        # By path: what comes twice counts once.
        self._found: dict[str, Source] = {}

    def take(self, sources: Iterable[Source]) -> None:
        """Take some more."""
        for source in sources:
            if source.path > self._after and source.state in self._states:
                self._found[source.path] = source
        if len(self._found) > 2 * self._limit:
            self._found = {source.path: source for source in self.found}

    @property
    def found(self) -> list[Source]:
        """Those that come first of all that were taken."""
        return nsmallest(self._limit, self._found.values())
