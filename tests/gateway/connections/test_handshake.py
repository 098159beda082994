import pytest

from tailcast_gateway.connections.core.handshake import parse_handshake


HANDSHAKE = (
    b"GET /ws/telemetry?a=b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nOrigin:http://localhost \r\n\r\n"
)


def changed(what: bytes, into: bytes) -> bytes:
    """The handshake with one thing changed."""
    return HANDSHAKE.replace(what, into, 1)


def test_a_usual_handshake_is_read_whole() -> None:
    """Names in lower case, values without the blanks around them."""
    request = parse_handshake(HANDSHAKE)

    assert request is not None
    assert request.path == "/ws/telemetry?a=b"
    assert dict(request.headers.raw_items()) == {
        "host": "localhost",
        "upgrade": "websocket",
        "connection": "keep-alive, Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "origin": "http://localhost",
    }


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="a plain request"),
        pytest.param(HANDSHAKE[:-1], id="the beginning of one"),
        pytest.param(HANDSHAKE + b"\x81\x80", id="more behind it"),
        pytest.param(changed(b"GET", b"PUT"), id="not a GET"),
        pytest.param(changed(b" /ws", b" http://a/ws"), id="a whole URL"),
        pytest.param(changed(b": 13", b": 8"), id="another version"),
        pytest.param(changed(b"Connection: ", b"X: "), id="no upgrade asked"),
        pytest.param(changed(b"Host", b"Upgrade: h2c\r\nA"), id="two upgrades"),
        pytest.param(changed(b"Host", b"Content-Length"), id="a body"),
        pytest.param(changed(b"Host:", b"Host :"), id="a blank in a name"),
        pytest.param(changed(b"Host", b"A: b\r\n c\r\nA"), id="a folded line"),
        pytest.param(changed(b"localhost", b"a\nB: c"), id="a bare newline"),
        pytest.param(changed(b"Host", b"A: b\r\n" * 100 + b"A"), id="many lines"),
        pytest.param(changed(b"a=b", b"a" * 9_000), id="a long one"),
    ],
)
def test_anything_else_is_for_the_libraries(data: bytes) -> None:
    """Neither accepted nor refused here."""
    assert parse_handshake(data) is None
