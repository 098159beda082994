"""Which installation keys belong to: an ID, made once and kept under their prefix.

Databases keep keys apart; the channel is one for the whole server. So what is said
there bears the ID. Delivery never depends on it, only speed: while two processes
disagree, what moved is found by the audits.
"""

import secrets
from typing import Any

from redis.asyncio import Redis

from tailcast_streams.keys import Keys
from tailcast_streams.notification import INSTALLATION_LENGTH, tag_of
from tailcast_streams.redis.errors import translate, translated_errors


class RedisInstallation:
    """The ID as this process knows it."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.installation
        # What this process says on the channel begins so; "" before the ID is known.
        self.tag = ""
        # The same as it is heard.
        self.heard_tag = b""

    async def known_tag(self) -> str:
        """The tag; the broker is asked for it once. Raises BrokerError."""
        if not self.tag:
            await self.settle()
        return self.tag

    async def settle(self) -> None:
        """Take the ID that is stored; without one, put ours there. Raises BrokerError.

        A broker that was emptied is given the ID that its processes know, so that they
        go on hearing each other; one that was restored says which one it has.
        """
        ours = self.tag[1:-1] or secrets.token_hex(INSTALLATION_LENGTH // 2)
        with translated_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.set(self._key, ours, nx=True)
                pipeline.get(self._key)
                made, stored = await pipeline.execute(raise_on_error=False)
            if isinstance(stored, bytes) and not _is_id(stored):
                # Somebody wrote it by hand.
                await self._redis.set(self._key, ours)
                stored = ours.encode()
        for reply in (made, stored):
            # A broker that is full, or lets us only read, may have it all the same.
            if isinstance(reply, Exception) and not _is_id(stored):
                raise translate(reply) from reply
        self.tag = tag_of(stored.decode() if _is_id(stored) else ours)
        self.heard_tag = self.tag.encode()


def _is_id(stored: Any) -> bool:
    return (
        isinstance(stored, bytes)
        and len(stored) == INSTALLATION_LENGTH
        and stored.isalnum()
    )
