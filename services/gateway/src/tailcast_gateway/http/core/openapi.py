"""What the HTTP document says of answers: their models instead of FastAPI's guesses.

Pure. Answers are made of stored bytes, which FastAPI never sees; so their models are
named beside each route, and put into the document here.
"""

from typing import Any, Final, TypeAlias

from msgspec import Struct

from tailcast_gateway.http.core import bodies
from tailcast_gateway.http.core.bodies import ErrorBody
from tailcast_gateway.protocol.json_schemas import JSONObject, reference, schemas
from tailcast_gateway.protocol.message_parts import SnapshotFields


Responses: TypeAlias = dict[int | str, dict[str, Any]]

_JSON: Final = "application/json"
_ERRORS: Final = {
    400: "The request can never be answered.",
    403: "This origin may not connect.",
    404: "There is no such session, or record.",
    503: "Not now: `retry-after` says when.",
}
_BODIES: Final[tuple[type[Struct], ...]] = (
    bodies.SessionsBody,
    bodies.RecordsBody,
    bodies.RecordBody,
    bodies.RejectedBody,
    bodies.EmergenciesBody,
    bodies.SourcesBody,
    bodies.LifeBody,
    bodies.ReadinessBody,
    ErrorBody,
    SnapshotFields,
)


def answers(
    *bodies: type[Struct], errors: tuple[int, ...] = (), media: tuple[str, ...] = ()
) -> Responses:
    """What a route may answer.

    Args:
        bodies: models of the JSON that it answers, one of them.
        errors: status codes that come with an `ErrorBody`.
        media: types of what it answers besides.
    """
    content: JSONObject = {kind: {"schema": {"type": "string"}} for kind in media}
    if bodies:
        content[_JSON] = {"schema": _one_of(bodies)}
    found: Responses = {200: {"description": "OK", "content": content}}
    for status in errors:
        error = {_JSON: {"schema": reference(ErrorBody)}}
        found[status] = {"description": _ERRORS[status], "content": error}
    return found


def completed(document: JSONObject) -> JSONObject:
    """FastAPI's document, with the schemas that our routes refer to.

    Without its own of a query that does not fit: those are answered as all others are.
    """
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    return {**document, "components": {"schemas": schemas(*_BODIES)}}


def _one_of(bodies: tuple[type[Struct], ...]) -> JSONObject:
    if len(bodies) == 1:
        return reference(bodies[0])
    return {"anyOf": [reference(body) for body in bodies]}
