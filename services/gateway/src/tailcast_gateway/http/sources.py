"""Sources over HTTP: the paths that tailers watch, and whether they are followed."""

from typing import Annotated

from fastapi import FastAPI, Query, Response

from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.core.bodies import SourcesBody
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.protocol.limits import MAX_LISTED_SOURCES
from tailcast_gateway.sessions.core.source_list import (
    BEFORE_ALL_SOURCES,
    SourcePlace,
    source_page,
)
from tailcast_streams.sources import SourceState


StatesQuery = Annotated[list[SourceState] | None, Query(alias="state")]
SourcesLimitQuery = Annotated[int, Query(ge=0, le=MAX_LISTED_SOURCES)]

_SOURCES = answers(SourcesBody, errors=(400,))


def add_sources(api: FastAPI) -> None:
    """Serve `/api/sources`."""

    @api.get("/api/sources", responses=_SOURCES)
    async def list_sources(
        allowed: Allowed,
        states: StatesQuery = None,
        after: str | None = None,
        limit: SourcesLimitQuery = MAX_LISTED_SOURCES,
    ) -> Response:
        """The paths that tailers watch: the state of each, why, and what to do.

        An answer's `cursor` is `after` of the next page. The counts are of all paths,
        whatever `state` and `limit` are; `limit=0` asks for them alone.
        """
        place = BEFORE_ALL_SOURCES if after is None else SourcePlace.parse(after)
        overviews, listed = await allowed.sources(
            tuple(states or SourceState) if limit else (), after=place, limit=limit + 1
        )
        body = source_page(overviews, listed, after=place, limit=limit)
        return json_response(body)
