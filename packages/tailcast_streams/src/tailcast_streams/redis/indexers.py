"""Indexers over Redis or Valkey, as a part of `RedisBroker`.

There is one hash with a field for each of them. Until when it is there is said by the
broker's clock, which is one for all.
"""

from typing import Any

from redis.asyncio import Redis

from tailcast_streams.indexers import Indexer
from tailcast_streams.keys import Keys
from tailcast_streams.redis.core.indexers import Noted, indexer_text, noted_of
from tailcast_streams.redis.errors import translated_errors


class RedisIndexers:
    """`Indexers` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.indexers

    async def hold(self, indexer: Indexer, *, seconds: float) -> list[Indexer]:
        now_ms, noted = await self._read()
        text = indexer_text(indexer, now_ms + int(seconds * 1_000))
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.execute_command("HSET", self._key, indexer.name, text)
                if noted.gone:
                    pipeline.execute_command("HDEL", self._key, *noted.gone)
                await pipeline.execute()
        others = [one for one in noted.present if one.name != indexer.name]
        return sorted([*others, indexer])

    async def present(self) -> list[Indexer]:
        return (await self._read())[1].present

    async def withdraw(self, name: str) -> None:
        with translated_errors():
            await self._redis.hdel(self._key, name)

    async def _read(self) -> tuple[int, Noted]:
        """The broker's time, and the indexers at that time."""
        reply: list[Any]
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.execute_command("TIME")
                pipeline.execute_command("HGETALL", self._key)
                reply = await pipeline.execute()
        (seconds, microseconds), fields = reply
        now_ms = int(seconds) * 1_000 + int(microseconds) // 1_000
        return now_ms, noted_of(fields, now_ms)
