"""Clients over raw sockets: what they cost is little, and what they had is checked."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec


HANDSHAKE = (
    b"GET /ws/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT, _PING = 0x1, 0x9


class Client(asyncio.Protocol):
    """One connection that subscribes, answers pings and looks at what it is given."""

    def __init__(self, subscribe: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        # What it asks for after the handshake.
        self._subscribe = subscribe
        # Set by its answer, and by the `caught_up` of a replay.
        self.is_subscribed = loop.create_future()
        self.is_caught_up = loop.create_future()
        # When its handshake was answered, monotonic seconds.
        self.opened_at = 0.0
        # Records had, and the step that must come next, None before the first.
        self.records = 0
        self.next_step: int | None = None
        # Milliseconds from append to arrival, if it measures.
        self.latencies: list[float] | None = None
        self.received_bytes = 0
        # Times that it was told to ask again later.
        self.refusals = 0
        self._data = bytearray()
        self._is_open = False
        self._watchers: list[tuple[int, asyncio.Future[None]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Take frames."""
        self.received_bytes += len(data)
        self._data += data
        if not self._is_open:
            head, end, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.decode(errors="replace"))
            self._is_open, self.opened_at = True, time.monotonic()
            self._data = bytearray(rest)
            self.send({"type": "subscribe", **self._subscribe})
        self._take_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever still waits hears of it."""
        waiting = [self.is_subscribed, self.is_caught_up]
        for future in [*waiting, *(one for _, one in self._watchers)]:
            if not future.done():
                future.set_exception(ConnectionError(f"closed: {exc}"))
                # Nobody may wait.
                future.exception()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, masked with zeros, which leaves it as it is."""
        payload = json.dumps(message).encode()
        assert len(payload) < 65_536
        header = struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
        self.transport.write(header + bytes(4) + payload)

    async def until(self, records: int) -> None:
        """Until it has had so many records."""
        if self.records < records:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append((records, future))
            await future

    def _take_frames(self) -> None:
        data, at = self._data, 0
        view = memoryview(data)
        while len(data) - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                start += 2
            elif length == 127:
                start += 8
            if len(data) < start:
                break
            if length >= 126:
                length = int.from_bytes(view[at + 2 : start], "big")
            if len(data) < start + length:
                break
            self._frame(data[at] & 0xF, view[start : start + length])
            at = start + length
        view.release()
        del data[:at]

    def _frame(self, opcode: int, payload: memoryview) -> None:
        if opcode == _PING:
            pong = bytes((0x8A, 0x80 | len(payload))) + bytes(4) + bytes(payload)
            self.transport.write(pong)
        elif opcode == _TEXT:
            self._message(payload)

    def _message(self, payload: memoryview) -> None:
        start = bytes(payload[:24])
        if start.startswith(b'{"type":"telemetry"'):
            self._telemetry(msgspec.json.decode(payload)["data"])
        elif start.startswith(b'{"type":"subscribed"'):
            # Whoever waited for it may have been cancelled.
            if not self.is_subscribed.done():
                self.is_subscribed.set_result(None)
        elif start.startswith(b'{"type":"caught_up"'):
            if not self.is_caught_up.done():
                self.is_caught_up.set_result(None)
        elif start.startswith(b'{"type":"error"'):
            self._refused(msgspec.json.decode(payload))
        elif start.startswith(b'{"type":"gap"'):
            raise AssertionError(bytes(payload))

    def _refused(self, error: dict[str, Any]) -> None:
        """Ask again when the gateway says so."""
        if error["code"] != "unavailable":
            raise AssertionError(error)
        self.refusals += 1
        asyncio.get_running_loop().call_later(
            error["retryAfterMs"] / 1_000,
            self.send,
            {"type": "subscribe", **self._subscribe},
        )

    def _telemetry(self, data: Sequence[dict[str, Any]]) -> None:
        first = data[0]["step"]
        if self.next_step is not None and first != self.next_step:
            raise AssertionError(f"step {first} came after {self.next_step - 1}")
        steps = [one["step"] for one in data]
        if steps != list(range(first, first + len(data))):
            raise AssertionError("steps are not in order")
        self.next_step = first + len(data)
        self._count(data)

    def _count(self, data: Sequence[dict[str, Any]]) -> None:
        if self.latencies is not None:
            now = time.monotonic_ns()
            self.latencies += [(now - one["sent_ns"]) / 1e6 for one in data]
        self.records += len(data)
        if self._watchers and self.records >= self._watchers[0][0]:
            self._watchers.pop(0)[1].set_result(None)


class Counter(Client):
    """A client of several sessions: it counts and compares nothing."""

    def _telemetry(self, data: Sequence[dict[str, Any]]) -> None:
        self._count(data)


class Sink(Client):
    """A client that is as little work as can be: it counts what looks like a record."""

    def data_received(self, data: bytes) -> None:
        """Count; a record that two reads share is not seen."""
        if not self.is_subscribed.done():
            super().data_received(data)
            return
        self.records += data.count(b'"sent_ns":')
        if b'{"type":"caught_up"' in data and not self.is_caught_up.done():
            self.is_caught_up.set_result(None)


async def connect(
    port: int,
    subscribe: dict[str, Any],
    make: Callable[[dict[str, Any]], Client] = Client,
    *,
    sock: socket.socket | None = None,
) -> Client:
    """A client that is subscribed, over a socket of the caller's if it brings one."""
    loop = asyncio.get_running_loop()
    sock = sock or socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    _, client = await loop.create_connection(lambda: make(subscribe), sock=sock)
    await client.is_subscribed
    return client


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which such a part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
