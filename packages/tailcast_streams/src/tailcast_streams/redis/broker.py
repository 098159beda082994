"""The broker over Redis ≥ 7.0 or Valkey ≥ 7.2.

`RedisBroker` is made of the parts that write and read, and listens to the channel.
Decisions are made in `append.lua`, where they are one step, or in the services.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from tailcast_streams.broker import Notified, OnHeard
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.notification import heard
from tailcast_streams.pushes import Push
from tailcast_streams.redis.appends import RedisAppends
from tailcast_streams.redis.claims import RedisClaims
from tailcast_streams.redis.client_cursors import RedisClientCursors
from tailcast_streams.redis.descriptions import RedisDescriptions
from tailcast_streams.redis.emergencies import RedisEmergencies
from tailcast_streams.redis.entries import RedisEntries
from tailcast_streams.redis.errors import translated_errors
from tailcast_streams.redis.indexers import RedisIndexers
from tailcast_streams.redis.indexes import RedisIndexes
from tailcast_streams.redis.listening import listen
from tailcast_streams.redis.listing import RedisListing
from tailcast_streams.redis.shared_keys import RedisSharedKeys
from tailcast_streams.redis.sources import RedisSources
from tailcast_streams.redis.states import RedisStates


class RedisBroker(
    RedisAppends, RedisEntries, RedisStates, RedisListing, RedisSharedKeys
):
    """Both ports, `SessionWriter` and `SessionReader`, over one Redis or Valkey."""

    def __init__(self, url: str, *, key_prefix: str = "telemetry") -> None:
        """Make a broker, which connects at its first command.

        Raises:
            BrokerRefused: this version does not understand the URL.
        """
        super().__init__(url, key_prefix=key_prefix)
        # The claims of tailers.
        self.claims = RedisClaims(self._redis, self._keys)
        # What is said of sessions besides their records.
        self.descriptions = RedisDescriptions(self._redis, self._keys, self._said)
        # The emergencies that are kept.
        self.emergencies = RedisEmergencies(self._redis, self._keys)
        # The indexers that are there.
        self.indexers = RedisIndexers(self._redis, self._keys)
        # What the records of sessions mean.
        self.indexes = RedisIndexes(self._redis, self._keys)
        # The paths that tailers watch.
        self.sources = RedisSources(self._redis, self._keys)
        # The cursors of named clients.
        self.clients = RedisClientCursors(
            self._redis, self._keys, self._said, self._together
        )

    async def settle_installation(self) -> None:
        await self._installation.settle()

    async def now_ms(self) -> int:
        with translated_errors():
            seconds, microseconds = await self._redis.time()
        return int(seconds) * 1_000 + int(microseconds) // 1_000

    @asynccontextmanager
    async def notifications(
        self,
        on_heard: OnHeard,
        *,
        on_foreign: Callable[[], None] | None = None,
        on_refused: Callable[[BrokerError], None] = lambda _: None,
        gather_seconds: float = 0.0,
    ) -> AsyncGenerator[Notified]:
        await self._installation.settle()

        def take(messages: Sequence[bytes | Push]) -> None:
            tag = self._installation.heard_tag
            ours: list[str | Push] = []
            for message in messages:
                if isinstance(message, Push):
                    ours.append(message)
                elif (text := heard(message, tag)) is not None:
                    ours.append(text.decode(errors="replace"))
                elif on_foreign is not None:
                    on_foreign()
            if ours:
                on_heard(ours)

        with translated_errors():
            listening = await listen(
                self._listener, self._keys, take, on_refused, gather_seconds
            )
        try:
            yield listening
        finally:
            await listening.end()

    async def notify(self, payload: str) -> None:
        with translated_errors():
            await self._redis.publish(*await self._said(payload))
