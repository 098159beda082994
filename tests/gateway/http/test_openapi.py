"""The HTTP document: every answer has its model, and every model its schema."""

import json
from typing import Any

import pytest

from tailcast_gateway.http.api import make_api
from tailcast_gateway.http.core.openapi import answers
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.protocol.message_parts import SnapshotFields
from tailcast_gateway.replica import Replica
from tailcast_streams.memory.broker import MemoryBroker


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The document as it is served."""
    made: dict[str, Any] = make_api(make_entrance(Replica(MemoryBroker()))).openapi()
    return made


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    """Nothing is named that is not there."""
    for reference in json.dumps(made).split('"$ref": "#/')[1:]:
        found = made
        for name in reference.partition('"')[0].split("/"):
            found = found[name]


def test_every_answer_has_a_model(made: dict[str, Any]) -> None:
    """No answer in JSON goes undescribed, and no status of FastAPI's own is there."""
    operations = [one for path in made["paths"].values() for one in path.values()]
    for responses in (one["responses"] for one in operations):
        assert "422" not in responses
        for response in responses.values():
            for kind, content in response["content"].items():
                assert content["schema"]
                is_model = "components/schemas" in str(content["schema"])
                # Lines may be described by models too.
                assert is_model is (kind == "application/json") or "ndjson" in kind


def test_what_any_request_may_be_answered(made: dict[str, Any]) -> None:
    """By another host, by too many of an address; without a token that counts."""
    for path, operations in made["paths"].items():
        is_guarded = path.startswith(("/api/", "/sse/"))
        for operation in operations.values():
            statuses = set(operation["responses"])
            assert {"200", "421", "429"} <= statuses, path
            assert ({"401", "403", "503"} <= statuses) >= is_guarded, path
            assert ("401" in statuses) is is_guarded, path


def test_an_answer_may_be_one_of_several() -> None:
    """Of several models, of an error's, or of another type altogether."""
    one = answers(SnapshotFields)[200]["content"]["application/json"]["schema"]
    two = answers(SnapshotFields, SnapshotFields, errors=(404,), media=("text/plain",))
    assert two[200]["content"]["application/json"]["schema"] == {"anyOf": [one, one]}
    assert "text/plain" in two[200]["content"]
    assert "ErrorBody" in str(two[404])
    assert "application/json" not in answers(media=("text/plain",))[200]["content"]
