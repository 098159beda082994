"""The installation to which keys belong: an ID that is made once, below their prefix.

Databases keep keys apart, but a channel belongs to the whole server. So notifications
have the ID. Only speed depends on it: while two processes have different IDs, the
audits find new entries.
"""

import secrets
from typing import Any

from redis.asyncio import Redis

from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.keys import Keys
from tailcast_streams.notification import INSTALLATION_LENGTH, tag_of
from tailcast_streams.redis.connection import ask
from tailcast_streams.redis.errors import translate, translated_errors


class RedisInstallation:
    """The ID as this process knows it."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.installation
        # The beginning of this process' notifications; "" before the ID is known.
        self.tag = ""
        # The same in bytes, for notifications that are received.
        self.heard_tag = b""

    async def known_tag(self) -> str:
        """The tag; the broker is only asked for it once. Raises BrokerError."""
        if not self.tag:
            await self.settle()
        return self.tag

    async def settle(self) -> None:
        """Take the stored ID, or store ours if there is none. Raises BrokerError.

        If the broker was emptied, its processes store the ID that they know, so that
        they still hear each other. If it was restored, they take its ID.
        """
        ours = self.tag[1:-1] or secrets.token_hex(INSTALLATION_LENGTH // 2)
        commands = [("SET", self._key, ours, "NX"), ("GET", self._key)]
        made, stored = await ask(self._redis, commands)
        if _is_foreign(stored):
            with translated_errors():
                await self._redis.set(self._key, ours)
            stored = ours.encode()
        for reply in (made, stored):
            # A broker that is full, or refuses writes, may still have an ID.
            if isinstance(reply, Exception) and not _is_id(stored):
                raise translate(reply) from reply
        self.tag = tag_of(stored.decode() if _is_id(stored) else ours)
        self.heard_tag = self.tag.encode()


def _is_foreign(stored: Any) -> bool:
    """Whether another program wrote it, or somebody by hand."""
    if isinstance(stored, Exception):
        return isinstance(translate(stored), KeySpoiled)
    return isinstance(stored, bytes) and not _is_id(stored)


def _is_id(stored: Any) -> bool:
    return (
        isinstance(stored, bytes)
        and len(stored) == INSTALLATION_LENGTH
        and stored.isalnum()
    )
