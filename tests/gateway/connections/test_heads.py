"""Heads of requests: one form of each thing, and anything else is refused."""

import pytest

from tailcast_gateway.connections.core.heads import (
    MAX_COOKIE_BYTES,
    MAX_HEADERS,
    UNTIL_THE_END,
    BadHead,
    Head,
    can_begin,
    check_beginning,
    read_head,
)


MAX_BYTES = 1_000
HANDSHAKE = (
    b"GET /ws/telemetry?a=b HTTP/1.1\r\nHost: localhost\r\nUpgrade: WebSocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nOrigin:http://localhost \r\n\r\n"
)
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def read(data: bytes) -> Head:
    """Read it within the bounds of these tests."""
    return read_head(data, max_bytes=MAX_BYTES)


def with_lines(*lines: bytes) -> bytes:
    """A request with more headers."""
    more = b"".join(line + b"\r\n" for line in lines)
    return REQUEST.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n")


def test_a_handshake_is_read_whole() -> None:
    """Names in lower case, values without the blanks around them."""
    head = read(HANDSHAKE)

    assert head.is_handshake
    assert (head.method, head.target) == ("GET", "/ws/telemetry?a=b")
    assert head.body_bytes == 0
    assert dict(head.headers.raw_items()) == {
        "host": "localhost",
        "upgrade": "WebSocket",
        "connection": "keep-alive, Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "origin": "http://localhost",
    }


@pytest.mark.parametrize(
    ("what", "into"),
    [
        pytest.param(b"GET", b"POST", id="another method"),
        pytest.param(b"/1.1", b"/1.0", id="an old version"),
        pytest.param(b"Connection:", b"X:", id="not for this connection"),
        pytest.param(b", Upgrade", b", Upgrades", id="another word"),
        pytest.param(b"WebSocket", b"h2c", id="another protocol"),
        pytest.param(b"WebSocket", b"h2c, websocket", id="a choice"),
        pytest.param(b"Host:", b"Upgrade: h2c\r\nHost:", id="two wishes"),
    ],
)
def test_what_asks_for_no_websocket_is_http(what: bytes, into: bytes) -> None:
    """Whoever is given it is not told of the wish: nobody grants it."""
    head = read(HANDSHAKE.replace(what, into, 1))

    assert not head.is_handshake
    assert b"upgrade: " not in head.forwarded().lower()
    assert b"Host: localhost\r\n" in head.forwarded()
    assert head.forwarded().endswith(b"Origin:http://localhost \r\n\r\n")


def test_a_plain_request_is_forwarded_as_it_is() -> None:
    """Byte for byte."""
    for data in (REQUEST, with_lines(b"Content-Length: 7", b"a: \xe9\t!", b"b:")):
        head = read(data)
        assert head.forwarded() is data
        assert not head.is_handshake
    assert head.body_bytes == 7
    assert read(b"GET * HTTP/1.0\r\n\r\n").headers.get("host") is None


def test_a_body_of_unknown_length_is_the_last_of_its_connection() -> None:
    """What is behind it cannot be taken for another request."""
    head = read(with_lines(b"Connection: keep-alive", b"Transfer-Encoding: Chunked"))

    assert head.body_bytes == UNTIL_THE_END
    assert head.forwarded() == (
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n"
        b"connection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/2.0\r\n\r\n", id="another version"),
        pytest.param(b"GET  / HTTP/1.1\r\n\r\n", id="two blanks"),
        pytest.param(b"GET /a b HTTP/1.1\r\n\r\n", id="a blank in the target"),
        pytest.param(b"GET /\xe9 HTTP/1.1\r\n\r\n", id="not ASCII"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\n\r\n", id="a tunnel"),
        pytest.param(b"GET a HTTP/1.1\r\n\r\n", id="no path"),
        pytest.param(with_lines(b"a : b"), id="a blank behind a name"),
        pytest.param(with_lines(b"a"), id="no colon"),
        pytest.param(with_lines(b": b"), id="no name"),
        pytest.param(with_lines(b"a: b", b" c"), id="a folded line"),
        pytest.param(with_lines(b"a: b\nc: d"), id="a bare newline"),
        pytest.param(with_lines(b"a: b\rc: d"), id="a bare return"),
        pytest.param(with_lines(b"a: \0"), id="a null"),
        pytest.param(with_lines(b"content-length: 1", b"content-length: 1"), id="two"),
        pytest.param(with_lines(b"content-length: 1, 1"), id="two in one"),
        pytest.param(with_lines(b"content-length: +1"), id="signed"),
        pytest.param(with_lines(b"content-length: 0x1"), id="hexadecimal"),
        pytest.param(with_lines(b"content-length:"), id="none"),
        pytest.param(with_lines(b"content-length: " + b"1" * 16), id="endless"),
        pytest.param(
            with_lines(b"content-length: 1", b"transfer-encoding: chunked"),
            id="a length, and chunked",
        ),
        pytest.param(with_lines(b"transfer-encoding: gzip, chunked"), id="coded"),
        pytest.param(with_lines(b"transfer-encoding: x"), id="coded otherwise"),
        pytest.param(
            with_lines(b"transfer-encoding: chunked").replace(b"/1.1", b"/1.0"),
            id="chunked in HTTP/1.0",
        ),
        pytest.param(
            HANDSHAKE.replace(b"Host", b"Content-Length: 1\r\nHost"), id="handshake"
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    """As bad, whatever else it is."""
    with pytest.raises(BadHead) as refused:
        read(data)
    assert refused.value.status == 400


def test_sizes() -> None:
    """At the bound it is read, and one beyond it is refused."""
    pad = MAX_BYTES - len(with_lines(b"a: "))
    cookie = b"cookie: " + b"c" * MAX_COOKIE_BYTES
    assert read(with_lines(b"a: " + b"x" * pad))
    assert read(with_lines(cookie))
    assert read(with_lines(*(b"a:" for _ in range(MAX_HEADERS - 1))))
    for wrong in (
        [b"a: " + b"x" * (pad + 1)],
        [cookie + b"c"],
        [cookie, b"a: " + b"x" * pad],
        [b"a:" for _ in range(MAX_HEADERS)],
    ):
        with pytest.raises(BadHead) as refused:
            read(with_lines(*wrong))
        assert refused.value.status == 431


def test_the_beginning_of_a_head() -> None:
    """It is refused as soon as no head can come of it."""
    assert can_begin(b"G")
    assert not can_begin(b"\x16\x03\x01")
    check_beginning(MAX_BYTES + MAX_COOKIE_BYTES, max_bytes=MAX_BYTES)
    with pytest.raises(BadHead):
        check_beginning(MAX_BYTES + MAX_COOKIE_BYTES + 1, max_bytes=MAX_BYTES)
