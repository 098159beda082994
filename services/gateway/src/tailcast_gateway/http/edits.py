"""What people say of sessions, over HTTP: tags, notes, and which are pinned."""

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.changes import CHANGE_ERRORS, json_body
from tailcast_gateway.http.core.edits import (
    EDIT_TYPES,
    MAX_EDIT_BYTES,
    EditBody,
    edits_in,
)
from tailcast_gateway.http.core.openapi import answers, takes
from tailcast_gateway.http.core.parameters import session_in
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.http.sessions import IN_PATH, NotFound, SessionName
from tailcast_gateway.protocol.message_parts import SnapshotFields
from tailcast_gateway.sessions.granted import Granted


_ANSWERS: Final = answers(SnapshotFields, errors=(400, 404, *CHANGE_ERRORS))
_BODY: Final = takes(EditBody)
# What follows a session in a path.
_ENDS: Final = ("records", "rejected", "series", "metrics")


async def check_method(request: Request) -> None:
    """Refuse to change what a session has: its path would be that of another session.

    It comes before all that is wrong with a change. Raises HTTPException.
    """
    path = request.scope["raw_path"]
    if request.method == "PATCH" and any(
        session_in(path, before=end) is not None for end in _ENDS
    ):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def add_edits(api: FastAPI) -> None:
    """Serve the changes of what people say."""

    async def change(request: Request, session: str, allowed: Granted) -> Response:
        body = await json_body(request, MAX_EDIT_BYTES, types=EDIT_TYPES)
        edits = edits_in(body)
        if session.startswith("!") or not await allowed.edit(session, edits):
            raise NotFound
        seen = await allowed.snapshot(session)
        if seen is None:
            raise NotFound
        return json_response(allowed.shown(session, seen))

    @api.patch("/api/sessions", responses=_ANSWERS, openapi_extra=_BODY)
    async def change_session(
        request: Request, session: SessionName, allowed: Allowed
    ) -> Response:
        """Change a session's tags, its notes, and whether it is pinned.

        What is absent stays; null takes back what was said, so that what the run says
        of itself counts again.
        """
        return await change(request, session, allowed)

    @api.patch(IN_PATH, responses=_ANSWERS, openapi_extra=_BODY)
    async def change_its_fields(
        request: Request, session: str, allowed: Allowed
    ) -> Response:
        """Like `PATCH /api/sessions?sessionId=`."""
        return await change(request, session, allowed)
