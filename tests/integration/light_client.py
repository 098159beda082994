"""A client that costs next to nothing, so that there can be a thousand in one process.

It speaks the protocol over a bare socket, keeps its cursors as the protocol has clients
keep them, and checks every frame: what it follows on from, which record comes next.
"""

import asyncio
import json
import resource
import socket
import struct
from typing import Any, cast

import msgspec

from tailcast_streams.position import BEGINNING_CURSOR


HANDSHAKE = (
    b"GET /ws/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9


class LightClient:
    """One client over all its connections; records are told apart by their `step`."""

    def __init__(
        self, wanted: dict[str, Any], sessions: tuple[str, ...], *, token: str = ""
    ) -> None:
        # What it subscribes to, and which sessions these are.
        self.wanted = wanted
        self.sessions = sessions
        # With which it connects, "" without any.
        self.token = token
        # The cursor of each session, and the step that must come next.
        self.cursors = dict.fromkeys(sessions, str(BEGINNING_CURSOR))
        self.steps = dict.fromkeys(sessions, 0)
        # Times that it was told to ask again later.
        self.refusals = 0
        # The `error` before the latest connection was closed, and the code of that.
        self.farewell: dict[str, Any] = {}
        self.close_code: int | None = None
        # What it found wrong with what it was given; the first counts.
        self.wrong: Exception | None = None
        # Set when its latest connection has ended, is subscribed, and at the target.
        self.is_lost = asyncio.Event()
        self.is_subscribed = asyncio.Event()
        self.has_all = asyncio.Event()
        # Set when the token that it gave last has been taken.
        self.is_renewed = asyncio.Event()
        # What all sessions must come to; none while records still come.
        self.target: int | None = None
        self._connection: _Connection | None = None

    async def connect(self, port: int) -> None:
        """Connect, and subscribe from where it is."""
        self.is_lost.clear()
        self.is_subscribed.clear()
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.create_connection(self._new, sock=sock)
        await self.is_subscribed.wait()
        self.check()

    async def until(self, target: int) -> None:
        """Until it has had that many records of each of its sessions."""
        self.target = target
        self._look_at_target()
        await self.has_all.wait()
        self.check()

    def check(self) -> None:
        """Raise what was found wrong."""
        if self.wrong is not None:
            raise self.wrong

    def renew(self, token: str) -> None:
        """Go on with another token, over the connection that there is."""
        assert self._connection is not None
        self.token = token
        self.is_renewed.clear()
        self._connection.send({"type": "auth", "token": token})

    def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.transport.abort()

    def subscription(self) -> dict[str, Any]:
        """A subscription from its cursors."""
        start: dict[str, Any]
        if "sessionId" in self.wanted:
            start = {"from": {"cursor": self.cursors[self.wanted["sessionId"]]}}
        else:
            start = {"cursors": self.cursors, "from": "start"}
        return {"type": "subscribe", **self.wanted, **start}

    def take(self, message: dict[str, Any]) -> None:
        """Check a message by the rules of the protocol."""
        kind = message["type"]
        if kind == "telemetry":
            self._take_records(message)
        elif kind == "subscribed":
            # A verdict may take longer than the answer; it is never "no".
            assert message.get("recovered", True), message
            self.is_subscribed.set()
        elif kind == "authenticated":
            self.is_renewed.set()
        elif kind == "error" and "close" in message:
            self.farewell = message
        elif kind == "error":
            assert message["code"] == "unavailable", message
            self._ask_later(message["retryAfterMs"] / 1_000)
        elif kind == "caught_up":
            assert message["cursor"] == self.cursors[message["sessionId"]], message
        else:
            assert kind in {"positions", "session", "expiring"}, message

    def _take_records(self, message: dict[str, Any]) -> None:
        session = message["sessionId"]
        assert message["prev"] == self.cursors[session], (self.cursors, message)
        for record in message["data"]:
            assert record["step"] == self.steps[session], (self.steps, message)
            self.steps[session] += 1
        self.cursors[session] = message["cursor"]
        self._look_at_target()

    def _look_at_target(self) -> None:
        if all(step == self.target for step in self.steps.values()):
            self.has_all.set()

    def _ask_later(self, seconds: float) -> None:
        self.refusals += 1
        connection = self._connection
        assert connection is not None
        asyncio.get_running_loop().call_later(
            seconds, lambda: connection.send(self.subscription())
        )

    def fail(self, error: Exception) -> None:
        """Nobody may wait for one that has found something wrong."""
        self.wrong = self.wrong or error
        for event in (self.is_subscribed, self.has_all, self.is_renewed):
            event.set()

    def _new(self) -> "_Connection":
        self._connection = _Connection(self)
        return self._connection


class _Connection(asyncio.Protocol):
    """One connection: its bytes as frames, and its pongs."""

    def __init__(self, client: LightClient) -> None:
        self._client = client
        self._data = bytearray()
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        token = self._client.token
        bearer = f"Authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
        self.transport.write(HANDSHAKE[:-2] + bearer.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._client.is_lost.set()
        if not self._client.is_subscribed.is_set():
            self._client.fail(ConnectionError("closed before it was subscribed"))

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            if self._is_open or self._has_opened():
                self._take_frames()
        except Exception as error:  # noqa: BLE001  # told to whoever waits
            self._client.fail(error)
            self.transport.abort()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, masked with zeros, which leaves it as it is."""
        payload = json.dumps(message).encode()
        assert len(payload) < 65_536
        header = struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
        self.transport.write(header + bytes(4) + payload)

    def _has_opened(self) -> bool:
        head, end, rest = bytes(self._data).partition(b"\r\n\r\n")
        if not end:
            return False
        assert head.startswith(b"HTTP/1.1 101"), head
        self._is_open, self._data = True, bytearray(rest)
        self.send(self._client.subscription())
        return True

    def _take_frames(self) -> None:
        data, at = bytes(self._data), 0
        while (end := _frame_end(data, at)) is not None:
            start, stop = end
            if data[at] & 0xF == _PING:
                pong = bytes((0x8A, 0x80 | (stop - start))) + bytes(4)
                self.transport.write(pong + data[start:stop])
            elif data[at] & 0xF == _CLOSE:
                (self._client.close_code,) = struct.unpack_from("!H", data, start)
                code = bytes((0x88, 0x82)) + bytes(4) + data[start : start + 2]
                self.transport.write(code)
                self.transport.close()
            elif data[at] & 0xF == _TEXT:
                self._client.take(msgspec.json.decode(data[start:stop]))
            at = stop
        del self._data[:at]


def _frame_end(data: bytes, at: int) -> tuple[int, int] | None:
    """Where a frame's payload begins and ends; None while it is not all there."""
    if len(data) - at < 2:
        return None
    length, start = data[at + 1], at + 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(data) < start + size:
            return None
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    return None if len(data) < start + length else (start, start + length)


def allow_many_files() -> None:
    """As many as the machine lets a process have, for thousands of sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
