"""Sources over Redis or Valkey, as a part of `RedisBroker`.

There is a hash for each tailer, which expires, and a sorted set of the tailers by when
they last published. A hash has no order, so the first paths are found by reading it
whole.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask, script
from tailcast_streams.redis.core.sources import (
    OVERVIEW_FIELD,
    overview_of,
    overview_text,
    source_text,
    sources_of,
)
from tailcast_streams.redis.errors import own_reply, raise_refused, translated_errors
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
        # In one step, so that nothing that others write between is taken for ours.
        self._replace = redis.register_script(script("replace_field"))

    async def publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> Overview | None:
        try:
            return await self._publish(overview, changed)
        except KeySpoiled:
            # The tailer finds out that nothing is stored, and publishes all.
            await self.forget(overview.owner)
            raise

    async def _publish(
        self, overview: Overview, changed: Mapping[str, Source | None]
    ) -> Overview | None:
        key = self._keys.sources_of(overview.owner)
        # So the hash expires even after a crash.
        expires = ("EXPIRE", key, SOURCES_KEPT_SECONDS)
        left = iter(changed.items())
        while some := dict(islice(left, PIPELINE_PATHS)):
            await self._ask([*_changing(key, some), expires])
        field: list[EncodableT] = [OVERVIEW_FIELD, overview_text(overview)]
        with translated_errors():
            before = await self._replace([key], field)
        now_ms = time.time_ns() // 1_000_000
        index = self._keys.sources
        *_, gone = await self._ask(
            [
                expires,
                ("ZADD", index, now_ms, overview.owner),
                ("ZRANGEBYSCORE", index, 0, now_ms - _LISTED_MS),
            ]
        )
        if gone:
            await self._ask([("ZREM", index, *gone)])
        return overview_of(overview.owner, cast("bytes | None", before))

    async def _ask(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        replies = await ask(self._redis, commands)
        raise_refused(replies)
        return replies

    async def forget(self, owner: str) -> None:
        with translated_errors():
            await self._redis.delete(self._keys.sources_of(owner))

    async def overviews(self) -> list[Overview]:
        latest = ("ZREVRANGEBYSCORE", self._keys.sources, "+inf", 0)
        (reply,) = await ask(self._redis, [(*latest, "LIMIT", 0, MAX_TAILERS)])
        names = cast(list[bytes], own_reply(reply) or [])
        owners = sorted(name.decode(errors="replace") for name in names)
        asked = [("HGET", self._keys.sources_of(one), OVERVIEW_FIELD) for one in owners]
        replies = map(own_reply, await ask(self._redis, asked))
        found = map(overview_of, owners, replies)
        return [overview for overview in found if overview is not None]

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
            asked = ("HSCAN", key, cursor, "COUNT", SCANNED_FIELDS)
            (reply,) = await ask(self._redis, [asked])
            scanned = cast(Any, own_reply(reply) or (0, {}))
            cursor, fields = cast(tuple[int, dict[bytes, bytes]], scanned)
            first.take(sources_of(fields))
            if not cursor:
                break
        return first.found


def _changing(
    key: str, changed: Mapping[str, Source | None]
) -> Iterator[Sequence[EncodableT]]:
    """The commands that write these sources, and remove those that are None."""
    texts: list[EncodableT] = []
    gone: list[EncodableT] = []
    for path, source in changed.items():
        if source is None:
            gone.append(path)
        else:
            texts += (path, source_text(source))
    if texts:
        yield ("HSET", key, *texts)
    if gone:
        yield ("HDEL", key, *gone)
