"""Sessions over HTTP: snapshots, pages of records, rejected lines.

This module reads requests and writes answers; pages are made in `pages` and `history`.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import WithJsonSchema
from starlette.convertors import PathConvertor, register_url_convertor

from tailcast_gateway.http.access import Allowed, no_such_session
from tailcast_gateway.http.core.bodies import (
    RecordsBody,
    RejectedBody,
)
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.parameters import (
    ParsedQuery,
    names_in,
    only_session,
    parsed_query,
    session_in,
)
from tailcast_gateway.http.export import Exports, NdjsonResponse, exported
from tailcast_gateway.http.queries import made_by
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    InvalidMessage,
)
from tailcast_gateway.protocol.limits import DEFAULT_HISTORY, MAX_HISTORY
from tailcast_gateway.protocol.message_parts import CURSOR_PATTERN, SnapshotFields
from tailcast_gateway.replica import Replica
from tailcast_gateway.sessions.core.catalogue import rejected
from tailcast_gateway.sessions.core.outcomes import reached_by
from tailcast_gateway.sessions.core.pages import NO_BREAKS, Page, body, moved
from tailcast_gateway.sessions.core.verdicts import NoValues, Verdict
from tailcast_gateway.sessions.filtering import filtered
from tailcast_gateway.sessions.granted import Granted
from tailcast_gateway.sessions.history import Beginning
from tailcast_gateway.sessions.reads import PAGE_BYTES
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.view import View, Views
from tailcast_streams.position import (
    BEFORE_ALL,
    NOTHING,
    Cursor,
    EntryID,
)
from tailcast_streams.session_state import Head


LimitQuery = Annotated[int | None, Query(ge=1)]
# Patterns are for the document only: the values are checked where they are read.
CursorQuery = Annotated[
    str | None, Query(json_schema_extra={"pattern": CURSOR_PATTERN})
]
# May be repeated: then each is one name. Any text is one, so the document does not say
# that it must be a list.
MetricsQuery = Annotated[
    list[str] | None,
    WithJsonSchema({"type": "string", "title": "Metrics"}, mode="validation"),
    Query(),
]
StartQuery = Annotated[
    str,
    Query(
        alias="from",
        json_schema_extra={"pattern": "^(start|now|(last|step|time|cursor):.+)$"},
    ),
]

_LINES = ("application/x-ndjson",)
_ERRORS = (400, 404)
_SNAPSHOT = answers(SnapshotFields, errors=_ERRORS)
_RECORDS = answers(RecordsBody, errors=_ERRORS, media=_LINES)
_REJECTED = answers(RejectedBody, errors=_ERRORS)
# In a path, `/records` or `/rejected` may be the end of the session ID itself. Then the
# answer is that session's snapshot.
_SESSION = answers(SnapshotFields, errors=_ERRORS)
_ITS_RECORDS = answers(RecordsBody, SnapshotFields, errors=_ERRORS, media=_LINES)
_ITS_REJECTED = answers(RejectedBody, SnapshotFields, errors=_ERRORS)


class SessionConvertor(PathConvertor):
    """A session in a path: with slashes, and any character of a file's name."""

    regex = "(?s:.*)"


register_url_convertor("session", SessionConvertor())
IN_PATH = "/api/sessions/{session:session}"


class NotFound(Exception):
    """There is no such session."""


async def _named(
    session_ids: Annotated[list[str] | None, Query(alias="sessionId")] = None,
) -> str:
    """The session of a query; unlike in a path, no proxy changes anything in it."""
    return only_session(session_ids or [])


SessionName = Annotated[str, Depends(_named)]


