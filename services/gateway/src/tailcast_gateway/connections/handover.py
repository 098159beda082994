"""The hand-over: uvicorn and FastAPI do the handshake, then the socket is ours.

Here are the protocol classes that uvicorn uses, and every option of uvicorn that
matters. The connection after the hand-over is in `websocket`.

An endpoint accepts, hands over and returns:

    await websocket.accept(subprotocol=...)
    socket = handover(websocket.scope)
    socket.start(owner)

From then on no ASGI task, scope or queue exists for the connection. It stays in
uvicorn's own set of connections, so that a server that shuts down closes it (1012).
"""

import asyncio
import logging
import socket as sockets
import zlib
from collections.abc import MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import (
    WebSocketsSansIOProtocol,
)
from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter

from tailcast_gateway.connections.core.handshake import parse_handshake
from tailcast_gateway.connections.websocket import CLOSE_TIMEOUT_SECONDS, Socket


# How long a connection without requests stays open. It is longer than proxies keep
# theirs (docs/operations.md has them); otherwise a connection might be closed just when
# a proxy uses it again.
KEEP_ALIVE_SECONDS: Final = 125

# The extension in which the endpoint of a plain request finds its transport.
TRANSPORT_EXTENSION: Final = "tailcast.transport"

# The extension in which an endpoint finds the protocol of its connection.
HANDOVER_EXTENSION: Final = "tailcast.handover"

# A socket is `paused` above the high-water mark, and its owner's `writing_resumed` is
# called below the low-water mark. 64 KiB is a page of telemetry: enough to keep a
# socket busy for one turn of the loop, and so little that 10,000 stalled clients cost
# at most 640 MB.
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024
WRITE_LOW_WATER_BYTES: Final = 16 * 1024

# How much unsent data the kernel accepts in addition. Without this bound it would be
# megabytes, which an emergency cannot overtake and behind which a ping waits.
KERNEL_UNSENT_BYTES: Final = 128 * 1024
# Linux and macOS have the option, with different numbers; Windows does not.
_TCP_NOTSENT_LOWAT: Final[int | None] = getattr(sockets, "TCP_NOTSENT_LOWAT", None)


class HandoverError(RuntimeError):
    """The connection cannot be handed over."""


def handover(scope: MutableMapping[str, Any]) -> Socket:
    """Take an accepted connection away from uvicorn; the endpoint then returns.

    Nothing is lost: messages since the handshake wait for `Socket.start`, in order.

    Raises:
        HandoverError: it is no `HandoverProtocol`, is not accepted, or was handed over.
    """
    extensions: dict[str, Any] = scope.get("extensions") or {}
    protocol = extensions.pop(HANDOVER_EXTENSION, None)
    if not isinstance(protocol, HandoverProtocol):
        raise HandoverError(
            "this connection cannot be handed over: it is not served by "
            "HandoverProtocol, or it was handed over already"
        )
    return protocol.hand_over()


