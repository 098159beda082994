"""JSON as lines that every reader of lines takes for one line.

Pure. It allows a carriage return between tokens, and in texts some characters at
which `str.splitlines` of Python, and readers in other languages, end a line.
"""

from typing import Final


# As their bytes in UTF-8, which stand for nothing else; and as JSON can write them too.
_SEPARATORS: Final = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)


def one_line(json: bytes) -> bytes:
    """The same value without anything that could end a line."""
    line = json.replace(b"\r", b" ")
    if not line.isascii():
        for separator, escape in _SEPARATORS:
            line = line.replace(separator, escape)
    return line