class _RecordsQuery:
    """The records of a session that a request asks for, and their view."""

    def __init__(
        self,
        request: Request,
        start: StartQuery = "start",
        after: CursorQuery = None,
        before: CursorQuery = None,
        limit: LimitQuery = None,
        where: str | None = None,
        metrics: MetricsQuery = None,
    ) -> None:
        self.request = request
        self.as_lines = _LINES[0] in request.headers.get("accept", "")
        self.start = start
        self.after = after
        self.before = before
        self.limit = limit
        self.where = where
        self.metrics = metrics or ()

    def of(self, session: str, views: Views) -> ParsedQuery:
        """The `subscribe` that would ask for the same. Raises InvalidMessage."""
        return parsed_query(
            session,
            views,
            start=self.start,
            after=self.after,
            before=self.before,
            where=self.where,
            metrics=self.metrics,
        )


Records = Annotated[_RecordsQuery, made_by(_RecordsQuery)]


def add_sessions(api: FastAPI, replica: Replica, exports: Exports) -> None:
    """Serve `/api/…`."""
    routes = _Routes(replica, exports)
    for path, endpoint, answered in (
        ("/api/snapshot", routes.tell_snapshot, _SNAPSHOT),
        ("/api/records", routes.list_records, _RECORDS),
        ("/api/rejected", routes.list_rejected, _REJECTED),
        (f"{IN_PATH}/records", routes.list_its_records, _ITS_RECORDS),
        (f"{IN_PATH}/rejected", routes.list_its_rejected, _ITS_REJECTED),
        (IN_PATH, routes.show_session, _SESSION),
    ):
        api.get(path, responses=answered)(endpoint)

    @api.exception_handler(NotFound)
    async def explain(_request: Request, _error: NotFound) -> Response:
        return no_such_session()


