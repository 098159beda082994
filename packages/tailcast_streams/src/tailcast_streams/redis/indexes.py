"""Indexes over Redis or Valkey, as a part of `RedisBroker`.

It makes the arguments of the script that compares and writes; what is read is read by
plain commands, with which gateways may do so too.
"""

from collections.abc import Awaitable, Iterator, Sequence
from functools import cached_property
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.typing import EncodableT

from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.indexes import (
    LEVELS,
    NO_INDEX,
    Chunk,
    IndexWrite,
    Place,
    StoredIndex,
    WholeIndex,
    Written,
    check_write,
)
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, ask, script
from tailcast_streams.redis.core.places import place_of, place_text, records_text
from tailcast_streams.redis.errors import own_reply, raise_refused, translated_errors


# The field of an index that says up to which entry it is true.
AT_FIELD = "at"
# How many indexes one pipeline reads: each may have the latest record.
LOADED_AT_ONCE = 100
# How often an index is read with its metrics until no write comes between.
WHOLE_TRIES = 5
# The types of the keys of an index, in the order of `Keys.of_index`.
_KINDS = (b"hash", b"hash", b"zset", b"zset", *(b"hash" for _ in LEVELS))
# How many keys of an index stand before those of its roll-ups, and the number of each
# level among these.
_PARTS = 4
_NUMBERS = {level: number for number, level in enumerate(LEVELS, 1)}


