"""Curves of several sessions in one answer: a line of JSON for each.

What is wrong with one session is said in its line, and the others come all the same.
Few are drawn at a time, and the next when the socket has accepted what was drawn.
"""

from collections import deque
from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response

from tailcast_gateway.connections.admission import AWAY, UNINDEXED, UNREADABLE
from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.changes import read_body
from tailcast_gateway.http.core.bodies import (
    NoSeriesBody,
    SeriesBody,
    SeriesQueryBody,
)
from tailcast_gateway.http.core.many_curves import (
    MAX_BODY_BYTES,
    CurvesWanted,
    curves_wanted,
)
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.export import Exports, NdjsonResponse
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import (
    FAILED,
    SESSION_UNAVAILABLE,
    TOO_LARGE,
    UNAVAILABLE,
    InvalidMessage,
    why_unavailable,
)
from tailcast_gateway.protocol.json_schemas import reference
from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.scheduling.turns import SharedWork
from tailcast_gateway.sessions.core.series import drawn_body
from tailcast_gateway.sessions.curve_reads import Unindexed
from tailcast_gateway.sessions.granted import Granted
from tailcast_gateway.sessions.isolation import SessionUnavailable
from tailcast_gateway.sessions.stored import BROKER_SECONDS
from tailcast_streams.exceptions import BrokerError


# How many sessions are drawn ahead of what the socket has accepted.
DRAWN_AHEAD = 2

_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": reference(SeriesQueryBody)}},
}
_LINES: Final = "application/x-ndjson"


def add_many_series(api: FastAPI, replica: Replica, exports: Exports) -> None:
    """Serve the curves of several sessions."""
    responses = answers(SeriesBody, NoSeriesBody, errors=(400, 408))
    content = responses[200]["content"]
    content[_LINES] = content.pop("application/json")
    lines = _Lines(replica.instruments)

    @api.post(
        "/api/series",
        responses=responses,
        # It has no JSON of FastAPI's own.
        response_class=Response,
        openapi_extra={"requestBody": _BODY},
    )
    async def tell_many_series(request: Request, allowed: Allowed) -> Response:
        """Curves of up to 50 sessions: a line for each, in the order of their names.

        A line has `code` and `message` in place of curves that could not be drawn.
        """
        wanted = curves_wanted(await _body_of(request))
        if (refusal := exports.refuse(request)) is not None:
            return refusal
        name = f"{len(wanted.sessions)} sessions' curves"
        id = id_of(request.scope)
        return NdjsonResponse(exports, name, lines.of(wanted, allowed, id))


class _Lines:
    """Makes the lines."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    async def of(
        self, wanted: CurvesWanted, allowed: Granted, id: str
    ) -> AsyncGenerator[bytes]:
        """The lines, each when it was asked for; `id` is the request's."""
        ahead: deque[SharedWork[bytes]] = deque()
        left = iter(wanted.sessions)
        try:
            while True:
                while len(ahead) < DRAWN_AHEAD and (name := next(left, None)):
                    line = partial(self._line, name, wanted, allowed, id)
                    ahead.append(SharedWork(line))
                if not ahead:
                    return
                drawn = await ahead[0].result()
                ahead.popleft()
                yield drawn
        finally:
            for task in ahead:
                task.cancel()

    async def _line(
        self, session: str, wanted: CurvesWanted, allowed: Granted, id: str
    ) -> bytes:
        fields = await self._fields(session, wanted, allowed, id)
        return msgspec.json.encode(fields) + b"\n"

    async def _fields(
        self, session: str, wanted: CurvesWanted, allowed: Granted, id: str
    ) -> dict[str, object]:
        try:
            async with time_limit(BROKER_SECONDS):
                if await allowed.head(session) is None:
                    return _without(session, "not_found", "no such session")
                drawn = await allowed.draw(
                    session,
                    wanted.metrics,
                    points=wanted.points,
                    x=wanted.x,
                    span=wanted.span,
                )
        except Unindexed:
            delay_ms = UNINDEXED.delay_ms()
            return _without(session, UNAVAILABLE, UNINDEXED.text, delay_ms)
        except SessionUnavailable as error:
            delay_ms = UNREADABLE.delay_ms()
            return _without(session, SESSION_UNAVAILABLE, str(error), delay_ms)
        except (BrokerError, TimeoutError) as error:
            self._instruments.broker_failed("request", error)
            self._instruments.unavailable("request", error, connection=id)
            why = why_unavailable(error)
            return _without(session, UNAVAILABLE, why, AWAY.delay_ms())
        except Exception as error:  # noqa: BLE001  # others are drawn
            self._instruments.defect("request", session, error, connection=id)
            return _without(session, FAILED, "drawing this session failed")
        return drawn_body(session, wanted.x, drawn)


def _without(
    session: str, code: str, message: str, retry_after_ms: int | None = None
) -> dict[str, object]:
    """The line of a session that could not be drawn."""
    delay = {} if retry_after_ms is None else {"retryAfterMs": retry_after_ms}
    return {"sessionId": session, "code": code, "message": message, **delay}


async def _body_of(request: Request) -> bytes:
    """The body of a request. Raises InvalidMessage if it is too long."""
    body = await read_body(request, MAX_BODY_BYTES)
    if body is None:
        text = f"the body has at most {MAX_BODY_BYTES:,} bytes"
        raise InvalidMessage(TOO_LARGE, text)
    return body