class _Routes:
    """The endpoints of one replica."""

    def __init__(self, replica: Replica, exports: Exports) -> None:
        self._views = replica.views
        self._exports = exports

    async def tell_snapshot(
        self, session: SessionName, allowed: Allowed, metrics: MetricsQuery = None
    ) -> Response:
        """One session: its latest record and values, and its cursor."""
        return await self._show(session, allowed, names_in(metrics))

    async def list_records(
        self, session: SessionName, records: Records, allowed: Allowed
    ) -> Response:
        """One page of records, or all of them as lines.

        An answer's `cursor` is `after` of the next page, its `prev` is `before` of the
        one before. With `Accept: application/x-ndjson` the answer has all records up to
        the head at the time of the request, one on each line.
        """
        head = await allowed.head(session)
        if head is None:
            raise NotFound
        return await self._records(session, records, head, allowed)

    async def list_rejected(
        self,
        session: SessionName,
        allowed: Allowed,
        after: str | None = None,
        limit: LimitQuery = None,
    ) -> Response:
        """Lines that were no records, and why; the latest thousand are kept."""
        head = await allowed.head(session)
        if head is None:
            raise NotFound
        return await self._rejected(session, after, limit, head, allowed)

    # The same endpoints with the session in the path, for addresses that people type.

    async def show_session(
        self, session: str, allowed: Allowed, metrics: MetricsQuery = None
    ) -> Response:
        """Like `/api/snapshot?sessionId=`."""
        return await self._show(session, allowed, names_in(metrics))

    async def list_its_records(
        self, session: str, request: Request, records: Records, allowed: Allowed
    ) -> Response:
        """Like `/api/records?sessionId=`."""
        named = session_in(request.scope["raw_path"], before="records")
        head = None if named is None else await allowed.head(named)
        if named is None or head is None:
            # The session ID itself ends in `/records`: show that session.
            whole = f"{session}/records"
            return await self._show(whole, allowed)
        return await self._records(named, records, head, allowed)

    async def list_its_rejected(
        self,
        session: str,
        request: Request,
        allowed: Allowed,
        after: str | None = None,
        limit: LimitQuery = None,
    ) -> Response:
        """Like `/api/rejected?sessionId=`."""
        named = session_in(request.scope["raw_path"], before="rejected")
        head = None if named is None else await allowed.head(named)
        if named is None or head is None:
            whole = f"{session}/rejected"
            return await self._show(whole, allowed)
        return await self._rejected(named, after, limit, head, allowed)

    # Helpers.

    async def _records(
        self, session: str, records: _RecordsQuery, head: Head, allowed: Granted
    ) -> Response:
        query = records.of(session, self._views)
        if records.as_lines:
            refusal = self._exports.refuse(records.request)
            return refusal or await self._export(
                session, query, head, records.limit, allowed
            )
        limit = bounded(records.limit)
        (page, fields), reading = await asyncio.gather(
            self._page(session, query, allowed, limit=limit),
            self._reading(session, query.view, allowed),
        )
        page = page._replace(records=await filtered(page.records, query.view))
        return Response(
            body(page, query.view, reading, sessionId=session, **fields),
            media_type="application/json",
        )

    async def _rejected(
        self,
        session: str,
        after: str | None,
        limit: int | None,
        head: Head,
        allowed: Granted,
    ) -> Response:
        place = BEFORE_ALL if after is None else EntryID.parse(after)
        size = bounded(limit)
        lines = await allowed.rejected(session, place, limit=size + 1)
        total = 0 if head.state is None else head.state.rejected
        return json_response(
            {
                "sessionId": session,
                "data": [rejected(line) for line in lines[:size]],
                "cursor": str(lines[:size][-1].id if lines else place),
                "more": len(lines) > size,
                "rejected": total,
            }
        )

    async def _show(
        self, session: str, allowed: Granted, only: Sequence[str] | None = None
    ) -> Response:
        state = await allowed.snapshot(session, only)
        if state is None or session.startswith("!"):
            raise NotFound
        return json_response(allowed.shown(session, state))

    async def _page(
        self, session: str, query: ParsedQuery, allowed: Granted, *, limit: int
    ) -> tuple[Page, dict[str, object]]:
        """The page, and what is to be said of where it begins."""
        place = query.plan.start
        assert place is not None  # noqa: S101  # queries have a default
        if isinstance(place, Cursor):
            read = allowed.before if query.is_backward else allowed.after
            page = await read(session, place, limit=limit, max_bytes=PAGE_BYTES)
            return page, {}
        verdict = await self._found(session, place, allowed)
        cursor, told = moved(NOTHING, verdict)
        fields = reached_by(verdict)
        page = await allowed.after(session, cursor, limit=limit, max_bytes=PAGE_BYTES)
        if told and page.told:
            return Page(cursor, cursor, told=told, more=True), fields
        return page._replace(told=told or page.told), fields

    async def _export(
        self,
        session: str,
        query: ParsedQuery,
        head: Head,
        limit: int | None,
        allowed: Granted,
    ) -> Response:
        exports, place = self._exports, query.plan.start
        assert place is not None  # noqa: S101  # queries have a default
        if isinstance(place, Cursor):
            start, told = place, NO_BREAKS
        else:
            start, told = moved(NOTHING, await self._found(session, place, allowed))
        end = head.cursor or NOTHING
        chunks = exported(
            allowed,
            session,
            start,
            end,
            limit=limit,
            told=told,
            view=query.view,
            reading=await self._reading(session, query.view, allowed),
        )
        return NdjsonResponse(
            exports, session, chunks, headers={"tailcast-head": str(end)}
        )

    async def _reading(
        self, session: str, view: View, allowed: Granted
    ) -> Reading | None:
        """Where the session has its steps and times, if it matters and is known."""
        if not view.needs_reading:
            return None
        choice = await allowed.choice(session)
        return None if choice is None else self._views.reading(choice)

    async def _found(self, session: str, place: Beginning, allowed: Granted) -> Verdict:
        verdict = await allowed.find(session, place)
        if isinstance(verdict, NoValues):
            raise InvalidMessage(INVALID_MESSAGE, f"{session} {verdict}")
        return verdict


def bounded(limit: int | None) -> int:
    """How many items a page has. Raises InvalidMessage."""
    if limit is not None and limit > MAX_HISTORY:
        raise InvalidMessage(INVALID_MESSAGE, f"limit is at most {MAX_HISTORY}")
    return DEFAULT_HISTORY if limit is None else limit
