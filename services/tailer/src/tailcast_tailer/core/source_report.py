"""What a tailer tells of its sources: which paths are listed, and what it looked at.

Pure. At most so many paths are listed; the others are counted. Those that are not
followed have places of their own, as they are what people look for.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tailcast_streams.sources import (
    MAX_LISTED_PATHS,
    Overview,
    Root,
    Source,
    SourceState,
)
from tailcast_tailer.core.patterns import compile_pattern


# Places that followed files leave to others.
PLACES_FOR_OTHERS = MAX_LISTED_PATHS // 5

NOT_LOOKED = "it has not been gone through yet"
_EMPTY = "no file"
_MAKE_ONE = "write a line of JSON to a file there"


class WatchedPath(NamedTuple):
    """A path that the tailer was told to watch."""

    path: str
    # Which files below it are meant; none: those that hold records, or the path itself.
    patterns: tuple[str, ...] = ()
    # Whether it is as it should be when nothing is there.
    may_be_empty: bool = False


def watched_paths(
    *,
    log_dir: str,
    telemetry_patterns: Iterable[str],
    emergency_patterns: Iterable[str],
    paths: Sequence[str],
) -> list[WatchedPath]:
    """What a tailer watches: the paths that were named, else what patterns name."""
    if paths:
        return [WatchedPath(path) for path in dict.fromkeys(paths)]
    found: dict[tuple[str, bool], list[str]] = {}
    for patterns, may_be_empty in (
        (telemetry_patterns, False),
        (emergency_patterns, True),
    ):
        for text in patterns:
            pattern = compile_pattern(text)
            path = f"{log_dir.rstrip('/')}/{pattern.fixed}".rstrip("/") or "/"
            found.setdefault((path, may_be_empty), []).append(pattern.rest)
    return [
        WatchedPath(path, tuple(patterns), may_be_empty)
        for (path, may_be_empty), patterns in found.items()
    ]


class SourceReport:
    """The paths that are listed, and the numbers that stand for all."""

    def __init__(self, watched: Sequence[WatchedPath]) -> None:
        self._watched = watched
        roots = [one.path.rstrip("/") for one in watched]
        # What is each of them, and what stands before all that is below it.
        self._roots = [(root, f"{root}/") for root in roots]
        # The state of each path, as of the changes that were taken.
        self._states: dict[str, SourceState] = {}
        # Those that are listed, and how many of them are followed.
        self._listed: set[str] = set()
        self._listed_followed = 0
        # For each watched path: the files at or below it, and those that are followed.
        self._files = [0] * len(watched)
        self._followed = [0] * len(watched)

    def take(self, changed: Mapping[str, Source | None]) -> Mapping[str, Source | None]:
        """What the list says anew after these changes; None takes a path off it."""
        told: dict[str, Source | None] = {}
        for path, source in changed.items():
            was_listed = self._unlist(path)
            self._count(path, None if source is None else source.state)
            if source is not None and self._list(path, source.state):
                told[path] = source
            elif was_listed:
                told[path] = None
        return told

    def fill(self, sources: Mapping[str, Source]) -> Mapping[str, Source | None]:
        """What the list says anew because there is room in it."""
        if len(self._states) == len(self._listed):
            return {}
        return {
            path: sources[path]
            for path, state in self._states.items()
            if path not in self._listed and self._list(path, state)
        }

    def _list(self, path: str, state: SourceState) -> bool:
        """Give the path a place, if there is one for it."""
        is_followed = state is SourceState.FOLLOWED
        if len(self._listed) >= MAX_LISTED_PATHS or (
            is_followed
            and self._listed_followed >= MAX_LISTED_PATHS - PLACES_FOR_OTHERS
        ):
            return False
        self._listed.add(path)
        self._listed_followed += is_followed
        return True

    def _unlist(self, path: str) -> bool:
        """Take the path's place from it; whether it had one."""
        if path not in self._listed:
            return False
        self._listed.remove(path)
        self._listed_followed -= self._states[path] is SourceState.FOLLOWED
        return True

    def _count(self, path: str, state: SourceState | None) -> None:
        before = self._states.pop(path, None)
        if state is not None:
            self._states[path] = state
        files = (state is not None) - (before is not None)
        followed = (state is SourceState.FOLLOWED) - (before is SourceState.FOLLOWED)
        if not (files or followed):
            return
        for at, (root, prefix) in enumerate(self._roots):
            if path.startswith(prefix) or path == root:
                self._files[at] += files
                self._followed[at] += followed

    def overview(
        self,
        owner: str,
        counts: Mapping[SourceState, int],
        *,
        looked_ms: int,
        unseen: Mapping[str, str],
    ) -> Overview:
        """The numbers, and what was looked at.

        Args:
            owner: this tailer's name.
            counts: all paths by state.
            looked_ms: when it was gone through last; 0: not yet.
            unseen: by watched path, why it cannot be seen.
        """
        roots = tuple(
            self._root(at, watched, has_looked=bool(looked_ms), unseen=unseen)
            for at, watched in enumerate(self._watched)
        )
        return Overview(owner, dict(counts), len(self._listed), roots, looked_ms)

    def _root(
        self,
        at: int,
        watched: WatchedPath,
        *,
        has_looked: bool,
        unseen: Mapping[str, str],
    ) -> Root:
        files = self._files[at]
        root = Root(watched.path, watched.patterns, files)
        if self._followed[at]:
            return root
        if watched.path in unseen:
            if watched.may_be_empty:
                return root
            mend = "make it, let the tailer read it, or name the directory that has"
            mend += " records: tailcast up DIRECTORY"
            return root._replace(reason=unseen[watched.path], mend=mend)
        if not has_looked:
            return root._replace(reason=NOT_LOOKED)
        if files:
            reason = f"files there: {files}; none of them is followed"
            return root._replace(reason=reason, mend="the list says why, one by one")
        if watched.may_be_empty:
            return root
        if not watched.patterns:
            return root._replace(reason=f"{_EMPTY} is there", mend=_MAKE_ONE)
        reason = f"{_EMPTY} there is called {' or '.join(watched.patterns)}"
        mend = (
            f"{_MAKE_ONE}, name others in TAILCAST_TELEMETRY_PATTERNS, or name the"
            " directory that has them: tailcast up DIRECTORY"
        )
        return root._replace(reason=reason, mend=mend)
