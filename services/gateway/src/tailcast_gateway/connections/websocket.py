"""One client's WebSocket after its handshake: frames go out, messages come in.

A `Socket` owns the TCP connection and calls its `SocketOwner` with each message. The
owner decides what a message does, when to ping, and which frames are sent. The
handshake is in `front`.

The websockets library reads (masks, sizes, order of fragments, control frames, pongs).
Whole frames are written directly to the transport. Whatever the peer does, memory is
bounded: by the parser's max_size, one read of the transport, and the high-water mark.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from tailcast_gateway.connections.core.control_frames import ControlFrames
from tailcast_gateway.connections.core.owners import LOST_END, NO_OWNER, call_owner
from tailcast_gateway.connections.core.ports import SocketOwner
from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.protocol.frames import close_frame, ping_frame
from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.scheduling.turns import WorkKind


# How many bytes are parsed in one turn for one connection: some hundred of the smallest
# frames, which take a few milliseconds. The rest waits for the next turn.
READ_SLICE_BYTES: Final = 4 * 1024

# How long a peer may take to answer our close frame, or to read the rest.
CLOSE_TIMEOUT_SECONDS: Final = 3.0

_RATE_LIMITED: Final = (
    close_codes.RATE_LIMITED.number,
    close_codes.RATE_LIMITED.reason,
)
# Who is closed with these sends too much: nothing more of it is looked at.
_OVERBEARING: Final = frozenset(
    {close_codes.RATE_LIMITED.number, close_codes.PROTOCOL_ERROR.number}
)
_DRAINING: Final = (close_codes.DRAINING.number, close_codes.DRAINING.reason)
_NOT_UTF8: Final = (close_codes.NOT_UTF8.number, close_codes.NOT_UTF8.reason)
_INTERNAL_ERROR: Final = (
    close_codes.INTERNAL_ERROR.number,
    close_codes.INTERNAL_ERROR.reason,
)


def _discard(frames: bytes) -> None:
    """Replaces `Socket.write` after a close frame was written or the peer left."""


class _Phase(Enum):
    """The phases of a connection."""

    # The owner has not been called yet.
    NEW = "new"
    # Both sides may send.
    OPEN = "open"
    # Our close frame is written; only the peer's close frame is still expected.
    CLOSING = "closing"
    # It has ended; nothing is read or written any more.
    ENDED = "ended"


class Socket(asyncio.Protocol):
    """The connection; `front` makes it."""

    __slots__ = (
        "__weakref__",
        "_connections",
        "_control_frames",
        "_ending",
        "_held",
        "_is_binary",
        "_message",
        "_on_lost",
        "_parser",
        "_phase",
        "_pong",
        "_reading_paused",
        "_scheduler",
        "_slow_call",
        "_timer",
        "_transport",
        "_unread",
        "_will_read",
        "account",
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
        *,
        remote_address: tuple[str, int] | None,
        account: Account,
        scheduler: Scheduler,
        max_control_frames: int,
        on_lost: Callable[[], None],
    ) -> None:
        # The owner; `NO_OWNER` before `start` and after the end.
        self.owner: SocketOwner = NO_OWNER
        # Whether the write buffer is above the high-water mark: write no payload then.
        self.paused = False
        # The peer's address as the socket knows it (a proxy's, behind one).
        self.remote_address = remote_address
        # Writes whole frames. It is the transport's own method until a close frame was
        # written, and `_discard` afterwards. So look it up for every call.
        self.write: Callable[[bytes], None] = (
            _discard if transport.is_closing() else transport.write
        )
        # What pays for what it sends, and for all that it asks for.
        self.account = account
        # Gives it turns to read in.
        self._scheduler = scheduler
        # The TCP connection.
        self._transport = transport
        # Parses frames, and makes the pongs and close frames that answer them.
        self._parser = parser
        # The server's set of live connections, which it closes when it shuts down.
        self._connections = connections
        # Called when the TCP connection is gone.
        self._on_lost = on_lost
        # Counts its pings and pongs.
        self._control_frames = ControlFrames(max_control_frames)
        # Ends a pause in reading that is made since there were too many.
        self._slow_call: asyncio.TimerHandle | None = None
        # The phase of the connection.
        self._phase = _Phase.NEW
        # How the connection ends: the first close of either side; None until then.
        self._ending: tuple[int, str, ClosedBy] | None = None
        # Whether the owner has paused reading; true until `start`.
        self._reading_paused = True
        # Bytes that are not parsed yet; bounded by one read of the transport.
        self._unread = b""
        # Frames that were parsed when the owner paused reading; bounded by one slice.
        self._held: list[Frame] = []
        # Whether it waits for its next turn, as there is something to read.
        self._will_read = False
        # The fragments of an unfinished message; bounded by the parser's max_size.
        self._message: bytearray | None = None
        # Whether that message is binary.
        self._is_binary = False
        # The pong for the latest ping that came while writing is paused.
        self._pong: bytes | None = None
        # Disconnects a peer that does not complete the close.
        self._timer: asyncio.TimerHandle | None = None

    # ---- what the owner may do ----

    def start(self, owner: SocketOwner) -> None:
        """Attach the owner; it gets messages from the next turn of the loop on."""
        self.owner = owner
        asyncio.get_running_loop().call_soon(self._begin)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping; at most 125 bytes."""
        self._control_frames.asked()
        self.write(ping_frame(payload))

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; the connection ends with the peer's answer, or soon."""
        if self._ending is not None:
            return
        self.write(self.owner.last_words(code) + close_frame(code, reason))
        if code in _OVERBEARING:
            self._leave(_Phase.ENDED, code, reason, ClosedBy.GATEWAY)
            self._held, self._unread = [], b""
            self._end_writing()
            return
        self._leave(_Phase.CLOSING, code, reason, ClosedBy.GATEWAY)
        # The peer's close has to be read, whatever the owner wished.
        self.resume_reading()

    def abort(self) -> None:
        """Drop the connection at once, with all that is buffered."""
        self._end(_Phase.ENDED, *LOST_END)
        self._transport.abort()

    def pause_reading(self) -> None:
        """Call the owner with no further message until `resume_reading`.

        Keep it short: while nothing is read, it is not noticed if the peer leaves.
        """
        if self._ending is None:
            self._reading_paused = True
            self._settle_reading()

    def resume_reading(self) -> None:
        """Go on reading after `pause_reading`."""
        self._reading_paused = False
        self._settle_reading()

    @property
    def is_deflated(self) -> bool:
        """Whether the handshake agreed that data frames may be compressed."""
        return bool(self._parser.extensions)

    @property
    def buffered_bytes(self) -> int:
        """How many written bytes the kernel has not accepted yet."""
        if self._phase is _Phase.ENDED:
            return 0
        return self._transport.get_write_buffer_size()

    # ---- what the event loop calls ----

    def data_received(self, data: bytes) -> None:
        """Parse bytes; many of them take several turns."""
        if self._phase is _Phase.ENDED:
            return
        if self._is_held_up or self._unread or len(data) > READ_SLICE_BYTES:
            self._unread += data
            self._settle_reading()
        else:
            read = partial(self._read, data)
            self._scheduler.measured(self.account, WorkKind.COMMAND, read)

    def eof_received(self) -> None:
        """Note that the peer has left without a close frame."""
        if self._transport.get_write_buffer_size():
            self._leave(_Phase.ENDED, *LOST_END)
        else:
            # The transport closes at once, as there is nothing left to send.
            self._end(_Phase.ENDED, *LOST_END)

    def pause_writing(self) -> None:
        """Note that the buffer is above its high-water mark."""
        self.paused = True

    def resume_writing(self) -> None:
        """Note that the buffer is below its low-water mark again."""
        self.paused = False
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self.write(pong)
        if self._phase is _Phase.OPEN:
            call_owner(self, self.owner.writing_resumed)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the TCP connection is gone; the reason does not matter."""
        del exc
        self._connections.discard(self)
        self._on_lost()
        self.write = _discard
        if self._phase is not _Phase.NEW:
            # In the phase NEW `_begin` first handles earlier messages, then the end.
            self._lost()

    # ---- what the server calls ----

    def shutdown(self) -> None:
        """Close the connection, as the server shuts down."""
        self.close(*_DRAINING)

    def fail(self) -> None:
        """Close the connection, which could not be given to an owner."""
        if self.owner is NO_OWNER:
            self.start(NO_OWNER)
        self.close(*_INTERNAL_ERROR)

    # ---- reading ----

    def _begin(self) -> None:
        was_closed = self._transport.is_closing()
        if self._phase is _Phase.NEW:
            self._phase = _Phase.OPEN
        self._reading_paused = False
        self._read_on()
        if was_closed:
            # `connection_lost` was called before.
            self._lost()

    def _settle_reading(self) -> None:
        """Pause or resume the transport, and schedule the next turn of reading."""
        if self._phase is _Phase.ENDED:
            return
        waiting = bool(self._held or self._unread)
        if self._is_held_up or waiting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        if waiting and not self._is_held_up and not self._will_read:
            self._will_read = True
            self._scheduler.call(self.account, WorkKind.COMMAND, self._read_on)

    def _read_on(self) -> None:
        """Do one turn of reading: held frames, or else one slice of bytes."""
        self._will_read = False
        if self._phase is _Phase.ENDED or self._is_held_up:
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
        """Handle frames in order; after the last, send the parser's answers."""
        for index, frame in enumerate(frames):
            if self._is_held_up:
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
        if frame.opcode is Opcode.PING or frame.opcode is Opcode.PONG:
            self._count_control_frame(frame)
        if frame.opcode is Opcode.PONG:
            call_owner(self, self.owner.pong_received, bytes(frame.data))
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

    # ---- control frames ----

    @property
    def _is_held_up(self) -> bool:
        """Whether no further frame is looked at now."""
        return self._reading_paused or self._slow_call is not None

    def _count_control_frame(self, frame: Frame) -> None:
        """Make a pause if there are too many; close the connection if that goes on."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        pause = self._control_frames.came(now, is_pong=frame.opcode is Opcode.PONG)
        if not pause:
            return
        call_owner(self, self.owner.control_frames_limited)
        if self._control_frames.is_over(now):
            self.close(*_RATE_LIMITED)
        else:
            self._slow_call = loop.call_later(pause, self._go_on)

    def _go_on(self) -> None:
        self._end_pause()
        self._settle_reading()

    def _end_pause(self) -> None:
        if self._slow_call is not None:
            self._slow_call.cancel()
            self._slow_call = None

    def _message_received(self, data: bytes) -> None:
        if not self._is_binary and not _is_utf8(data):
            self.close(*_NOT_UTF8)
            return
        call_owner(self, self.owner.message_received, data, binary=self._is_binary)

    def _answer(self, pongs: list[bytes]) -> None:
        """Send pongs; while the peer does not read, keep only the latest for later.

        RFC 6455 section 5.5.3 allows this. It bounds the memory of many pings.
        """
        if self.paused:
            self._pong = pongs[-1]
        else:
            self.write(b"".join(pongs))

    # ---- the end ----

    def _peer_ended(self) -> None:
        """Answer and end after the peer closed, or broke the protocol."""
        parser = self._parser
        answer = b"".join(parser.data_to_send())
        is_theirs = parser.parser_exc is None
        told = parser.close_rcvd if is_theirs else parser.close_sent
        by = ClosedBy.CLIENT if is_theirs else ClosedBy.GATEWAY
        if told is not None and not is_theirs:
            answer = self.owner.last_words(int(told.code)) + answer
        self.write(answer)
        ending = LOST_END if told is None else (int(told.code), told.reason, by)
        self._leave(_Phase.ENDED, *ending)
        if is_theirs:
            self._transport.close()
        else:
            self._end_writing()
        self._tell_closed()

    def _end_writing(self) -> None:
        """End our side, and discard what comes until the peer closes too.

        It may still be sending: closing would reset the connection, and our close frame
        would be lost.
        """
        if not self._transport.can_write_eof():
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.resume_reading()

    def _lost(self) -> None:
        self._end(_Phase.ENDED, *LOST_END)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell_closed()

    def _leave(self, phase: _Phase, code: int, reason: str, by: ClosedBy) -> None:
        """Stop writing; from here the connection ends in bounded time."""
        if self._ending is None:
            self._timer = asyncio.get_running_loop().call_later(
                CLOSE_TIMEOUT_SECONDS, self._transport.abort
            )
        self._end(phase, code, reason, by)

    def _end(self, phase: _Phase, code: int, reason: str, by: ClosedBy) -> None:
        """Stop writing, where nothing has to be waited for."""
        self._end_pause()
        self.write = _discard
        self._ending = self._ending or (code, reason, by)
        self._phase = phase

    def _tell_closed(self) -> None:
        owner, self.owner = self.owner, NO_OWNER
        ending = self._ending or LOST_END
        self._held = []
        self._unread = b""
        # The suspended parser and its object refer to each other, and so do the object
        # and what it failed over, by frames that have all that was read. Both are freed
        # at once so, without the garbage collector.
        self._parser.parser.close()
        _forget_frames(self._parser.parser_exc)
        try:
            owner.socket_closed(*ending)
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            owner.failed(error)


def _forget_frames(error: BaseException | None) -> None:
    """Let go of the frames of an error, and of those that it came from."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
