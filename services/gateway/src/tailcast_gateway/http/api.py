"""The gateway over HTTP: health, metrics, sessions, the page.

FastAPI routes and checks. It never sees a WebSocket: `handshakes` decides about these.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from tailcast_gateway.connections.admission import AWAY, BUSY, UNREADABLE
from tailcast_gateway.connections.ids import ID_HEADER, id_of, name_request
from tailcast_gateway.connections.requests import account_of, front_of
from tailcast_gateway.http.access import add_access
from tailcast_gateway.http.authentication import peer_of
from tailcast_gateway.http.changes import add_refusals
from tailcast_gateway.http.core import api_page, bodies, openapi
from tailcast_gateway.http.core.page_headers import EVERY_ANSWER, page_headers
from tailcast_gateway.http.edits import add_edits, check_method
from tailcast_gateway.http.emergencies import add_emergencies
from tailcast_gateway.http.entrance import METRICS_PATH, Entrance
from tailcast_gateway.http.events import EVENTS_PATH, add_events
from tailcast_gateway.http.export import Exports
from tailcast_gateway.http.head import as_get
from tailcast_gateway.http.login import add_login
from tailcast_gateway.http.many_series import add_many_series
from tailcast_gateway.http.page import add_page
from tailcast_gateway.http.queries import check_query
from tailcast_gateway.http.record import add_record
from tailcast_gateway.http.responses import (
    json_response,
    response_of,
    with_headers,
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
    SESSION_UNAVAILABLE,
    InvalidMessage,
)
from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.scheduling.time_limit import WaitedTooLong, time_limit
from tailcast_gateway.scheduling.turns import WorkKind
from tailcast_gateway.sessions.isolation import SessionUnavailable
from tailcast_service.build import read_build
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerUnavailable,
    InvalidPosition,
)


# What is answered whatever else clients want: it is short, and says how the gateway is.
AT_ONCE = frozenset({"/healthz", "/readyz", METRICS_PATH})
# What is answered though there is no room: that too. And an event stream says by itself
# when to come again: browsers never come back to what is refused.
ALWAYS_ANSWERED = AT_ONCE | {EVENTS_PATH}

# How long the first bytes of an answer may take, apart from waiting for turns. It is
# longer than any read takes, and shorter than people and their programs wait.
ANSWER_SECONDS = 2.5

_EVERY_ANSWER = [(name.encode(), text.encode()) for name, text in EVERY_ANSWER.items()]


class Api(FastAPI):
    """FastAPI, with what comes before its routes."""

    # What every request passes first.
    entrance: Entrance
    # Gives clients their turns.
    scheduler: Scheduler
    # Why a request is refused for which there is no room, by its ID.
    on_surplus: Callable[[str], Response | None]
    # Makes the answer to a request that takes too long, by its ID.
    on_late: Callable[[TimeoutError, str], Response]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        id = name_request(scope)
        own = (ID_HEADER.lower().encode(), id.encode())
        send = with_headers(send, [own, *_EVERY_ANSWER])
        if scope["method"] == "HEAD":
            scope, send = as_get(scope, send)
        try:
            await self._answer(scope, receive, send)
        except Exception as error:  # noqa: BLE001  # it is this request's failure
            # The request has been answered, or the server ends the connection.
            self.entrance.note_failure(_path_of(scope), error, id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before it has a route."""
        headers = Headers(scope=scope)
        hosts, accepted = headers.getlist("host"), headers.getlist("accept")
        if (unknown := self.entrance.host_check.refuse(hosts, accepted)) is not None:
            await response_of(unknown)(scope, receive, send)
            return
        path = _path_of(scope)
        shared = self.entrance.sharing.look_at(scope, path)
        send = with_headers(send, shared.headers)
        answer = shared.answer or await self._refuse(scope, path)
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._answer_in_time(scope, receive, send)

    async def _refuse(self, scope: Scope, path: str) -> Response | None:
        """The answer to a request for which there is no room, or no grant."""
        front = front_of(scope)
        is_surplus = front is not None and front.is_surplus
        is_refused = is_surplus and path not in ALWAYS_ANSWERED
        refusal = self.on_surplus(id_of(scope)) if is_refused else None
        return refusal or await self.entrance.gate.refuse(scope, path)

    async def _answer_in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or say why not if that takes too long."""
        has_begun = False

        async def serve() -> None:
            async def send_on(message: Message) -> None:
                nonlocal has_begun
                if not has_begun:
                    has_begun = True
                    limit.lift()
                await send(message)

            async with time_limit(ANSWER_SECONDS) as limit:
                await super(Api, self).__call__(scope, receive, send_on)

        try:
            if _path_of(scope) in AT_ONCE:
                await serve()
            else:
                account = account_of(scope)
                await self.scheduler.run(account, WorkKind.REQUEST, serve)
        except TimeoutError as error:
            if has_begun:
                raise
            await self.on_late(error, id_of(scope))(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with our models in it."""
        return openapi.completed(super().openapi())


