"""Indexes in this process's memory, as a part of `MemoryBroker`.

It does in Python what `write_index.lua` does in Redis; one suite tests both.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tailcast_streams.indexes import (
    NO_INDEX,
    Chunk,
    IndexWrite,
    Place,
    StoredIndex,
    WholeIndex,
    Written,
    check_write,
)


@dataclass(slots=True)
class StoredWhole:
    """The stored values of one index."""

    at: str = ""
    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])
    metrics: dict[str, bytes] = field(default_factory=dict[str, bytes])
    # In the order of their records.
    places: list[Place] = field(default_factory=list[Place])
    chunks: dict[Chunk, bytes] = field(default_factory=dict[Chunk, bytes])


class MemoryIndexes:
    """`Indexes` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[str, StoredWhole]],
        *,
        reachable: Callable[[], Awaitable[None]],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        self._reachable = reachable

    async def load(self, sessions: Sequence[str]) -> list[StoredIndex]:
        await self._reachable()
        found = [self._stored().get(session) for session in sessions]
        return [
            NO_INDEX if one is None else StoredIndex(one.at, dict(one.fields))
            for one in found
        ]

    async def whole(
        self, sessions: Sequence[str], names: Sequence[str] | None
    ) -> list[WholeIndex]:
        await self._reachable()
        return [self._whole(session, names) for session in sessions]

    def _whole(self, session: str, names: Sequence[str] | None) -> WholeIndex:
        stored = self._stored().get(session)
        if stored is None:
            return WholeIndex()
        index = StoredIndex(stored.at, dict(stored.fields))
        return WholeIndex(index, _metrics_of(stored, names))

    async def some(
        self, sessions: Sequence[str], names: Sequence[str]
    ) -> list[StoredIndex]:
        return [
            StoredIndex(
                one.at, {name: one.fields[name] for name in names if name in one.fields}
            )
            for one in await self.load(sessions)
        ]

    async def ats(self, sessions: Sequence[str]) -> list[str]:
        return [index.at for index in await self.load(sessions)]

    async def write(self, writes: Sequence[IndexWrite]) -> list[Written]:
        for write in writes:
            check_write(write)
        await self._reachable()
        return [self._write(write) for write in writes]

    def _write(self, write: IndexWrite) -> Written:
        stored = self._stored().get(write.session, StoredWhole())
        if stored.at != write.expected:
            return Written.CONFLICT
        if not write.expected or (write.begins and write.keep_records is None):
            stored = StoredWhole()
        elif write.begins:
            stored = StoredWhole(places=stored.places, chunks=stored.chunks)
        self._stored()[write.session] = stored
        stored.at = write.at
        stored.fields.update(write.fields)
        stored.metrics.update(write.metrics)
        if write.keep_records is not None:
            stored.places = [
                place for place in stored.places if place.records <= write.keep_records
            ]
        added = {
            place
            for place in write.places
            if place.step is not None or place.time_ms is not None
        }
        stored.places = sorted(
            {*stored.places, *added}, key=lambda place: place.records
        )
        for chunk in write.dropped:
            stored.chunks.pop(chunk, None)
        stored.chunks.update(write.chunks)
        return Written.DONE

    async def metrics(
        self, session: str, names: Sequence[str] | None
    ) -> dict[str, bytes]:
        await self._reachable()
        return _metrics_of(self._stored().get(session, StoredWhole()), names)

    async def place_before(
        self, session: str, *, step: float | None = None, time_ms: int | None = None
    ) -> Place | None:
        await self._reachable()
        before = [
            place
            for place in self._stored().get(session, StoredWhole()).places
            if _is_below(place.step, step) or _is_below(place.time_ms, time_ms)
        ]
        return before[-1] if before else None

    async def chunks(self, session: str, wanted: Sequence[Chunk]) -> list[bytes | None]:
        await self._reachable()
        stored = self._stored().get(session, StoredWhole()).chunks
        return [stored.get(chunk) for chunk in wanted]

    async def spoiled(self, sessions: Sequence[str]) -> list[bool]:
        await self._reachable()
        return [False for _ in sessions]

    async def discard(self, session: str) -> None:
        await self._reachable()
        self._stored().pop(session, None)


def _metrics_of(stored: StoredWhole, names: Sequence[str] | None) -> dict[str, bytes]:
    known = stored.metrics
    return {
        name: known[name]
        for name in (known if names is None else names)
        if name in known
    }


def _is_below(reached: float | None, asked: float | None) -> bool:
    return reached is not None and asked is not None and reached < asked
