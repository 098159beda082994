"""The server: uvicorn as this gateway runs it, with a `Front` at each connection."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, cast

import uvicorn

from tailcast_gateway.connections.core.handshakes import Judge
from tailcast_gateway.connections.edge import Edge
from tailcast_gateway.connections.front import Front, OnFailed, make_reception
from tailcast_gateway.connections.requests import Answered
from tailcast_gateway.connections.websocket import CLOSE_TIMEOUT_SECONDS
from tailcast_service.listening import BACKLOG


# How long a connection without requests stays open. It is longer than proxies keep
# theirs (docs/operations.md has them); otherwise a connection might be closed just when
# a proxy uses it again.
KEEP_ALIVE_SECONDS: Final = 125

# How many connections are accepted at most in one pass of the event loop.
ACCEPTED_AT_ONCE: Final = 16


def to_accept_many(bound: Sequence[socket.socket]) -> list[socket.socket]:
    """The sockets that a server is to accept from, each several times.

    uvloop accepts one connection of a socket in one pass of the event loop. Where
    passes are long, as much is computed, hundreds that come and go would let everybody
    else wait for seconds.
    """
    more = [one.dup() for one in bound for _ in range(1, ACCEPTED_AT_ONCE)]
    return [*bound, *more]


def make_server_config(
    app: Any,
    *,
    edge: Edge,
    judge: Judge,
    on_failed: OnFailed,
    max_message_bytes: int,
    deflate: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    fd: int | None = None,
    root_path: str = "",
    tls_cert: str | None = None,
    tls_key: str | None = None,
    loop: str = "auto",
) -> uvicorn.Config:
    """Uvicorn as this gateway runs it, with every option that matters in one place.

    If the caller passes bound sockets to `uvicorn.Server.serve(sockets=...)`, then
    host, port and fd have no meaning.

    Args:
        app: serves HTTP.
        edge: the bounds and the counts of its connections.
        judge: decides about the handshakes of WebSockets.
        on_failed: called with path, error and ID of a request if that fails.
        max_message_bytes: the longest message of a client.
        deflate: whether messages may be compressed.
        host: where to listen.
        port: where to listen; 0 for any.
        fd: the descriptor of a socket that listens there already.
        root_path: the path below which a proxy serves it.
        tls_cert: the file with the certificate.
        tls_key: the file with its key.
        loop: the event loop, as uvicorn names it.
    """
    reception = make_reception(
        edge,
        judge,
        on_failed=on_failed,
        max_message_bytes=max_message_bytes,
        deflate=deflate,
    )
    return uvicorn.Config(
        Answered(app, edge),
        host=host,
        port=port,
        fd=fd,
        loop=loop,
        # What makes a protocol, whatever that is.
        http=cast("type[asyncio.Protocol]", partial(Front, reception)),
        interface="asgi3",
        lifespan="on",
        root_path=root_path,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        ws="none",
        # Any client could claim another address in a header: `Front` knows whom to
        # believe.
        proxy_headers=False,
        # The service has its own log.
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # If many clients reconnect at once, they wait in the kernel and are not
        # refused.
        backlog=BACKLOG,
        # Draining has been done before: each connection that is left has its close
        # frame, and this is longer than its time to answer.
        timeout_graceful_shutdown=int(CLOSE_TIMEOUT_SECONDS) + 2,
    )
