"""The lists of sessions and tailers, over Redis or Valkey: part of `RedisBroker`."""

import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias, cast

from redis.commands.core import AsyncScript

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, ask
from tailcast_streams.redis.core.replies import birth_of
from tailcast_streams.redis.errors import own_reply, translated_errors


# A time after all others: scores and JSON hold milliseconds exactly up to here. "inf",
# which somebody may have written by hand, is no time.
_LAST_MS = 2**53
_Scores: TypeAlias = list[tuple[bytes, float]]
# What a presence says: nothing, as in versions before 0.2, or that there is another key
# for as long as the tailer is awake.
_SAYS_NOTHING = b"1"
_SAYS_AWAKE = b"awake"


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
        asked = ("HMGET", self._keys.births, "counter", "number")
        (found,) = map(own_reply, await self._questions([asked]))
        return UNCOUNTED if found is None else birth_of(found)

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        pairs = list(activity_ms.items())
        for start in range(0, len(pairs), PIPELINE_COMMANDS):
            some = dict(pairs[start : start + PIPELINE_COMMANDS])
            with translated_errors():
                await self._redis.zadd(self._keys.sessions, some, gt=True)

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        highest = _LAST_MS if active_until_ms is None else active_until_ms
        with translated_errors():
            found = cast(
                _Scores,
                await self._redis.zrangebyscore(
                    self._keys.sessions, active_since_ms, highest, withscores=True
                ),
            )
        return _times_of(found)

    async def latest_sessions(
        self, limit: int, *, active_until_ms: int | None = None
    ) -> dict[str, int]:
        highest = _LAST_MS if active_until_ms is None else active_until_ms
        with translated_errors():
            found = cast(
                _Scores,
                await self._redis.zrevrangebyscore(
                    self._keys.sessions,
                    highest,
                    0,
                    start=0,
                    num=limit,
                    withscores=True,
                ),
            )
        latest = _times_of(found)
        if len(found) < limit:
            return latest
        last_ms = latest[found[-1][0].decode(errors="replace")]
        return latest | await self.sessions(
            active_since_ms=last_ms, active_until_ms=last_ms
        )

    async def coldest_sessions(
        self, limit: int, *, start: int = 0, active_until_ms: int
    ) -> dict[str, int]:
        with translated_errors():
            found = cast(
                _Scores,
                await self._redis.zrangebyscore(
                    self._keys.sessions,
                    0,
                    active_until_ms,
                    start=start,
                    num=limit,
                    withscores=True,
                ),
            )
        return _times_of(found)

    async def count_sessions(self) -> int:
        with translated_errors():
            return int(await self._redis.zcard(self._keys.sessions))

    async def activity(self, sessions: Sequence[str]) -> dict[str, int]:
        if not sessions:
            return {}
        with translated_errors():
            found = await self._redis.zmscore(self._keys.sessions, list(sessions))
        return {
            name: int(score)
            for name, score in zip(sessions, found, strict=True)
            if score is not None and 0 <= score <= _LAST_MS
        }

    async def unlist(self, session: str) -> None:
        with translated_errors():
            await self._redis.zrem(self._keys.sessions, session)

    async def hold_presence(
        self, owner: str, *, seconds: float, awake_seconds: float | None = None
    ) -> None:
        said: list[Sequence[str | bytes | int]] = []
        # First, so that nobody finds it present and not awake.
        if awake_seconds is not None:
            milliseconds = int(awake_seconds * 1_000)
            said.append(("SET", self._keys.awake(owner), "1", "PX", milliseconds))
        kind = _SAYS_NOTHING if awake_seconds is None else _SAYS_AWAKE
        milliseconds = int(seconds * 1_000)
        said.append(("SET", self._keys.presence(owner), kind, "PX", milliseconds))
        await self._ask(said)

    async def is_present(self, owner: str) -> bool:
        with translated_errors():
            return bool(await self._redis.exists(self._keys.presence(owner)))

    async def present(self, owners: Sequence[str]) -> set[str]:
        asked = [("EXISTS", self._keys.presence(owner)) for owner in owners]
        found = await self._ask(asked)
        return {
            owner for owner, is_there in zip(owners, found, strict=True) if is_there
        }

    async def awake(self, owners: Sequence[str]) -> set[str]:
        asked: list[Sequence[str]] = []
        for owner in owners:
            asked.append(("GET", self._keys.presence(owner)))
            asked.append(("EXISTS", self._keys.awake(owner)))
        # (One that another program wrote is written over with the next sign of life.)
        found = [own_reply(reply) for reply in await ask(self._redis, asked)]
        signs = zip(owners, found[::2], found[1::2], strict=True)
        return {
            owner
            for owner, presence, is_awake in signs
            if presence is not None and (is_awake or presence == _SAYS_NOTHING)
        }

    async def has_begun(self, tailer: str) -> bool:
        asked = ("SISMEMBER", self._keys.begun, tailer)
        (found,) = map(own_reply, await ask(self._redis, [asked]))
        # Where that cannot be told, no line is left out.
        return found is None or bool(found)

    async def note_begun(self, tailer: str) -> None:
        with translated_errors():
            await self._redis.sadd(self._keys.begun, tailer)

    @cached_property
    def _births(self) -> AsyncScript:
        return self._script("last_id", "births")


def _times_of(found: _Scores) -> dict[str, int]:
    return {name.decode(errors="replace"): int(score) for name, score in found}
