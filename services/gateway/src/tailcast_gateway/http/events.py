"""The records of sessions as server-sent events, resumed by `Last-Event-ID`.

This module checks the request. Then `connections.event_stream` makes the response, and
a `Connection` serves it.
"""

from typing import Annotated

from fastapi import FastAPI, Header, Query, Request, Response

from tailcast_gateway.connections.admission import Refusal
from tailcast_gateway.connections.event_stream import HEADERS, EventStream
from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.connections.requests import account_of, front_of
from tailcast_gateway.http.access import no_such_session
from tailcast_gateway.http.authentication import peer_of
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.parameters import parsed_query, sessions_of_events
from tailcast_gateway.http.grants import granted_to
from tailcast_gateway.protocol.client_messages import error_message
from tailcast_gateway.protocol.event_places import EventPlaces
from tailcast_gateway.protocol.event_wire import EVENTS, MANY_EVENTS
from tailcast_gateway.protocol.limits import (
    MAX_EMERGENCIES,
    MAX_MESSAGE_BYTES,
    MIN_MESSAGE_BYTES,
)
from tailcast_gateway.replica import Replica


EVENTS_PATH = "/sse/telemetry"

MaxMessageQuery = Annotated[
    int | None, Query(alias="maxMessage", ge=MIN_MESSAGE_BYTES, le=MAX_MESSAGE_BYTES)
]

_STREAM = answers(errors=(400, 404), media=("text/event-stream",))


def add_events(api: FastAPI, replica: Replica) -> None:
    """Serve `/sse/telemetry`."""

    @api.get(EVENTS_PATH, responses=_STREAM, response_class=Response)
    async def stream(
        request: Request,
        *,
        session_ids: Annotated[list[str] | None, Query(alias="sessionId")] = None,
        start: Annotated[str | None, Query(alias="from")] = None,
        where: str | None = None,
        metrics: Annotated[list[str] | None, Query()] = None,
        max_message: MaxMessageQuery = None,
        emergencies: Annotated[int | None, Query(ge=0, le=MAX_EMERGENCIES)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
        last_event: Annotated[str | None, Query(alias="lastEventId")] = None,
    ) -> Response:
        """Records of sessions as they come; the event's ID says where one is."""
        sessions, grant = (
            sessions_of_events(session_ids or []),
            granted_to(request).grant,
        )
        if not any(map(grant.allows, sessions)):
            return no_such_session()
        last = last_event_id or last_event or None
        places = EventPlaces(sessions, last) if len(sessions) > 1 else None
        query = parsed_query(
            sessions[0] if places is None else sessions,
            replica.views,
            start=start,
            after=last if places is None else None,
            places=places,
            where=where,
            metrics=metrics or (),
            max_message=max_message,
            emergencies=emergencies,
        )
        front = front_of(request.scope)
        is_surplus = front is not None and front.is_surplus
        peer = request.client
        refusal = replica.refuse(
            is_surplus=is_surplus,
            grant=grant,
            address=peer_of(request.scope),
            id=id_of(request.scope),
        )
        if refusal is not None:
            return _ended(refusal)
        response = EventStream(
            remote_address=None if peer is None else (peer.host, peer.port),
            account=account_of(request.scope),
            with_ids=None if places is None else places.with_ids,
        )
        wire = EVENTS if places is None else MANY_EVENTS
        connection = replica.take(response, wire, id=id_of(request.scope), grant=grant)
        response.start(
            connection, lambda: connection.subscribe(query.message, response.refuse)
        )
        return response


def _ended(refusal: Refusal) -> Response:
    """A stream that only says when to come again, and then ends.

    Browsers come back to a stream that has ended, and never to one that was refused.
    """
    told = error_message(refusal.code, refusal.text, retry_after_ms=refusal.delay_ms())
    response = Response(EVENTS.message(told))
    response.raw_headers += [*HEADERS, (b"connection", b"close")]
    return response
