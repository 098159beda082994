"""The hand-over: uvicorn and FastAPI do the handshake, then the socket is ours.

What lives here: the protocol class that uvicorn is given, and every option of uvicorn
that matters. What never does: the connection after the hand-over (`websocket`),
routes, settings.

An endpoint accepts, hands over and returns:

    await websocket.accept(subprotocol=...)
    socket = handover(websocket.scope)
    socket.start(owner)

From then on no ASGI task, scope or queue exists for the connection; it stays in
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


# How long a connection over which nothing is asked stays open. Longer than proxies keep
# theirs (docs/operations.md has them), or one is closed just when it is used again.
KEEP_ALIVE_SECONDS: Final = 125

# Where the endpoint of a plain request finds the transport that answers it.
TRANSPORT_EXTENSION: Final = "tailcast.transport"

# Where an endpoint finds the protocol that carries its connection.
HANDOVER_EXTENSION: Final = "tailcast.handover"

# A socket is `paused` above the one; its owner hears `writing_resumed` below the other.
# 64 KiB is a page of telemetry: enough to keep a socket busy for one turn of the loop,
# little enough that 10,000 stalled clients cost 640 MB at the very worst.
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024
WRITE_LOW_WATER_BYTES: Final = 16 * 1024

# How much unsent data the kernel takes beyond that. Without the bound it grows to
# megabytes that an emergency cannot overtake and behind which a ping waits.
KERNEL_UNSENT_BYTES: Final = 128 * 1024
# Linux and macOS know the option, each by a number of its own; Windows does not.
_TCP_NOTSENT_LOWAT: Final[int | None] = getattr(sockets, "TCP_NOTSENT_LOWAT", None)


class HandoverError(RuntimeError):
    """The endpoint asked for a hand-over that cannot be."""


def handover(scope: MutableMapping[str, Any]) -> Socket:
    """Take an accepted connection away from uvicorn; the endpoint then returns.

    Nothing is lost: what came since the handshake waits for `Socket.start`, in order.
    HandoverError without `HandoverProtocol`, before `accept`, or the second time.
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
    """Uvicorn as this gateway runs it, every option that matters in one place.

    Sockets that the caller has bound itself go to `uvicorn.Server.serve(sockets=...)`,
    and host, port and fd are without meaning then.
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
        # `HandoverProtocol` says how; uvicorn's own way could not be shared.
        ws_per_message_deflate=deflate,
        # The owner pings: only it knows whether the peer's socket takes bytes.
        ws_ping_interval=None,
        ws_ping_timeout=None,
        # Whoever may connect may also say where it connects from, unless told not to.
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        # The service logs for itself, once, in its own form.
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # A reconnect storm waits in the kernel and is not refused.
        backlog=4096,
        # The draining comes before: what is left then has its close frame, and its
        # time to answer it is over by then.
        timeout_graceful_shutdown=int(CLOSE_TIMEOUT_SECONDS) + 2,
    )


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, its handshakes parsed once, its connections in sight."""

    # Whether nothing has come yet.
    _is_fresh = True

    def data_received(self, data: bytes) -> None:
        """A whole handshake as a connection's first bytes goes past the parser."""
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
        """A request begins; its scope gets the transport."""
        super().on_message_begin()
        # ASGI knows neither how much a peer has not taken nor how to leave it.
        extensions: dict[str, Any] = {TRANSPORT_EXTENSION: self.transport}
        self.scope["extensions"] = extensions


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport | None:
    """The transport of a request that `HttpProtocol` serves, else None."""
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
        """The first call brings the handshake: whole, as uvicorn has parsed it once."""
        if self.handshake_initiated:
            super().data_received(data)
            return
        super().data_received(data)
        if not self.handshake_initiated:
            # Refused while it was parsed. uvicorn does not notice, and such a
            # connection would neither be answered nor end.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Negotiate what can be shared, and put the hand-over into the scope."""
        is_on = self.config.ws_per_message_deflate
        self.conn.available_extensions = [_SHARED_DEFLATE] if is_on else None
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = {"websocket.http.response": {}}
            extensions[HANDOVER_EXTENSION] = self
            self.scope["extensions"] = extensions

    async def send(self, message: Any) -> None:
        """Send; a handshake that was refused with a response of its own is over too.

        uvicorn would call it incomplete, and log an error for each.
        """
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Run the endpoint; a connection that it handed over is not uvicorn's."""
        await super().run_asgi()
        if self._socket is not None:
            self._socket.endpoint_returned()

    def hand_over(self) -> Socket:
        """Give the connection to a `Socket`; nothing of uvicorn's stays with it."""
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
        """What came since the handshake, as frames again, the unfinished one last."""
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
        """What uvicorn still does with this object reaches the connection no more."""
        self.transport = _HANDED_OVER
        self.disconnected = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})


class _SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to deflate only where one compressed frame fits every connection.

    No frame refers to an earlier one (`server_no_context_takeover`), and an offer that
    asks for a smaller window than a shared frame may need is declined. That clients
    keep no context either spares 32 KiB for each connection.
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
        """`run_asgi` closes when the endpoint returns: not the connection, this."""

    def resume_reading(self) -> None:
        """`receive` resumes when its queue is empty."""


_HANDED_OVER: Final = _HandedOver()


def _part(http: Any) -> None:
    """End the HTTP protocol of a connection that it is done with."""
    if hasattr(http, "parser"):
        # httptools' parser and its protocol refer to each other: 7 kB for each
        # connection that only a pass of the garbage collector would find.
        http.parser = None


def _parser_after_handshake(max_size: int) -> ServerProtocol:
    """A parser that expects frames and answers a handshake that was parsed elsewhere.

    Unlike one that has parsed the handshake, it does not keep the request for life.
    """
    parser = ServerProtocol(
        state=State.OPEN,
        max_size=max_size,
        logger=logging.getLogger("uvicorn.error"),
    )
    parser.state = State.CONNECTING
    return parser


def tune(transport: asyncio.Transport) -> None:
    """Disable Nagle's algorithm, and keep buffers short for emergencies to overtake."""
    transport.set_write_buffer_limits(WRITE_HIGH_WATER_BYTES, WRITE_LOW_WATER_BYTES)
    sock: sockets.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (sockets.AF_INET, sockets.AF_INET6):
        return
    # asyncio does so only for sockets that were made with the protocol's number.
    sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    if _TCP_NOTSENT_LOWAT is not None:
        sock.setsockopt(sockets.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)
