"""The first protocol of each TCP connection: whoever comes is met here.

A `Front` reads the heads of requests. A WebSocket's handshake it answers by itself, and
the connection becomes a `Socket`. All else goes to uvicorn's own HTTP protocol, which
is used as the event loop would use it: no name of it is used that is not asyncio's.

It also holds to the bounds: how long a head may take, how large it may be. And it knows
what the connection is used for.
"""

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Generator,
)
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeAlias, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.extensions import Extension
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from tailcast_gateway.connections.admission import CROWDED, HASTY
from tailcast_gateway.connections.core.addresses import Visit
from tailcast_gateway.connections.core.handshakes import (
    Admitted,
    Answer,
    Handshake,
    Judge,
    Judgement,
    json_answer,
)
from tailcast_gateway.connections.core.heads import (
    END,
    UNTIL_THE_END,
    BadHead,
    Head,
    can_begin,
    check_beginning,
    read_head,
)
from tailcast_gateway.connections.core.proxies import Peer
from tailcast_gateway.connections.deflate import SHARED_DEFLATE
from tailcast_gateway.connections.edge import Edge, Patience, Standing, Use
from tailcast_gateway.connections.ids import ID_HEADER, new_id
from tailcast_gateway.connections.lent import LentTransport
from tailcast_gateway.connections.tuning import tune
from tailcast_gateway.connections.websocket import CLOSE_TIMEOUT_SECONDS, Socket
from tailcast_gateway.limits import CONNECTIONS_PER_ADDRESS
from tailcast_gateway.scheduling.core.fair_queue import Account


# The state of a request in which its `Front` is found (ASGI's lifespan state).
FRONT_STATE: Final = "tailcast.front"
_LOGGER: Final = logging.getLogger("websockets.server")
_FAILED: Final = json_answer(500, "internal_error", "serving this request failed")
_LATE: Final = json_answer(
    HTTPStatus.REQUEST_TIMEOUT, "invalid_message", "the request did not come in time"
)
# Called with the path, the error and the ID of a request that could not be served.
OnFailed: TypeAlias = Callable[[str, Exception, str], None]


@dataclass(frozen=True, slots=True)
class Reception:
    """What all fronts of a server have in common."""

    edge: Edge
    # Decides about handshakes.
    judge: Judge
    # Called if that fails.
    on_failed: OnFailed
    # The longest message of a client, bytes.
    max_message_bytes: int
    # Answers handshakes by the rules of the protocol.
    negotiator: ServerProtocol
    # Ends those that were refused and do not leave.
    leaving: Patience


def make_reception(
    edge: Edge,
    judge: Judge,
    *,
    on_failed: OnFailed,
    max_message_bytes: int,
    deflate: bool,
) -> Reception:
    """What the fronts of one server have in common."""
    return Reception(
        edge,
        judge,
        on_failed,
        max_message_bytes,
        ServerProtocol(extensions=[SHARED_DEFLATE] if deflate else None),
        Patience(CLOSE_TIMEOUT_SECONDS),
    )


class _Opening(NamedTuple):
    """A handshake that the protocol allows, until it is decided about."""

    head: Head
    # What is sent if it is accepted.
    response: Response
    extensions: list[Extension]
    # Who asks.
    peer: Peer
    # What it is called in the log, and whoever is let in.
    id: str


