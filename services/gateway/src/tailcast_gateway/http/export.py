"""Answers of lines over HTTP: all records of a session up to its head, or curves.

One page is in memory at a time, and the next is read when the socket has accepted it.
Lost records are a line in their place. If the answer cannot go on, the response ends
without its last chunk, so that no client takes a part for the whole.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tailcast_gateway.connections.admission import ENDING, EXPORTING
from tailcast_gateway.connections.asgi import STREAMED, chunk, until_gone
from tailcast_gateway.connections.core.subjects import Subjects
from tailcast_gateway.connections.edge import Use
from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.connections.requests import transport_of, used_as
from tailcast_gateway.http.authentication import peer_of
from tailcast_gateway.http.grants import granted_to
from tailcast_gateway.http.responses import response_of
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import EXPORTS, SUBJECT_EXPORTS, Quotas
from tailcast_gateway.protocol.lines import one_line
from tailcast_gateway.scheduling.turns import WorkKind, work_as
from tailcast_gateway.sessions.core.pages import Breaks, shaped
from tailcast_gateway.sessions.filtering import filtered
from tailcast_gateway.sessions.granted import Granted
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import Cursor


# The size of a page of an export, and how many bytes are given to the socket at once.
PAGE_RECORDS = 1_000
EXPORT_PAGE_BYTES = 128 * 1024
CHUNK_BYTES = 64 * 1024
# How long the bytes that were written before a break may take to be sent.
CLOSE_SECONDS = 5.0


class Broken(Exception):
    """The export cannot go on; the text says why."""


class Exports:
    """The responses of lines of a replica, counted.

    Each holds a page, and the bytes that its socket has not accepted yet.
    """

    def __init__(
        self,
        *,
        quotas: Quotas,
        slow_timeout: float,
        is_draining: Callable[[], bool],
        instruments: Instruments,
    ) -> None:
        # How many there may be at the same time.
        self._most = quotas.exports
        self.slow_timeout = slow_timeout
        self.is_draining = is_draining
        self.instruments = instruments
        # How many run now, and those of each subject of tokens.
        self._running = 0
        self._subjects = Subjects(quotas.exports_per_subject)

    def refuse(self, request: Request) -> Response | None:
        """The answer to one that would be too many, or comes too late; None if not."""
        if self.is_draining():
            self.instruments.busy("draining")
            return response_of(ENDING.answer())
        subject = granted_to(request).grant.sub
        if self._running >= self._most:
            limit = EXPORTS
        elif self._subjects.is_full(subject):
            limit = SUBJECT_EXPORTS
        else:
            return None
        address = peer_of(request.scope)
        self.instruments.limited(
            limit, subject=subject, address=address, connection=id_of(request.scope)
        )
        return response_of(EXPORTING.answer())

    @contextlib.contextmanager
    def counting(self, subject: str) -> Generator[None]:
        """Count one that runs while the block does."""
        self._running += 1
        self._subjects.enter(subject)
        try:
            yield
        finally:
            self._running -= 1
            self._subjects.leave(subject)


async def exported(
    allowed: Granted,
    session: str,
    start: Cursor,
    head: Cursor,
    *,
    limit: int | None,
    told: Breaks,
    view: View = PLAIN,
    reading: Reading | None = None,
) -> AsyncGenerator[bytes]:
    """The lines from a place of a session up to a head, in chunks; see `shaped`.

    Raises:
        Broken: records are missing before the head, or the grant is over.
        BrokerError: the broker failed before the head.
    """
    cursor, left = start, limit
    lines = _told_lines(told)
    while cursor.id < head.id and left != 0:
        if allowed.is_over:
            raise Broken("the token is over")
        size = PAGE_RECORDS if left is None else min(PAGE_RECORDS, left)
        page = await allowed.after(
            session, cursor, limit=size, max_bytes=EXPORT_PAGE_BYTES
        )
        if page.cursor == cursor and not page.told:
            raise Broken("what follows is not there")
        lines += _told_lines(page.told)
        records = [one for one in page.records if one.id <= head.id]
        wanted = await filtered(records, view)
        lines += [one_line(line) for line in shaped(wanted, view, reading)]
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
    """A response of lines, which is aborted if the export cannot go on."""

    def __init__(
        self,
        exports: Exports,
        session: str,
        chunks: AsyncGenerator[bytes],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            headers={**STREAMED, **(headers or {})}, media_type="application/x-ndjson"
        )
        # Its length is not known in advance.
        del self.headers["content-length"]
        self._exports = exports
        self._session = session
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, without its last chunk if it cannot go on."""
        gone = asyncio.ensure_future(until_gone(receive))
        subject = granted_to(HTTPConnection(scope)).grant.sub
        try:
            with used_as(scope, Use.EXPORT), self._exports.counting(subject):
                async with contextlib.aclosing(self._chunks):
                    await self._send_all(gone, send)
        except (Broken, BrokerError, TimeoutError, asyncio.CancelledError) as error:
            reason = str(error) or type(error).__name__
            self._exports.instruments.export_broken(
                self._session, reason, connection=id_of(scope)
            )
            await _abort(scope, gone)
        finally:
            gone.cancel()

    async def _send_all(self, gone: "asyncio.Future[None]", send: Send) -> None:
        work_as(WorkKind.EXPORT)
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
    """End the connection without the last chunk, which would say that it is whole."""
    transport = transport_of(scope)
    if transport is None or gone.done():
        return
    transport.close()
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)
    transport.abort()
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)


def _told_lines(told: Breaks) -> list[bytes]:
    """Gaps and rewinds as arrays, which cannot be confused with records."""
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
