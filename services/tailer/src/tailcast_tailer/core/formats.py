"""What a file is that holds no lines of records, as its first bytes say. Pure."""

import re


# What other formats begin with.
_MAGIC = {
    b"\x1f\x8b": "compressed with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"PK\x03\x04": "a zip archive",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
# Without a byte-order mark: the first characters of JSON, each with a NUL.
_WIDE = re.compile(rb"[\[{\"\s]\0|\0[\[{\"\s]")
_ARRAY = re.compile(rb"\[\s*(?:\{.*)?", re.DOTALL)


def format_of(head: bytes) -> str | None:
    """What a file with these first bytes is, if that is another format."""
    return next(
        (what for magic, what in _MAGIC.items() if head.startswith(magic)), None
    )


def unlike_lines(line: bytes) -> str | None:
    """What a file is whose first line is no record; None: lines, for all we know.

    Args:
        line: without white space around it.
    """
    if (what := format_of(line)) is not None:
        return what
    if _WIDE.match(line):
        return "UTF-16"
    if line == b"{":
        return "pretty-printed JSON: each object must be on one line"
    if _ARRAY.fullmatch(line):
        return "a JSON array: each object must be on a line of its own"
    return None
