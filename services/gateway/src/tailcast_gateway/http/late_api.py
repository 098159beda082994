"""The API over HTTP, which is made while the gateway listens already.

Half of a start is FastAPI and the routes. Nobody who comes for live records needs them,
and after a loss of the gateway there are many of these. Requests wait until all is
made, as they would wait for a gateway that does not listen yet.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from tailcast_gateway.http.entrance import Entrance
from tailcast_service.memory import keep_what_is_loaded


def load_api(entrance: Entrance) -> ASGIApp:
    """The API, and all that it needs."""
    from tailcast_gateway.http.api import make_api  # noqa: PLC0415  # as said above

    return make_api(entrance)


class LateApi:
    """An ASGI application that begins without the API, and has it made."""

    def __init__(
        self,
        make: Callable[[], ASGIApp],
        lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
    ) -> None:
        """`make` is called in a thread; `lifespan` runs around the server's life."""
        self._make = make
        self._router = Router(lifespan=lifespan)
        # Set when the API is made, or could not be.
        self._is_over = asyncio.Event()
        # None before it is made.
        self._api: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's life."""
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
            return
        await self._is_over.wait()
        if self._api is not None:
            await self._api(scope, receive, send)

    async def load(self) -> None:
        """Have it made; raises what making it raises.

        What it needs is imported in a thread, so that clients are served meanwhile.
        """
        try:
            self._api = await asyncio.to_thread(self._make)
        finally:
            self._is_over.set()
        keep_what_is_loaded()
