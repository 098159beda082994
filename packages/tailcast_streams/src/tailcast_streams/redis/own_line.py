"""One connection for groups of commands that follow each other closely.

A pool, a pipeline, streams, and a time-out for each of their steps take several times
the CPU that a small exchange takes without them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.redis.connection import REPLY_TIMEOUT, packed
from tailcast_streams.redis.wire import Wire, taken_over


class OwnLine:
    """Exchanges commands; it connects for the first ones, and after a failure."""

    def __init__(self, client: Redis) -> None:
        # Makes the connection.
        self._client = client
        # Only one exchange runs at a time; others wait.
        self._lock = asyncio.Lock()
        # The connection; None while there is none.
        self._wire: _Exchanges | None = None

    async def exchange(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        """Send commands together; their replies, an error where one was refused.

        Raises redis-py's errors, or TimeoutError, if it is not known what they did.
        """
        if not commands:
            return []
        async with self._lock:
            wire, self._wire = self._wire, None
            if wire is None or wire.is_lost:
                if wire is not None:
                    await wire.end()
                wire = await taken_over(self._client, _Exchanges)
            sent = b"".join(map(packed, commands))
            try:
                replies = await wire.send(sent, len(commands))
            except BaseException:
                # Replies that still come would be taken for those of the next exchange.
                await wire.end()
                raise
            self._wire = wire
            return replies

    async def aclose(self) -> None:
        """Close the connection."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.end(waits=True)


class _Exchanges(Wire):
    """Knows who waits for the replies."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        # The replies that have come of those that are wanted, and who waits for them.
        self._replies: list[Any] = []
        self._wanted = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        # Since when, by the loop's clock; and what looks whether that takes too long,
        # not anew each time: most are answered at once.
        self._loop = asyncio.get_running_loop()
        self._since = 0.0
        self._watch: asyncio.TimerHandle | None = None

    async def send(self, commands: bytes, count: int) -> list[Any]:
        """Send so many commands; their replies."""
        self._replies, self._wanted = [], count
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        self._answer, self._since = answer, self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(REPLY_TIMEOUT, self._look)
        self.transport.write(commands)
        return await answer

    async def end(self, *, waits: bool = False) -> None:
        """Close it."""
        if self._watch is not None:
            self._watch.cancel()
        await super().end(waits=waits)

    def came(self, replies: list[Any]) -> None:
        """Hand the replies to whoever waits, once all are there."""
        self._replies += [
            one for one in replies if not isinstance(one, hiredis.PushNotification)
        ]
        answer = self._answer
        if len(self._replies) >= self._wanted and answer is not None:
            self._answer = None
            if not answer.done():
                answer.set_result(self._replies)

    def failed(self, error: Exception) -> None:
        """Tell whoever waits."""
        self.is_lost = True
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _look(self) -> None:
        """Whoever waits waits in vain once it has been too long."""
        self._watch = None
        if self._answer is None:
            return
        left = self._since + REPLY_TIMEOUT - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self.failed(TimeoutError("the server does not answer"))
