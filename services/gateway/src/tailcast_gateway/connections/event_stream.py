"""A connection over an HTTP response: its frames are server-sent events.

To its owner it is a socket like any other. So delivery, limits, the slow time-out and
draining are the same as for WebSockets. Nothing is read from it: its one message is the
request. Writes of one step of the loop are sent together. While the response's socket
is full they are held, and above the high-water mark `paused` is true.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tailcast_gateway.commands.commands import Unserved
from tailcast_gateway.connections.asgi import STREAMED, chunk, until_gone
from tailcast_gateway.connections.core.owners import LOST_END, NO_OWNER, call_owner
from tailcast_gateway.connections.core.ports import SocketOwner
from tailcast_gateway.connections.edge import Use
from tailcast_gateway.connections.requests import transport_of, used_as
from tailcast_gateway.connections.tuning import WRITE_HIGH_WATER_BYTES, tune
from tailcast_gateway.connections.websocket import CLOSE_TIMEOUT_SECONDS
from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.protocol.event_wire import COMMENT, EVENTS
from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_service.pauses import wait_or_timeout


# After how long without events a comment is sent as a sign of life.
COMMENT_SECONDS = 15.0
# How long the stream waits for its first event, or a refusal. Then it begins with a
# comment, and a later error is an event.
FIRST_BYTE_SECONDS = 1.0
# How many bytes are given to the response's socket at once.
PIECE_BYTES = 64 * 1024

_ANSWERED: Final = (close_codes.NORMAL.number, close_codes.NORMAL.reason)
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    *((name.encode(), value.encode()) for name, value in STREAMED.items()),
]


class EventStream(Response):
    """The response, and at the same time the owner's socket."""

    def __init__(
        self,
        *,
        remote_address: tuple[str, int] | None,
        account: Account,
        with_ids: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Prepare; `with_ids` gives events the reader's own IDs."""
        super().__init__()
        self._with_ids = with_ids
        # The owner; `NO_OWNER` before `start` and after the end.
        self.owner: SocketOwner = NO_OWNER
        # Called once the response can be written.
        self._begin: Callable[[], None] = _nothing
        # Whether the held events have reached the high-water mark.
        self.paused = False
        # The peer's address as the socket knows it (a proxy's, behind one).
        self.remote_address = remote_address
        # What pays for all that is done for the client.
        self.account = account
        # Events that the response's socket has not got yet, and their size.
        self._held: list[bytes] = []
        self._held_bytes = 0
        # Set when there is something to write, or the stream ends.
        self._woken = asyncio.Event()
        # Whether the stream ends: held events are sent, and no others accepted.
        self._is_closing = False
        # How the stream ends; the first call that ends it decides.
        self._ending: tuple[int, str, ClosedBy] | None = None
        # The JSON that answers the request instead of a stream.
        self._refusal: bytes | None = None
        self._has_started = False
        # The transport of the response; None if the server does not give it.
        self._transport: asyncio.Transport | None = None
        # Disconnects a client that does not accept the held events at the end.
        self._timer: asyncio.TimerHandle | None = None

    # ---- what the owner may do ----

    def start(self, owner: SocketOwner, begin: Callable[[], None]) -> None:
        """Attach the owner; `begin` is called when the response can be written."""
        self.owner = owner
        self._begin = begin

    def write(self, frames: bytes) -> None:
        """Send whole events."""
        if not self._is_closing:
            self._hold(frames if self._with_ids is None else self._with_ids(frames))

    def refuse(self, unserved: Unserved) -> None:
        """End the stream with the error of a request that could not be met.

        If the client should come again, or the stream has begun, the error is an event.
        Otherwise it is a response with an error status. Browsers come back to a stream
        that has ended, and never to one that was refused. Neither counts as a failure
        of the gateway.
        """
        if self._is_closing:
            return
        if self._has_started or unserved.is_passing:
            self._hold(EVENTS.message(unserved.error))
        else:
            self._refusal = msgspec.json.encode(unserved.error)
        self._end(*_ANSWERED)

    def ping(self, payload: bytes = b"") -> None:
        """Answer the ping itself: readers of events cannot, but they take bytes."""
        asyncio.get_running_loop().call_soon(self._answer, payload)

    def close(self, code: int, reason: str = "") -> None:
        """Send the held events and the owner's last words, then end the response."""
        if self._ending is None:
            self._hold(self.owner.last_words(code))
            self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self._ending is not None:
            return
        self._ending = (code, reason, ClosedBy.GATEWAY)
        self._is_closing = True
        self._woken.set()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CLOSE_TIMEOUT_SECONDS, self._cut)

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """Nothing is read anyway."""

    @property
    def buffered_bytes(self) -> int:
        """How many written bytes the kernel has not accepted yet."""
        transport = self._transport
        return self._held_bytes + (
            0 if transport is None else transport.get_write_buffer_size()
        )

    # ---- what the server calls ----

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until either side ends it."""
        self._transport = transport_of(scope)
        if self._transport is not None:
            tune(self._transport)
        with used_as(scope, Use.EVENTS):
            await self._serve(receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(until_gone(receive))
        written = asyncio.ensure_future(self._keep_writing(send))
        try:
            call_owner(self, self._begin)
            await asyncio.wait([gone, written], return_when=asyncio.FIRST_COMPLETED)
            if written.done() and (error := written.exception()) is not None:
                raise error
        except asyncio.CancelledError:
            # The server ends now and does not wait for clients.
            self._cut()
        finally:
            self._is_closing = True
            for task in (gone, written):
                task.cancel()
            if self._timer is not None:
                self._timer.cancel()
            owner, self.owner = self.owner, NO_OWNER
            owner.socket_closed(*(self._ending or LOST_END))

    async def _keep_writing(self, send: Send) -> None:
        while True:
            data = await self._next()
            if not self._has_started:
                self._has_started = True
                if self._refusal is not None:
                    await _refuse(send, self._refusal)
                    return
                await send(_start(200, [*HEADERS]))
            for piece in _pieces(data):
                await send(chunk(piece))
                # The server accepts any amount; this empty part waits until it left.
                await send(chunk(b""))
            self._held_bytes -= sum(map(len, data))
            if self._is_closing and not self._held:
                await send(chunk(b"", more=False))
                return
            if self.paused and self._held_bytes < WRITE_HIGH_WATER_BYTES:
                self.paused = False
                call_owner(self, self.owner.writing_resumed)

    async def _next(self) -> list[bytes]:
        """Wait for the events to send next, or a comment as a sign of life."""
        seconds = COMMENT_SECONDS if self._has_started else FIRST_BYTE_SECONDS
        if not await wait_or_timeout(self._woken, seconds):
            self._hold(COMMENT)
        self._woken.clear()
        data, self._held = self._held, []
        return data

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        self.paused = self._held_bytes >= WRITE_HIGH_WATER_BYTES
        self._woken.set()

    def _answer(self, payload: bytes) -> None:
        call_owner(self, self.owner.pong_received, payload)

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _pieces(events: list[bytes]) -> Iterator[bytes]:
    """Events in pieces of bounded size, so that no socket gets a copy of a page."""
    gathered: list[bytes] = []
    size = 0
    for event in events:
        if size + len(event) > PIECE_BYTES and gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        for at in range(0, len(event) - PIECE_BYTES, PIECE_BYTES):
            yield event[at : at + PIECE_BYTES]
        rest = len(event) % PIECE_BYTES or PIECE_BYTES
        gathered.append(event[-rest:] if len(event) > PIECE_BYTES else event)
        size += len(gathered[-1])
    yield b"".join(gathered)


def _nothing() -> None:
    """Do nothing: the stream has not been started."""


async def _refuse(send: Send, message: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(message)).encode()),
    ]
    await send(_start(400, headers))
    await send(chunk(message, more=False))


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}
