"""Parses a WebSocket handshake in the form that nearly all clients send.

Pure. For anything else (another request, a handshake in pieces or of an unusual form)
the result is None. Then the libraries parse it, slower, and decide about it.
"""

import re
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Request


_MAX_BYTES: Final = 8 * 1024
_MAX_LINES: Final = 100
_REQUEST: Final = re.compile(
    rb"GET (/[!-~]*) HTTP/1\.1\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[ \t]*[\x09\x20-\x7e\x80-\xff]*\r\n)+)\r\n"
)
# Each header must occur once with such a value; otherwise the libraries parse it.
_REQUIRED: Final = (
    ("connection", re.compile(r"(?:keep-alive, ?)?upgrade", re.IGNORECASE)),
    ("upgrade", re.compile(r"websocket", re.IGNORECASE)),
    ("sec-websocket-version", re.compile(r"13")),
)
# A handshake has no body; with one of these headers the libraries parse it.
_BODY_HEADERS: Final = ("content-length", "transfer-encoding")


def parse_handshake(data: bytes) -> Request | None:
    """The request with its headers' names in lower case, None if it is something else.

    The libraries would parse it twice, the second time line by line. That is half of
    what a handshake costs before its request is looked at.
    """
    if len(data) > _MAX_BYTES or data.count(b"\n") > _MAX_LINES:
        return None
    match = _REQUEST.fullmatch(data)
    if match is None:
        return None
    headers = Headers()
    for line in match[2].decode("iso-8859-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        headers.set_insecure(name.lower(), value.strip(" \t"))
    for name, form in _REQUIRED:
        values = headers.get_all(name)
        if len(values) != 1 or form.fullmatch(values[0]) is None:
            return None
    if any(name in headers for name in _BODY_HEADERS):
        return None
    return Request(match[1].decode("ascii"), headers)
