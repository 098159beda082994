"""The AsyncAPI document: complete by its models, true of what is sent, and valid."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tailcast_gateway.protocol.asyncapi import make_document
from tailcast_gateway.protocol.client_messages import SUPPORTED
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES
from tailcast_gateway.protocol.server_messages import SERVER_MESSAGES


# From @asyncapi/specs 6.11.1 (Apache-2.0), without its line breaks.
OFFICIAL = Path(__file__).parents[2] / "docs" / "asyncapi-3.0.0.json.gz"


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The document as it is served."""
    made: dict[str, Any] = json.loads(json.dumps(make_document()))
    return made


def validator(made: dict[str, Any], name: str) -> jsonschema_rs.Draft202012Validator:
    """What checks a value against one of the document's schemas."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.Draft202012Validator(
        {**reference, "components": made["components"]}
    )


def test_it_is_valid(made: dict[str, Any]) -> None:
    """By the schema that AsyncAPI publishes."""
    official = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    errors = jsonschema_rs.Draft7Validator(official).iter_errors(made)
    assert not [(error.message, error.instance_path) for error in errors]


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    """Nothing is named that is not there."""
    references = json.dumps(made).split('"$ref": "#/')[1:]
    for reference in references:
        found = made
        for name in reference.partition('"')[0].split("/"):
            found = found[name]


def test_every_message_is_in_it(made: dict[str, Any]) -> None:
    """Each is received with its answers, or sent."""
    operations = made["operations"].values()
    received = [one for one in operations if one["action"] == "receive"]
    told = [one for one in operations if one["action"] == "send"]
    assert len(received) == len(SUPPORTED)
    assert [len(one["messages"]) for one in told] == [len(SERVER_MESSAGES)]
    assert all("Error" in str(one["reply"]["messages"]) for one in received)


def test_every_message_but_an_ack_is_answered(made: dict[str, Any]) -> None:
    """By the messages that it names itself."""
    names = {
        name: [one["$ref"].rpartition("/")[2] for one in operation["reply"]["messages"]]
        for name, operation in made["operations"].items()
        if operation["action"] == "receive"
    }
    assert names["subscribe"] == ["Subscribed", "Positions", "SnapshotAnswer", "Error"]
    assert [name for name, answers in names.items() if len(answers) == 1] == ["ack"]


def test_every_close_is_in_it(made: dict[str, Any]) -> None:
    """With what a client should do then."""
    closes = made["channels"]["telemetry"]["x-close-codes"]
    assert [one["code"] for one in closes] == [code.number for code in ALL_CLOSE_CODES]
    assert all(one["sentWhen"] and one["comeBack"] for one in closes)


def test_fields_may_be_added(made: dict[str, Any]) -> None:
    """A client that checks messages by it goes on when messages grow."""
    grown = {"type": "draining", "reconnectAfterMs": 1, "since": 2}
    assert validator(made, "Draining").is_valid(grown)
    assert not validator(made, "Draining").is_valid({"type": "draining"})


@pytest.mark.parametrize(
    ("where", "is_valid"),
    [
        ({"metric": "phi", "op": "lt", "value": 0.5}, True),
        ({"metric": "phi", "op": "exists"}, True),
        ({"not": {"all": [{"metric": "a.b", "op": "in", "value": [1, None]}]}}, True),
        ({"metric": "phi", "op": "lt"}, False),
        ({"any": []}, False),
        ({"metric": "phi", "op": "lt", "value": 0.5, "unit": "s"}, False),
    ],
)
def test_a_filter_has_a_schema(
    made: dict[str, Any], where: dict[str, Any], is_valid: bool
) -> None:
    """A tree of conditions, as `filters` reads it."""
    message = {"type": "subscribe", "where": where}
    assert validator(made, "Subscribe").is_valid(message) is is_valid
