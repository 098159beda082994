"""Entries and rejections, read over Redis or Valkey: a part of `RedisBroker`."""

from collections.abc import Mapping, Sequence
from typing import cast

from tailcast_streams.entries import Entry, Rejection
from tailcast_streams.position import EntryID
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import ask
from tailcast_streams.redis.core.replies import entries_of, rejections_of
from tailcast_streams.redis.errors import raise_refused, translated_errors


class RedisEntries(RedisCalls):
    """Reads pages of entries, and of rejections."""

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        with translated_errors():
            return cast(
                list[Entry],
                await self._redis.xrange(
                    self._keys.stream(session), min=f"({after}", count=limit
                ),
            )

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        commands = [
            ("XRANGE", self._keys.stream(session), f"({position}", "+", "COUNT", limit)
            for session, position in after.items()
        ]
        with translated_errors():
            replies = await self._line.exchange(commands)
        raise_refused(replies)
        return {
            session: entries_of(reply)
            for session, reply in zip(after, replies, strict=True)
            if reply
        }

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        highest = "+" if before is None else f"({before}"
        with translated_errors():
            return cast(
                list[Entry],
                await self._redis.xrevrange(
                    self._keys.stream(session), max=highest, count=limit
                ),
            )

    async def find(self, session: str, id: EntryID) -> Entry | None:
        key = self._keys.stream(session)
        replies = await self._questions([("XRANGE", key, str(id), str(id))])
        raise_refused(replies)
        (found,) = cast(list[list[Entry]], replies)
        return found[0] if found else None

    async def find_all(
        self, session: str, ids: Sequence[EntryID]
    ) -> list[Entry | None]:
        key = self._keys.stream(session)
        commands = [("XRANGE", key, str(id), str(id)) for id in ids]
        with translated_errors():
            replies = await self._line.exchange(commands)
        raise_refused(replies)
        return [entries_of(reply)[0] if reply else None for reply in replies]

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        key = self._keys.rejected(session)
        # Its name in bytes, or the reply would be read as that of a session's stream.
        command = (b"XRANGE", key, f"({after}", "+", "COUNT", limit)
        replies = await ask(self._redis, [command])
        raise_refused(replies)
        return rejections_of(replies[0])
