"""What became of each path below the roots: each is in exactly one state.

Pure. Filled by the listing, and read by whoever says which files are followed, and why
others are not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from tailcast_streams.sources import Source, SourceState


class Register:
    """The sources of one tailer, and which of them changed."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._counts: Counter[SourceState] = Counter()
        # Paths whose entry is not what it was when the changes were last taken.
        self._changed: set[str] = set()

    @property
    def sources(self) -> Mapping[str, Source]:
        """All of them, by path."""
        return self._sources

    @property
    def counts(self) -> Mapping[SourceState, int]:
        """How many paths are in each state."""
        return {state: self._counts[state] for state in SourceState}

    def note(self, source: Source) -> None:
        """This became of a path."""
        before = self._sources.get(source.path)
        if before == source:
            return
        if before is not None:
            self._counts[before.state] -= 1
        self._counts[source.state] += 1
        self._sources[source.path] = source
        self._changed.add(source.path)

    def forget(self, path: str) -> None:
        """Nothing has this path any more."""
        before = self._sources.pop(path, None)
        if before is not None:
            self._counts[before.state] -= 1
            self._changed.add(path)

    def take_changed(self) -> dict[str, Source | None]:
        """What changed since this was last asked; None for what is gone."""
        changed, self._changed = self._changed, set()
        return {path: self._sources.get(path) for path in changed}

    def put_back(self, paths: Iterable[str]) -> None:
        """These changes could not be told: they are to be taken again."""
        self._changed.update(paths)
