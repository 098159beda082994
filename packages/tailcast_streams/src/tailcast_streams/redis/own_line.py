"""One connection for groups of commands that follow each other closely.

redis-py makes it: the address, TLS and the account are its business. What is sent and
received over it then is ours. A pool, a pipeline, streams, and a time-out for each of
their steps take several times the CPU that a small exchange takes without them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import hiredis
from redis import exceptions as redis_errors
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.redis.connection import REPLY_TIMEOUT, packed


class OwnLine:
    """Exchanges commands; it connects for the first ones, and after a failure."""

    def __init__(self, client: Redis) -> None:
        # Makes the connection.
        self._pool: Any = client.connection_pool
        # Only one exchange runs at a time; others wait.
        self._lock = asyncio.Lock()
        # The connection; None while there is none.
        self._wire: _Wire | None = None

    async def exchange(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        """Send commands together; their replies, an error where one was refused.

        Raises redis-py's errors, or TimeoutError, if it is not known what they did.
        """
        if not commands:
            return []
        async with self._lock:
            wire, self._wire = self._wire, None
            if wire is None or wire.is_lost:
                async with asyncio.timeout(REPLY_TIMEOUT):
                    wire = await self._connect(wire)
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

    async def _connect(self, lost: "_Wire | None") -> "_Wire":
        if lost is not None:
            await lost.end()
        connection = self._pool.make_connection()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return _Wire(connection)


class _Wire(asyncio.Protocol):
    """The bytes of one connection, taken over from redis-py's streams."""

    def __init__(self, connection: Any) -> None:
        # It closes what it made once nobody has it any more.
        self._connection = connection
        self._reader: hiredis.Reader = connection._parser._reader  # noqa: SLF001  # no other way
        writer: asyncio.StreamWriter = connection._writer  # noqa: SLF001  # as above
        self._transport = cast(asyncio.Transport, writer.transport)
        # Whoever closes the streams waits until they are told of the end.
        self._streams = self._transport.get_protocol()
        self._transport.set_protocol(self)
        # The replies that have come of those that are wanted, and who waits for them.
        self._replies: list[Any] = []
        self._wanted = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        # Since when, by the loop's clock; and what looks whether that takes too long,
        # not anew each time: most are answered at once.
        self._loop = asyncio.get_running_loop()
        self._since = 0.0
        self._watch: asyncio.TimerHandle | None = None
        # Nothing can be sent over it any more.
        self.is_lost = False

    async def send(self, commands: bytes, count: int) -> list[Any]:
        """Send so many commands; their replies."""
        self._replies, self._wanted = [], count
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        self._answer, self._since = answer, self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(REPLY_TIMEOUT, self._look)
        self._transport.write(commands)
        return await answer

    async def end(self, *, waits: bool = False) -> None:
        """Close it."""
        self.is_lost = True
        if self._watch is not None:
            self._watch.cancel()
        await self._connection.disconnect(nowait=not waits)

    def data_received(self, data: bytes) -> None:
        """Replies have come, or parts of them."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NOT_ENOUGH_DATA:
                if isinstance(reply, redis_errors.ConnectionError):
                    # The server says so, and hangs up.
                    raise reply
                if not isinstance(reply, hiredis.PushNotification):
                    self._replies.append(reply)
        except redis_errors.RedisError as error:
            self._fail(error)
            return
        answer = self._answer
        if len(self._replies) >= self._wanted and answer is not None:
            self._answer = None
            if not answer.done():
                answer.set_result(self._replies)

    def eof_received(self) -> bool:
        """The server hangs up."""
        self.is_lost = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._fail(redis_errors.ConnectionError("the server closed the connection"))
        self._streams.connection_lost(exc)

    def _look(self) -> None:
        """Whoever waits waits in vain once it has been too long."""
        self._watch = None
        if self._answer is None:
            return
        left = self._since + REPLY_TIMEOUT - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._fail(TimeoutError("the server does not answer"))

    def _fail(self, error: Exception) -> None:
        self.is_lost = True
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
