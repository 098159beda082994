"""What whoever sends a request may read, as the endpoints get it.

An endpoint that reads sessions takes `Allowed` as a parameter; there is no other way to
them. The grant is put into the request before it is routed.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response

from tailcast_gateway.http.grants import granted_to
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.protocol.client_messages import NOT_AUTHORIZED
from tailcast_gateway.sessions.granted import Granted, NotAllowed, NotPermitted


async def _allowed(request: Request) -> Granted:
    return granted_to(request)


Allowed = Annotated[Granted, Depends(_allowed)]


def add_access(api: FastAPI) -> None:
    """Answer requests for what is not allowed."""

    @api.exception_handler(NotAllowed)
    async def explain(_request: Request, _error: NotAllowed) -> Response:
        return no_such_session()

    @api.exception_handler(NotPermitted)
    async def refuse(_request: Request, error: NotPermitted) -> Response:
        return json_response({"code": NOT_AUTHORIZED, "message": str(error)}, 403)


def no_such_session() -> Response:
    """The answer about a session that does not exist, or not to whoever asks."""
    return json_response({"code": "not_found", "message": "no such session"}, 404)
