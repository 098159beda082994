"""One hostile connection over a real socket, and what the gateway may answer it."""

import contextlib
import json
import socket
import struct
import time
from typing import Any, cast

import msgpack

from tailcast_gateway.protocol.close_codes import INTERNAL_ERROR
from tests.contract import checked
from tests.fuzz.frames import BINARY, CLOSE, TEXT, Frame, read_frames
from tests.fuzz.inputs import Conversation
from tests.patience import PATIENCE_SECONDS


# A client that does not read has room for so much.
_SMALL_BUFFER_BYTES = 4 * 1024


def converse(port: int, conversation: Conversation) -> socket.socket | None:
    """Send all of it; the socket, if it is to be left open.

    Raises:
        AssertionError: the gateway failed, or sent what it may not.
    """
    one = socket.socket()
    if not conversation.reads:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    one.settimeout(PATIENCE_SECONDS)
    one.connect(("127.0.0.1", port))
    is_open = not conversation.noise and _shake_hands(one, conversation)
    if conversation.noise:
        one.sendall(conversation.noise)
    with contextlib.suppress(ConnectionError):
        for piece in conversation.pieces if is_open else ():
            _send(one, piece)
    if conversation.end == "leave" and is_open:
        return one
    if conversation.end == "reset":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
        return None
    with one:
        _finish(one, conversation, is_open=is_open)
    return None


def _shake_hands(one: socket.socket, conversation: Conversation) -> bool:
    lines = [
        f"GET /ws/telemetry{conversation.query} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: {conversation.subprotocols}",
    ]
    if conversation.offers_deflate:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate")
    one.sendall("\r\n".join((*lines, "", "")).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = one.recv(1)
        if not data:
            return False
        answer += data
    assert not answer.startswith(b"HTTP/1.1 500"), answer
    return answer.startswith(b"HTTP/1.1 101")


def _send(one: socket.socket, piece: bytes) -> None:
    """Send as long as the gateway reads; it need not read for ever."""
    one.settimeout(0.05)
    with contextlib.suppress(TimeoutError):
        one.sendall(piece)


def _finish(one: socket.socket, conversation: Conversation, *, is_open: bool) -> None:
    """End it in order, and look at all that came."""
    with contextlib.suppress(OSError):
        if conversation.end == "close":
            _send(one, Frame(CLOSE, b"\x03\xe8").encode())
        one.shutdown(socket.SHUT_WR)
    received = _read_all(one)
    if is_open:
        for opcode, payload in read_frames(received):
            _check(opcode, payload)


def _read_all(one: socket.socket) -> bytes:
    received: list[bytes] = []
    end = time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(ConnectionError):
        while True:
            left = end - time.monotonic()
            assert left > 0, "the gateway does not end the connection"
            one.settimeout(left)
            data = one.recv(256 * 1024)
            if not data:
                break
            received.append(data)
    return b"".join(received)


def _check(opcode: int, payload: bytes) -> None:
    if opcode == TEXT:
        checked(json.loads(payload), len(payload))
    elif opcode == BINARY:
        checked(cast(dict[str, Any], msgpack.unpackb(payload)), len(payload))
    elif opcode == CLOSE:
        code = int.from_bytes(payload[:2], "big")
        assert code != INTERNAL_ERROR.number, payload
