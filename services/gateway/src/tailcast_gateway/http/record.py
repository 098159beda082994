"""One whole record over HTTP: messages link to it if it is too long for them.

This module reads the request and writes the answer; `sessions` reads the record.
"""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.core.bodies import RecordBody
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.parameters import only_session
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, InvalidMessage
from tailcast_gateway.protocol.message_parts import CURSOR_PATTERN
from tailcast_streams.position import Cursor


_RECORD = answers(RecordBody, errors=(400, 404))
_CURSOR: dict[str, Any] = {"pattern": CURSOR_PATTERN}


def add_record(api: FastAPI) -> None:
    """Serve `/api/record`."""

    @api.get("/api/record", responses=_RECORD)
    async def show_record(
        allowed: Allowed,
        session_ids: Annotated[list[str] | None, Query(alias="sessionId")] = None,
        cursor: Annotated[str | None, Query(json_schema_extra=_CURSOR)] = None,
    ) -> Response:
        """One record or emergency as it was written, by its cursor.

        In the session `!emergencies` it is an emergency that is a whole file.
        """
        session = only_session(session_ids or [])
        if cursor is None:
            text = "name the record, as in ?cursor=1-2048-0a1b2c3d"
            raise InvalidMessage(INVALID_MESSAGE, text)
        place = Cursor.parse(cursor)
        entry = await allowed.record(session, place)
        if entry is None:
            body = {"code": "not_found", "message": "no such record is kept"}
            return json_response(body, 404)
        return Response(entry.record, media_type="application/json")
