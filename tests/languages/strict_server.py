"""A server that ends connections in every way there is, one after the other.

It tells at its last connection that there is no coming back, and notes what its one
client asked for each time.
"""

import http
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tailcast_gateway.protocol.close_codes import (
    ALL_CLOSE_CODES,
    LOST,
    NO_CODE,
    ComeBack,
)


FIRST, SECOND = "1-10-00000000", "1-20-00000000"
# How connections end that are to be made again: each code that a gateway closes with,
# what proxies and libraries send, no code (1005), no close at all (1006).
TEMPORARY = (
    *(one.number for one in ALL_CLOSE_CODES if one.come_back is not ComeBack.NO),
    *(1008, 1014, 3000, 4999),
)
Message = dict[str, object]
RECORDS = {FIRST: {"step": 0}, SECOND: {"step": 1}}
# The connection that ends by the first of these; the one that is the last.
FIRST_OF_ALL = 5
BEFORE_THE_LAST = FIRST_OF_ALL + len(TEMPORARY)
_CLOSE = 0x88
LATER: Message = {
    "type": "error",
    "code": "unavailable",
    "message": "Later",
    "retryAfterMs": 0,
}
NEVER: Message = {"type": "error", "code": "no", "message": "Never", "close": 4401}


def telemetry(cursor: str) -> Message:
    """The frame of one record."""
    return {
        "type": "telemetry",
        "sessionId": "run",
        "data": [RECORDS[cursor]],
        "cursor": cursor,
    }


class StrictServer:
    """Serves one client, at whichever door it comes to."""

    def __init__(self, last_word: int | None) -> None:
        # The close code that says "never"; without one a message says it before 1005.
        self._last_word = last_word
        # `HOST:PORT`, once it listens.
        self.address = ""
        # The cursor that each connection began with, None where it had none.
        self.starts: list[str | None] = []

    async def serve_socket(self, socket: ServerConnection) -> None:
        """One connection after the other, each ended in another way."""
        subscribe = json.loads(await socket.recv())
        is_first = subscribe["from"] == "start"
        self.starts.append(None if is_first else subscribe["from"]["cursor"])
        match len(self.starts):
            case 1:
                socket.transport.abort()
            case 2:
                await _send(socket, LATER)
                await socket.wait_closed()
            case 3:
                await _send(socket, telemetry(FIRST))
                await socket.close(1001)
            case 4:
                # The first one again is a repetition.
                await _send(socket, telemetry(FIRST))
                await _send(socket, telemetry(SECOND))
                await _send(socket, {"type": "draining", "reconnectAfterMs": 10})
                await socket.close(1002)
            case count if count < BEFORE_THE_LAST:
                # Nothing new: it has been told that it is there.
                await _send(socket, telemetry(SECOND))
                await _send(socket, {"type": "draining", "reconnectAfterMs": 10})
                await end(socket, TEMPORARY[count - FIRST_OF_ALL])
            case _ if self._last_word is None:
                await _send(socket, NEVER)
                await socket.wait_closed()
            case _:
                await socket.close(self._last_word)

    def answer(self, _socket: ServerConnection, request: Request) -> Response | None:
        """As above for who asks for an event stream or a page; None upgrades."""
        address = urlsplit(request.path)
        if address.path == "/ws/telemetry":
            return None
        query = parse_qs(address.query)
        if address.path == "/sse/telemetry":
            start = query["from"][0].partition("cursor:")[2]
            self.starts.append(request.headers.get("last-event-id") or start or None)
            return self._events(len(self.starts))
        self.starts.append(query.get("after", [None])[0])
        return self._page(len(self.starts))

    def _events(self, count: int) -> Response:
        match count:
            case 1:
                return _answer(503, "")
            case 2:
                return _answer(200, "retry: 10\n\n")
            case 3:
                return _answer(200, _event(telemetry(FIRST)))
            case 4:
                again = _event(telemetry(FIRST))
                return _answer(200, again + _event(telemetry(SECOND)))
            case _:
                return _answer(200, _event(NEVER))

    def _page(self, count: int) -> Response:
        match count:
            case 1:
                return _answer(503, "")
            case 2:
                return _answer(200, _line(FIRST), head=FIRST, missing=1)
            case 3:
                return _answer(200, _line(FIRST), head=FIRST)
            case 4:
                return _answer(200, _line(SECOND), head=SECOND)
            case _:
                return _answer(400, "no")


@asynccontextmanager
async def strict_server(last_word: int | None) -> AsyncGenerator[StrictServer]:
    """One that listens; `last_word` is the code it closes with at last, if any."""
    made = StrictServer(last_word)
    listening = serve(made.serve_socket, "127.0.0.1", 0, process_request=made.answer)
    async with listening as server:
        (socket,) = server.sockets
        made.address = f"127.0.0.1:{socket.getsockname()[1]}"
        yield made


async def end(socket: ServerConnection, code: int) -> None:
    """End a connection so that the other end sees this code, whichever it is."""
    if code == LOST.number:
        socket.transport.abort()
        return
    payload = b"" if code == NO_CODE.number else code.to_bytes(2, "big")
    # (The library would refuse to send some of them.)
    socket.transport.write(bytes([_CLOSE, len(payload)]) + payload)
    await socket.wait_closed()


async def _send(socket: ServerConnection, message: Message) -> None:
    await socket.send(json.dumps(message))


def _event(message: Message) -> str:
    place = f"id: {message['cursor']}\n" if "cursor" in message else ""
    return f"event: {message['type']}\n{place}data: {json.dumps(message)}\n\n"


def _line(cursor: str) -> str:
    return json.dumps(RECORDS[cursor]) + "\n"


def _answer(status: int, text: str, *, head: str = "", missing: int = 0) -> Response:
    """An answer whose last bytes may be missing."""
    headers = Headers()
    headers["content-type"] = "text/event-stream"
    headers["content-length"] = str(len(text) + missing)
    headers["access-control-allow-origin"] = "*"
    headers["connection"] = "close"
    headers["tailcast-head"] = head
    return Response(status, http.HTTPStatus(status).phrase, headers, text.encode())
