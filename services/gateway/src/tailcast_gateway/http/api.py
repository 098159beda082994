"""The gateway over HTTP: the WebSocket handshake, health, metrics, sessions, the page.

FastAPI routes and checks; an accepted WebSocket is handed over and its endpoint
returns. `connections` serves it from then on.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from tailcast_gateway.connections.admission import AWAY
from tailcast_gateway.connections.handover import handover
from tailcast_gateway.http.changes import Changes, add_refusals
from tailcast_gateway.http.core import bodies, openapi
from tailcast_gateway.http.core.address import read_address
from tailcast_gateway.http.edits import add_edits
from tailcast_gateway.http.emergencies import add_emergencies
from tailcast_gateway.http.events import add_events
from tailcast_gateway.http.export import Exports
from tailcast_gateway.http.many_series import add_many_series
from tailcast_gateway.http.record import add_record
from tailcast_gateway.http.responses import (
    ORIGIN_REFUSED,
    foreign_origin,
    json_response,
)
from tailcast_gateway.http.series import add_series
from tailcast_gateway.http.session_list import add_session_list
from tailcast_gateway.http.sessions import add_sessions
from tailcast_gateway.http.sources import add_sources
from tailcast_gateway.http.status import add_status
from tailcast_gateway.protocol import asyncapi
from tailcast_gateway.protocol.client_messages import (
    FAILED,
    INVALID_CURSOR,
    INVALID_MESSAGE,
    InvalidMessage,
)
from tailcast_gateway.protocol.wires import SUBPROTOCOLS, wire_of
from tailcast_gateway.replica import Replica
from tailcast_service.build import read_build
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerUnavailable,
    InvalidPosition,
)


STREAM_PATH = asyncapi.ADDRESS

Endpoint = Callable[[WebSocket], Awaitable[None]]


# How long the first bytes of an answer may take. It is longer than any read takes, and
# shorter than people and their programs wait.
ANSWER_SECONDS = 2.5


class Api(FastAPI):
    """FastAPI, without its layers for the handshakes of the stream.

    What these layers do for an endpoint (dependencies, exit stacks, handlers of errors)
    is not needed there, and was a quarter of the cost of a handshake.
    """

    # Serves the WebSockets of the stream.
    stream: Endpoint
    # Makes the answer to a request that takes too long.
    on_late: Callable[[], Response]
    # Called with the path and the error of a request that could not be served.
    on_failed: Callable[[str, Exception], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        try:
            if scope["type"] == "websocket" and _path_of(scope) == STREAM_PATH:
                await self.stream(WebSocket(scope, receive, send))
            elif scope["type"] == "http":
                await self._answer_in_time(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            # The request has been answered, or the server ends the connection.
            self.on_failed(_path_of(scope), error)

    async def _answer_in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or say that the broker is away if that takes too long."""
        has_begun = False

        async def send_on(message: Message) -> None:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                in_time.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(ANSWER_SECONDS) as in_time:
                await super().__call__(scope, receive, send_on)
        except TimeoutError:
            if has_begun:
                raise
            await self.on_late()(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with our models in it."""
        return openapi.completed(super().openapi())


def _path_of(scope: Scope) -> str:
    """The path of a request, without the prefix of a proxy (`root_path`)."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def make_api(
    replica: Replica,
    *,
    allowed_origins: Collection[str] = (),
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The application; `lifespan` runs around it, the replica by default."""

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncGenerator[None]:
        async with (lifespan or replica.running)():
            yield

    api = Api(title="Tailcast", version=asyncapi.VERSION, lifespan=run)
    api.stream = _make_stream(replica, allowed_origins)
    api.on_failed = partial(replica.instruments.defect, "request")
    _add_health(api, replica)
    exports = Exports(
        slow_timeout=replica.slow_timeout,
        is_draining=lambda: replica.connections.is_draining,
        instruments=replica.instruments,
    )
    # Before the sessions, whose paths may have any end.
    add_series(api, replica)
    add_many_series(api, replica, exports)
    add_session_list(api, replica)
    add_sessions(api, replica, exports)
    changes = Changes(replica.instruments, allowed_origins)
    add_emergencies(api, replica, changes)
    add_edits(api, replica, changes)
    add_sources(api, replica)
    add_status(api, replica)
    add_record(api, replica)
    add_events(api, replica, allowed_origins)
    _add_contract(api)
    index = (resources.files("tailcast_gateway") / "static" / "index.html").read_text()

    @api.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(index, headers={"cache-control": "no-cache"})

    _add_errors(api, replica)
    return api


def _add_errors(api: Api, replica: Replica) -> None:
    """Answer what cannot be served."""

    def explain_late() -> Response:
        return explain_broker(BrokerUnavailable("it does not answer"))

    def explain_broker(error: BrokerError) -> Response:
        replica.instruments.broker_failed("request", error)
        replica.instruments.unavailable("request", error)
        body = {"code": "unavailable", "message": f"the broker: {error}"}
        return json_response(body, status=503, headers=AWAY.retry_after())

    api.on_late = explain_late
    add_refusals(api)

    @api.exception_handler(BrokerError)
    async def explain(_request: Request, error: BrokerError) -> Response:
        return explain_broker(error)

    @api.exception_handler(Exception)
    async def apologize(_request: Request, _error: Exception) -> Response:
        body = {"code": FAILED, "message": "serving this request failed"}
        return json_response(body, status=500)

    @api.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> Response:
        code = (
            "not_found"
            if error.status_code == HTTPStatus.NOT_FOUND
            else (INVALID_MESSAGE)
        )
        body = {"code": code, "message": str(error.detail)}
        headers = {name.lower(): text for name, text in (error.headers or {}).items()}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["allow"] = _allowed(api, request)
        return json_response(body, status=error.status_code, headers=headers)

    @api.exception_handler(InvalidMessage)
    async def refuse(_request: Request, error: InvalidMessage) -> Response:
        return json_response({"code": error.code, "message": error.text}, status=400)

    @api.exception_handler(InvalidPosition)
    async def refuse_position(_request: Request, error: InvalidPosition) -> Response:
        body = {"code": INVALID_CURSOR, "message": str(error)}
        return json_response(body, status=400)

    @api.exception_handler(RequestValidationError)
    async def refuse_query(
        _request: Request, error: RequestValidationError
    ) -> Response:
        first = error.errors()[0]
        text = f"{first['loc'][-1]}: {first['msg']}"
        return json_response({"code": INVALID_MESSAGE, "message": text}, status=400)


def _allowed(api: Api, request: Request) -> str:
    """The methods of a path: those of all routes with it, each of which has one."""
    routes = [route for route in api.routes if isinstance(route, Route)]
    scope = request.scope
    found = (one.path for one in routes if one.matches(scope)[0] is not Match.NONE)
    path = next(found, None)
    methods = {name for one in routes if one.path == path for name in one.methods or ()}
    return ", ".join(sorted(methods))


def _make_stream(replica: Replica, allowed_origins: Collection[str]) -> Endpoint:
    async def stream(websocket: WebSocket) -> None:
        if (foreign := foreign_origin(websocket, allowed_origins)) is not None:
            replica.instruments.origin_refused(foreign)
            await websocket.send_denial_response(Response(ORIGIN_REFUSED, 403))
            return
        if (refusal := replica.refuse()) is not None:
            # Refuse before the upgrade: a client that was accepted and then closed
            # would come back at once.
            answer = Response(refusal.text, 503, headers=refusal.retry_after())
            await websocket.send_denial_response(answer)
            return
        address = read_address(websocket.query_params.multi_items())
        max_message = address.max_message
        if max_message is not None and replica.wires.is_full:
            replica.instruments.busy("wires")
            text = "too many values of maxMessage are in use here"
            headers = {"retry-after": "5"}
            await websocket.send_denial_response(Response(text, 503, headers=headers))
            return
        offered = websocket.scope.get("subprotocols") or ()
        subprotocol = next((one for one in offered if one in SUBPROTOCOLS), None)
        with replica.connections.expecting():
            await websocket.accept(subprotocol=subprotocol)
            socket = handover(websocket.scope)
            wire = wire_of(subprotocol, is_deflated=socket.is_deflated)
            if max_message is not None:
                wire = replica.wires.bounded(wire, max_message) or wire
            connection = replica.take(
                socket, wire, name=address.name, defaults=address.defaults
            )
            socket.start(connection)
            if address.wrong:
                connection.complain(address.wrong)

    return stream


def _add_health(api: FastAPI, replica: Replica) -> None:
    life = openapi.answers(bodies.LifeBody)
    readiness = openapi.answers(bodies.ReadinessBody)
    build = read_build()._asdict()

    @api.get("/healthz", responses={**life, 503: life[200]})
    async def tell_alive() -> Response:
        if (failure := replica.why_over) is None:
            return json_response({"status": "alive", **build})
        body = {"status": "not alive", "reason": str(failure), **build}
        return json_response(body, status=503)

    @api.get("/readyz", responses={**readiness, 503: readiness[200]})
    async def tell_ready() -> Response:
        if not (reason := replica.why_not_ready):
            return json_response({"status": "ready"})
        body = {"status": "not ready", "reason": reason}
        return json_response(body, status=503)

    @api.get("/metrics", include_in_schema=False)
    async def tell_metrics() -> Response:
        return Response(
            replica.instruments.exposition(),
            media_type="text/plain; version=0.0.4; charset=utf-8",
        )


def _add_contract(api: FastAPI) -> None:
    @api.get(asyncapi.PATH, include_in_schema=False)
    async def tell_protocol(request: Request) -> Response:
        url = request.url
        scheme = "wss" if url.scheme == "https" else "ws"
        return json_response(asyncapi.make_document(host=url.netloc, scheme=scheme))