class Front(asyncio.Protocol):
    """One TCP connection, until it is a WebSocket's."""

    __slots__ = (
        "__weakref__",
        "_body_bytes",
        "_head",
        "_inner",
        "_is_leaving",
        "_lent",
        "_make_inner",
        "_reception",
        "_standing",
        "_state",
        "_use",
        "_verdict",
        "_visit",
        "account",
        "transport",
        "unanswered",
    )

    def __init__(
        self,
        reception: Reception,
        *,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes its protocols."""
        self._reception = reception
        self._state = server_state
        self._make_inner = (config, server_state, app_state, _loop)
        # The TCP connection.
        self.transport: asyncio.Transport
        # What pays for its requests.
        self.account = Account()
        # Whether there was room for it.
        self._standing = Standing.FITS
        # What it is used for.
        self._use = Use.OPENING
        # The beginning of a head that has not come whole.
        self._head = bytearray()
        # How many bytes of a body are still to come.
        self._body_bytes = 0
        # uvicorn's protocol, and the transport as it has it; from the first request on.
        self._inner: asyncio.Protocol | None = None
        self._lent: LentTransport | None = None
        # How many requests have been given to it and not been answered.
        self.unanswered = 0
        # How it counts for its address; None before it is known whose it is.
        self._visit: Visit | None = None
        # Decides about its handshake, if that takes time.
        self._verdict: asyncio.Task[None] | None = None
        # Whether it was refused, and only its end is waited for.
        self._is_leaving = False

    # ---- what the event loop calls ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or close it if there are far too many."""
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        self._standing = self._reception.edge.came(sock.fileno())
        if self._standing is Standing.REFUSED:
            self.transport.abort()
            return
        peer = _peer_of(self.transport)
        if peer is not None and not self._reception.edge.proxies.trusts(peer[0]):
            self._visit = self._enter(peer)
            if self._visit.is_far_beyond:
                self.transport.abort()
        self._state.connections.add(self)  # type: ignore[arg-type]  # has shutdown
        self._reception.edge.patience.begin(self)

    def data_received(self, data: bytes) -> None:
        """Take the parts of requests one after the other."""
        if self._verdict is not None:
            self._head += data
            return
        while data and not self._is_leaving and not self.transport.is_closing():
            if self._body_bytes == UNTIL_THE_END:
                self._give(data)
                return
            if self._body_bytes:
                part, data = data[: self._body_bytes], data[self._body_bytes :]
                self._body_bytes -= len(part)
                self._give(part)
            else:
                data = self._take_head(data)

    def eof_received(self) -> None:
        """Pass it on; the connection is closed then."""
        if self._inner is not None:
            self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._standing is Standing.REFUSED:
            return
        if self._verdict is not None:
            self._verdict.cancel()
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connection_lost(exc)
        self._forget()
        self._reception.edge.gone(self._use, self._visit)

    # ---- what the server and its clock call ----

    def shutdown(self) -> None:
        """Close a connection that has asked for nothing yet, as the server ends."""
        self.transport.close()

    def ran_out(self) -> None:
        """Close a connection that does not say what it wants, or does not leave."""
        if self._is_leaving:
            self.transport.abort()
        elif self._head:
            self._refuse(_LATE)
        else:
            # Browsers open connections in advance: they would take an answer for that
            # to the request that they send next.
            self.transport.close()

    # ---- what endpoints ask ----

    @property
    def is_surplus(self) -> bool:
        """Whether this connection is one too many, now as when it was accepted."""
        if self._standing is not Standing.SURPLUS:
            return False
        descriptor = self.transport.get_extra_info("socket").fileno()
        return self._reception.edge.is_surplus(descriptor)

    @contextmanager
    def used_as(self, use: Use) -> Generator[None]:
        """Count the connection as one that is used for this, for as long as it is."""
        before = self._turn(use)
        try:
            yield
        finally:
            self._turn(before)

    # ---- requests ----

    def _take_head(self, data: bytes) -> bytes:
        """Take bytes of a head, and answer it if it is whole; returns the rest."""
        if not self._head:
            data = data.lstrip(b"\r\n")
            if not data:
                return b""
            if not can_begin(data):
                self._refuse(_bad("this is no request of HTTP/1.1"))
                return b""
            end = data.find(END)
            if end < 0:
                return self._wait_for_more(data)
        else:
            start = max(0, len(self._head) - len(END) + 1)
            self._head += data
            end = self._head.find(END, start)
            if end < 0:
                return self._wait_for_more(b"")
            data = bytes(self._head)
            self._head.clear()
        self._reception.edge.patience.end(self)
        end += len(END)
        return self._answer(data[:end], data[end:])

    def _wait_for_more(self, data: bytes) -> bytes:
        """Keep the beginning of a head; the time for the first one runs already."""
        if not self._head and self._inner is not None:
            self._reception.edge.patience.begin(self)
        self._head += data
        try:
            check_beginning(
                len(self._head), max_bytes=self._reception.edge.max_header_bytes
            )
        except BadHead as error:
            self._refuse(_answer_to(error))
        return b""

    def _answer(self, data: bytes, rest: bytes) -> bytes:
        """Answer a whole head, or have it answered; returns what comes behind it."""
        try:
            head = read_head(data, max_bytes=self._reception.edge.max_header_bytes)
        except BadHead as error:
            self._refuse(_answer_to(error))
            return b""
        if (visit := self._visit_of(head)) is not None and visit.limit is not None:
            self._turn_away(_too_many(visit))
            return b""
        if head.is_handshake and not self.unanswered:
            self._shake_hands(head, rest)
            return b""
        if self._inner is None:
            self._begin_http()
        self.unanswered += 1
        self._body_bytes = head.body_bytes
        self._give(head.forwarded())
        return rest

    def _visit_of(self, head: Head) -> Visit | None:
        """How a connection counts for whoever really asks."""
        if self._visit is None:
            peer, _ = self._asker(head)
            if peer is not None:
                self._visit = self._enter(peer)
        return self._visit

    def _enter(self, peer: tuple[str, int]) -> Visit:
        now = asyncio.get_running_loop().time()
        visit = self._reception.edge.enter(peer[0], now)
        self.account.join(visit.network.clients)
        return visit

    def _begin_http(self) -> None:
        """Give the connection to uvicorn's protocol, as the event loop would."""
        config, state, app_state, loop = self._make_inner
        self._lent = LentTransport(self.transport)
        self._inner = HttpToolsProtocol(
            config=config,
            server_state=state,
            app_state={**app_state, FRONT_STATE: self},
            _loop=loop,
        )
        state.connections.discard(self)
        self._turn(Use.HTTP)
        self._inner.connection_made(self._lent)

    def _give(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    # ---- handshakes ----

    def _shake_hands(self, head: Head, rest: bytes) -> None:
        """Answer a handshake; `rest` is what came behind it."""
        negotiator = self._reception.negotiator
        response = negotiator.accept(Request(head.target, head.headers))
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._decline(response.serialize())
            return
        peer, scheme = self._asker(head)
        extensions = list(negotiator.extensions)
        opening = _Opening(head, response, extensions, peer, new_id())
        judgement = self._judge(opening, scheme)
        if isinstance(judgement, Answer | Admitted):
            self._settle(judgement, opening, rest)
            return
        # Nothing more is read meanwhile, but what is there already.
        self._head += rest
        self.transport.pause_reading()
        loop = asyncio.get_running_loop()
        self._verdict = loop.create_task(self._wait_for(judgement, opening))

    def _judge(
        self, opening: _Opening, scheme: str
    ) -> Judgement | Awaitable[Judgement]:
        head, peer = opening.head, opening.peer
        try:
            return self._reception.judge(
                Handshake(
                    head.target,
                    head.headers,
                    peer,
                    scheme,
                    opening.id,
                    is_surplus=self.is_surplus,
                    from_proxy=self._reception.edge.proxies.has(
                        _peer_of(self.transport)
                    ),
                )
            )
        except Exception as error:  # noqa: BLE001  # it is this request's failure
            self._reception.on_failed(head.target, error, opening.id)
            return _FAILED

    async def _wait_for(
        self, judgement: Awaitable[Judgement], opening: _Opening
    ) -> None:
        try:
            found = await judgement
        except Exception as error:  # noqa: BLE001  # as above
            self._reception.on_failed(opening.head.target, error, opening.id)
            found = _FAILED
        self._verdict = None
        rest = bytes(self._head)
        self._head.clear()
        self.transport.resume_reading()
        self._settle(found, opening, rest)

    def _settle(self, judgement: Judgement, opening: _Opening, rest: bytes) -> None:
        """Carry out what was decided of a handshake."""
        if isinstance(judgement, Answer):
            answer = judgement.with_header(ID_HEADER, opening.id)
            self._decline(answer.serialize())
            return
        reception = self._reception
        response = opening.response
        response.headers[ID_HEADER] = opening.id
        if judgement.subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = judgement.subprotocol
        self._drop_inner()
        self._forget()
        self._turn(Use.WEBSOCKET)
        parser = ServerProtocol(
            state=State.OPEN, max_size=reception.max_message_bytes, logger=_LOGGER
        )
        parser.extensions = opening.extensions
        connections = self._state.connections
        socket = Socket(
            self.transport,
            parser,
            connections,
            remote_address=opening.peer,
            account=self.account,
            scheduler=reception.edge.scheduler,
            max_control_frames=reception.edge.quotas.control_frames,
            on_lost=partial(reception.edge.websocket_gone, self._visit),
        )
        connections.add(socket)  # type: ignore[arg-type]  # has shutdown
        tune(self.transport)
        self.transport.write(response.serialize())
        self.transport.set_protocol(socket)
        try:
            judgement.begin(socket)
        except Exception as error:  # noqa: BLE001  # it is this connection's failure
            reception.on_failed(opening.head.target, error, opening.id)
            socket.fail()
        if rest:
            socket.data_received(rest)

    def _asker(self, head: Head) -> tuple[Peer, str]:
        """Who asks, and by which scheme."""
        peer, is_secure = self._reception.edge.proxies.asker(
            _peer_of(self.transport),
            head.headers.get_all("x-forwarded-for"),
            head.headers.get_all("x-forwarded-proto"),
        )
        if is_secure is None:
            is_secure = self.transport.get_extra_info("sslcontext") is not None
        return peer, "wss" if is_secure else "ws"

    # ---- the end ----

    def _decline(self, answer: bytes) -> None:
        """Answer a request that came whole, and close."""
        self._drop_inner()
        self.transport.write(answer)
        self.transport.close()

    def _refuse(self, answer: Answer) -> None:
        """Answer a request that has not come whole, and end the connection."""
        self._reception.edge.instruments.request_refused(answer.status)
        self._turn_away(answer)

    def _turn_away(self, answer: Answer) -> None:
        """Answer whoever may still be sending, and end the connection.

        Closing at once would reset the connection, and the answer would be lost. So
        what comes is discarded until the peer closes too.
        """
        self._reception.edge.patience.end(self)
        if self.unanswered:
            # In the middle of another answer nothing can be said.
            self.transport.close()
            return
        self._drop_inner()
        self._is_leaving = True
        self._head.clear()
        self.transport.write(answer.serialize())
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._reception.leaving.begin(self)
        else:
            self.transport.close()

    def _drop_inner(self) -> None:
        """Take the connection back from uvicorn's protocol."""
        inner, self._inner = self._inner, None
        if inner is None or self._lent is None:
            return
        self._lent.take_back()
        inner.connection_lost(None)
        self._state.connections.add(self)  # type: ignore[arg-type]  # as above

    def _forget(self) -> None:
        self._state.connections.discard(self)
        self._reception.edge.patience.end(self)
        self._reception.leaving.end(self)

    def _turn(self, use: Use) -> Use:
        before, self._use = self._use, use
        self._reception.edge.turn(before, use)
        return before


def _peer_of(transport: asyncio.Transport) -> Peer:
    name: Any = transport.get_extra_info("peername")
    # A socket of Unix has an empty text.
    return (name[0], name[1]) if name and not isinstance(name, str) else None


def _bad(text: str) -> Answer:
    return json_answer(HTTPStatus.BAD_REQUEST, "invalid_message", text)


def _too_many(visit: Visit) -> Answer:
    """The answer to a connection that is one too many of its address."""
    refusal = CROWDED if visit.limit is CONNECTIONS_PER_ADDRESS else HASTY
    return refusal.answer(visit.wait)


def _answer_to(error: BadHead) -> Answer:
    is_bad = error.status == HTTPStatus.BAD_REQUEST
    code = "invalid_message" if is_bad else "too_large"
    return json_answer(error.status, code, error.text)
