"""Signing in with a browser: a page takes a token, and gives a cookie for it.

The token comes in a field or behind the `#` of an address, which browsers send to
nobody; never in what is sent of an address. The cookie is no token that other clients
could use, where that can be avoided: see `Authentication.cookie_for`.
"""

from http import HTTPStatus
from importlib import resources
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response

from tailcast_gateway.connections.admission import GUESSING
from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.http.authentication import Authentication, Busy, peer_of
from tailcast_gateway.http.changes import json_body
from tailcast_gateway.http.core.cookies import ENDED, cookie_header
from tailcast_gateway.http.core.page_headers import page_headers
from tailcast_gateway.http.entrance import LOGIN_PATH, LOGOUT_PATH
from tailcast_gateway.http.responses import json_response, response_of
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    TOO_LARGE,
    UNAUTHENTICATED,
    InvalidMessage,
)


# The longest body that has a token.
MAX_LOGIN_BYTES: Final = 16 * 1_024
_PAGE: Final = (
    resources.files("tailcast_gateway") / "static" / "login.html"
).read_bytes()
_HEADERS: Final = page_headers(_PAGE.decode())


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a sign-in."""

    token: str


_decode = msgspec.json.Decoder(_Login).decode


def add_login(api: FastAPI, authentication: Authentication) -> None:
    """Serve the page, and what it sends."""

    @api.get(LOGIN_PATH, include_in_schema=False)
    async def show_login() -> Response:
        return Response(_PAGE, headers=_HEADERS, media_type="text/html")

    @api.post(LOGIN_PATH, include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        body = await json_body(request, MAX_LOGIN_BYTES)
        try:
            token = _decode(body).token
        except msgspec.MsgspecError as error:
            text = f"Invalid body: {error}"
            raise InvalidMessage(INVALID_MESSAGE, text) from None
        try:
            peer, id = peer_of(request.scope), id_of(request.scope)
            grant = await authentication.grant_for(token, peer, id)
        except Busy:
            return response_of(GUESSING.answer())
        if grant is None:
            answer = {
                "code": UNAUTHENTICATED,
                "message": "this token does not count here",
            }
            return json_response(answer, HTTPStatus.UNAUTHORIZED)
        cookie = authentication.cookie_for(token, grant)
        if cookie is None:
            text = "this token is too long for a browser: use one with fewer sessions"
            raise InvalidMessage(TOO_LARGE, text)
        headers = cookie_header(
            cookie.value, seconds=cookie.seconds, scheme=request.scope["scheme"]
        )
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)

    @api.post(LOGOUT_PATH, include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        headers = cookie_header(ENDED, seconds=0, scheme=request.scope["scheme"])
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
