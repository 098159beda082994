"""Whole objects are found beside broken pieces, and values are not taken for them."""

import json

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.splices import MOST_CANDIDATES, object_at_end, parts_of


@pytest.mark.parametrize(
    ("line", "objects", "pieces"),
    [
        # Whole objects back to back.
        (b'{"a":1}{"b":2}', [b'{"a":1}', b'{"b":2}'], []),
        (b'{"a":1} \t {"b":{"c":NaN}}', [b'{"a":1}', b'{"b":{"c":NaN}}'], []),
        # A piece, and the next object behind it.
        (b'{"s":4,"t":"20{"s":5}', [b'{"s":5}'], [b'{"s":4,"t":"20']),
        (b'{"s":4.5{"s":5}{"s":6}', [b'{"s":5}', b'{"s":6}'], [b'{"s":4.5']),
        (b'{"s":"\\"{"s":5}', [b'{"s":5}'], [b'{"s":"\\"']),
        (b'saved  {"s":5}', [b'{"s":5}'], [b"saved"]),
        (b'INFO:root:{"s":5}', [b'{"s":5}'], [b"INFO:root:"]),
        # An object, and the beginning of the next one.
        (b'{"a":1}{"b":', [b'{"a":1}'], [b'{"b":']),
        (b'{"a":1} saved', [b'{"a":1}'], [b"saved"]),
        (b'{"a":1}{"b":"{"c":3}', [b'{"a":1}', b'{"c":3}'], [b'{"b":"']),
        # Values of a larger piece.
        (b'{"a": {"b":1}', [], [b'{"a": {"b":1}']),
        (b'[{"b":1}', [], [b'[{"b":1}']),
        (b'"a":[1,{"b":1}', [], [b'"a":[1,{"b":1}']),
        (b'{"b":1},', [], [b'{"b":1},']),
        (b'{"b":1}}', [], [b'{"b":1}}']),
        (b'{"b":1}, {"c":1}', [], [b'{"b":1}, {"c":1}']),
        # What says nothing.
        (b'{"a":"b { }', [], [b'{"a":"b { }']),
        (b"junk", [], [b"junk"]),
        (b"{x}", [], [b"{x}"]),
        # What readers of ours could not take.
        (b'{"a":1}{"b":' + b"[" * 101, [], [b'{"a":1}{"b":' + b"[" * 101]),
    ],
)
def test_parts(line: bytes, objects: list[bytes], pieces: list[bytes]) -> None:
    """Objects are taken, and what lies between them is a piece."""
    parts = parts_of(line)
    texts = [(line[part.start : part.end], part.is_object) for part in parts]
    assert [text for text, is_object in texts if is_object] == objects
    assert [text for text, is_object in texts if not is_object] == pieces
    places = [place for part in parts for place in part[:2]]
    assert places == sorted(places)


def test_depth_that_a_broken_string_hides() -> None:
    """It is met while an object is looked for, and is a piece."""
    line = b'{"a":"{"b":' + b"[" * 100_000 + b'"}'
    assert [part.is_object for part in parts_of(line)] == [False]


def test_a_bounded_number_of_places_is_looked_at() -> None:
    """A line of braces costs no more than any other."""
    assert object_at_end(b'x"{"' * (MOST_CANDIDATES - 1) + b'{"a":1}') == b'{"a":1}'
    assert object_at_end(b'x"{"' * (MOST_CANDIDATES + 2) + b'{"a":1}') is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'[rank{0}] 12:00 {"a":{"b":1}}', b'{"a":{"b":1}}'),
        (b"saved", None),
        (b"a {b}", None),
        (b'x {"a":' + b"[" * 101 + b"]" * 101 + b"}", None),
    ],
)
def test_object_at_a_lines_end(line: bytes, expected: bytes | None) -> None:
    """It is the earliest that reaches to the end."""
    assert object_at_end(line) == expected


_OBJECTS = st.dictionaries(
    st.text(),
    st.recursive(st.text() | st.integers(), st.lists, max_leaves=8),
    min_size=1,
    max_size=4,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode())


@given(st.lists(_OBJECTS, min_size=2, max_size=4))
def test_what_two_writers_wrote_is_what_is_found(objects: list[bytes]) -> None:
    """Whatever stands in the strings of whole objects."""
    line = b"".join(objects)
    found = [line[part.start : part.end] for part in parts_of(line)]
    assert found == objects
