"""The gateway over HTTP: the WebSocket handshake, health, metrics, sessions, the page.

FastAPI routes and checks; an accepted WebSocket is handed over and its endpoint
returns. What goes over it afterwards is `connection`'s business.
"""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from typing import Annotated, Any, Literal

import msgspec
from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi.responses import HTMLResponse

from gateway.catalog import DEFAULT_LIMIT, MAX_LIMIT, describe, page
from gateway.close_codes import OVERLOADED
from gateway.continuity import Continuity, continuation, including
from gateway.recovery import Replaced, Trimmed, Verdict
from gateway.replay import PAGE_BYTES
from gateway.replica import Replica
from gateway.security import is_origin_allowed
from gateway.transport import handover
from gateway.window import NOTHING
from gateway.wire import SUBPROTOCOLS, wire_of
from telemetry_stream.exceptions import BrokerError, InvalidPosition
from telemetry_stream.position import BEGINNING_CURSOR, Cursor


# Sessions in one answer, the latest ones; more are cut off and `more` says so.
MAX_SESSIONS = 1_000


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

    api = FastAPI(title="Tailcast gateway", lifespan=run)
    _add_stream(api, replica, allowed_origins)
    _add_health(api, replica)
    _add_sessions(api, replica)
    index = (resources.files("gateway") / "static" / "index.html").read_text()

    @api.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(index, headers={"cache-control": "no-cache"})

    @api.exception_handler(BrokerError)
    async def explain(_request: Request, error: BrokerError) -> Response:
        body = {"code": "unavailable", "message": f"the broker: {error}"}
        return _json(body, status=503, headers={"retry-after": "1"})

    return api


def _add_stream(
    api: FastAPI, replica: Replica, allowed_origins: Collection[str]
) -> None:
    @api.websocket("/ws/telemetry")
    async def stream(websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if not is_origin_allowed(
            origin,
            host=websocket.headers.get("host"),
            scheme=websocket.url.scheme,
            allowed=allowed_origins,
        ):
            replica.instruments.origin_refused(origin or "")
            text = "this origin may not connect (TAILCAST_ALLOWED_ORIGINS)"
            await websocket.send_denial_response(Response(text, 403))
            return
        if replica.connections.is_draining:
            headers = {"retry-after": "1"}
            await websocket.send_denial_response(
                Response("shutting down", 503, headers=headers)
            )
            return
        offered = websocket.scope.get("subprotocols") or ()
        subprotocol = next((one for one in offered if one in SUBPROTOCOLS), None)
        await websocket.accept(subprotocol=subprotocol)
        if replica.connections.is_full:
            replica.instruments.overloaded(replica.connections.max_connections)
            await websocket.close(OVERLOADED.number, OVERLOADED.reason)
            return
        socket = handover(websocket.scope)
        wire = wire_of(subprotocol, is_deflated=socket.is_deflated)
        socket.start(replica.take(socket, wire))


def _add_health(api: FastAPI, replica: Replica) -> None:
    @api.get("/healthz")
    async def tell_alive() -> Response:
        return _json({"status": "alive"})

    @api.get("/readyz")
    async def tell_ready() -> Response:
        if replica.is_ready:
            return _json({"status": "ready"})
        is_draining = replica.connections.is_draining
        reason = "draining" if is_draining else "the broker does not answer"
        return _json({"status": "not ready", "reason": reason}, status=503)

    @api.get("/metrics", include_in_schema=False)
    async def tell_metrics() -> Response:
        return Response(
            replica.instruments.exposition(),
            media_type="text/plain; version=0.0.4; charset=utf-8",
        )


def _add_sessions(api: FastAPI, replica: Replica) -> None:
    broker = replica.broker

    @api.get("/api/sessions")
    async def list_sessions() -> Response:
        """What there is, the latest first."""
        active = await broker.sessions()
        latest = sorted(active, key=lambda name: -active[name])
        names = latest[:MAX_SESSIONS]
        heads = await broker.heads(names)
        now_ms = replica.wall_clock_ms()
        found = [
            describe(name, head, active_ms=active[name], now_ms=now_ms)
            for name, head in zip(names, heads, strict=True)
        ]
        return _json({"sessions": found, "more": len(latest) > len(names)})

    @api.get("/api/sessions/{session:path}/records")
    async def list_records(
        session: str,
        start: Annotated[Literal["start"], Query(alias="from")] = "start",
        after: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    ) -> Response:
        """One page of records; `cursor` of an answer is `after` of the next."""
        del start  # the only place to begin that needs no cursor
        try:
            cursor = BEGINNING_CURSOR if after is None else Cursor.parse(after)
        except InvalidPosition as error:
            return _json({"code": "invalid_cursor", "message": str(error)}, status=400)
        return await _records(replica, session, cursor, limit=limit)

    @api.get("/api/sessions/{session:path}")
    async def show_session(session: str) -> Response:
        """One session."""
        head = (await broker.heads([session]))[0]
        if head.state is None and head.newest is None:
            return _json({"code": "not_found", "message": "no such session"}, 404)
        now_ms = replica.wall_clock_ms()
        return _json(describe(session, head, active_ms=0, now_ms=now_ms))


async def _records(
    replica: Replica, session: str, cursor: Cursor, *, limit: int
) -> Response:
    """A page after a cursor; what became of the cursor is told, if it is not there."""
    broker = replica.broker
    entries = await broker.read_after(session, including(cursor.id), limit=limit + 2)
    continuity, new = continuation(cursor, entries)
    told: dict[str, object] = {}
    if continuity is Continuity.BROKEN:
        verdict = await replica.replay.look_up(session, cursor)
        cursor, told = _moved(cursor, verdict)
        after = NOTHING.id if cursor == NOTHING else cursor.id
        new = await broker.read_after(session, after, limit=limit + 1)
    body = page(
        session, new, after=cursor, limit=limit, size_bytes=PAGE_BYTES, told=told
    )
    return Response(body, media_type="application/json")


def _moved(cursor: Cursor, verdict: Verdict) -> tuple[Cursor, dict[str, object]]:
    if isinstance(verdict, Trimmed):
        gap = {"from": str(cursor), "to": str(verdict.to), "reason": "trimmed"}
        return verdict.to, {"gap": gap}
    if isinstance(verdict, Replaced):
        return verdict.marker, {"rewind": {"cursor": str(verdict.marker)}}
    return cursor, {}


def _json(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(
        msgspec.json.encode(body),
        status,
        headers=headers,
        media_type="application/json",
    )
