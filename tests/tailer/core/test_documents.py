"""A document is a file that is one JSON object."""

import json

import pytest

from tailcast_streams.entries import Document
from tailcast_streams.record import Invalid
from tailcast_tailer.core.documents import read_document


def read(data: bytes) -> Document | Invalid:
    """Read bytes as a file of some name."""
    return read_document(data, path="emergency/a.json", sha256="0", is_news=True)


def test_document_is_stored_on_one_line() -> None:
    """Keys, their order and the text of numbers stay as they were."""
    document = read(b'\xef\xbb\xbf{\n  "b": 1.50,\r\n  "a": [1e3,\n 2]\n}\n')
    assert isinstance(document, Document)
    assert document.record == b'{"b":1.50,"a":[1e3,2]}'


def test_document_is_mended_like_a_record() -> None:
    """What no strict reader takes becomes a string."""
    document = read(b'{\n "v": NaN,\n "t": "a\\nb"\n}')
    assert isinstance(document, Document)
    assert json.loads(document.record) == {"v": "NaN", "t": "a\nb"}


@pytest.mark.parametrize(
    ("data", "session"),
    [
        (b'{"session_id":"a","sessionId":"b"}', "a"),
        (b'{"sessionId":"b"}', "b"),
        (b'{"session_id":7,"sessionId":""}', ""),
        (b"{}", ""),
    ],
)
def test_document_names_its_session(data: bytes, session: str) -> None:
    """At the top level, or it is everybody's."""
    document = read(data)
    assert isinstance(document, Document)
    assert document.session == session


def test_only_what_is_mended_changes_in_a_document() -> None:
    """Beside a NaN too; long numbers stay numbers."""
    document = read(b'{\n "v": NaN, "w":1.10,\n "n": 18446744073709551616, "w":-0 }')
    assert isinstance(document, Document)
    assert document.record == b'{"v":"NaN","w":1.10,"n":18446744073709551616,"w":-0}'


@pytest.mark.parametrize("levels", [101, 980, 100_000])
def test_a_document_that_is_too_deep_is_rejected(levels: int) -> None:
    """As a record is, by the same count."""
    invalid = read(b'{"a":\n' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}")
    assert invalid == Invalid("nested too deeply: more than 100 levels")
    deepest = b'{"a":\n' + b"[" * 99 + b"]" * 99 + b"}"
    assert isinstance(read(deepest), Document)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"a":1}\n{"a":2}', b"\0\0"])
def test_what_is_no_document(data: bytes) -> None:
    """Half of one, several of them, other things."""
    assert isinstance(read(data), Invalid)
