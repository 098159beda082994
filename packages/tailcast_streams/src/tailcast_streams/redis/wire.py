"""The bytes of one connection that redis-py has made, without redis-py's streams.

The address, TLS and the account are its business. What is sent and received over it
then is ours: streams, and a task that reads from them, take several times the CPU that
it takes to read what came.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, cast

import hiredis
from redis import exceptions as redis_errors
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import Redis

from tailcast_streams.redis.connection import REPLY_TIMEOUT


_W = TypeVar("_W", bound="Wire")


class Wire(asyncio.Protocol):
    """A connection that was taken over."""

    def __init__(self, connection: Any) -> None:
        # It closes what it made once nobody has it any more.
        self._connection = connection
        self._reader: hiredis.Reader = connection._parser._reader  # noqa: SLF001  # no other way
        writer: asyncio.StreamWriter = connection._writer  # noqa: SLF001  # as above
        self.transport = cast(asyncio.Transport, writer.transport)
        # Whoever closes the streams waits until they are told of the end.
        self._streams = self.transport.get_protocol()
        self.transport.set_protocol(self)
        # Nothing can be sent over it any more.
        self.is_lost = False

    @abstractmethod
    def came(self, replies: list[Any]) -> None:
        """Take the replies that came together, an error where one is refused."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """Note that it is lost: nothing comes any more."""

    async def end(self, *, waits: bool = False) -> None:
        """Close it."""
        self.is_lost = True
        await self._connection.disconnect(nowait=not waits)

    def data_received(self, data: bytes) -> None:
        """Replies have come, or parts of them."""
        replies: list[Any] = []
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NOT_ENOUGH_DATA:
                if isinstance(reply, redis_errors.ConnectionError):
                    # The server says so, and hangs up.
                    raise reply
                replies.append(reply)
        except redis_errors.RedisError as error:
            self.failed(error)
            return
        if replies:
            self.came(replies)

    def eof_received(self) -> bool:
        """The server hangs up."""
        self.is_lost = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self.failed(redis_errors.ConnectionError("the server closed the connection"))
        self._streams.connection_lost(exc)


async def taken_over(client: Redis, make: Callable[[Any], _W]) -> _W:
    """Connect as a client does, and take the connection over.

    Raises redis-py's errors, or TimeoutError.
    """
    pool: Any = client.connection_pool
    connection = pool.make_connection()
    try:
        async with asyncio.timeout(REPLY_TIMEOUT):
            await connection.connect()
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return make(connection)
