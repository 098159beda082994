"""The protocol as an AsyncAPI document, made of the models of its messages.

Pure. This module puts the models, the close codes and the subprotocols into the
document. The fields of each message are in its model.
"""

import inspect
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from tailcast_gateway.protocol import client_messages, server_messages as server
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES
from tailcast_gateway.protocol.json_schemas import (
    REFERENCE,
    JSONObject,
    reference,
    schemas,
)
from tailcast_gateway.protocol.limits import (
    MAX_CONDITIONS,
    MAX_FILTER_VALUES,
    MAX_TEXT_CHARACTERS,
)
from tailcast_gateway.protocol.wires import SUBPROTOCOLS


# The protocol's version; its first number is part of the subprotocols' names.
VERSION: Final = "1.0.0"
ADDRESS: Final = "/ws/telemetry"
# The path at which the document is served.
PATH: Final = "/asyncapi.json"

_CONDITIONS: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_CONDITIONS - 1,
    "items": {"$ref": REFERENCE.format(name="Condition")},
}
_SCALAR: Final = {"type": ["string", "number", "boolean", "null"]}
_OPERANDS: Final[Mapping[tuple[str, ...], JSONObject]] = {
    ("eq", "neq"): _SCALAR,
    ("gt", "gte", "lt", "lte"): {"type": ["string", "number"]},
    ("in", "nin"): {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_FILTER_VALUES,
        "items": _SCALAR,
    },
    ("exists", "finite"): {"type": "boolean", "default": True},
}
# The schema of what `views.filters` reads, which has no model.
_CONDITION: Final[JSONObject] = {
    "title": "Condition",
    "description": "A condition on one metric, or a group of conditions.",
    "oneOf": [
        *(
            {
                "type": "object",
                "properties": {
                    "metric": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_TEXT_CHARACTERS,
                    },
                    "op": {"enum": list(ops)},
                    "value": value,
                },
                "required": ["metric", "op"]
                if "exists" in ops
                else ["metric", "op", "value"],
                "additionalProperties": False,
            }
            for ops, value in _OPERANDS.items()
        ),
        *(
            {
                "type": "object",
                "properties": {group: inner},
                "required": [group],
                "additionalProperties": False,
            }
            for group, inner in (
                ("all", _CONDITIONS),
                ("any", _CONDITIONS),
                ("not", {"$ref": REFERENCE.format(name="Condition")}),
            )
        ),
    ],
}

_DESCRIPTION: Final = """\
Records of training sessions as they are written, over a WebSocket. Fields and types \
that are not described here may come: ignore them. docs/protocol.md says what the \
messages mean to each other."""


def make_document(*, host: str = "localhost:5000", scheme: str = "ws") -> JSONObject:
    """The AsyncAPI 3.0 document of a gateway that clients reach at a host.

    Args:
        host: the host, with its port unless that is the scheme's default.
        scheme: `ws` or `wss`.
    """
    sent = server.SERVER_MESSAGES
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tailcast", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"gateway": {"host": host, "protocol": scheme}},
        "channels": {"telemetry": _channel()},
        "operations": {
            **{_tag(kind): _received(kind) for kind in client_messages.SUPPORTED},
            "tell": {
                "action": "send",
                "summary": "What the gateway sends, asked and unasked.",
                "channel": {"$ref": "#/channels/telemetry"},
                "messages": [_in_channel(kind) for kind in sent],
            },
        },
        "components": {
            "messages": {
                kind.__name__: _message(kind)
                for kind in (*client_messages.SUPPORTED, *sent)
            },
            "schemas": _schemas(),
        },
    }


def _schemas() -> JSONObject:
    found = schemas(*client_messages.SUPPORTED, *server.SERVER_MESSAGES)
    condition = {"$ref": REFERENCE.format(name="Condition")}
    found["Subscribe"]["properties"]["where"] = condition
    return {**found, "Condition": _CONDITION}


def _channel() -> JSONObject:
    kinds = (*client_messages.SUPPORTED, *server.SERVER_MESSAGES)
    return {
        "address": ADDRESS,
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}
            for kind in kinds
        },
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        "x-subprotocols": list(SUBPROTOCOLS),
        "x-close-codes": [
            {
                "code": code.number,
                "reason": code.reason,
                "sentWhen": code.sent_when,
                "comeBack": code.come_back.value,
            }
            for code in ALL_CLOSE_CODES
        ],
    }


def _received(kind: type[client_messages.Supported]) -> JSONObject:
    by_tag = {_tag(answer): answer for answer in server.SERVER_MESSAGES}
    answers = [by_tag[tag] for tag in (*kind.answered_by, "error")]
    return {
        "action": "receive",
        "summary": _summary(kind),
        "channel": {"$ref": "#/channels/telemetry"},
        "messages": [_in_channel(kind)],
        "reply": {
            "channel": {"$ref": "#/channels/telemetry"},
            "messages": [_in_channel(answer) for answer in answers],
        },
    }


def _message(kind: type[Struct]) -> JSONObject:
    return {
        "name": _tag(kind),
        "title": kind.__name__,
        "summary": _summary(kind),
        "payload": reference(kind),
    }


def _in_channel(kind: type[Struct]) -> JSONObject:
    return {"$ref": f"#/channels/telemetry/messages/{kind.__name__}"}


def _tag(kind: type[Struct]) -> str:
    return str(kind.__struct_config__.tag)


def _summary(kind: type[Struct]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]
