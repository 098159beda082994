"""Reads the head of a request: its line and its headers.

Pure. It knows one form of each thing, which any server and any proxy reads in the same
way: what ends a header and a body, and what asks for a WebSocket. Anything else is
refused, so that nobody can make two of them disagree about where a request ends.
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

from websockets.datastructures import Headers


END: Final = b"\r\n\r\n"
# The body of a request whose length is not said: it ends with its connection.
UNTIL_THE_END: Final = -1

MAX_HEADERS: Final = 100
# Browsers send all cookies of a host, whoever they are for. So they count apart.
MAX_COOKIE_BYTES: Final = 32 * 1024

_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_HEAD: Final = re.compile(
    rb"(" + _TOKEN + rb") ([!-~]+) HTTP/1\.([01])\r\n"
    rb"((?:" + _TOKEN + rb":[ \t]*[\x09\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
_BEGINNING: Final = re.compile(_TOKEN)
_TARGET: Final = re.compile(r"/|\*$|https?://", re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_CLOSE: Final = b"connection: close"
_IS_UPGRADE: Final = re.compile(r"(?:.*,)?[ \t]*upgrade[ \t]*(?:,.*)?", re.IGNORECASE)


class BadHead(Exception):
    """A head that is refused; the connection ends with the answer."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Head(NamedTuple):
    """The head of a request."""

    method: str
    # The path and the query, as they were sent.
    target: str
    # By names in lower case.
    headers: Headers
    # How many bytes follow; `UNTIL_THE_END` if that is not said.
    body_bytes: int
    # Whether it asks for a WebSocket, and nothing stands in the way.
    is_handshake: bool
    # The bytes, and where the headers begin in them.
    data: bytes
    start: int

    def forwarded(self) -> bytes:
        """The bytes for whoever grants no other protocol than HTTP.

        If the end of its body is not said, it is the last request of its connection.
        """
        ends = self.body_bytes == UNTIL_THE_END
        if not ends and "upgrade" not in self.headers:
            return self.data
        lines = self.data[self.start : -len(END)].split(b"\r\n")
        left_out = (b"upgrade:", b"connection:") if ends else (b"upgrade:",)
        kept = [one for one in lines if not one.lower().startswith(left_out)]
        kept += [_CLOSE] if ends else []
        rest = b"".join(one + b"\r\n" for one in [*kept, b""])
        return self.data[: self.start] + rest


def can_begin(data: bytes) -> bool:
    """Whether a head can begin with these bytes; any of them, but one at least."""
    return _BEGINNING.match(data) is not None


def check_beginning(size: int, *, max_bytes: int) -> None:
    """Check the part of a head that has come; `size` is its bytes.

    Raises:
        BadHead: it is too large already.
    """
    if size > max_bytes + MAX_COOKIE_BYTES:
        raise _too_large(f"{max_bytes} bytes and {MAX_COOKIE_BYTES} of cookies")


def read_head(data: bytes, *, max_bytes: int) -> Head:
    """Read a whole head, with the empty line at its end.

    Args:
        data: the bytes.
        max_bytes: how many of them may be other than cookies.

    Raises:
        BadHead: it is too large, has too many headers, or another form.
    """
    check_beginning(len(data), max_bytes=max_bytes)
    if data.count(b"\n") > MAX_HEADERS + 2:
        raise _too_large(f"{MAX_HEADERS} headers")
    match = _HEAD.fullmatch(data)
    if match is None:
        raise _bad("this is no request of HTTP/1.1")
    lines = match[4].decode("iso-8859-1").split("\r\n")[:-1]
    headers = Headers()
    for line in lines:
        name, _, value = line.partition(":")
        headers.set_insecure(name.lower(), value.strip(" \t"))
    if len(data) > max_bytes:
        _check_sizes(headers, len(data), max_bytes)
    method, target = match[1].decode("ascii"), match[2].decode("ascii")
    if not _TARGET.match(target):
        raise _bad("the target of a request is a path")
    is_new = match[3] == b"1"
    body_bytes = _body_in(headers, is_new=is_new)
    is_handshake = is_new and "upgrade" in headers and _is_handshake(method, headers)
    if is_handshake and body_bytes:
        raise _bad("a handshake has no body")
    return Head(method, target, headers, body_bytes, is_handshake, data, match.start(4))


def _check_sizes(headers: Headers, size: int, max_bytes: int) -> None:
    cookies = sum(len(one) for one in headers.get_all("cookie"))
    if cookies > MAX_COOKIE_BYTES:
        raise _too_large(f"{MAX_COOKIE_BYTES} bytes of cookies")
    if size - cookies > max_bytes:
        raise _too_large(f"{max_bytes} bytes")


def _body_in(headers: Headers, *, is_new: bool) -> int:
    """How many bytes follow (RFC 9112 section 6)."""
    lengths = headers.get_all("content-length")
    codings = headers.get_all("transfer-encoding")
    if codings:
        if lengths or not is_new or [one.lower() for one in codings] != ["chunked"]:
            raise _bad("a body is `chunked`, or it has a length, and not both")
        return UNTIL_THE_END
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise _bad("the length of a body is one number")
    return int(lengths[0])


def _is_handshake(method: str, headers: Headers) -> bool:
    """Whether it asks for a WebSocket and for nothing else (RFC 6455 section 4.1)."""
    return (
        method == "GET"
        and [one.lower() for one in headers.get_all("upgrade")] == ["websocket"]
        and any(map(_IS_UPGRADE.fullmatch, headers.get_all("connection")))
    )


def _bad(text: str) -> BadHead:
    return BadHead(HTTPStatus.BAD_REQUEST, text)


def _too_large(most: str) -> BadHead:
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return BadHead(status, f"the head of a request has at most {most}")
