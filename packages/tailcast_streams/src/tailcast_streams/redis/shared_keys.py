"""The keys that are of no one session, over Redis or Valkey: part of `RedisBroker`.

What another program wrote in place of one is deleted by a tailer, so that it is made
anew by whoever writes it next. The list of sessions is made from their states at once:
of a session whose file is gone nobody would list it again.
"""

from typing import cast

from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import ask
from tailcast_streams.redis.core.replies import (
    LISTED_FIELDS,
    activity_of,
    are_names,
    is_of_documents,
)
from tailcast_streams.redis.errors import own_reply, raise_refused, translated_errors


# About how many keys one SCAN looks at.
SCANNED_KEYS = 1_000


class RedisSharedKeys(RedisCalls):
    """Mends what all sessions share, as far as it is a tailer's."""

    async def mend_shared(self) -> list[str]:
        keys = self._keys
        kinds = {
            keys.sessions: b"zset",
            keys.births: b"hash",
            keys.begun: b"set",
            keys.claims: b"hash",
            keys.claims_seen: b"hash",
            keys.sources: b"zset",
            keys.stream(EMERGENCIES): b"stream",
            keys.emergencies_seen: b"set",
        }
        documents = [keys.stream(EMERGENCIES), keys.emergencies_seen]
        replies = await ask(
            self._redis,
            [
                *(("TYPE", key) for key in kinds),
                # Whatever is there that is no session's stands first.
                ("ZRANGEBYSCORE", keys.sessions, "-inf", "+inf", "LIMIT", 0, 10),
                ("ZRANGEBYSCORE", keys.sessions, "-inf", "(0", "LIMIT", 0, 1),
                ("XINFO", "STREAM", documents[0]),
            ],
        )
        *found, lowest, below, stream = replies
        raise_refused(found)
        spoiled = [
            key
            for (key, wanted), kind in zip(kinds.items(), found, strict=True)
            if kind not in (b"none", wanted)
        ]
        if found[0] == b"zset" and (below or not are_names(lowest)):
            spoiled.append(keys.sessions)
        told = None if isinstance(stream, Exception) else stream
        if told is not None and not is_of_documents(told):
            spoiled.append(documents[0])
        if spoiled:
            # Each of the two says what is in the other one.
            gone = {*spoiled, *(documents if {*documents} & {*spoiled} else ())}
            with translated_errors():
                await self._redis.delete(*gone)
        if keys.sessions in spoiled:
            await self._list_anew()
        return spoiled

    async def _list_anew(self) -> None:
        """List all sessions that have a state."""
        cursor, pattern = 0, self._keys.state_pattern
        while True:
            with translated_errors():
                cursor, found = await self._redis.scan(
                    cursor, match=pattern, count=SCANNED_KEYS
                )
            await self._list(cast(list[bytes], found))
            if not cursor:
                return

    async def _list(self, states: list[bytes]) -> None:
        names = [self._keys.session_of(key.decode(errors="replace")) for key in states]
        replies = await ask(
            self._redis, [("HMGET", key, *LISTED_FIELDS) for key in states]
        )
        listed = {
            name: at_ms
            for name, reply in zip(names, map(own_reply, replies), strict=True)
            if name and reply is not None and (at_ms := activity_of(reply))
        }
        if listed:
            with translated_errors():
                await self._redis.zadd(self._keys.sessions, listed, gt=True)
