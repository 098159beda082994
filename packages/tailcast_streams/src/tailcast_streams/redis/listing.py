"""The lists of sessions and tailers, over Redis or Valkey: part of `RedisBroker`."""

import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import cast

from redis.commands.core import AsyncScript

from tailcast_streams.births import Birth
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import PIPELINE_COMMANDS
from tailcast_streams.redis.core.replies import birth_of
from tailcast_streams.redis.errors import translated_errors


# A time after all others: scores and JSON hold milliseconds exactly up to here.
_LAST_MS = 2**53


class RedisListing(RedisCalls):
    """The list of sessions, their births, and the presence of tailers."""

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        token = secrets.token_hex(4)
        commands = (
            ("ZADD", self._keys.sessions, "GT", activity_ms, session),
            ("EVALSHA", self._births.sha, 1, self._keys.births, token),
        )

        async def alone() -> object:
            await self.touch({session: activity_ms})
            return await self._births([self._keys.births], [token])

        with translated_errors():
            answer = await self._together(commands, alone)
        return birth_of(cast(list[bytes], answer))

    async def births(self) -> Birth:
        with translated_errors():
            found = await self._redis.hmget(self._keys.births, ["counter", "number"])
        return birth_of(cast(list[bytes | None], found))

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        pairs = list(activity_ms.items())
        for start in range(0, len(pairs), PIPELINE_COMMANDS):
            some = dict(pairs[start : start + PIPELINE_COMMANDS])
            with translated_errors():
                await self._redis.zadd(self._keys.sessions, some, gt=True)

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        # Leave out "inf", which is no time; somebody may have written it by hand.
        highest = _LAST_MS if active_until_ms is None else active_until_ms
        with translated_errors():
            found = cast(
                list[tuple[bytes, float]],
                await self._redis.zrangebyscore(
                    self._keys.sessions, active_since_ms, highest, withscores=True
                ),
            )
        return {name.decode(errors="replace"): int(score) for name, score in found}

    async def unlist(self, session: str) -> None:
        with translated_errors():
            await self._redis.zrem(self._keys.sessions, session)

    async def hold_presence(self, owner: str, *, seconds: float) -> None:
        with translated_errors():
            await self._redis.set(
                self._keys.presence(owner), "1", px=int(seconds * 1_000)
            )

    async def is_present(self, owner: str) -> bool:
        with translated_errors():
            return bool(await self._redis.exists(self._keys.presence(owner)))

    async def present(self, owners: Sequence[str]) -> set[str]:
        async with self._pipeline() as pipeline:
            for owner in owners:
                pipeline.exists(self._keys.presence(owner))
            found = await self._execute(pipeline)
        return {
            owner for owner, is_there in zip(owners, found, strict=True) if is_there
        }

    async def has_begun(self, tailer: str) -> bool:
        with translated_errors():
            return bool(await self._redis.sismember(self._keys.begun, tailer))

    async def note_begun(self, tailer: str) -> None:
        with translated_errors():
            await self._redis.sadd(self._keys.begun, tailer)

    @cached_property
    def _births(self) -> AsyncScript:
        return self._script("births")
