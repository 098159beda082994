"""How redis-py connects to the broker: time-outs and retries.

By default redis-py 8 repeats a command whose reply was lost up to ten times, and gives
a blocking read five seconds; both are wrong here. Only the services retry: if an append
may have happened, the next one finds out by comparing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any, TypeAlias, cast

import hiredis
from redis import exceptions as redis_errors
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.typing import EncodableT

from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.redis.errors import translated_errors


CONNECT_TIMEOUT = 5.0
# Longer than a busy broker takes for a script; a later reply counts as lost.
REPLY_TIMEOUT = 10.0
MAX_CONNECTIONS = 32
# How many bytes of a reply are read at once.
READ_BYTES = 1024 * 1024
# How many commands one pipeline has, so that requests and replies are bounded.
PIPELINE_COMMANDS = 1_000

# The words of a command, and what redis-py's reading of its reply wants to know.
Command: TypeAlias = tuple[tuple[EncodableT, ...], dict[str, Any]]

_SCHEMES = ("redis://", "rediss://", "unix://")


def connect(url: str, *, waits_for_messages: bool = False) -> Redis:
    """A client for commands, or for connections that listen without a time-out.

    Raises:
        BrokerRefused: this version does not understand the URL.
    """
    if not url.startswith(_SCHEMES):
        raise BrokerRefused(
            f"not a broker URL: {_without_password(url)!r};"
            f" use {', '.join(_SCHEMES)} and an address"
        )
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=3,
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=None if waits_for_messages else REPLY_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
            socket_read_size=READ_BYTES,
            # How long a command waits for a free connection.
            timeout=REPLY_TIMEOUT,
            client_name="tailcast",
            # With these notifications the pool would give out connections that the
            # server has closed, and a command would fail on each of them.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
    except ValueError as error:
        raise BrokerRefused(f"not a broker URL: {error}") from error
    # By now the URL has chosen between plain, TLS and socket connections.
    pool.connection_class = type(
        "OwnConnection", (_OwnConnection, pool.connection_class), {}
    )
    try:
        # Else an option that nobody knows is told at the first command, as a defect.
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        option = str(error).rpartition("argument ")[2]
        raise BrokerRefused(f"not a broker URL: it has the option {option}") from error
    return Redis.from_pool(pool)


class _OwnConnection(AbstractConnection):
    """redis-py's connection, with another way to send commands and to take replies.

    Commands are encoded in C: a batch of 1,000 records takes a quarter of the CPU. They
    are sent without `asyncio.wait_for`, which in Python 3.11 loses a cancellation that
    comes together with the result. A cancelled task would then go on without an end.
    A reply that has come already is taken without a time-out, which would cost more
    than all else of it.
    """

    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Encode a command; its name may be several words."""
        name, *rest = args
        words = name.split() if isinstance(name, str | bytes) else [name]
        return [packed((*words, *rest))]

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        """Send within the time-out, or raise and close."""
        seconds, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(seconds):
                await super().send_packed_command(command, check_health)
        finally:
            self.socket_timeout = seconds

    async def read_response(
        self,
        disable_decoding: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109  # redis-py's
        *,
        disconnect_on_error: bool = True,
        push_request: bool | None = False,
    ) -> Any:
        """The next reply; waited for, within the time-out, if it has not come yet."""
        if timeout is None and not (disable_decoding or push_request):
            reply = await self._reply_that_came()
            if isinstance(reply, redis_errors.ResponseError):
                raise reply from None
            if reply is not NOT_ENOUGH_DATA:
                return reply
        theirs: Any = super()
        return await theirs.read_response(
            disable_decoding,
            timeout,
            disconnect_on_error=disconnect_on_error,
            push_request=push_request,
        )

    async def read_replies(self, count: int) -> list[Any]:
        """The next replies; an error stands where a command was refused."""
        replies: list[Any] = []
        while len(replies) < count:
            reply = await self._reply_that_came()
            if reply is NOT_ENOUGH_DATA:
                try:
                    reply = await self.read_response()
                except redis_errors.ResponseError as error:
                    reply = error
            replies.append(reply)
        return replies

    async def _reply_that_came(self) -> Any:
        """A reply that was read already, whole; `NOT_ENOUGH_DATA` if there is none."""
        parser: Any = self._parser
        reply: Any = NOT_ENOUGH_DATA
        try:
            if parser._connected:  # noqa: SLF001  # no other way
                reply = parser._reader.gets()  # noqa: SLF001  # as above
            while isinstance(reply, hiredis.PushNotification):
                await parser.handle_push_response(reply)
                reply = parser._reader.gets()  # noqa: SLF001  # as above
            if isinstance(reply, redis_errors.ConnectionError):
                # The server says so, and hangs up.
                raise reply from None  # noqa: TRY301  # as what the reader raises
        except BaseException:
            # What follows would be taken for another reply.
            await self.disconnect(nowait=True)
            raise
        return reply


async def exchange(client: Redis, commands: Sequence[Command]) -> list[Any]:
    """Send commands together; their replies, an error where one was refused.

    As redis-py's pipeline does it, without what that does for each command besides.
    Raises redis-py's errors.
    """
    pool: Any = client.connection_pool
    connection = await pool.get_connection()
    try:
        await connection.send_packed_command(
            b"".join(packed(words) for words, _ in commands)
        )
        replies: list[Any] = await connection.read_replies(len(commands))
    except BaseException:
        # Unread replies would be taken for those of the next exchange.
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)
    callbacks = client.response_callbacks
    for at, (words, options) in enumerate(commands):
        callback = callbacks.get(cast(str, words[0]))
        if callback is not None and not isinstance(replies[at], Exception):
            replies[at] = callback(replies[at], **options)
    return replies


async def ask(client: Redis, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
    """The same for bare words; raises BrokerError."""
    if not commands:
        return []
    with translated_errors():
        return await exchange(client, [(tuple(words), {}) for words in commands])


def packed(words: Sequence[EncodableT]) -> bytes:
    """A command of these words, of which the first is a word alone."""
    return cast(bytes, hiredis.pack_command(cast(Any, tuple(words))))


def script(*parts: str) -> str:
    """The text of a script, from its files of the folder `lua`."""
    folder = resources.files("tailcast_streams.redis") / "lua"
    return "".join((folder / f"{part}.lua").read_text() for part in parts)


def _without_password(url: str) -> str:
    scheme, _, rest = url.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if scheme else rest
