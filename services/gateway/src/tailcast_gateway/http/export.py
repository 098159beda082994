"""Records as lines over HTTP: all of a session up to its head, paced by the socket.

One page is held at a time, and the next is read when the socket has taken it. What
cannot be had is a line in its place; where the stream breaks off, the response ends
without its last chunk, so that no client takes a part for the whole.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tailcast_gateway.connections.asgi import STREAMED, chunk, until_gone
from tailcast_gateway.connections.handover import transport_of
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.pages import Told, shaped
from tailcast_gateway.sessions.history import Pages
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import Cursor


# Exports at the same time in one replica; each holds a page and what its socket has
# not taken.
MAX_EXPORTS = 100
# A page of an export, and what is given to the socket at once.
PAGE_RECORDS = 1_000
EXPORT_PAGE_BYTES = 256 * 1024
CHUNK_BYTES = 64 * 1024
# So long what was written before a break may take to leave.
CLOSE_SECONDS = 5.0


class Broken(Exception):
    """The stream breaks off; its text says why."""


class Exports:
    """The exports of a replica, counted."""

    def __init__(
        self,
        history: Pages,
        *,
        slow_timeout: float,
        is_draining: Callable[[], bool],
        instruments: Instruments,
    ) -> None:
        self._history = history
        self.slow_timeout = slow_timeout
        self.is_draining = is_draining
        self.instruments = instruments
        # How many are on their way.
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.count >= MAX_EXPORTS

    async def chunks(
        self,
        session: str,
        start: Cursor,
        head: Cursor,
        *,
        limit: int | None,
        told: Told,
        view: View = PLAIN,
    ) -> AsyncGenerator[bytes]:
        """Lines from a place up to a head, in chunks.

        Raises:
            Broken: it cannot go on, though the head has not been reached.
            BrokerError: likewise.
        """
        cursor, left = start, limit
        lines = _told_lines(told)
        while cursor.id < head.id and left != 0:
            size = PAGE_RECORDS if left is None else min(PAGE_RECORDS, left)
            page = await self._history.after(
                session, cursor, limit=size, max_bytes=EXPORT_PAGE_BYTES
            )
            if page.cursor == cursor and not page.told:
                raise Broken("what follows is not there")
            lines += _told_lines(page.told)
            records = [one for one in page.records if one.id <= head.id]
            # Between tokens JSON takes a return; readers of lines would end one there.
            lines += [line.replace(b"\r", b" ") for line in shaped(records, view)]
            if left is not None:
                left -= len(records)
            cursor = page.cursor
            for data in _chunked(lines):
                yield data
            lines = []
            if not page.more and cursor.id < head.id:
                raise Broken("the stream ends before the head that it had")
        for data in _chunked(lines):
            yield data


class NdjsonResponse(Response):
    """A response of lines, which ends by abort where they break off."""

    def __init__(
        self,
        exports: Exports,
        session: str,
        chunks: AsyncGenerator[bytes],
        *,
        headers: dict[str, str],
    ) -> None:
        super().__init__(
            headers={**STREAMED, **headers}, media_type="application/x-ndjson"
        )
        # How long it will be is not known.
        del self.headers["content-length"]
        self._exports = exports
        self._session = session
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; returns without the last chunk where it breaks off."""
        gone = asyncio.ensure_future(until_gone(receive))
        self._exports.count += 1
        try:
            async with contextlib.aclosing(self._chunks):
                await self._send_all(gone, send)
        except (Broken, BrokerError, TimeoutError, asyncio.CancelledError) as error:
            reason = str(error) or type(error).__name__
            self._exports.instruments.export_broken(self._session, reason)
            await _abort(scope, gone)
        finally:
            self._exports.count -= 1
            gone.cancel()

    async def _send_all(self, gone: "asyncio.Future[None]", send: Send) -> None:
        start: dict[str, Any] = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": self.raw_headers})
        async for data in self._chunks:
            if gone.done():
                return
            if self._exports.is_draining():
                raise Broken("the server is shutting down")
            async with asyncio.timeout(self._exports.slow_timeout):
                await send(chunk(data))
        await send(chunk(b"", more=False))


async def _abort(scope: Scope, gone: "asyncio.Future[None]") -> None:
    """End the connection without the chunk that would say that it is whole."""
    transport = transport_of(scope)
    if transport is None or gone.done():
        return
    transport.close()
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)
    transport.abort()
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)


def _told_lines(told: Told) -> list[bytes]:
    """Arrays: what no record is, which is an object, whatever its keys are called."""
    return [msgspec.json.encode([name, fields]) for name, fields in told.items()]


def _chunked(lines: Sequence[bytes]) -> list[bytes]:
    """Lines joined to chunks of about `CHUNK_BYTES`."""
    chunks: list[bytes] = []
    start = size = 0
    for at, line in enumerate(lines, 1):
        size += len(line)
        if size >= CHUNK_BYTES or at == len(lines):
            chunks.append(b"\n".join(lines[start:at]) + b"\n")
            start, size = at, 0
    return chunks
