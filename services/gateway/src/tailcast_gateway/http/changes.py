"""Requests that change something: in which type their bodies come, and how soon.

A page of another origin can send a form, or plain text, to any address without being
asked first. So whoever changes something sends JSON; from which pages, `sharing` says.
"""

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from tailcast_gateway.http.responses import json_response
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, TOO_LARGE


JSON_TYPE: Final = "application/json"
# How long the body of a request may take. It is less than an answer may: it is not the
# broker that is late.
BODY_SECONDS: Final = 2.0
# The status codes of what is refused here.
CHANGE_ERRORS: Final = (408, 413, 415)


class Refused(Exception):
    """A request that changes something is not taken."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


async def json_body(
    request: Request, most: int, *, types: Collection[str] = (JSON_TYPE,)
) -> bytes:
    """The body of a request, so many bytes at most. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind.lower() not in types:
        text = f"content-type is {JSON_TYPE}"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, INVALID_MESSAGE, text)
    body = await read_body(request, most)
    if body is None:
        raise Refused(413, TOO_LARGE, f"{most:,} bytes at most")
    return body


async def read_body(request: Request, most: int) -> bytes | None:
    """The body of a request; None, and not read on, if it is longer than so much.

    Raises Refused if it does not come in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    return None
    except TimeoutError:
        text = "the body did not come in time"
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, INVALID_MESSAGE, text) from None
    return bytes(body)


def add_refusals(api: FastAPI, instruments: Instruments) -> None:
    """Answer those that are refused."""

    @api.exception_handler(Refused)
    async def refuse(_request: Request, error: Refused) -> Response:
        body = {"code": error.code, "message": str(error)}
        if error.status != HTTPStatus.REQUEST_TIMEOUT:
            return json_response(body, error.status)
        instruments.request_refused(error.status)
        # What is still to come of it is no request.
        return json_response(body, error.status, headers={"connection": "close"})

    @api.exception_handler(ClientDisconnect)
    async def pass_over(_request: Request, _error: ClientDisconnect) -> Response:
        """Whoever has left within a body gets no answer, and it is nobody's failure."""
        return Response(status_code=HTTPStatus.BAD_REQUEST)
