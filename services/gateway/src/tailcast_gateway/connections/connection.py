"""One socket and its client: messages come in, answers and frames go out.

A connection carries out the messages of its client one after another, in order. What
they do is in `commands`; which records the client gets and when is in `delivery`.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, TypeAlias, assert_never, cast

from tailcast_gateway.commands.commands import Commands, Unserved
from tailcast_gateway.commands.core.defaults import NO_DEFAULTS, Defaults
from tailcast_gateway.commands.core.pieces import Pieces, Room
from tailcast_gateway.connections.core.conduct import Conduct
from tailcast_gateway.connections.core.liveness import Action, Liveness
from tailcast_gateway.connections.core.ports import OwnedSocket
from tailcast_gateway.connections.core.subjects import Subjects, limit_of
from tailcast_gateway.connections.expiry import Expiry
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import Client, ClientSocket
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import (
    AUTH_TIME,
    COMMANDS,
    CONTROL_FRAMES,
    INVALID_MESSAGES,
    Quotas,
)
from tailcast_gateway.protocol.client_messages import (
    INVALID_FORMAT,
    INVALID_MESSAGE,
    NOT_AUTHORIZED,
    TOO_OFTEN,
    UNAUTHENTICATED,
    Ack,
    Auth,
    Heartbeat,
    History,
    InvalidMessage,
    Sessions,
    Snapshot,
    Subscribe,
    Supported,
    Unsubscribe,
    parse,
)
from tailcast_gateway.protocol.close_codes import (
    DRAINING,
    NO_PONG,
    NOT_AUTHENTICATED,
    NOT_SERVED,
    PROTOCOL_ERROR,
    RATE_LIMITED,
    TOKEN_EXPIRED,
    TOO_SLOW,
    CloseCode,
    ClosedBy,
    close_code,
    counted_as,
    last_words,
)
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.scheduling.turns import WorkKind
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, NOTHING_GRANTED, Grant


# How many messages, and bytes, may wait while one is carried out; then the socket is
# not read.
MAX_PENDING = 32
MAX_PENDING_BYTES = 64 * 1024
# How long a client has to repeat a `subscribe` that was `unavailable`. (The answer asks
# for two seconds at most.) A client that ignored the answer would wait without an end.
ASK_AGAIN_SECONDS = 10.0
# How long before the end of its token a client is told of that.
EXPIRING_SECONDS = 60.0
# Returns what a token grants, None if it does not count; the peer and the ID of the
# connection that brings it are for the log.
GrantFor: TypeAlias = Callable[[str, str, str], Awaitable[Grant | None]]
# The shortest interval of unasked heartbeats, seconds.
MIN_BEAT_SECONDS = 1.0


async def grant_everything(_token: str, _peer: str, _connection: str) -> Grant:
    """What any token grants where nobody need have one."""
    return EVERYTHING_GRANTED


class Connection:
    """Serves one client as its socket's owner: its messages in order, and its end."""

    def __init__(
        self,
        socket: OwnedSocket,
        *,
        id: str,
        wire: Wire,
        hub: Hub,
        commands: Commands,
        catch_up: CatchUp,
        holders: Holders,
        room: Room,
        quotas: Quotas,
        name: str | None = None,
        defaults: Defaults = NO_DEFAULTS,
        grant: Grant | None,
        grant_for: GrantFor,
        auth_seconds: float,
        now: Callable[[], float],
        expiry: Expiry,
        subjects: Subjects,
        scheduler: Scheduler,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
        on_closed: Callable[["Connection"], None],
        instruments: Instruments,
    ) -> None:
        self._socket = socket
        # The state that delivery keeps for this connection.
        # (A cast: pyright takes a callable attribute for a method.)
        self.client = Client(
            cast(ClientSocket, socket),
            wire,
            account=socket.account,
            name=name,
            id=id,
            address=self._address,
        )
        # Who it is, as it has proved; None before that.
        self._grant: Grant | None = None
        # Finds out what a token grants.
        self._grant_for = grant_for
        # Returns the time, Unix seconds, and looks at this connection when it is time.
        self._now = now
        self._expiry = expiry
        # Counts the connections of its subject.
        self._subjects = subjects
        # Varies when connections end whose tokens end together, seconds.
        self._jitter = random.random()  # noqa: S311  # as said above
        # The end of the token of which the client was told that it comes.
        self._told_end: float | None = None
        # What the address says in place of the messages.
        self._defaults = defaults
        self._hub = hub
        self._commands = commands
        self._catch_up = catch_up
        self._holders = holders
        self._scheduler = scheduler
        self._spawn = spawn
        self._clock = clock
        self._on_closed = on_closed
        self._instruments = instruments
        # When the connection was made, monotonic seconds.
        self._opened_at = clock()
        self._liveness = Liveness(self._opened_at)
        # How much it sends.
        self._conduct = Conduct(quotas, self._opened_at)
        # Messages that came while another one is carried out.
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        # The pieces of a `subscribe` that has not come whole yet.
        self._pieces = Pieces(room)
        # Whether a message is being carried out.
        self._is_busy = False
        # Set when the socket accepts more, or is closed: an answer may wait for that.
        self._room = asyncio.Event()
        # Whether the socket is not read because too many messages wait.
        self._is_held_up = False
        # The interval of unasked heartbeats, 0 for none, and when the last was sent.
        self.beat_seconds = 0.0
        self._beat_at = 0.0
        # The time by which the client must repeat a `subscribe` that was `unavailable`.
        self._ask_again_by: float | None = None
        # The frames to be sent before the close; None while it is not sent away.
        self._farewell: Iterator[bytes] | None = None
        # Whether our close frame is written, or the socket is closed.
        self.is_closing = False
        # Whether the client was told that the replica shuts down.
        self._is_told = False
        if grant is not None:
            self.client.grant = grant
            self.client.subscription = self.client.subscription.within(grant)
            self._begin_grant(grant)
        else:
            self.client.grant = NOTHING_GRANTED
            self.client.subscription = self.client.subscription.within(NOTHING_GRANTED)
            self._expiry.watch(self, self._now() + auth_seconds)

    # Calls from the socket.

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """Carry out a message, now or after those that came before it."""
        self._liveness.heard()
        if self._farewell is not None:
            return
        wire = self.client.wire
        # Text on a binary wire, or the other way round, is an invalid message.
        message = wire.json_of(data) if binary is wire.is_binary else b""
        if not self._is_busy:
            self._take(message)
            return
        self._pending.append(message)
        self._pending_bytes += len(message)
        is_full = (
            len(self._pending) >= MAX_PENDING
            or self._pending_bytes >= MAX_PENDING_BYTES
        )
        if is_full and not self._is_held_up:
            self._is_held_up = True
            self._socket.pause_reading()

    def pong_received(self, payload: bytes) -> None:
        """Note that the client has read all that was sent before the ping."""
        self._liveness.heard()
        if self._holders.pong(self.client, payload) and self.client.behind:
            self._catch_up.wake(self.client)

    def control_frames_limited(self) -> None:
        """Count that it sends too many pings and pongs."""
        self._commands.limited(self.client, CONTROL_FRAMES)

    def writing_resumed(self) -> None:
        """Go on with what the client has not got yet."""
        self._room.set()
        if self._farewell is not None:
            self._say(self._farewell)
        elif self.client.behind or self.client.announcements:
            self._catch_up.wake(self.client)

    def last_words(self, code: int) -> bytes:
        """The message before a close: why, and whether and when to come back."""
        close = close_code(code)
        if close is None or (close is DRAINING and self._is_told):
            return b""
        words = last_words(close, chance=random.random())  # noqa: S311  # jitter
        with suppress(Exception):
            return self.client.wire.message(words)
        return b""

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """Clean up after the end of the connection."""
        self.is_closing = True
        if self._grant is not None:
            self._subjects.leave(self._grant.sub)
        self._expiry.forget(self)
        self._holders.leave(self.client)
        self._hub.leave(self.client)
        self._room.set()
        self._forget_pending()
        self._on_closed(self)
        address = self._socket.remote_address
        self._instruments.connection_closed(
            code,
            reason,
            by.value,
            connection=self.client.id,
            counted_as=counted_as(code),
            peer="-" if address is None else f"{address[0]}:{address[1]}",
            seconds=self._clock() - self._opened_at,
        )

    def failed(self, error: Exception) -> None:
        """Close the connection after a failure in one of the socket's calls."""
        self._hub.isolation.client_failed(self.client, error)

    # Calls from an event stream.

    def subscribe(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        """Subscribe the client; call `on_unserved`, and send nothing, if it fails."""
        self._instruments.command_received("subscribe")
        self._begin_subscribing(message, on_unserved)

    # Calls from the endpoint.

    def complain(self, text: str) -> None:
        """Say what is wrong with the address; the connection is served all the same."""
        self._commands.refuse(self.client, InvalidMessage(INVALID_MESSAGE, text))

    # Calls from the replica.

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to."""
        return self.client.is_closed

    @property
    def isolated(self) -> AbstractContextManager[None]:
        """Close this connection if something fails in here."""
        return self._hub.isolation.over(self.client)

    @property
    def buffered_bytes(self) -> int:
        """How many written bytes the kernel has not accepted yet."""
        return self._socket.buffered_bytes

    def check(
        self,
        now: float,
        *,
        ping_interval: float,
        pong_timeout: float,
        slow_timeout: float,
    ) -> None:
        """Ping the client if that is due, or close it if it does not answer."""
        self._pieces.expire(now)
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
        """Send a heartbeat if one is due."""
        if self.client.is_closed or now - self._beat_at < self.beat_seconds:
            return
        since, self._beat_at = self._beat_at, now
        if not self._socket.paused:
            self._commands.beat(self.client, since=since)

    def look_at_time(self, now: float) -> float | None:
        """Tell the client of its token's end, or close it; returns when to look next.

        Times are Unix seconds.
        """
        if self._grant is None:
            self._commands.limited(self.client, AUTH_TIME)
            self._socket.close(NOT_AUTHENTICATED.number, NOT_AUTHENTICATED.reason)
            return None
        end = self._grant.ends_at
        if end is None:
            return None
        if now >= end + self._jitter:
            self._socket.close(TOKEN_EXPIRED.number, TOKEN_EXPIRED.reason)
            return None
        if now < end - EXPIRING_SECONDS:
            return end - EXPIRING_SECONDS
        if self._told_end != end:
            self._told_end = end
            self.client.send({"type": "expiring", "expiresAt": int(end * 1_000)})
        return end + self._jitter

    def announce(self, reconnect_after_ms: int) -> None:
        """Tell the client that the replica shuts down, and when to come back."""
        self._is_told = True
        self.client.send({"type": "draining", "reconnectAfterMs": reconnect_after_ms})

    def dismiss(self, farewell: Iterator[bytes]) -> None:
        """Stop delivery, send these frames as the socket accepts them, and close."""
        self._hub.leave(self.client)
        self._room.set()
        self._forget_pending()
        self._farewell = farewell
        self._say(farewell)

    def drain(self) -> None:
        """Close the connection now, since the replica shuts down."""
        self.is_closing = True
        self._socket.close(DRAINING.number, DRAINING.reason)

    def _say(self, farewell: Iterator[bytes]) -> None:
        """Write whole frames while the socket accepts them; close after the last."""
        while not self._socket.paused:
            frame = next(farewell, None)
            if frame is None:
                self.drain()
                return
            self.client.socket.write(frame)

    # Messages, in order.

    def _take(self, data: bytes) -> None:
        """Parse and carry out a message; answer if it is invalid."""
        try:
            message = self._whole(data)
        except InvalidMessage as error:
            self._pieces.spoil()
            self._commands.refuse(self.client, error)
            if error.limit is COMMANDS and self._conduct.warn(self._clock()):
                self._send_away(RATE_LIMITED)
            return
        if message is not None:
            self._carry_out(message)

    def _whole(self, data: bytes) -> Supported | None:
        """The message; None if it is a piece of one that is not whole yet."""
        message = self._valid(data)
        if wait := self._conduct.refuse(message, self._clock()):
            raise InvalidMessage(
                TOO_OFTEN,
                "Too many messages: send fewer, or wait",
                message.id,
                limit=COMMANDS,
                retry_after_ms=math.ceil(wait * 1_000),
            )
        if not isinstance(message, Subscribe):
            return message
        whole = self._pieces.take(message, len(data), self._clock())
        return None if whole is None else self._defaults.filled(whole)

    def _valid(self, data: bytes) -> Supported:
        """The message; too many that are none end the connection."""
        try:
            return _parsed(data)
        except InvalidMessage as error:
            left = self._conduct.note_invalid(self._clock())
            if left < 0:
                self._commands.limited(self.client, INVALID_MESSAGES)
                self._send_away(PROTOCOL_ERROR)
            if left == 0:
                error.text += "; one more soon ends this connection"
            raise

    def _send_away(self, code: CloseCode) -> None:
        """Close the connection, and carry out nothing more."""
        self._forget_pending()
        self._socket.close(code.number, code.reason)

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._pieces.clear()

    def _carry_out(self, message: Supported) -> None:
        """Carry out a message, in another task if the broker must be asked."""
        commands = self._commands
        self._instruments.command_received(type(message).__name__.lower())
        match message:
            case Auth():
                self._begin(self._authenticate(message))
            case _ if self._grant is None:
                text = "Not authenticated: send auth with a token first"
                error = InvalidMessage(UNAUTHENTICATED, text, message.id)
                commands.refuse(self.client, error)
            case Subscribe():
                self._begin_subscribing(message, self._answer_unserved)
            case Ack():
                self._begin(commands.acknowledge(self.client, message))
            case Heartbeat():
                self._heartbeat(message)
            case History() | Sessions() | Snapshot():
                self._begin(commands.query(self.client, message, self._writable))
            case Unsubscribe():
                self._ask_again_by = None
                commands.unsubscribe(self.client, message)
            case _:
                assert_never(message)

    async def _authenticate(self, message: Auth) -> None:
        """Take a token: the first one, or another one of the same subject."""
        grant = await self._grant_for(message.token, self._address, self.client.id)
        before = self._grant
        if grant is None:
            text = "Not authenticated: this token does not count here"
            error = InvalidMessage(UNAUTHENTICATED, text, message.id)
            self._commands.refuse(self.client, error)
            if before is None:
                code = NOT_AUTHENTICATED
                self._socket.close(code.number, code.reason)
            return
        if before is not None and grant.sub != before.sub:
            text = "Not authorized: this token is another subject's"
            error = InvalidMessage(NOT_AUTHORIZED, text, message.id)
            self._commands.refuse(self.client, error)
            return
        if not await self._commands.renew(self.client, grant, message):
            return
        if self.client.is_closed:
            return
        limit = limit_of(self._subjects, grant) if before is None else None
        if limit is not None:
            self._commands.limited(self.client, limit)
            self._send_away(RATE_LIMITED)
            return
        self._begin_grant(grant)

    def _begin_grant(self, grant: Grant) -> None:
        """Let the client do what a grant allows, until it ends."""
        had, self._grant = self._grant, grant
        if had is None:
            self._subjects.enter(grant.sub)
        if grant.ends_at is None:
            self._expiry.forget(self)
        else:
            # It may end before the one that it replaces.
            self._expiry.watch(self, grant.ends_at - EXPIRING_SECONDS)

    @property
    def _address(self) -> str:
        peer = self._socket.remote_address
        return "-" if peer is None else peer[0]

    def _begin_subscribing(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        self._ask_again_by = None
        if self._commands.comes_back(self.client, message):
            self._is_busy = True
            turn = partial(self._subscribe_at_once, message, on_unserved)
            self._scheduler.call(self.client.account, WorkKind.COMMAND, turn)
        else:
            self._begin(self._subscribe(message, on_unserved))

    def _subscribe_at_once(
        self, message: Subscribe, on_unserved: Callable[[Unserved], None]
    ) -> None:
        """Subscribe in this turn, or in a task if the broker has to be asked."""
        with self.isolated:
            if self.client.is_closed:
                return
            if self._commands.subscribe_at_once(self.client, message):
                self._is_busy = False
                self._go_on()
            else:
                self._begin(self._subscribe(message, on_unserved))

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

    def _begin(self, command: Coroutine[Any, Any, None]) -> None:
        self._is_busy = True
        self._spawn(self._take_time(command))

    async def _take_time(self, command: Coroutine[Any, Any, None]) -> None:
        account = self.client.account
        try:
            await self._scheduler.run(account, WorkKind.COMMAND, lambda: command)
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            # The client would wait without an end for the answer, so close it.
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
            message = self._pending.popleft()
            self._pending_bytes -= len(message)
            self._take(message)
        if self._is_held_up and not self._pending:
            self._is_held_up = False
            self._socket.resume_reading()

    def _heartbeat(self, message: Heartbeat) -> None:
        if message.every_ms is not None:
            seconds = message.every_ms / 1_000
            self.beat_seconds = max(MIN_BEAT_SECONDS, seconds) if seconds else 0.0
            self._beat_at = self._clock()
        self._commands.heartbeat(self.client, message)


def _parsed(data: bytes) -> Supported:
    if not data:
        raise InvalidMessage(INVALID_MESSAGE, INVALID_FORMAT)
    return parse(data)
