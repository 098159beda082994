"""Kept emergencies over Redis or Valkey, as a part of `RedisBroker`.

All keys are in one hash slot, that of the emergencies which come as whole files. One
script keeps what an indexer found; what people acknowledged is in a hash of its own,
the only one that gateways write.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from functools import cached_property
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.typing import EncodableT

from tailcast_streams.emergencies import (
    MAX_KEPT,
    MAX_KEPT_OF_SESSION,
    MAX_RECORD_BYTES,
    Acknowledgement,
    EmergencyWrite,
    KeptEmergency,
    KeptHistory,
    acknowledgement_of,
    acknowledgement_text,
    kept_of,
    kept_text,
    life_of,
    life_text,
    member_of,
)
from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask, script
from tailcast_streams.redis.errors import own_reply, raise_refused, translated_errors


# The field of a hash that is another one whenever something in the hash changed. No
# session begins so, and no emergency has such an ID.
VERSION_FIELD = "!version"
# How many are read from their texts without a pause.
READ_AT_ONCE = 500


class RedisEmergencies:
    """`Emergencies` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def keep(self, writes: Sequence[EmergencyWrite]) -> int:
        if not writes:
            return 0
        commands = [self._command(write) for write in writes]
        replies = await ask(self._redis, commands)
        if any(isinstance(one, redis_errors.NoScriptError) for one in replies):
            # All of them again: what was done may be repeated.
            with translated_errors():
                await self._redis.script_load(self._keep.script)
            replies = await ask(self._redis, commands)
        raise_refused(replies)
        return sum(max(0, reply) for reply in replies)

    async def forget(self, session: str) -> None:
        await self.keep([EmergencyWrite(session=session, incarnation="")])

    async def versions(self) -> tuple[str, str]:
        (first,) = await self._answers(
            [("HGET", self._keys.emergency_lives, VERSION_FIELD)]
        )
        second = await self._acknowledged(
            ("HGET", self._keys.emergencies_acknowledged, VERSION_FIELD)
        )
        return _text(first), _text(second)

    async def load(self) -> KeptHistory:
        # The versions first: what changes meanwhile is read again.
        versions = await self.versions()
        known, lives = await self._answers(
            [
                ("HVALS", self._keys.emergencies_known),
                ("HGETALL", self._keys.emergency_lives),
            ]
        )
        acknowledged = await self._acknowledged(
            ("HGETALL", self._keys.emergencies_acknowledged)
        )
        return KeptHistory(
            versions=versions,
            kept=await _read(known),
            lives={
                name: life_of(text.decode(errors="replace"))
                for name, text in _named(lives)
            },
            acknowledged={
                id: seen
                for id, text in _named(acknowledged or {})
                if (seen := acknowledgement_of(text)) is not None
            },
        )

    async def records(self, kept: Sequence[KeptEmergency]) -> list[bytes | None]:
        members = [self._member(one.session, one) for one in kept]
        if not members:
            return []
        (found,) = await self._answers(
            [("HMGET", self._keys.emergency_records, *members)]
        )
        return cast(list[bytes | None], found)

    async def acknowledge(self, id: str, who: str, note: str) -> Acknowledgement:
        key = self._keys.emergencies_acknowledged
        with translated_errors():
            seconds, microseconds = await cast(Awaitable[Any], self._redis.time())
        at_ms = int(seconds) * 1_000 + int(microseconds) // 1_000
        wanted = Acknowledgement(who, note, at_ms)
        commands = [
            ("HSETNX", key, id, acknowledgement_text(wanted)),
            ("HGET", key, id),
        ]
        try:
            is_first, text = await self._answers(commands)
        except KeySpoiled:
            # Nothing that anybody has acknowledged is in it.
            is_first, text = (await self._answers([("DEL", key), *commands]))[1:]
        if is_first:
            await self._note_change()
        return acknowledgement_of(text or b"") or wanted

    async def take_back(self, ids: Sequence[str]) -> None:
        if ids:
            key = self._keys.emergencies_acknowledged
            await self._answers([("HDEL", key, *ids)])
            await self._note_change()

    async def _note_change(self) -> None:
        key = self._keys.emergencies_acknowledged
        await self._answers([("HSET", key, VERSION_FIELD, secrets.token_hex(8))])

    async def _acknowledged(self, command: Sequence[EncodableT]) -> Any:
        """What is asked of the acknowledged ones; None if their key is spoiled."""
        (reply,) = await ask(self._redis, [command])
        return own_reply(reply)

    async def discard(self) -> None:
        await self._answers([("DEL", *self._keys.of_emergencies())])

    async def are_spoiled(self) -> bool:
        keys = self._keys.of_emergencies()
        kinds = await self._answers([("TYPE", key) for key in keys])
        wanted = (b"zset", b"zset", b"hash", b"hash", b"hash")
        return any(
            kind not in (b"none", right)
            for kind, right in zip(kinds, wanted, strict=True)
        )

    def _member(self, session: str, one: KeptEmergency) -> str:
        return member_of(self._keys.escaped(session), one.cursor)

    def _command(self, write: EmergencyWrite) -> Sequence[EncodableT]:
        keys = self._keys.of_emergencies()
        session = self._keys.escaped(write.session)
        arguments: list[EncodableT] = [
            write.session,
            write.incarnation,
            int(write.begins),
            life_text(write.incarnation, write.cuts),
            write.cuts[-1][0] if write.cuts else 0,
            f"[{session}\t",
            # The byte behind the tab: behind all members of the session.
            f"({session}\n",
            MAX_KEPT_OF_SESSION,
            MAX_KEPT,
        ]
        for one in write.found:
            record = one.record if len(one.record) <= MAX_RECORD_BYTES else b""
            arguments += (
                member_of(session, one.cursor),
                kept_text(write.session, one, write.incarnation),
                "" if one.time_ms is None else one.time_ms,
                one.found_ms,
                record,
            )
        return ("EVALSHA", self._keep.sha, len(keys), *keys, *arguments)

    async def _answers(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        replies = await ask(self._redis, commands)
        raise_refused(replies)
        return replies

    @cached_property
    def _keep(self) -> AsyncScript:
        return self._redis.register_script(
            script("last_id", "refusal", "keep_emergencies")
        )


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


async def _read(texts: Sequence[bytes]) -> list[KeptEmergency]:
    """Those that can be read, so many at a time that others have their turn."""
    kept: list[KeptEmergency] = []
    for start in range(0, len(texts), READ_AT_ONCE):
        some = map(kept_of, texts[start : start + READ_AT_ONCE])
        kept += [one for one in some if one is not None]
        await asyncio.sleep(0)
    return kept


def _named(fields: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
    """The fields of a hash without its version."""
    named = ((name.decode(errors="replace"), text) for name, text in fields.items())
    return [(name, text) for name, text in named if name != VERSION_FIELD]
