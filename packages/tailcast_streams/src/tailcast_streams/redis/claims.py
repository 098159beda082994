"""Claims over Redis or Valkey, as a part of `RedisBroker`.

One hash has the requests of claimants, and another one the answers of owners, so that
neither overwrites the other. Both have a field for each session and claimant.
"""

import json
from typing import cast

from redis.asyncio import Redis

from tailcast_streams.claims import Claim
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask
from tailcast_streams.redis.errors import own_reply, translated_errors


class RedisClaims:
    """`Claims` over a broker's connections."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(self) -> list[Claim]:
        asked = await self._all(self._keys.claims)
        seen = await self._all(self._keys.claims_seen) if asked else {}
        found = [
            _claim(field, text, seen.get(field, b"")) for field, text in asked.items()
        ]
        return sorted(claim for claim in found if claim is not None)

    async def ask(self, claim: Claim) -> None:
        field = _field(claim.session, claim.claimant)
        text = json.dumps([claim.owner, claim.token])
        with translated_errors():
            await self._redis.hset(self._keys.claims, field, text)

    async def answer(self, claim: Claim) -> None:
        field = _field(claim.session, claim.claimant)
        with translated_errors():
            await self._redis.hset(self._keys.claims_seen, field, claim.token)
            if not await self._redis.hexists(self._keys.claims, field):
                # The claim was withdrawn meanwhile.
                await self._redis.hdel(self._keys.claims_seen, field)

    async def withdraw(self, session: str, claimant: str) -> None:
        field = _field(session, claimant)
        with translated_errors():
            for key in (self._keys.claims, self._keys.claims_seen):
                await self._redis.hdel(key, field)

    async def _all(self, key: str) -> dict[bytes, bytes]:
        # Asked for every second, so without what redis-py does besides.
        (reply,) = await ask(self._redis, [("HGETALL", key)])
        return cast(dict[bytes, bytes], own_reply(reply) or {})


def _field(session: str, claimant: str) -> str:
    return json.dumps([session, claimant])


def _claim(field: bytes, text: bytes, seen: bytes) -> Claim | None:
    """The claim in the hashes, None if somebody wrote something else by hand."""
    try:
        session, claimant = json.loads(field)
        owner, token = json.loads(text)
        parts = (session, claimant, owner, token, seen.decode())
        # Half a surrogate pair, which could not be sent to the broker, is no name.
        "".join(parts).encode()
    except (ValueError, TypeError, RecursionError):
        return None
    return Claim(*parts)
