"""What requests know of their TCP connections: whose they are, and what they do there.

ASGI has no way to see how much is unsent, or to abort a connection. So whoever meets
the connection is found in what a request is given.
"""

import asyncio
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from tailcast_gateway.connections.edge import Edge, Use
from tailcast_gateway.connections.front import FRONT_STATE, Front
from tailcast_gateway.scheduling.core.fair_queue import Account


# Where a request has whether its connection comes from a proxy that is trusted.
FROM_PROXY: Final = "tailcast.from_proxy"


def front_of(scope: MutableMapping[str, Any]) -> Front | None:
    """The front of a request's connection; None under another server."""
    state: Mapping[str, Any] = scope.get("state") or {}
    front = state.get(FRONT_STATE)
    return front if isinstance(front, Front) else None


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport | None:
    """The transport of a request, None under another server."""
    front = front_of(scope)
    return None if front is None else front.transport


def account_of(scope: MutableMapping[str, Any]) -> Account:
    """What pays for a request: its connection, if the server knows that."""
    front = front_of(scope)
    return Account() if front is None else front.account


def used_as(scope: MutableMapping[str, Any], use: Use) -> AbstractContextManager[None]:
    """Count the connection of a request as one that is used for this."""
    front = front_of(scope)
    return nullcontext() if front is None else front.used_as(use)


class Answered:
    """The application, with who really asks, and a count of what is not answered."""

    def __init__(self, app: Any, edge: Edge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or the server's life."""
        front = front_of(scope)
        if front is None:
            await self._app(scope, receive, send)
            return
        self._tell_asker(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            front.unanswered -= 1

    def _tell_asker(self, scope: Any) -> None:
        forwarded: dict[bytes, list[str]] = {
            b"x-forwarded-for": [],
            b"x-forwarded-proto": [],
        }
        for name, value in scope["headers"]:
            if name in forwarded:
                forwarded[name].append(value.decode("latin-1"))
        scope[FROM_PROXY] = self._edge.proxies.has(scope["client"])
        scope["client"], is_secure = self._edge.proxies.asker(
            scope["client"], *forwarded.values()
        )
        if is_secure is not None:
            scope["scheme"] = "https" if is_secure else "http"
