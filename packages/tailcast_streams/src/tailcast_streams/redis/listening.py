"""One connection that listens to a channel; what comes together is handed on together.

It is handed on where it is read: a task that waits for messages would have to be woken
for each of them, and where one line comes at a time that costs more than the line.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from redis import exceptions as redis_errors
from redis.asyncio import Redis

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import Keys
from tailcast_streams.pushes import Push
from tailcast_streams.redis.connection import REPLY_TIMEOUT, packed
from tailcast_streams.redis.core.pushes import push_of
from tailcast_streams.redis.errors import translate
from tailcast_streams.redis.wire import Wire, taken_over


OnMessages = Callable[[Sequence[bytes | Push]], None]
# Called if pushes may not be heard.
OnRefused = Callable[[BrokerError], None]

# Who gathers messages reads on at once after so many bytes: there is more than comes in
# such a while, and a server cuts off whoever leaves too much.
READ_ON_BYTES: Final = 64 * 1024


class Listening(Wire):
    """Hands on the messages of the channels to which it has subscribed."""

    def __init__(
        self,
        keys: Keys,
        on_messages: OnMessages,
        on_refused: OnRefused,
        gather_seconds: float,
        connection: Any,
    ) -> None:
        super().__init__(connection)
        self._on_refused = on_refused
        self._keys = keys
        # The sessions whose pushes are wanted, by their channels. None come if the
        # account may not have them.
        self._watched: dict[bytes, str] = {}
        self._may_watch = True
        self._on_messages = on_messages
        self._gather_seconds = gather_seconds
        self._loop = asyncio.get_running_loop()
        # Done when the server has answered that messages come from now on.
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        # Has the error when no more messages come.
        self.lost: asyncio.Future[None] = self._loop.create_future()
        # How many bytes were read together last.
        self._size = 0
        # Ends a while in which nothing is read.
        self._going_on: asyncio.TimerHandle | None = None

    def watch(self, session: str) -> None:
        """Hear the pushes of a session."""
        channel = self._keys.pushes(session).encode()
        if self._may_watch and channel not in self._watched and not self.is_lost:
            self._watched[channel] = session
            self.transport.write(packed(("SSUBSCRIBE", channel)))

    def unwatch(self, session: str) -> None:
        """Hear them no more."""
        channel = self._keys.pushes(session).encode()
        if self._watched.pop(channel, None) is not None and not self.is_lost:
            self.transport.write(packed(("SUNSUBSCRIBE", channel)))

    async def subscribe(self) -> None:
        """Return when no later message is missed. Raises BrokerError."""
        self.transport.write(packed(("SUBSCRIBE", self._keys.feed)))
        async with asyncio.timeout(REPLY_TIMEOUT):
            await asyncio.wait(
                (self._subscribed, self.lost), return_when=asyncio.FIRST_COMPLETED
            )
        if self.lost.done():
            self.lost.result()

    async def end(self, *, waits: bool = False) -> None:
        """Close it."""
        if self._going_on is not None:
            self._going_on.cancel()
        if not self.lost.cancel() and not self.lost.cancelled():
            # Nobody asks any more.
            self.lost.exception()
        await super().end(waits=waits)

    def data_received(self, data: bytes) -> None:
        """Messages have come, or parts of them."""
        self._size = len(data)
        super().data_received(data)

    def came(self, replies: list[Any]) -> None:
        """Hand on what are messages."""
        taken = map(self._taken, replies)
        messages = [message for message in taken if message is not None]
        if not messages or self.is_lost:
            return
        try:
            self._on_messages(messages)
        except Exception as error:  # noqa: BLE001  # it is that of whoever listens
            self.failed(error)
            return
        if self._gather_seconds and self._size < READ_ON_BYTES:
            # What comes now wakes nobody.
            self.transport.pause_reading()
            self._going_on = self._loop.call_later(self._gather_seconds, self._go_on)

    def _taken(self, reply: Any) -> bytes | Push | None:
        """The message that a reply is; None for another reply, which is acted on."""
        if isinstance(reply, Exception):
            self._refused(reply)
            return None
        kind = reply[0]
        if kind == b"message":
            data: bytes = reply[2]
            return data
        if kind == b"smessage":
            session = self._watched.get(reply[1])
            return None if session is None else push_of(session, reply[2])
        if kind == b"subscribe" and not self._subscribed.done():
            self._subscribed.set_result(None)
        return None

    def _refused(self, error: Exception) -> None:
        """Listen no more; who only may not watch is told by name what there is."""
        if not self._subscribed.done():
            self.failed(error)
        elif self._may_watch:
            self._may_watch = False
            self._on_refused(translate(error))

    def failed(self, error: Exception) -> None:
        """Tell whoever listens."""
        self.is_lost = True
        if not self.lost.done():
            is_broker = isinstance(error, redis_errors.RedisError | OSError)
            self.lost.set_exception(translate(error) if is_broker else error)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()


async def listen(
    client: Redis,
    keys: Keys,
    on_messages: OnMessages,
    on_refused: OnRefused,
    gather_seconds: float,
) -> Listening:
    """Connect, and subscribe. Raises redis-py's errors and BrokerError."""
    make = partial(Listening, keys, on_messages, on_refused, gather_seconds)
    listening = await taken_over(client, make)
    try:
        await listening.subscribe()
    except BaseException:
        await listening.end()
        raise
    return listening
