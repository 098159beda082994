"""What a handshake asks, and answers as they are on the wire."""

from websockets.datastructures import Headers

from tailcast_gateway.connections.core.handshakes import (
    Answer,
    Handshake,
    json_answer,
)


def test_a_handshake_says_where_it_goes() -> None:
    """By a path or by a whole URL; the path is decoded."""
    for target in ("/a%20b?c=%20", "http://host/a%20b?c=%20"):
        handshake = Handshake(target, Headers(), None, "ws")
        assert (handshake.path, handshake.query) == ("/a b", "c=%20")
    assert Handshake("//a/b", Headers(), None, "ws").path == "//a/b"


def test_the_offered_subprotocols() -> None:
    """In their order, of all headers; what is empty is none."""
    name = "sec-websocket-protocol"
    headers = Headers([(name, "a, b"), (name, ",c ")])
    assert Handshake("/", headers, None, "ws").subprotocols == ["a", "b", "c"]
    assert Handshake("/", Headers(), None, "ws").subprotocols == []


def test_who_asks_and_with_which_headers() -> None:
    """A peer whose address is not known is a dash."""
    headers = Headers([("x-name", "é")])
    handshake = Handshake("/", headers, ("192.0.2.7", 50_000), "ws")
    assert handshake.host == "192.0.2.7"
    assert Handshake("/", headers, None, "ws").host == "-"
    assert list(handshake.raw_headers) == [(b"x-name", b"\xe9")]


def test_an_answer_on_the_wire() -> None:
    """Its length is that of its bytes; without a body it says the same of it."""
    answer = Answer(503, "é", headers={"retry-after": "1"})
    head = (
        b"HTTP/1.1 503 Service Unavailable\r\n"
        b"content-type: text/plain; charset=utf-8\r\n"
        b"content-length: 2\r\nconnection: close\r\nretry-after: 1\r\n\r\n"
    )
    assert answer.serialize() == head + "é".encode()
    assert answer.serialize(has_body=False) == head


def test_an_error() -> None:
    """It has a code and words, in JSON."""
    answer = json_answer(404, "not_found", 'no "such"', retry_after="1")
    assert answer.kind == "application/json"
    assert answer.text == '{"code":"not_found","message":"no \\"such\\""}'
    assert answer.headers == {"retry-after": "1"}
