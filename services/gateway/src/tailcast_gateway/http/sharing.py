"""Lets pages of other origins read what is served, if they may connect (CORS).

The same origins as for WebSockets, for all of the API and its event streams: no route
says so, and none can forget it. An origin is named in the answer as it was sent; never
all of them, and never with credentials. So a browser sends no cookie along, and a
page elsewhere has to bring a token of its own. What a page takes in without reading it,
as a script or a frame, is refused, since nobody says which page that is. What changes
something is asked for by pages that may connect alone, wherever it is.
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from tailcast_gateway.connections.ids import ID_HEADER
from tailcast_gateway.http.core.page_headers import NO_PAGE
from tailcast_gateway.http.origins import EVERY_ORIGIN, is_taken_in
from tailcast_gateway.http.responses import Headers, foreign_origin, refused_origin
from tailcast_gateway.instruments import Instruments


_PREFIXES: Final = ("/api/", "/sse/")
# Methods that change nothing.
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
# What browsers are told who ask before they send what a form could not.
_PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE",
    "access-control-allow-headers": "Authorization, Content-Type, Last-Event-ID",
    "access-control-max-age": "600",
}
_POLICY: Final = (b"content-security-policy", NO_PAGE.encode())
_EXPOSED: Final = f"Retry-After, {ID_HEADER}".encode()


class Shared(NamedTuple):
    """What becomes of a request because of its origin."""

    # The answer, if there is no other one.
    answer: Response | None = None
    # What any answer says of it.
    headers: Headers = ()


class Sharing:
    """The rule of one gateway."""

    def __init__(self, allowed: Collection[str], instruments: Instruments) -> None:
        """`allowed` are origins as `TAILCAST_ALLOWED_ORIGINS` has them."""
        self._allowed = allowed
        self._instruments = instruments

    def look_at(self, scope: Scope, path: str) -> Shared:
        """What becomes of a request, whose host is one that is allowed."""
        request = HTTPConnection(scope)
        origin = request.headers.get("origin")
        if not path.startswith(_PREFIXES):
            return self._look_at_change(request)
        # Who keeps answers must not give one page what is another's.
        headers = [(b"vary", b"Origin"), _POLICY]
        if origin is None:
            if EVERY_ORIGIN in self._allowed or not is_taken_in(request.headers):
                return Shared(None, headers)
            self._instruments.origin_refused("none: a page of another takes it in")
            return Shared(refused_origin(), headers)
        if (foreign := foreign_origin(request, self._allowed)) is not None:
            self._instruments.origin_refused(foreign)
            return Shared(refused_origin(), headers)
        headers += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _EXPOSED),
        ]
        if (
            scope["method"] == "OPTIONS"
            and "access-control-request-method" in request.headers
        ):
            answer = Response(status_code=HTTPStatus.NO_CONTENT, headers=_PREFLIGHT)
            return Shared(answer, headers)
        return Shared(None, headers)

    def _look_at_change(self, request: HTTPConnection) -> Shared:
        """What becomes of a request for what no other page may read."""
        if request.scope["method"] in _SAFE:
            return Shared()
        if (foreign := foreign_origin(request, self._allowed)) is None:
            return Shared()
        self._instruments.origin_refused(foreign)
        return Shared(refused_origin())
