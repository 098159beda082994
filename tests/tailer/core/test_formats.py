"""A file that is no file of lines is named by its first bytes."""

import bz2
import gzip
import json
import lzma

import pytest

from tailcast_tailer.core.formats import format_of, unlike_lines


TEXT = '{"step": 1}\n'


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (gzip.compress(TEXT.encode(), mtime=0), "compressed with gzip"),
        (bz2.compress(TEXT.encode()), "compressed with bzip2"),
        (lzma.compress(TEXT.encode()), "compressed with xz"),
        (b"\x28\xb5\x2f\xfd\x04", "compressed with zstd"),
        (b"PK\x03\x04\x14", "a zip archive"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (json.dumps({"a": 1}, indent=2).encode(), "pretty-printed JSON"),
        (json.dumps([{"a": 1}], indent=2).encode(), "a JSON array"),
        (b'[{"a":1},\n{"a":2}]\n', "a JSON array"),
        (b'[{"a":1}]\n', "a JSON array"),
    ],
)
def test_what_a_file_is(data: bytes, named: str) -> None:
    """Its first line is enough."""
    found = unlike_lines(data.split(b"\n")[0].strip())
    assert found is not None
    assert found.split(":")[0] == named
    if "JSON" not in named:
        assert format_of(data + b"x") in (named, None)


@pytest.mark.parametrize("line", [b'{"a":', b"[12:00] INFO", b"Loading", b"{x", b""])
def test_lines_are_lines(line: bytes) -> None:
    """Broken ones and text too."""
    assert unlike_lines(line) is None
    assert format_of(line) is None
