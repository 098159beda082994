"""What a run says of itself, and people of it."""

import json
from typing import Any

import pytest
from msgspec import Raw

from tailcast_gateway.sessions.core.descriptions import (
    MAX_LISTED_CONFIG_BYTES,
    NOT_DESCRIBED,
    read_description,
    stored_tags,
    told_of,
)
from tailcast_index.meaning import Choice
from tailcast_streams.descriptions import Description


def told(
    documents: dict[str, Any],
    edits: dict[str, bytes] | None = None,
    *,
    of_lines: bytes = b"",
    is_listed: bool = False,
) -> dict[str, Any]:
    """What is told of a session, as JSON gives it."""
    stored = {name: json.dumps(one).encode() for name, one in documents.items()}
    described = read_description(Description(stored, edits or {}))
    found = told_of(described, of_lines, is_listed=is_listed)
    config = found.get("config")
    if isinstance(config, Raw):
        found["config"] = json.loads(bytes(config))
    return found


def test_the_more_telling_comes_first() -> None:
    """Its own document, the header, the lines, then those of its directory."""
    found = told(
        {
            "file:a.meta.json": {"name": "x", "config": {"lr": 1}, "tags": ["t"]},
            "header": {"run": "y", "project": "p", "config": {"lr": 2, "seed": 2}},
            "file:config.json": {"lr": 4, "seed": 4, "depth": 4, "name": "model"},
            "file:args.json": {"args": {"depth": 5, "width": 5}},
            "file:hparams.yaml": {"width": 6, "batch": 6},
            "left_out": {"config.json": "why", "odd": 1},
        },
        of_lines=b'{"seed":3,"warmup":3}',
    )
    assert found == {
        "name": "x",
        "project": "p",
        "tags": ["t"],
        "config": {
            "lr": 1, "seed": 2, "warmup": 3, "depth": 4, "width": 5, "batch": 6,
            "name": "model",
        },
        "notTold": {"config.json": "why"},
    }  # fmt: skip  # one glance


def test_what_people_say_takes_its_place() -> None:
    """Even if that is that there are no tags."""
    document = {"file:a.meta.json": {"tags": ["t"], "notes": "n", "group": "g"}}
    assert told(document) == {"tags": ["t"], "notes": "n", "group": "g"}
    edits = {"tags": stored_tags(["u", "v"]), "notes": b"m", "pinned": b"1"}
    assert told(document, edits) == {
        "tags": ["u", "v"], "notes": "m", "group": "g", "pinned": True,
    }  # fmt: skip  # one glance
    assert "tags" not in told(document, {"tags": stored_tags([])})
    assert told({}, {"pinned": b"1"}) == {"pinned": True}


def test_a_long_configuration_is_not_in_lists() -> None:
    """Its length is."""
    long = {"x": "y" * MAX_LISTED_CONFIG_BYTES}
    assert told({"file:config.json": long}) == {"config": long}
    found = told({"file:config.json": long}, is_listed=True)
    assert found == {"configBytes": MAX_LISTED_CONFIG_BYTES + len('{"x":""}')}
    assert told({}, of_lines=b'{"lr":1}', is_listed=True) == {"config": {"lr": 1}}


@pytest.mark.parametrize("text", [b"[1]", b"{", b"\xff", b"", b"[" * 5_000])
def test_what_somebody_wrote_by_hand_says_nothing(text: bytes) -> None:
    """Nor does it harm."""
    names = ("header", "file:config.json", "left_out", "odd")
    described = read_description(Description(dict.fromkeys(names, text), {}))
    assert told_of(described, text, is_listed=False) == {}
    edited = read_description(Description({}, {"tags": text}))
    assert told_of(edited, b"", is_listed=False) == {}


def test_a_total_stands_beside_the_records() -> None:
    """In any of them, in settings or beside these."""
    assert NOT_DESCRIBED.total_steps(Choice()) is None
    stored = {"header": b'{"run":"x"}', "file:args.json": b'{"max_steps":250}'}
    assert read_description(Description(stored)).total_steps(Choice()) == 250
    stored = {"header": b'{"config":{"num_epochs":3}}'}
    epochs = Choice(step=("epoch",))
    assert read_description(Description(stored)).total_steps(epochs) == 3
    assert read_description(Description(stored)).total_steps(Choice()) is None
