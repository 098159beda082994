"""One handed-over socket and its client: messages in, in order, answers and frames out.

Owns the order in which one client's messages are carried out. What they mean is in
`commands`; who gets records when is in `hub` and `catch_up`.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any, cast

from tailcast_gateway.commands.commands import Commands, Unserved
from tailcast_gateway.connections.core.liveness import Action, Liveness
from tailcast_gateway.connections.core.ports import OwnedSocket
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import Client, ClientSocket
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import (
    INVALID_FORMAT,
    INVALID_MESSAGE,
    Ack,
    ClientMessage,
    Heartbeat,
    History,
    InvalidMessage,
    Sessions,
    Snapshot,
    Subscribe,
    Unsubscribe,
    parse,
)
from tailcast_gateway.protocol.close_codes import (
    DRAINING,
    NO_PONG,
    NOT_SERVED,
    TOO_SLOW,
    ClosedBy,
    close_code,
    counted_as,
    last_words,
)
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.resume.holders import Holders


# Messages that wait while one is carried out; with more the socket is not read.
MAX_PENDING = 32
# Whoever was told to ask again for a subscription (within two seconds) has so long for
# it: a client that passes the answer over would wait in silence, for ever.
ASK_AGAIN_SECONDS = 10.0
# The shortest interval of unasked heartbeats, seconds.
MIN_BEAT_SECONDS = 1.0


class Connection:
    """Serves one client as its socket's owner: its messages in order, and its end."""

    def __init__(
        self,
        socket: OwnedSocket,
        *,
        wire: Wire,
        hub: Hub,
        commands: Commands,
        catch_up: CatchUp,
        holders: Holders,
        name: str | None = None,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
        on_closed: Callable[["Connection"], None],
        instruments: Instruments,
    ) -> None:
        self._socket = socket
        # What delivery keeps of this connection.
        # (A cast: pyright takes a callable attribute for a method.)
        self.client = Client(cast(ClientSocket, socket), wire, name=name)
        self._hub = hub
        self._commands = commands
        self._catch_up = catch_up
        self._holders = holders
        self._spawn = spawn
        self._clock = clock
        self._on_closed = on_closed
        self._instruments = instruments
        # When the connection was made, monotonic seconds.
        self._opened_at = clock()
        self._liveness = Liveness(self._opened_at)
        # Messages that came while one is carried out.
        self._pending: deque[bytes] = deque()
        # Whether one is.
        self._is_busy = False
        # The socket takes more, or is gone: for an answer that waited for that.
        self._room = asyncio.Event()
        # Whether the socket is not read because too many wait.
        self._is_held_up = False
        # Unasked heartbeats: how often, 0 for none, and when the last was sent.
        self.beat_seconds = 0.0
        self._beat_at = 0.0
        # Until when a subscription that was `unavailable` has to be asked for again.
        self._ask_again_by: float | None = None
        # What is still to be said before the close, None while nobody sends it away.
        self._farewell: Iterator[bytes] | None = None
        # Whether our close frame is written, or the socket is gone.
        self.is_closing = False
        # Whether the client knows that the replica shuts down, and when to come back.
        self._is_told = False

    # What the socket tells.

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """A message; carried out at once unless another one still is."""
        self._liveness.heard()
        if self._farewell is not None:
            return
        wire = self.client.wire
        # What is not of the connection's wire is no message.
        message = wire.json_of(data) if binary is wire.is_binary else b""
        if not self._is_busy:
            self._take(message)
            return
        self._pending.append(message)
        if len(self._pending) >= MAX_PENDING and not self._is_held_up:
            self._is_held_up = True
            self._socket.pause_reading()

    def pong_received(self, payload: bytes) -> None:
        """The peer is there, and has read what was sent before the ping."""
        self._liveness.heard()
        if self._holders.pong(self.client, payload) and self.client.behind:
            self._catch_up.wake(self.client)

    def writing_resumed(self) -> None:
        """Go on with what the client has not had."""
        self._room.set()
        if self._farewell is not None:
            self._say(self._farewell)
        elif self.client.behind or self.client.announcements:
            self._catch_up.wake(self.client)

    def last_words(self, code: int) -> bytes:
        """Why it ends, and whether and when to come back."""
        close = close_code(code)
        if close is None or (close is DRAINING and self._is_told):
            return b""
        words = last_words(close, chance=random.random())  # noqa: S311  # jitter
        with suppress(Exception):
            return self.client.wire.message(words)
        return b""

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """It is over."""
        self.is_closing = True
        self._holders.leave(self.client)
        self._hub.leave(self.client)
        self._room.set()
        self._pending.clear()
        self._on_closed(self)
        address = self._socket.remote_address
        self._instruments.connection_closed(
            code,
            reason,
            by.value,
            counted_as=counted_as(code),
            peer="-" if address is None else f"{address[0]}:{address[1]}",
            seconds=self._clock() - self._opened_at,
        )

    def failed(self, error: Exception) -> None:
        """Something that the socket told led to a failure."""
        self._hub.isolation.client_failed(self.client, error)

    # What an event stream's request asks.

    def subscribe(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        """Subscribe the client; told if it cannot be, which is not sent to it then."""
        self._instruments.command_received("subscribe")
        self._begin_subscribing(message, on_unserved)

    # What the replica asks.

    @property
    def isolated(self) -> AbstractContextManager[None]:
        """What fails in here is this connection's, which is closed."""
        return self._hub.isolation.over(self.client)

    @property
    def buffered_bytes(self) -> int:
        """What was written to it and the kernel has not taken yet."""
        return self._socket.buffered_bytes

    def check(
        self,
        now: float,
        *,
        ping_interval: float,
        pong_timeout: float,
        slow_timeout: float,
    ) -> None:
        """See whether the peer lives."""
        if (allowance := self.client.allowance) is not None:
            pong_timeout = allowance.patience(pong_timeout, most=slow_timeout)
        action = self._liveness.check(
            now,
            buffered=self._socket.buffered_bytes,
            ping_interval=ping_interval,
            pong_timeout=pong_timeout,
            slow_timeout=slow_timeout,
        )
        if action is Action.GIVE_UP_SLOW:
            self._socket.close(TOO_SLOW.number, TOO_SLOW.reason)
        elif action is Action.GIVE_UP_SILENT:
            self._socket.close(NO_PONG.number, NO_PONG.reason)
        elif self._ask_again_by is not None and now >= self._ask_again_by:
            self._ask_again_by = None
            self._socket.close(NOT_SERVED.number, NOT_SERVED.reason)
        else:
            is_due = action is Action.PING
            self._holders.ping(self.client, now, is_due=is_due)

    def beat(self, now: float) -> None:
        """Send a heartbeat if the client wants one now."""
        if self.client.is_closed or now - self._beat_at < self.beat_seconds:
            return
        since, self._beat_at = self._beat_at, now
        if not self._socket.paused:
            self._commands.beat(self.client, since=since)

    def announce(self, reconnect_after_ms: int) -> None:
        """The replica shuts down: say when to come back."""
        self._is_told = True
        self.client.send({"type": "draining", "reconnectAfterMs": reconnect_after_ms})

    def dismiss(self, farewell: Iterator[bytes]) -> None:
        """Deliver nothing any more; say this as the socket takes it, then close."""
        self._hub.leave(self.client)
        self._room.set()
        self._pending.clear()
        self._farewell = farewell
        self._say(farewell)

    def drain(self) -> None:
        """The replica shuts down: close, with whatever has been said."""
        self.is_closing = True
        self._socket.close(DRAINING.number, DRAINING.reason)

    def _say(self, farewell: Iterator[bytes]) -> None:
        """Whole frames only: what a full socket would cut is not begun."""
        while not self._socket.paused:
            frame = next(farewell, None)
            if frame is None:
                self.drain()
                return
            self.client.socket.write(frame)

    # Messages, in order.

    def _take(self, data: bytes) -> None:
        """Carry out what a message says; an answer where it says nothing."""
        try:
            message = _parsed(data)
        except InvalidMessage as error:
            self._commands.refuse(self.client, error)
            return
        self._carry_out(message)

    def _carry_out(self, message: ClientMessage) -> None:
        """Carry a message out; what asks the broker in a task of its own."""
        commands = self._commands
        self._instruments.command_received(type(message).__name__.lower())
        if isinstance(message, Subscribe):
            self._begin_subscribing(message, self._answer_unserved)
        elif isinstance(message, Ack):
            self._is_busy = True
            self._spawn(self._take_time(commands.acknowledge(self.client, message)))
        elif isinstance(message, Heartbeat):
            self._heartbeat(message)
        elif isinstance(message, History | Sessions | Snapshot):
            self._is_busy = True
            inquiry = commands.query(self.client, message, self._writable)
            self._spawn(self._take_time(inquiry))
        elif isinstance(message, Unsubscribe):
            self._ask_again_by = None
            self._commands.unsubscribe(self.client, message)

    def _begin_subscribing(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        self._is_busy = True
        self._ask_again_by = None
        self._spawn(self._take_time(self._subscribe(message, on_unserved)))

    async def _subscribe(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        unserved = await self._commands.subscribe(self.client, message)
        if unserved is not None:
            on_unserved(unserved)

    def _answer_unserved(self, unserved: Unserved) -> None:
        self.client.send(unserved.error)
        if unserved.is_passing:
            self._ask_again_by = self._clock() + ASK_AGAIN_SECONDS

    async def _take_time(self, command: Coroutine[Any, Any, None]) -> None:
        try:
            await command
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            # Without an answer the client would wait for one for ever.
            self.failed(error)
        finally:
            self._is_busy = False
            with self.isolated:
                self._go_on()

    async def _writable(self) -> bool:
        while self._socket.paused and not self.client.is_closed:
            self._room.clear()
            await self._room.wait()
        return not self.client.is_closed

    def _go_on(self) -> None:
        while self._pending and not self._is_busy:
            self._take(self._pending.popleft())
        if self._is_held_up and not self._pending:
            self._is_held_up = False
            self._socket.resume_reading()

    def _heartbeat(self, message: Heartbeat) -> None:
        if message.every_ms is not None:
            seconds = message.every_ms / 1_000
            self.beat_seconds = max(MIN_BEAT_SECONDS, seconds) if seconds else 0.0
            self._beat_at = self._clock()
        self._commands.heartbeat(self.client, message)


def _parsed(data: bytes) -> ClientMessage:
    if not data:
        raise InvalidMessage(INVALID_MESSAGE, INVALID_FORMAT)
    return parse(data)
