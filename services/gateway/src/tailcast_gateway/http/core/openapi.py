"""The answers in the OpenAPI document: our models instead of FastAPI's guesses.

Pure. Answers are made of stored bytes that FastAPI does not know. So each route names
the models of its answers, and this module puts them into the document.
"""

from typing import Any, Final, TypeAlias

from msgspec import Struct

from tailcast_gateway.http.core import bodies
from tailcast_gateway.http.core.bodies import ErrorBody
from tailcast_gateway.http.core.edits import EditBody
from tailcast_gateway.protocol.client_messages import Acknowledging
from tailcast_gateway.protocol.json_schemas import JSONObject, reference, schemas
from tailcast_gateway.protocol.message_parts import SnapshotFields


Responses: TypeAlias = dict[int | str, dict[str, Any]]

_JSON: Final = "application/json"
_ERRORS: Final = {
    400: "The request can never be answered.",
    403: "This origin may not connect.",
    404: "There is no such session, record or emergency.",
    413: "The body is too long.",
    415: "The body is no JSON by its content type.",
    429: "Too many at once: `retry-after` says when.",
    503: "Not now: `retry-after` says when.",
}
_BODIES: Final[tuple[type[Struct], ...]] = (
    EditBody,
    EditBody,
    bodies.SessionsBody,
    bodies.RecordsBody,
    bodies.RecordBody,
    bodies.RejectedBody,
    bodies.EmergenciesBody,
    bodies.AcknowledgedBody,
    bodies.SeriesBody,
    bodies.NoSeriesBody,
    bodies.SeriesQueryBody,
    bodies.MetricsBody,
    bodies.SourcesBody,
    bodies.StatusBody,
    bodies.LifeBody,
    bodies.ReadinessBody,
    ErrorBody,
    SnapshotFields,
    Acknowledging,
)


def answers(
    *bodies: type[Struct], errors: tuple[int, ...] = (), media: tuple[str, ...] = ()
) -> Responses:
    """The possible answers of a route.

    Args:
        bodies: the models of its JSON; an answer is one of them.
        errors: the status codes that have an `ErrorBody`.
        media: other media types of its answers.
    """
    content: JSONObject = {kind: {"schema": {"type": "string"}} for kind in media}
    if bodies:
        content[_JSON] = {"schema": _one_of(bodies)}
    found: Responses = {200: {"description": "OK", "content": content}}
    for status in errors:
        error = {_JSON: {"schema": reference(ErrorBody)}}
        found[status] = {"description": _ERRORS[status], "content": error}
    return found


def takes(body: type[Struct]) -> JSONObject:
    """The body of a request, for `openapi_extra`."""
    content = {_JSON: {"schema": reference(body)}}
    return {"requestBody": {"required": True, "content": content}}


def completed(document: JSONObject) -> JSONObject:
    """FastAPI's document with the schemas of our models.

    FastAPI's answer 422 for an invalid query is left out: the gateway answers 400.
    """
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    return {**document, "components": {"schemas": schemas(*_BODIES)}}


def _one_of(bodies: tuple[type[Struct], ...]) -> JSONObject:
    if len(bodies) == 1:
        return reference(bodies[0])
    return {"anyOf": [reference(body) for body in bodies]}