def make_server_config(
    app: Any,
    *,
    max_message_bytes: int,
    deflate: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    fd: int | None = None,
    root_path: str = "",
    tls_cert: str | None = None,
    tls_key: str | None = None,
    trusted_proxies: Sequence[str] = (),
    loop: str = "auto",
    http: "str | type[asyncio.Protocol] | None" = None,
) -> uvicorn.Config:
    """Uvicorn as this gateway runs it, with every option that matters in one place.

    If the caller passes bound sockets to `uvicorn.Server.serve(sockets=...)`, then
    host, port and fd have no meaning.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        fd=fd,
        loop=loop,
        http=http or HttpProtocol,
        interface="asgi3",
        lifespan="on",
        root_path=root_path,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        ws=HandoverProtocol,
        ws_max_size=max_message_bytes,
        # `HandoverProtocol` chooses how; frames of uvicorn's way cannot be shared.
        ws_per_message_deflate=deflate,
        # The owner sends pings: only it knows whether the peer's socket accepts bytes.
        ws_ping_interval=None,
        ws_ping_timeout=None,
        # Any client could claim another address in a header, so only named proxies may.
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        # The service has its own log.
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # If many clients reconnect at once, they wait in the kernel and are not
        # refused.
        backlog=4096,
        # Draining has been done before: each connection that is left has its close
        # frame, and this is longer than its time to answer.
        timeout_graceful_shutdown=int(CLOSE_TIMEOUT_SECONDS) + 2,
    )


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which parses handshakes once and gives its transport."""

    # Whether no bytes have come yet.
    _is_fresh = True

    def data_received(self, data: bytes) -> None:
        """Take a handshake that came whole in the first bytes past the parser."""
        is_fresh, self._is_fresh = self._is_fresh, False
        request = parse_handshake(data) if is_fresh else None
        if request is None:
            super().data_received(data)
            return
        self.connections.discard(self)
        protocol = HandoverProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.app_state,
        )
        protocol.take_over(self, request)

    def on_message_begin(self) -> None:
        """Put the transport into the scope of a request that begins."""
        super().on_message_begin()
        # ASGI has no way to see how much is unsent, or to abort a connection.
        extensions: dict[str, Any] = {TRANSPORT_EXTENSION: self.transport}
        self.scope["extensions"] = extensions


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport | None:
    """The transport of a request, None if `HttpProtocol` does not serve it."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    transport = extensions.get(TRANSPORT_EXTENSION)
    return transport if isinstance(transport, asyncio.Transport) else None


class HandoverProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, until the endpoint takes the connection away."""

    # The socket after the hand-over; None as long as the connection is uvicorn's.
    _socket: Socket | None = None

    def take_over(self, http: HttpProtocol, request: Request) -> None:
        """Take a connection from the HTTP protocol, with its handshake."""
        transport, self.transport = http.transport, http.transport
        self.server, self.client = http.server, http.client
        self.scheme = "wss" if http.scheme == "https" else "ws"
        self.connections.add(self)
        _part(http)
        transport.set_protocol(self)
        self.conn = _parser_after_handshake(self.config.ws_max_size)
        self.handle_connect(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over from an HTTP protocol that has parsed the handshake itself."""
        super().connection_made(transport)
        _part(cast("asyncio.Transport", transport).get_protocol())

    def data_received(self, data: bytes) -> None:
        """Receive bytes; the first call has the whole handshake, from uvicorn."""
        if self.handshake_initiated:
            super().data_received(data)
            return
        super().data_received(data)
        if not self.handshake_initiated:
            # The handshake was refused while it was parsed. uvicorn does not notice
            # that: the connection would neither be answered nor end.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Negotiate compression that can be shared; put this into the scope."""
        is_on = self.config.ws_per_message_deflate
        self.conn.available_extensions = [_SHARED_DEFLATE] if is_on else None
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = {"websocket.http.response": {}}
            extensions[HANDOVER_EXTENSION] = self
            self.scope["extensions"] = extensions

    async def send(self, message: Any) -> None:
        """Send; a handshake that was refused with a response counts as complete.

        uvicorn would call it incomplete and log an error for each.
        """
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Run the endpoint, and tell a handed-over socket when it has returned."""
        await super().run_asgi()
        if self._socket is not None:
            self._socket.endpoint_returned()

    def hand_over(self) -> Socket:
        """Give the connection to a `Socket`, without any state of uvicorn."""
        transport = self.transport
        if not self.handshake_complete and not transport.is_closing():
            raise HandoverError("accept the WebSocket before handing it over")
        self.stop_keepalive()
        self._socket = Socket(
            transport,
            self.conn,
            self.connections,
            self._take_early_frames(),
            remote_address=self.client,
            paused=not self.writable.is_set(),
        )
        if not self.disconnected:
            self.connections.discard(self)
            self.connections.add(self._socket)  # type: ignore[arg-type] # has shutdown
            transport.set_protocol(self._socket)
            tune(transport)
        self._forget_connection()
        return self._socket

    def _take_early_frames(self) -> list[Frame]:
        """The messages since the handshake, as frames; an unfinished one is last."""
        frames: list[Frame] = []
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event["type"] != "websocket.receive":
                continue
            text = event.get("text")
            if text is not None:
                frames.append(Frame(Opcode.TEXT, text.encode()))
            else:
                frames.append(Frame(Opcode.BINARY, event.get("bytes") or b""))
        if self.frames:
            is_text = self.curr_msg_data_type == "text"
            opcode = Opcode.TEXT if is_text else Opcode.BINARY
            frames.append(Frame(opcode, b"".join(self.frames), fin=False))
        return frames

    def _forget_connection(self) -> None:
        """Cut this object from the connection, whatever uvicorn still does with it."""
        self.transport = _HANDED_OVER
        self.disconnected = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})


class _SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to deflate only if one compressed frame fits every connection.

    No frame refers to an earlier one (`server_no_context_takeover`), and an offer is
    declined if its window is too small for a shared frame. Clients must not keep a
    context either; that saves 32 KiB for each connection.
    """

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True, client_no_context_takeover=True
        )

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Answer an offer. Raises NegotiationError to decline it."""
        answer, deflate = super().process_request_params(params, accepted_extensions)
        if deflate.local_max_window_bits < zlib.MAX_WBITS:
            raise NegotiationError("a smaller window cannot be shared")
        return answer, deflate


_SHARED_DEFLATE: Final = _SharedDeflateFactory()


class _HandedOver(asyncio.Transport):
    """The transport that uvicorn's protocol holds after the hand-over."""

    def is_closing(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: `run_asgi` closes this and not the connection."""

    def resume_reading(self) -> None:
        """Do nothing: `receive` calls it when its queue is empty."""


_HANDED_OVER: Final = _HandedOver()


def _part(http: Any) -> None:
    """Free the HTTP protocol of a connection that has changed its protocol."""
    if hasattr(http, "parser"):
        # httptools' parser and its protocol refer to each other: 7 kB for each
        # connection that only the garbage collector would free.
        http.parser = None


def _parser_after_handshake(max_size: int) -> ServerProtocol:
    """A parser of frames that answers a handshake which was parsed elsewhere.

    Unlike a parser that has parsed the handshake itself, it does not keep the request.
    """
    parser = ServerProtocol(
        state=State.OPEN,
        max_size=max_size,
        logger=logging.getLogger("uvicorn.error"),
    )
    parser.state = State.CONNECTING
    return parser


def tune(transport: asyncio.Transport) -> None:
    """Disable Nagle's algorithm; keep buffers short, so that emergencies overtake."""
    transport.set_write_buffer_limits(WRITE_HIGH_WATER_BYTES, WRITE_LOW_WATER_BYTES)
    sock: sockets.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (sockets.AF_INET, sockets.AF_INET6):
        return
    # asyncio does this only for sockets that were made with the protocol's number.
    sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    if _TCP_NOTSENT_LOWAT is not None:
        sock.setsockopt(sockets.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)
