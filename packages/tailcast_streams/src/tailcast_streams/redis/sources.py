"""Sources over Redis or Valkey, as a part of `RedisBroker`.

There is a hash for each tailer, which expires, and a sorted set of the tailers by when
they last published. A hash has no order, so the first paths are found by reading it
whole.
"""

import time
from collections.abc import Awaitable, Collection, Mapping
from itertools import islice
from typing import Any, cast

from redis.asyncio import Redis

from tailcast_streams.keys import Keys
from tailcast_streams.redis.core.sources import (
    OVERVIEW_FIELD,
    overview_of,
    overview_text,
    source_text,
    sources_of,
)
from tailcast_streams.redis.errors import translated_errors
from tailcast_streams.sources import (
    MAX_LISTED_PATHS,
    SOURCES_KEPT_SECONDS,
    FirstPaths,
    Overview,
    Source,
    SourceState,
)


# How many paths one pipeline changes.
PIPELINE_PATHS = 500
# About how many fields one HSCAN returns.
SCANNED_FIELDS = 1_000
# After this many scans the hash has more fields than a tailer writes.
_MOST_SCANS = 4 * MAX_LISTED_PATHS // SCANNED_FIELDS
# How many tailers are read, those that published last.
MAX_TAILERS = 1_000
# After how long without publishing a tailer is removed from the list.
_LISTED_MS = 86_400_000


class RedisSources:
    """`Sources` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> None:
        key = self._keys.sources_of(overview.owner)
        left = iter(changed.items())
        while some := dict(islice(left, PIPELINE_PATHS)):
            await self._change(key, some)
        now_ms = time.time_ns() // 1_000_000
        index = self._keys.sources
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hset(key, OVERVIEW_FIELD, cast(str, overview_text(overview)))
                pipeline.expire(key, SOURCES_KEPT_SECONDS)
                pipeline.zadd(index, {overview.owner: now_ms})
                pipeline.zrangebyscore(index, 0, now_ms - _LISTED_MS)
                *_, gone = await pipeline.execute()
            if gone:
                await self._redis.zrem(index, *gone)

    async def _change(self, key: str, changed: Mapping[str, Source | None]) -> None:
        texts: dict[Any, Any] = {
            path: source_text(source)
            for path, source in changed.items()
            if source is not None
        }
        gone = [path for path, source in changed.items() if source is None]
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                if texts:
                    pipeline.hset(key, mapping=texts)
                if gone:
                    pipeline.hdel(key, *gone)
                # So the hash expires even after a crash.
                pipeline.expire(key, SOURCES_KEPT_SECONDS)
                await pipeline.execute()

    async def overview(self, owner: str) -> Overview | None:
        return (await self._overviews([owner]))[0]

    async def forget(self, owner: str) -> None:
        with translated_errors():
            await self._redis.delete(self._keys.sources_of(owner))

    async def overviews(self) -> list[Overview]:
        with translated_errors():
            names = cast(
                list[bytes],
                await self._redis.zrevrangebyscore(
                    self._keys.sources, "+inf", 0, start=0, num=MAX_TAILERS
                ),
            )
        owners = sorted(name.decode(errors="replace") for name in names)
        found = await self._overviews(owners) if owners else []
        return [overview for overview in found if overview is not None]

    async def _overviews(self, owners: list[str]) -> list[Overview | None]:
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for owner in owners:
                    pipeline.hmget(self._keys.sources_of(owner), [OVERVIEW_FIELD])
                replies = cast(list[list[bytes | None]], await pipeline.execute())
        return [
            overview_of(owner, text)
            for owner, (text,) in zip(owners, replies, strict=True)
        ]

    async def read(
        self,
        owner: str,
        *,
        after: str = "",
        states: Collection[SourceState] = tuple(SourceState),
        limit: int,
    ) -> list[Source]:
        key = self._keys.sources_of(owner)
        first = FirstPaths(after=after, states=states, limit=limit)
        cursor = 0
        for _ in range(_MOST_SCANS):
            with translated_errors():
                cursor, fields = await cast(
                    Awaitable[tuple[int, dict[bytes, bytes]]],
                    self._redis.hscan(key, cursor, count=SCANNED_FIELDS),
                )
            first.take(sources_of(fields))
            if not cursor:
                break
        return first.found
