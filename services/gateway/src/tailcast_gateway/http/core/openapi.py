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
    401: "Somebody has to say who it is, and this token does not count, or is missing.",
    403: "This origin may not connect, or the token does not allow it.",
    404: "There is no such session, record or emergency.",
    408: "The body did not come in time.",
    413: "The body is too long.",
    415: "The body is no JSON by its content type.",
    421: "The gateway is not known by this host.",
    429: "Too many of this address or subject at once: `retry-after` says when.",
    503: "Not now: `retry-after` says when.",
}
# What may be answered to any request, and to one for what is shown of sessions.
_ALWAYS: Final = (421, 429)
_GUARDED: Final = (401, 403, 503)
_GUARDED_PATHS: Final = ("/api/", "/sse/")
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
    return found | {status: _error(status) for status in errors}


def _error(status: int) -> JSONObject:
    content = {_JSON: {"schema": reference(ErrorBody)}}
    return {"description": _ERRORS[status], "content": content}


def takes(body: type[Struct]) -> JSONObject:
    """The body of a request, for `openapi_extra`."""
    content = {_JSON: {"schema": reference(body)}}
    return {"requestBody": {"required": True, "content": content}}


def completed(document: JSONObject) -> JSONObject:
    """FastAPI's document with the schemas of our models, and what all are answered.

    FastAPI's answer 422 for an invalid query is left out: the gateway answers 400.
    """
    for path, operations in document["paths"].items():
        is_guarded = path.startswith(_GUARDED_PATHS)
        errors = {
            str(status): _error(status)
            for status in (*_ALWAYS, *(_GUARDED if is_guarded else ()))
        }
        for operation in operations.values():
            told = operation["responses"]
            told.pop("422", None)
            operation["responses"] = dict(sorted((errors | told).items()))
    return {**document, "components": {"schemas": schemas(*_BODIES)}}


def _one_of(bodies: tuple[type[Struct], ...]) -> JSONObject:
    if len(bodies) == 1:
        return reference(bodies[0])
    return {"anyOf": [reference(body) for body in bodies]}
