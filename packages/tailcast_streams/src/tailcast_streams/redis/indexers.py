"""Indexers over Redis or Valkey, as a part of `RedisBroker`.

There is one hash with a field for each of them. Until when it is there is said by the
broker's clock, which is one for all.
"""

from collections.abc import Sequence
from typing import cast

from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.indexers import Indexer
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask
from tailcast_streams.redis.core.indexers import Noted, indexer_text, noted_of
from tailcast_streams.redis.errors import (
    own_reply,
    raise_refused,
    translated_errors,
)


class RedisIndexers:
    """`Indexers` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.indexers

    async def hold(self, indexer: Indexer, *, seconds: float) -> list[Indexer]:
        now_ms, noted = await self._read()
        text = indexer_text(indexer, now_ms + int(seconds * 1_000))
        commands: list[Sequence[EncodableT]] = [("HSET", self._key, indexer.name, text)]
        if noted.gone:
            commands.append(("HDEL", self._key, *noted.gone))
        try:
            raise_refused(await ask(self._redis, commands))
        except KeySpoiled:
            # The others say again that they are there.
            again = [("DEL", self._key), *commands]
            raise_refused(await ask(self._redis, again))
        others = [one for one in noted.present if one.name != indexer.name]
        return sorted([*others, indexer])

    async def present(self) -> list[Indexer]:
        return (await self._read())[1].present

    async def withdraw(self, name: str) -> None:
        with translated_errors():
            await self._redis.hdel(self._key, name)

    async def _read(self) -> tuple[int, Noted]:
        """The broker's time, and the indexers at that time."""
        time, reply = await ask(self._redis, [("TIME",), ("HGETALL", self._key)])
        raise_refused([time])
        fields = cast(dict[bytes, bytes], own_reply(reply) or {})
        seconds, microseconds = time
        now_ms = int(seconds) * 1_000 + int(microseconds) // 1_000
        return now_ms, noted_of(fields, now_ms)
