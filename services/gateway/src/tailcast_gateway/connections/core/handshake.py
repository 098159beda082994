"""A WebSocket's handshake as nearly all clients send it, read in one go.

Pure. What is not exactly that (another request, a handshake in pieces or of doubtful
form) is None, and takes the libraries' own, slower way, with the libraries' verdict.
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
# Each is there once and says just this, or the libraries shall look at it.
_REQUIRED: Final = (
    ("connection", re.compile(r"(?:keep-alive, ?)?upgrade", re.IGNORECASE)),
    ("upgrade", re.compile(r"websocket", re.IGNORECASE)),
    ("sec-websocket-version", re.compile(r"13")),
)
# A handshake has no body: these two are for the libraries to judge.
_BODY_HEADERS: Final = ("content-length", "transfer-encoding")


def parse_handshake(data: bytes) -> Request | None:
    """The request with its headers' names in lower case, None if it is something else.

    The libraries parse it twice, the second time line by line: half of what a handshake
    costs before anybody looks at what it asks for.
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
