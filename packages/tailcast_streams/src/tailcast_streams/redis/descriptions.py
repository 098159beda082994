"""Descriptions over Redis or Valkey, as a part of `RedisBroker`."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from tailcast_streams.descriptions import EDITED, Description
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask, script
from tailcast_streams.redis.errors import own_reply, translated_errors


# Of how many sessions descriptions are read in one pipeline.
DESCRIBED_AT_ONCE = 64


class RedisDescriptions:
    """`Descriptions` over a broker's connections."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        said: Callable[[str], Awaitable[tuple[str, str]]],
    ) -> None:
        self._redis = redis
        self._keys = keys
        # Returns the broker's channel, and a text with the tag that it needs there.
        self._said = said

    async def load(self, sessions: Sequence[str]) -> list[Description]:
        found: list[Description] = []
        for start in range(0, len(sessions), DESCRIBED_AT_ONCE):
            some = sessions[start : start + DESCRIBED_AT_ONCE]
            commands = [
                ("HGETALL", key)
                for session in some
                for key in (self._keys.about(session), self._keys.edits(session))
            ]
            hashes = [_fields(reply) for reply in await ask(self._redis, commands)]
            found += map(Description, hashes[::2], hashes[1::2])
        return found

    async def tell(
        self, session: str, incarnation: str, told: Mapping[str, bytes]
    ) -> bool:
        keys = [self._keys.about(session), self._keys.state(session)]
        with translated_errors():
            return bool(await self._tell(keys, [incarnation, *_pairs(told)]))

    async def edit(self, session: str, edits: Mapping[str, bytes]) -> bool:
        keys = [self._keys.edits(session), self._keys.state(session)]
        said = await self._said(f"{EDITED}{session}")
        with translated_errors():
            return bool(await self._edit(keys, [*said, *_pairs(edits)]))

    @cached_property
    def _tell(self) -> AsyncScript:
        return self._redis.register_script(script("last_id", "refusal", "tell"))

    @cached_property
    def _edit(self) -> AsyncScript:
        return self._redis.register_script(script("last_id", "refusal", "edit"))


def _pairs(fields: Mapping[str, bytes]) -> Iterator[str | bytes]:
    for name, value in fields.items():
        yield name
        yield value


def _fields(reply: Any) -> Mapping[str, bytes]:
    """The fields of a hash; none of a key that another program wrote."""
    fields: dict[bytes, bytes] = own_reply(reply) or {}
    return {name.decode(errors="replace"): value for name, value in fields.items()}
