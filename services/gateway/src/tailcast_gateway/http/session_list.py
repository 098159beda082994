"""The list of sessions over HTTP: those that are asked for, in the order asked for.

Where the order is known beforehand, sessions are read until a page is full, or as long
as an answer may take. Else those that moved last are read, a bounded number of them and
as many as can be in that time; a bounded number of requests does so at a time.
"""

from contextlib import aclosing
from heapq import nsmallest
from itertools import islice
from operator import itemgetter
from time import monotonic
from typing import Annotated, NamedTuple

from fastapi import FastAPI, Query, Response
from pydantic import WithJsonSchema

from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.core.bodies import SessionsBody
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.core.session_lists import (
    Place,
    SessionsWanted,
    cursor_text,
    sessions_wanted,
)
from tailcast_gateway.http.queries import made_by
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.sessions.granted import Granted


# How many requests go through all sessions at a time; others wait.
MAX_SCANS = 2
# How long a page is looked for. Then it ends where it is, and the next one goes on; if
# it is sorted by what sessions are, the others are left out, and counted.
SCAN_SECONDS = 1.5
# How many sessions are sorted by what is known of them: those that moved last.
MAX_SORTED_SESSIONS = 2_000

_SESSIONS = answers(SessionsBody, errors=(400,))
# May be repeated. Any text is one, so the document does not say that it is a list.
_Texts = Annotated[
    list[str] | None,
    WithJsonSchema({"type": "string"}, mode="validation"),
    Query(),
]

_Row = tuple[Place, dict[str, object]]


class _Query:
    """The parameters of a request."""

    def __init__(
        self,
        *,
        sessions: Annotated[list[str] | None, Query(alias="sessionId")] = None,
        q: str | None = None,
        status: _Texts = None,
        group: str | None = None,
        tag: _Texts = None,
        pinned: str | None = None,
        sort: str | None = None,
        after: str | None = None,
        limit: Annotated[int | None, Query(ge=1)] = None,
    ) -> None:
        self.listing = sessions_wanted(
            sessions=sessions,
            q=q,
            statuses=status or (),
            group=group,
            tags=tag or (),
            pinned=pinned,
            sort=sort,
            after=after,
            limit=limit,
        )


def add_session_list(api: FastAPI) -> None:
    """Serve the list of sessions."""
    turns = FairSemaphore(MAX_SCANS)

    @api.get("/api/sessions", responses=_SESSIONS)
    async def list_sessions(
        query: Annotated[_Query, made_by(_Query)], allowed: Allowed
    ) -> Response:
        """The sessions that match, by default all, the latest first.

        `cursor` is `after` of the next page.
        """
        page = await _Lists(allowed, turns).page(query.listing)
        return json_response(
            {
                "sessions": [fields for _, fields in page.rows],
                "cursor": None if page.end is None else cursor_text(page.end),
                "more": page.more,
                **({"leftOut": page.left_out} if page.left_out else {}),
            }
        )


class _Page(NamedTuple):
    """The sessions of a page."""

    rows: list[_Row]
    # Behind which place the next page begins, None if there is nothing.
    end: Place | None
    more: bool
    # How many sessions were not looked at, since others moved later.
    left_out: int = 0


class _Lists:
    """Reads the sessions of one request's page."""

    def __init__(self, allowed: Granted, turns: FairSemaphore) -> None:
        self._allowed = allowed
        # Bounds how many requests go through all sessions.
        self._turns = turns

    async def page(self, listing: SessionsWanted) -> _Page:
        """The sessions of a page."""
        active = await self._active(listing)
        if not listing.is_sorted_by_list:
            async with self._turns:
                return await self._sorted(listing, active)
        names = listing.ordered(active)
        if listing.takes_all:
            return await self._first(listing, active, names[: listing.limit + 1])
        async with self._turns:
            return await self._first(listing, active, names)

    async def _active(self, listing: SessionsWanted) -> dict[str, int]:
        """When those that may be on the page were active, the latest first."""
        if listing.sessions is not None:
            active = await self._allowed.active(listing.sessions)
        elif listing.is_latest:
            active = await self._latest(listing)
        else:
            return await self._allowed.latest()
        return dict(sorted(active.items(), key=itemgetter(1), reverse=True))

    async def _latest(self, listing: SessionsWanted) -> dict[str, int]:
        """No more than the page needs, and those that tie with the last of them."""
        limit = listing.limit + 1
        while True:
            until_ms = listing.until_ms
            active = await self._allowed.first_active(limit, until_ms=until_ms)
            is_all = len(active) < limit
            if is_all or len(listing.ordered(active)) > listing.limit:
                return active
            # Some of them were on the page before.
            limit *= 2

    async def _first(
        self, listing: SessionsWanted, active: dict[str, int], names: list[str]
    ) -> _Page:
        """The first of these that match, as many as can be found in time."""
        rows: list[_Row] = []
        end, until = listing.after, monotonic() + SCAN_SECONDS
        wanted = {name: active[name] for name in names}
        async with aclosing(self._allowed.described(wanted)) as parts:
            async for some, is_last in parts:
                rows += _matching(listing, active, some)
                if len(rows) > listing.limit:
                    page = rows[: listing.limit]
                    return _Page(page, page[-1][0], more=True)
                if some:
                    last = str(some[-1]["sessionId"])
                    end = listing.place_of(last, active[last], {})
                if not is_last and monotonic() >= until:
                    return _Page(rows, end, more=True)
        return _Page(rows, end, more=False)

    async def _sorted(self, listing: SessionsWanted, active: dict[str, int]) -> _Page:
        """Those that come first by what is known of them."""
        latest = dict(islice(active.items(), MAX_SORTED_SESSIONS))
        rows: list[_Row] = []
        looked, until = 0, monotonic() + SCAN_SECONDS
        async with aclosing(self._allowed.described(latest)) as parts:
            async for some, _ in parts:
                looked += len(some)
                found = _matching(listing, active, some)
                later = [row for row in found if listing.is_later(row[0])]
                rows = nsmallest(listing.limit + 1, rows + later, key=_place)
                if monotonic() >= until:
                    break
        page = rows[: listing.limit]
        end = page[-1][0] if page else listing.after
        left_out = len(active) - looked
        return _Page(page, end, len(rows) > len(page), left_out)


def _matching(
    listing: SessionsWanted, active: dict[str, int], some: list[dict[str, object]]
) -> list[_Row]:
    rows: list[_Row] = []
    for fields in some:
        if listing.matches(fields):
            name = str(fields["sessionId"])
            place = listing.place_of(name, active[name], fields)
            rows.append((place, fields))
    return rows


def _place(row: _Row) -> Place:
    return row[0]
