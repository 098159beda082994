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

from tailcast_streams.redis.connection import REPLY_TIMEOUT, packed
from tailcast_streams.redis.errors import translate
from tailcast_streams.redis.wire import Wire, taken_over


OnMessages = Callable[[Sequence[bytes]], None]

# Who gathers messages reads on at once after so many bytes: there is more than comes in
# such a while, and a server cuts off whoever leaves too much.
READ_ON_BYTES: Final = 64 * 1024


class Listening(Wire):
    """Hands on the messages of the channels to which it has subscribed."""

    def __init__(
        self, on_messages: OnMessages, gather_seconds: float, connection: Any
    ) -> None:
        super().__init__(connection)
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

    async def subscribe(self, channel: str) -> None:
        """Return when no later message is missed. Raises BrokerError."""
        self.transport.write(packed(("SUBSCRIBE", channel)))
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
        messages: list[bytes] = []
        for reply in replies:
            if isinstance(reply, Exception):
                self.failed(reply)
                return
            if reply[0] == b"message":
                messages.append(reply[2])
            elif reply[0] == b"subscribe" and not self._subscribed.done():
                self._subscribed.set_result(None)
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
    client: Redis, channel: str, on_messages: OnMessages, gather_seconds: float
) -> Listening:
    """Connect, and subscribe. Raises redis-py's errors and BrokerError."""
    make = partial(Listening, on_messages, gather_seconds)
    listening = await taken_over(client, make)
    try:
        await listening.subscribe(channel)
    except BaseException:
        await listening.end()
        raise
    return listening