class RedisIndexes:
    """`Indexes` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def load(self, sessions: Sequence[str]) -> list[StoredIndex]:
        found: list[StoredIndex] = []
        for start in range(0, len(sessions), LOADED_AT_ONCE):
            commands = [
                ("HGETALL", self._keys.index(session))
                for session in sessions[start : start + LOADED_AT_ONCE]
            ]
            found += map(_index_of, await ask(self._redis, commands))
        return found

    async def whole(
        self, sessions: Sequence[str], names: Sequence[str] | None
    ) -> list[WholeIndex]:
        if names is not None and not names:
            return [WholeIndex(one) for one in await self.load(sessions)]
        found: dict[str, WholeIndex] = {}
        for _ in range(WHOLE_TRIES):
            left = [session for session in sessions if session not in found]
            for start in range(0, len(left), LOADED_AT_ONCE):
                found |= await self._whole(left[start : start + LOADED_AT_ONCE], names)
            if len(found) == len(set(sessions)):
                return [found[session] for session in sessions]
        raise BrokerUnavailable("an index becomes another one all the time")

    async def _whole(
        self, sessions: Sequence[str], names: Sequence[str] | None
    ) -> dict[str, WholeIndex]:
        """Those of which no write came between their index and their metrics."""
        commands: list[Sequence[str]] = []
        for session in sessions:
            index, metrics = self._keys.index(session), self._keys.metrics(session)
            commands.append(("HGETALL", index))
            commands.append(
                ("HGETALL", metrics) if names is None else ("HMGET", metrics, *names)
            )
            commands.append(("HGET", index, AT_FIELD))
        replies = iter(await ask(self._redis, commands))
        found: dict[str, WholeIndex] = {}
        for session, reply, values, at in zip(
            sessions, replies, replies, replies, strict=True
        ):
            stored = _index_of(reply)
            if not stored.at:
                found[session] = WholeIndex()
                continue
            raise_refused([values])
            then = (own_reply(at) or b"").decode(errors="replace")
            if then == stored.at:
                found[session] = WholeIndex(stored, _metrics_of(values, names))
        return found

    async def some(
        self, sessions: Sequence[str], names: Sequence[str]
    ) -> list[StoredIndex]:
        found: list[StoredIndex] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            commands = [
                ("HMGET", self._keys.index(session), AT_FIELD, *names)
                for session in sessions[start : start + PIPELINE_COMMANDS]
            ]
            for reply in await ask(self._redis, commands):
                at, *values = own_reply(reply) or [None] * (1 + len(names))
                known = zip(names, values, strict=True)
                fields = {name: one for name, one in known if one is not None}
                text = (at or b"").decode(errors="replace")
                found.append(StoredIndex(text, fields) if text else NO_INDEX)
        return found

    async def ats(self, sessions: Sequence[str]) -> list[str]:
        return [one.at for one in await self.some(sessions, ())]

    async def write(self, writes: Sequence[IndexWrite]) -> list[Written]:
        for write in writes:
            check_write(write)
        commands = [self._command(write) for write in writes]
        replies = await ask(self._redis, commands)
        forgotten = [
            number
            for number, reply in enumerate(replies)
            if isinstance(reply, redis_errors.NoScriptError)
        ]
        if forgotten:
            # Only those: what was written already would be refused.
            with translated_errors():
                await self._redis.script_load(self._write.script)
            again = await ask(self._redis, [commands[number] for number in forgotten])
            for number, reply in zip(forgotten, again, strict=True):
                replies[number] = reply
        raise_refused(replies)
        return [Written(cast(bytes, reply).decode()) for reply in replies]

    def _command(self, write: IndexWrite) -> Sequence[EncodableT]:
        keys = self._keys.of_index(write.session)[: _touched(write)]
        return ("EVALSHA", self._write.sha, len(keys), *keys, *_arguments(write))

    async def metrics(
        self, session: str, names: Sequence[str] | None
    ) -> dict[str, bytes]:
        key = self._keys.metrics(session)
        if names is None:
            with translated_errors():
                return _texts(
                    await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(key))
                )
        found = await self._values([(key, list(names))] if names else [])
        return _metrics_of(found, names)

    async def place_before(
        self, session: str, *, step: float | None = None, time_ms: int | None = None
    ) -> Place | None:
        if step is not None:
            key, highest = self._keys.places(session), repr(float(step))
        else:
            key, highest = self._keys.places_by_time(session), str(time_ms)
        with translated_errors():
            found = cast(
                list[bytes],
                await self._redis.zrevrangebyscore(
                    key, f"({highest}", "-inf", start=0, num=1
                ),
            )
        return place_of(found[0]) if found else None

    async def chunks(self, session: str, wanted: Sequence[Chunk]) -> list[bytes | None]:
        fields: dict[int, list[str]] = {}
        for level, field in wanted:
            fields.setdefault(level, []).append(field)
        found = await self._values(
            [
                (self._keys.rollup(session, level), some)
                for level, some in fields.items()
            ]
        )
        names = [(level, field) for level, some in fields.items() for field in some]
        values = dict(zip(names, found, strict=True))
        return [values[chunk] for chunk in wanted]

    async def spoiled(self, sessions: Sequence[str]) -> list[bool]:
        found: list[bool] = []
        for start in range(0, len(sessions), LOADED_AT_ONCE):
            some = sessions[start : start + LOADED_AT_ONCE]
            keys = [self._keys.of_index(session) for session in some]
            kinds = await ask(
                self._redis, [("TYPE", key) for each in keys for key in each]
            )
            raise_refused(kinds)
            size = len(_KINDS)
            for at in range(0, len(kinds), size):
                pairs = zip(kinds[at : at + size], _KINDS, strict=True)
                found.append(any(kind not in (b"none", right) for kind, right in pairs))
        return found

    async def discard(self, session: str) -> None:
        with translated_errors():
            await self._redis.delete(*self._keys.of_index(session))

    async def _values(self, asked: Sequence[tuple[str, list[str]]]) -> list[Any]:
        """The values of fields of some hashes, one after the other."""
        replies = await ask(self._redis, [("HMGET", key, *some) for key, some in asked])
        raise_refused(replies)
        return [value for reply in replies for value in reply]

    @cached_property
    def _write(self) -> AsyncScript:
        return self._redis.register_script(script("last_id", "refusal", "write_index"))


def _touched(write: IndexWrite) -> int | None:
    """How many of the keys of an index a write names, None for all of them.

    Mostly the first two: each of the others is dear to send and to look at.
    """
    if write.begins or not write.expected or write.keep_records is not None:
        return None
    levels = [_NUMBERS[level] for level, _ in (*write.chunks, *write.dropped)]
    if levels:
        return _PARTS + max(levels)
    return _PARTS if write.places else 2


def _arguments(write: IndexWrite) -> Iterator[EncodableT]:
    yield write.expected
    yield write.at
    yield int(write.begins)
    # Behind all members at so many records, before those of the next number.
    yield "" if write.keep_records is None else f"{records_text(write.keep_records)}!"
    for part in (
        write.fields, write.metrics, write.places, write.chunks, write.dropped
    ):  # fmt: skip  # one name a line would hide what they are
        yield len(part)
    for values in (write.fields, write.metrics):
        for name, value in values.items():
            yield name
            yield value
    for place in write.places:
        yield place_text(place)
        yield "" if place.step is None else repr(float(place.step))
        yield "" if place.time_ms is None else place.time_ms
    for (level, field), value in write.chunks.items():
        yield _NUMBERS[level]
        yield field
        yield value
    for level, field in write.dropped:
        yield _NUMBERS[level]
        yield field


def _index_of(reply: Any) -> StoredIndex:
    fields = _texts(own_reply(reply) or {})
    at = fields.pop(AT_FIELD, b"").decode(errors="replace")
    return StoredIndex(at, fields) if at else NO_INDEX


def _metrics_of(reply: Any, names: Sequence[str] | None) -> dict[str, bytes]:
    if names is None:
        return _texts(reply)
    known = zip(names, reply, strict=True)
    return {name: value for name, value in known if value is not None}


def _texts(fields: dict[bytes, bytes]) -> dict[str, bytes]:
    return {name.decode(errors="replace"): value for name, value in fields.items()}
