"""One client's connection after the hand-over: frames out, messages in, one end.

What lives here: the `Socket` that owns the TCP connection, and what its owner is told.
What never does: the handshake and the server (`handover`), what a message
means, when to ping, who gets which frame (that is the `SocketOwner`'s part).

Reading (masks, sizes, order of fragments, control frames, pongs) is the websockets
library's; writing goes straight to the transport, in whole frames. Whatever the peer
does, memory is bounded: by the parser's max_size, one read of the transport, and the
high-water mark.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, ParamSpec

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from tailcast_gateway.connections.core.ports import Nobody, SocketOwner
from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.protocol.frames import close_frame, ping_frame


logger = logging.getLogger(__name__)

# So much is parsed in one turn of the loop for one connection: some hundred of the
# smallest frames, a few milliseconds. What a flood sent beyond it waits for the next.
READ_SLICE_BYTES: Final = 4 * 1024

# So long may a peer take to answer our close frame, or to read what is left.
CLOSE_TIMEOUT_SECONDS: Final = 3.0

_LOST: Final = (close_codes.LOST.number, close_codes.LOST.reason, ClosedBy.NOBODY)
_DRAINING: Final = (close_codes.DRAINING.number, close_codes.DRAINING.reason)
_NOT_UTF8: Final = (close_codes.NOT_UTF8.number, close_codes.NOT_UTF8.reason)
_INTERNAL_ERROR: Final = (
    close_codes.INTERNAL_ERROR.number,
    close_codes.INTERNAL_ERROR.reason,
)

_P = ParamSpec("_P")


_NOBODY: Final = Nobody()


def _discard(frames: bytes) -> None:
    """What `Socket.write` is once a close frame was written or the peer is gone."""


class _Phase(Enum):
    """How far a connection is towards its end."""

    # Handed over; the owner has been told nothing yet.
    NEW = "new"
    # Both sides may send.
    OPEN = "open"
    # Our close frame is written; what comes is read for the peer's close alone.
    CLOSING = "closing"
    # The end is known; nothing is read or written any more.
    ENDED = "ended"


class Socket(asyncio.Protocol):
    """The connection; `handover.handover` makes and returns it."""

    __slots__ = (
        "__weakref__",
        "_connections",
        "_ending",
        "_held",
        "_is_binary",
        "_message",
        "_parser",
        "_phase",
        "_pong",
        "_reading_paused",
        "_slice_call",
        "_timer",
        "_transport",
        "_unread",
        "owner",
        "paused",
        "remote_address",
        "write",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        parser: ServerProtocol,
        connections: set[Any],
        early: list[Frame],
        *,
        remote_address: tuple[str, int] | None,
        paused: bool,
    ) -> None:
        # Who is told; `_NOBODY` before `start` and after the end.
        self.owner: SocketOwner = _NOBODY
        # Whether the write buffer is above the high-water mark: write no more payload.
        self.paused = paused
        # The peer's address as the socket knows it (a proxy's, behind one).
        self.remote_address = remote_address
        # Writes whole frames. It is the transport's own method until a close frame was
        # written and `_discard` from then on: look it up for every call, never keep it.
        self.write: Callable[[bytes], None] = (
            _discard if transport.is_closing() else transport.write
        )
        # Where bytes go and come from.
        self._transport = transport
        # Reads frames, and makes the pongs and the close frames that answer them.
        self._parser = parser
        # uvicorn's set of live connections, which its shutdown walks.
        self._connections = connections
        # How far the connection is towards its end.
        self._phase = _Phase.NEW
        # The first word about the end, by whichever side; None until then.
        self._ending: tuple[int, str, ClosedBy] | None = None
        # Whether the owner wants no messages now; true until `start`.
        self._reading_paused = True
        # Bytes that came and are not parsed yet; bounded by one read of the transport.
        self._unread = b""
        # Frames that were parsed before the owner paused; bounded by one slice.
        self._held = early
        # The next turn of reading, while there is something to read on with.
        self._slice_call: asyncio.Handle | None = None
        # The fragments of an unfinished message; bounded by the parser's max_size.
        self._message: bytearray | None = None
        # Whether that message is binary.
        self._is_binary = False
        # The pong to the latest ping that came while writing is paused.
        self._pong: bytes | None = None
        # Drops a peer that does not bring the closing to its end.
        self._timer: asyncio.TimerHandle | None = None

    # ---- what the owner may do ----

    def start(self, owner: SocketOwner) -> None:
        """Attach the owner; from the next turn of the loop it is told what comes."""
        self.owner = owner
        asyncio.get_running_loop().call_soon(self._begin)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping; at most 125 bytes."""
        self.write(ping_frame(payload))

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; the connection ends with the peer's answer, or soon."""
        if self._ending is not None:
            return
        self.write(self.owner.last_words(code) + close_frame(code, reason))
        self._leave(_Phase.CLOSING, code, reason, ClosedBy.GATEWAY)
        # The peer's close has to be read, whatever the owner wished.
        self.resume_reading()

    def abort(self) -> None:
        """Drop the connection without a word, buffers and all."""
        self._leave(_Phase.ENDED, *_LOST)
        self._transport.abort()

    def pause_reading(self) -> None:
        """Hand out no further message until `resume_reading`; the peer is held up.

        Keep it short: while nothing is read, a peer that left is not noticed.
        """
        if self._ending is None:
            self._reading_paused = True
            self._settle_reading()

    def resume_reading(self) -> None:
        """Go on after `pause_reading`, from where it stopped."""
        self._reading_paused = False
        self._settle_reading()

    @property
    def is_deflated(self) -> bool:
        """Whether the handshake agreed that data frames may be compressed."""
        return bool(self._parser.extensions)

    @property
    def buffered_bytes(self) -> int:
        """What was written and the kernel has not taken yet."""
        if self._phase is _Phase.ENDED:
            return 0
        return self._transport.get_write_buffer_size()

    # ---- what the event loop calls ----

    def data_received(self, data: bytes) -> None:
        """Bytes came; a long run of them is parsed over several turns of the loop."""
        if self._phase is _Phase.ENDED:
            return
        if self._reading_paused or self._unread or len(data) > READ_SLICE_BYTES:
            self._unread += data
            self._settle_reading()
        else:
            self._read(data)

    def eof_received(self) -> None:
        """No close frame came before it: the peer is gone, the transport closes."""
        self._leave(_Phase.ENDED, *_LOST)

    def pause_writing(self) -> None:
        """The buffer is above its high-water mark."""
        self.paused = True

    def resume_writing(self) -> None:
        """The buffer has drained below its low-water mark."""
        self.paused = False
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self.write(pong)
        if self._phase is _Phase.OPEN:
            self._call(self.owner.writing_resumed)

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone; why makes no difference to anybody."""
        del exc
        self._connections.discard(self)
        self.write = _discard
        if self._phase is not _Phase.NEW:
            # Else what came before is told first, and then the end: by `_begin`.
            self._lost()

    # ---- what uvicorn and the hand-over call ----

    def shutdown(self) -> None:
        """Uvicorn shuts down and nobody has closed this connection yet."""
        self.close(*_DRAINING)

    def endpoint_returned(self) -> None:
        """The endpoint is done: without an owner the connection would hang forever."""
        if self._phase is _Phase.NEW and self.owner is _NOBODY:
            logger.error("a connection was handed over and its owner never started")
            self.start(_NOBODY)
            self.close(*_INTERNAL_ERROR)

    # ---- reading ----

    def _begin(self) -> None:
        was_closed = self._transport.is_closing()
        if self._phase is _Phase.NEW:
            self._phase = _Phase.OPEN
        self._reading_paused = False
        self._read_on()
        if was_closed:
            # The loop has said so already: to this object, or to uvicorn's protocol.
            self._lost()

    def _settle_reading(self) -> None:
        """Make transport and loop agree with what is waiting and what is wished."""
        if self._phase is _Phase.ENDED:
            return
        waiting = bool(self._held or self._unread)
        if self._reading_paused or waiting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        if waiting and not self._reading_paused and self._slice_call is None:
            loop = asyncio.get_running_loop()
            self._slice_call = loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """One turn of reading: what is held, else one slice of what is unread."""
        self._slice_call = None
        if self._phase is _Phase.ENDED or self._reading_paused:
            return
        if self._held:
            frames, self._held = self._held, []
            self._take(frames)
        else:
            data = self._unread[:READ_SLICE_BYTES]
            self._unread = self._unread[READ_SLICE_BYTES:]
            self._read(data)
        self._settle_reading()

    def _read(self, data: bytes) -> None:
        if data:
            self._parser.receive_data(data)
        self._take(self._parser.events_received())

    def _take(self, frames: Sequence[Any]) -> None:
        """Handle frames in order; what the parser answers goes out after the last."""
        for index, frame in enumerate(frames):
            if self._reading_paused:
                self._held = list(frames[index:])
                return
            self._frame_received(frame)
        parser = self._parser
        if parser.close_rcvd is not None or parser.parser_exc is not None:
            self._peer_ended()
        elif parser.writes:
            self._answer(parser.data_to_send())

    def _frame_received(self, frame: Frame) -> None:
        if self._phase is not _Phase.OPEN:
            return
        if frame.opcode is Opcode.PONG:
            self._call(self.owner.pong_received, bytes(frame.data))
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._is_binary = frame.opcode is Opcode.BINARY
            if frame.fin:
                self._message_received(bytes(frame.data))
            else:
                self._message = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._message is not None:
            self._message += frame.data
            if frame.fin:
                data, self._message = bytes(self._message), None
                self._message_received(data)

    def _message_received(self, data: bytes) -> None:
        if not self._is_binary and not _is_utf8(data):
            self.close(*_NOT_UTF8)
            return
        self._call(self.owner.message_received, data, binary=self._is_binary)

    def _answer(self, pongs: list[bytes]) -> None:
        """While the peer does not read, only its latest ping is answered, later.

        RFC 6455 section 5.5.3 allows it; a flood of pings is bounded by it.
        """
        if self.paused:
            self._pong = pongs[-1]
        else:
            self.write(b"".join(pongs))

    # ---- the end ----

    def _peer_ended(self) -> None:
        """The peer closed, or broke the protocol: answer and end."""
        parser = self._parser
        answer = b"".join(parser.data_to_send())
        is_theirs = parser.parser_exc is None
        told = parser.close_rcvd if is_theirs else parser.close_sent
        by = ClosedBy.CLIENT if is_theirs else ClosedBy.GATEWAY
        if told is not None and not is_theirs:
            answer = self.owner.last_words(int(told.code)) + answer
        self.write(answer)
        ending = _LOST if told is None else (int(told.code), told.reason, by)
        self._leave(_Phase.ENDED, *ending)
        if is_theirs or not self._transport.can_write_eof():
            self._transport.close()
        elif not self._transport.is_closing():
            # It may still be sending: to close now would reset the connection and our
            # close frame with it. What it sends is discarded until it closes too.
            self._transport.write_eof()
            self._transport.resume_reading()
        self._tell_closed()

    def _lost(self) -> None:
        self._leave(_Phase.ENDED, *_LOST)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell_closed()

    def _leave(self, phase: _Phase, code: int, reason: str, by: ClosedBy) -> None:
        """Write no more; from here the connection ends in bounded time."""
        self.write = _discard
        if self._ending is None:
            self._ending = (code, reason, by)
            self._timer = asyncio.get_running_loop().call_later(
                CLOSE_TIMEOUT_SECONDS, self._transport.abort
            )
        self._phase = phase

    def _tell_closed(self) -> None:
        owner, self.owner = self.owner, _NOBODY
        ending = self._ending or _LOST
        self._held = []
        self._unread = b""
        # The suspended parser and its object refer to each other: ended here, both are
        # freed at once and not by a pass of the garbage collector.
        self._parser.parser.close()
        try:
            owner.socket_closed(*ending)
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            owner.failed(error)

    def _call(
        self, tell: Callable[_P, None], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        try:
            tell(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            self.owner.failed(error)
            self.close(*_INTERNAL_ERROR)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
