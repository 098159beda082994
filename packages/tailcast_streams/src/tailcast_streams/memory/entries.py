"""Entries and rejections, read from this process' memory: a part of `MemoryBroker`."""

from collections.abc import Mapping, Sequence

from tailcast_streams.entries import Entry, NewRejection, Rejection
from tailcast_streams.memory.calls import MemoryCalls
from tailcast_streams.memory.stored import StoredStream
from tailcast_streams.position import EntryID


class MemoryEntries(MemoryCalls):
    """Reads pages of entries, and of rejections."""

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        await self._reachable()
        stream = self._stored.streams.get(session, StoredStream())
        start = stream.index_after(after)
        return stream.entries[start : start + limit]

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        await self._reachable()
        found = {
            session: await self.read_after(session, position, limit=limit)
            for session, position in after.items()
        }
        return {session: entries for session, entries in found.items() if entries}

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        await self._reachable()
        stream = self._stored.streams.get(session, StoredStream())
        end = len(stream.entries) if before is None else stream.index_of(before)
        return stream.entries[max(0, end - limit) : end][::-1]

    async def find(self, session: str, id: EntryID) -> Entry | None:
        await self._reachable()
        stream = self._stored.streams.get(session, StoredStream())
        at = stream.index_of(id)
        if at < len(stream.entries) and stream.entries[at].id == id:
            return stream.entries[at]
        return None

    async def find_all(
        self, session: str, ids: Sequence[EntryID]
    ) -> list[Entry | None]:
        return [await self.find(session, id) for id in ids]

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        await self._reachable()
        kept = self._stored.rejected.get(session, [])
        later = [(id, line) for id, line in kept if id > after]
        return [
            Rejection(
                id,
                line.reason,
                line.offset - line.length - 1,
                line.length,
                line.head.decode(errors="replace"),
            )
            for id, line in later[:limit]
        ]

    def rejections(self, session: str) -> list[tuple[EntryID, NewRejection]]:
        """The rejected lines of a session, oldest first."""
        return list(self._stored.rejected.get(session, []))