def _path_of(scope: Scope) -> str:
    """The path of a request, without the prefix of a proxy (`root_path`)."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def make_api(entrance: Entrance) -> Api:
    """The application behind an entrance."""
    replica = entrance.replica
    api = Api(
        title="Tailcast",
        version=asyncapi.VERSION,
        dependencies=[Depends(check_method), Depends(check_query)],
        # These would have a browser run what another host has.
        docs_url=None,
        redoc_url=None,
    )
    api.entrance = entrance
    api.scheduler = replica.scheduler
    _add_health(api, replica)
    exports = Exports(
        quotas=replica.quotas,
        slow_timeout=replica.slow_timeout,
        is_draining=lambda: replica.connections.is_draining,
        instruments=replica.instruments,
    )
    # Before the sessions, whose paths may have any end.
    add_series(api)
    add_many_series(api, replica, exports)
    add_session_list(api)
    add_sessions(api, replica, exports)
    add_emergencies(api, replica)
    add_edits(api)
    add_sources(api)
    add_status(api, replica)
    add_record(api)
    add_events(api, replica)
    add_login(api, entrance.authentication)
    _add_contract(api)
    _add_docs(api)
    add_page(api, entrance.page)
    api.on_surplus = partial(_refuse_surplus, replica)
    _add_errors(api, replica)
    return api


def _refuse_surplus(replica: Replica, id: str) -> Response | None:
    """The answer to a request for which there is no room."""
    if (refusal := replica.refuse(is_surplus=True, id=id)) is None:
        return None
    headers = {**refusal.retry_after(), "connection": "close"}
    body = {"code": "overloaded", "message": refusal.text}
    return json_response(body, status=503, headers=headers)


def _add_errors(api: Api, replica: Replica) -> None:
    """Answer what cannot be served."""
    explain_broker = partial(_explain_broker, replica)
    api.on_late = partial(_explain_late, replica)
    add_refusals(api, replica.instruments)
    add_access(api)

    @api.exception_handler(BrokerError)
    async def explain(request: Request, error: BrokerError) -> Response:
        return explain_broker(error, id_of(request.scope))

    @api.exception_handler(WaitedTooLong)
    async def explain_waiting(request: Request, error: WaitedTooLong) -> Response:
        return _explain_late(replica, error, id_of(request.scope))

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
    async def refuse(request: Request, error: InvalidMessage) -> Response:
        if error.limit is not None:
            address = peer_of(request.scope)
            replica.instruments.limited(
                error.limit, address=address, connection=id_of(request.scope)
            )
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


def _explain_late(replica: Replica, error: TimeoutError, id: str) -> Response:
    """The answer to a request that takes too long."""
    if not isinstance(error, WaitedTooLong):
        return _explain_broker(replica, BrokerUnavailable("it does not answer"), id)
    replica.instruments.unavailable("request", error, connection=id)
    body = {"code": "overloaded", "message": str(error)}
    return json_response(body, status=503, headers=BUSY.retry_after())


def _explain_broker(replica: Replica, error: BrokerError, id: str) -> Response:
    """The answer to a request that needs what the broker does not give."""
    if isinstance(error, SessionUnavailable):
        body = {"code": SESSION_UNAVAILABLE, "message": str(error)}
        return json_response(body, status=503, headers=UNREADABLE.retry_after())
    replica.instruments.broker_failed("request", error)
    replica.instruments.unavailable("request", error, connection=id)
    body = {"code": "unavailable", "message": f"the broker: {error}"}
    return json_response(body, status=503, headers=AWAY.retry_after())


def _allowed(api: Api, request: Request) -> str:
    """The methods of a path: those of all routes with it, each of which has one."""
    routes = [route for route in api.routes if isinstance(route, Route)]
    scope = request.scope
    found = (one.path for one in routes if one.matches(scope)[0] is not Match.NONE)
    path = next(found, None)
    methods = {name for one in routes if one.path == path for name in one.methods or ()}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


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

    @api.get(METRICS_PATH, include_in_schema=False)
    async def tell_metrics() -> Response:
        return Response(
            replica.instruments.exposition(),
            media_type="text/plain; version=0.0.4; charset=utf-8",
        )


def _add_docs(api: FastAPI) -> None:
    @api.get("/docs", include_in_schema=False)
    async def tell_docs() -> Response:
        html = api_page.page_of(api.openapi())
        return Response(html, headers=page_headers(html), media_type="text/html")


def _add_contract(api: FastAPI) -> None:
    @api.get(asyncapi.PATH, include_in_schema=False)
    async def tell_protocol(request: Request) -> Response:
        url = request.url
        scheme = "wss" if url.scheme == "https" else "ws"
        return json_response(asyncapi.make_document(host=url.netloc, scheme=scheme))
