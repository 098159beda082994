"""Finds in a request what says who sends it. Pure.

The first place that has something decides alone. A token is never looked for in an
address, since addresses are logged, kept and sent on.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from tailcast_gateway.http.core.tokens import decoded


# The subprotocol in which browsers, which can set no header, bring a token to a
# WebSocket; a real one stands beside it.
BEARER_PROTOCOL: Final = "base64url.bearer.tailcast."
_SCHEME: Final = "bearer"


class Malformed(Exception):
    """What is brought cannot be read; the text says what is wrong."""


class Presented(NamedTuple):
    """What a request brings."""

    kind: Literal["bearer", "cookie"]
    value: str


def presented(
    headers: Iterable[tuple[bytes, bytes]], *, cookie: str
) -> Presented | None:
    """What a request brings; None for nothing. Raises Malformed.

    Args:
        headers: of the request, their names in lower case.
        cookie: the name of the cookie, "" if none counts.
    """
    headers = list(headers)
    tokens = [*_bearers(headers), *_offered(headers)]
    if len(tokens) > 1:
        raise Malformed("a request brings one token")
    if tokens:
        return Presented("bearer", tokens[0])
    values = _cookies(headers, cookie) if cookie else []
    return Presented("cookie", values[0]) if len(values) == 1 else None


def _bearers(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """The tokens of `Authorization`; other schemes are of others, as of proxies."""
    tokens: list[str] = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").strip().partition(" ")
            if scheme.lower() == _SCHEME:
                tokens.append(token.strip())
    return tokens


def _offered(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """The tokens among the subprotocols. Raises Malformed."""
    offered = [
        one.strip()
        for name, value in headers
        if name == b"sec-websocket-protocol"
        for one in value.decode("latin-1").split(",")
    ]
    found = [one for one in offered if one.startswith(BEARER_PROTOCOL)]
    if found and len(found) == len(offered):
        raise Malformed("offer a subprotocol beside the token, as tailcast.v1.json")
    tokens = [decoded(one.removeprefix(BEARER_PROTOCOL)) for one in found]
    if None in tokens:
        raise Malformed("the token among the subprotocols is not base64url")
    return [one for one in tokens if one is not None]


def _cookies(headers: list[tuple[bytes, bytes]], name: str) -> list[str]:
    return [
        value.strip()
        for header, text in headers
        if header == b"cookie"
        for key, _, value in (
            one.partition("=") for one in text.decode("latin-1").split(";")
        )
        if key.strip() == name
    ]
