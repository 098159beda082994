"""Sources in this process's memory, as a part of `MemoryBroker`."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from tailcast_streams.sources import (
    SOURCES_KEPT_SECONDS,
    FirstPaths,
    Overview,
    Source,
    SourceState,
)


@dataclass(slots=True)
class StoredSources:
    """The stored values of one tailer."""

    overview: Overview | None = None
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    # When it is forgotten, monotonic seconds.
    expires_at: float = 0.0


class MemorySources:
    """`Sources` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[str, StoredSources]],
        *,
        reachable: Callable[[], Awaitable[None]],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        self._reachable = reachable

    async def publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> Overview | None:
        await self._reachable()
        stored = self._tailer(overview.owner)
        for path, source in changed.items():
            if source is None:
                stored.sources.pop(path, None)
            else:
                stored.sources[path] = source
        before, stored.overview = stored.overview, overview
        stored.expires_at = time.monotonic() + SOURCES_KEPT_SECONDS
        self._stored()[overview.owner] = stored
        return before

    async def forget(self, owner: str) -> None:
        await self._reachable()
        self._stored().pop(owner, None)

    async def overviews(self) -> list[Overview]:
        await self._reachable()
        found = [self._tailer(owner).overview for owner in sorted(self._stored())]
        return [overview for overview in found if overview is not None]

    async def read(
        self,
        owner: str,
        *,
        after: str = "",
        states: Collection[SourceState] = tuple(SourceState),
        limit: int,
    ) -> list[Source]:
        await self._reachable()
        first = FirstPaths(after=after, states=states, limit=limit)
        first.take(self._tailer(owner).sources.values())
        return first.found

    def _tailer(self, owner: str) -> StoredSources:
        """The stored values of a tailer; empty ones if there are none."""
        stored = self._stored().get(owner)
        if stored is None or stored.expires_at < time.monotonic():
            return StoredSources()
        return stored
