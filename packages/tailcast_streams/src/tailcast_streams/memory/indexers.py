"""Indexers in this process's memory, as a part of `MemoryBroker`."""

import time
from collections.abc import Awaitable, Callable

from tailcast_streams.indexers import Indexer


class MemoryIndexers:
    """`Indexers` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[str, tuple[Indexer, float]]],
        *,
        reachable: Callable[[], Awaitable[None]],
    ) -> None:
        # Returns what is stored now, since the broker may forget: each with the
        # monotonic time at which its presence ends.
        self._stored = stored
        self._reachable = reachable

    async def hold(self, indexer: Indexer, *, seconds: float) -> list[Indexer]:
        await self._reachable()
        self._stored()[indexer.name] = (indexer, time.monotonic() + seconds)
        return self._present()

    async def present(self) -> list[Indexer]:
        await self._reachable()
        return self._present()

    async def withdraw(self, name: str) -> None:
        await self._reachable()
        self._stored().pop(name, None)

    def _present(self) -> list[Indexer]:
        now = time.monotonic()
        return sorted(one for one, until in self._stored().values() if until > now)
