"""Emergencies over HTTP: the list of all of them, and who has seen which.

This module reads requests and writes answers; what is asked of emergencies is decided
in `sessions.core.emergency_list`.
"""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response

from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.http.access import Allowed
from tailcast_gateway.http.changes import CHANGE_ERRORS, json_body
from tailcast_gateway.http.core.bodies import AcknowledgedBody, EmergenciesBody
from tailcast_gateway.http.core.openapi import answers, takes
from tailcast_gateway.http.core.parameters import emergencies_wanted
from tailcast_gateway.http.queries import made_by
from tailcast_gateway.http.responses import json_response
from tailcast_gateway.http.sessions import LimitQuery, bounded
from tailcast_gateway.protocol.client_messages import (
    Acknowledging,
    read_acknowledging,
)
from tailcast_gateway.replica import Replica
from tailcast_gateway.sessions.core.emergency_list import (
    WantedEmergencies,
    listed_emergency,
    place_of,
    place_text,
)
from tailcast_gateway.sessions.emergencies import AcknowledgedOne, Unknown
from tailcast_gateway.sessions.granted import Granted


# The longest answer, bytes of records; a page has at least one.
LISTED_BYTES = 1_048_576
# The longest body that says who has seen an emergency, bytes.
MAX_ACK_BYTES = 16 * 1_024

_LIST = answers(EmergenciesBody, errors=(400,))
_ONE = answers(AcknowledgedBody, errors=(400, 404, *CHANGE_ERRORS))
ACK_PATH = "/api/emergencies/{id:session}/ack"

NamedQuery = Annotated[str, Query(min_length=1)]


class _ListQuery:
    """The emergencies that a request asks for."""

    def __init__(
        self,
        sessions: Annotated[list[str] | None, Query(alias="sessionId")] = None,
        severity: Annotated[list[str] | None, Query()] = None,
        since: str | None = None,
        until: str | None = None,
        acknowledged: bool | None = None,
        rewound: bool | None = None,
    ) -> None:
        self.wanted: WantedEmergencies = emergencies_wanted(
            sessions or (),
            severities=severity or (),
            since=since,
            until=until,
            acknowledged=acknowledged,
            rewound=rewound,
        )


ListAsked = Annotated[_ListQuery, made_by(_ListQuery)]


def add_emergencies(api: FastAPI, replica: Replica) -> None:
    """Serve `/api/emergencies`, and the addresses at which they are acknowledged."""
    routes = _Routes(replica)
    api.get("/api/emergencies", responses=_LIST)(routes.list_emergencies)
    body = takes(Acknowledging)
    for path, acknowledge, take_back in (
        ("/api/emergencies/ack", routes.acknowledge, routes.take_back),
        (ACK_PATH, routes.acknowledge_it, routes.take_it_back),
    ):
        api.post(path, responses=_ONE, openapi_extra=body)(acknowledge)
        api.delete(path, responses=_ONE)(take_back)

    @api.exception_handler(Unknown)
    async def explain(_request: Request, _error: Unknown) -> Response:
        body = {"code": "not_found", "message": "no such emergency"}
        return json_response(body, 404)


class _Routes:
    """The endpoints of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._instruments = replica.instruments

    async def list_emergencies(
        self,
        asked: ListAsked,
        allowed: Allowed,
        after: str | None = None,
        limit: LimitQuery = None,
    ) -> Response:
        """Emergencies of session files and those that are files, the newest first.

        An answer's `cursor` is `after` of the next page.
        """
        place = None if after is None else place_of(after)
        most = bounded(limit)
        sessions = asked.wanted.sessions
        names = None
        if sessions is not None and not sessions.has_globs():
            names = sessions.literals()
        listing = await allowed.emergencies(names)
        found = listing.newest(asked.wanted, after=place)
        some = [one for one, _ in zip(found, range(most + 1), strict=False)]
        page, more = some[:most], len(some) > most
        data: list[dict[str, object]] = []
        size = 0
        for one, record in zip(page, await allowed.records(page), strict=True):
            size += len(record or b"")
            if data and size > LISTED_BYTES:
                page, more = page[: len(data)], True
                break
            data.append(listed_emergency(one, record, listing))
        return json_response(
            {
                "data": data,
                "cursor": place_text(page[-1]) if page else after,
                "more": more,
                **({"behind": listing.behind} if listing.behind else {}),
            }
        )

    async def acknowledge(
        self, request: Request, id: NamedQuery, allowed: Allowed
    ) -> Response:
        """Say that somebody has seen an emergency, which all who watch are told.

        Who was the first stays, until it is taken back.
        """
        body = await json_body(request, MAX_ACK_BYTES)
        seen = read_acknowledging(body)
        answer = await allowed.acknowledge(id, seen.who, seen.note)
        self._instruments.emergency_acknowledged(
            id, seen.who, connection=id_of(request.scope)
        )
        return await self._shown(answer, allowed)

    async def take_back(
        self, request: Request, id: NamedQuery, allowed: Allowed
    ) -> Response:
        """Say that nobody has seen an emergency after all."""
        answer = await allowed.take_back(id)
        self._instruments.emergency_acknowledged(
            id, "", connection=id_of(request.scope)
        )
        return await self._shown(answer, allowed)

    # The same endpoints with the ID in the path, for addresses that people type.

    async def acknowledge_it(
        self, request: Request, id: str, allowed: Allowed
    ) -> Response:
        """Like `POST /api/emergencies/ack?id=`."""
        return await self.acknowledge(request, id, allowed)

    async def take_it_back(
        self, request: Request, id: str, allowed: Allowed
    ) -> Response:
        """Like `DELETE /api/emergencies/ack?id=`."""
        return await self.take_back(request, id, allowed)

    # Helpers.

    async def _shown(self, answer: AcknowledgedOne, allowed: Granted) -> Response:
        one, listing = answer
        (record,) = await allowed.records([one])
        return json_response(listed_emergency(one, record, listing))
