"""Curves of a session over HTTP, and the catalogue of its metrics.

This module reads requests and writes answers; curves are drawn in `sessions.curves`.
"""

from hashlib import blake2b
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response

from tailcast_gateway.connections.admission import UNINDEXED
from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.core.bodies import MetricsBody, SeriesBody
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.parameters import metrics_in, place_in, session_in
from tailcast_gateway.http.queries import made_by
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.http.sessions import (
    IN_PATH,
    MetricsQuery,
    NotFound,
    SessionName,
)
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    UNAVAILABLE,
    InvalidMessage,
)
from tailcast_gateway.protocol.message_parts import SnapshotFields
from tailcast_gateway.sessions.core.series import (
    DEFAULT_CATALOGUE,
    DEFAULT_ROWS,
    MAX_CATALOGUE,
    MAX_DRAWN,
    MAX_ROWS,
    Span,
    drawn_body,
    listed_body,
)
from tailcast_gateway.sessions.curve_reads import Unindexed
from tailcast_gateway.sessions.granted import Granted
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.session_state import Head


_ERRORS = (400, 404)
_SERIES = answers(SeriesBody, errors=_ERRORS)
_METRICS = answers(MetricsBody, errors=_ERRORS)
# In a path, `/series` or `/metrics` may be the end of the session ID itself. Then the
# answer is that session's snapshot.
_ITS_SERIES = answers(SeriesBody, SnapshotFields, errors=_ERRORS)
_ITS_METRICS = answers(MetricsBody, SnapshotFields, errors=_ERRORS)


class _SeriesQuery:
    """The curves that a request asks for."""

    def __init__(
        self,
        request: Request,
        metrics: MetricsQuery = None,
        points: Annotated[int, Query(ge=1, le=MAX_ROWS)] = DEFAULT_ROWS,
        x: AxisName = "step",
        low: Annotated[str | None, Query(alias="from")] = None,
        high: Annotated[str | None, Query(alias="to")] = None,
    ) -> None:
        self.names = None if metrics is None else metrics_in(metrics)
        self.points = points
        self.x: AxisName = x
        is_time = x == "time"
        self.span = Span(
            place_in("from", low, is_time=is_time),
            place_in("to", high, is_time=is_time),
        )
        self.query = request.scope["query_string"]
        self.has = request.headers.get("if-none-match", "")
        # One parameter with commas in it may be a single name.
        is_one = metrics is not None and len(metrics) == 1
        self.whole = metrics[0] if metrics is not None and is_one else None
        named = len(self.names or ())
        if self.whole is not None and self.whole in (self.names or ()) and named > 1:
            named -= 1
        if named > MAX_DRAWN or (named == 0 and self.names is not None):
            text = f"metrics: name 1 to {MAX_DRAWN}, or none for the first ones"
            raise InvalidMessage(INVALID_MESSAGE, text)

    def tag(self, head: Head, version: str) -> str:
        """What is the same as long as the answer is."""
        parts = (str(head.cursor), version, self.query.decode("latin-1"))
        return f'"{blake2b(chr(0).join(parts).encode(), digest_size=12).hexdigest()}"'


class _MetricsQuery:
    """The page of the catalogue that a request asks for."""

    def __init__(
        self,
        q: str = "",
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=MAX_CATALOGUE)] = DEFAULT_CATALOGUE,
    ) -> None:
        self.part = q
        self.after = after
        self.limit = limit


SeriesAsked = Annotated[_SeriesQuery, made_by(_SeriesQuery)]
MetricsAsked = Annotated[_MetricsQuery, made_by(_MetricsQuery)]


def add_series(api: FastAPI) -> None:
    """Serve curves and catalogues."""
    routes = _Routes()
    for path, endpoint, answered in (
        ("/api/series", routes.tell_series, _SERIES),
        ("/api/metrics", routes.list_metrics, _METRICS),
        (f"{IN_PATH}/series", routes.tell_its_series, _ITS_SERIES),
        (f"{IN_PATH}/metrics", routes.list_its_metrics, _ITS_METRICS),
    ):
        api.get(path, responses=answered)(endpoint)

    @api.exception_handler(Unindexed)
    async def explain(_request: Request, _error: Unindexed) -> Response:
        body = {
            "code": UNAVAILABLE,
            "message": UNINDEXED.text,
            "retryAfterMs": UNINDEXED.delay_ms(),
        }
        return json_response(body, status=503, headers=UNINDEXED.retry_after())


class _Routes:
    """The endpoints."""

    async def tell_series(
        self, session: SessionName, asked: SeriesAsked, allowed: Allowed
    ) -> Response:
        """Curves of some metrics: at most `points` rows over all records.

        `subscribe` goes on from the `cursor` of the answer.
        """
        head = await self._head(session, allowed)
        return await self._series(session, asked, head, allowed)

    async def list_metrics(
        self, session: SessionName, asked: MetricsAsked, allowed: Allowed
    ) -> Response:
        """The metrics of a session, by name; `cursor` is `after` of the next page."""
        await self._head(session, allowed)
        return await self._metrics(session, asked, allowed)

    # The same endpoints with the session in the path, for addresses that people type.

    async def tell_its_series(
        self, session: str, request: Request, asked: SeriesAsked, allowed: Allowed
    ) -> Response:
        """Like `/api/series?sessionId=`."""
        named = session_in(request.scope["raw_path"], before="series")
        head = None if named is None else await allowed.head(named)
        if named is None or head is None:
            return await self._show(f"{session}/series", allowed)
        return await self._series(named, asked, head, allowed)

    async def list_its_metrics(
        self, session: str, request: Request, asked: MetricsAsked, allowed: Allowed
    ) -> Response:
        """Like `/api/metrics?sessionId=`."""
        named = session_in(request.scope["raw_path"], before="metrics")
        head = None if named is None else await allowed.head(named)
        if named is None or head is None:
            return await self._show(f"{session}/metrics", allowed)
        return await self._metrics(named, asked, allowed)

    # Helpers.

    async def _head(self, session: str, allowed: Granted) -> Head:
        head = await allowed.head(session)
        if head is None:
            raise NotFound
        return head

    async def _series(
        self, session: str, asked: _SeriesQuery, head: Head, allowed: Granted
    ) -> Response:
        # The answer may be newer than what its tag was made from, never older.
        tag = {"etag": asked.tag(head, await allowed.version(session))}
        if tag["etag"] in asked.has:
            return Response(status_code=304, headers=tag)
        drawn = await allowed.draw(
            session,
            asked.names,
            points=asked.points,
            x=asked.x,
            span=asked.span,
            whole=asked.whole,
        )
        return json_response(drawn_body(session, asked.x, drawn), headers=tag)

    async def _metrics(
        self, session: str, asked: _MetricsQuery, allowed: Granted
    ) -> Response:
        listed = await allowed.metrics(session)
        return json_response(
            listed_body(
                session, listed, part=asked.part, after=asked.after, limit=asked.limit
            )
        )

    async def _show(self, session: str, allowed: Granted) -> Response:
        state = await allowed.snapshot(session)
        if state is None or session.startswith("!"):
            raise NotFound
        return json_response(allowed.shown(session, state))
