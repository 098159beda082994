"""The clients of the benchmark, in a process of their own: they count, and do no more.

`python -m benchmarks.delivery.watch PORT CLIENTS` prints `ready`, and at the end of its
input one line of JSON: bytes had by all, and what one client of them has had.
"""

import asyncio
import json
import sys
import time

import uvloop


HANDSHAKE = (
    b"GET /ws/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE = b'{"type":"subscribe","sessionId":"run"}'
# Masked with zeros, which leaves the text as it is.
SUBSCRIBE_FRAME = bytes((0x81, 0x80 | len(SUBSCRIBE))) + bytes(4) + SUBSCRIBE


class Client(asyncio.Protocol):
    """Counts records by a mark that each has once."""

    def __init__(self, ready: list[int]) -> None:
        self.ready = ready
        self.records = 0
        self.is_open = False
        # Keeps the arrival of what it is given, if it is the one that measures.
        self.samples: list[float] | None = None
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self.transport = transport
        transport.write(HANDSHAKE)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        """Subscribe after the handshake; count from then on."""
        if not self.is_open:
            self.is_open = True
            self.transport.write(SUBSCRIBE_FRAME)  # type: ignore[attr-defined]  # a TCP transport
            self.ready[0] += 1
        data = self.tail + data
        parts = data.split(b'"sent_ns":')
        self.records += len(parts) - 1
        self.tail = parts[-1][-32:] if len(parts) == 1 else parts[-1]
        if self.samples is not None:
            now = time.monotonic_ns()
            for part in parts[1:]:
                digits = part[:20].split(b"}")[0].split(b",")[0]
                if digits.strip().isdigit():
                    self.samples.append((now - int(digits)) / 1e6)
        if len(parts) > 1:
            self.tail = b""


async def watch(port: int, count: int) -> None:
    """Connect, and count until standard input ends."""
    loop = asyncio.get_running_loop()
    ready = [0]
    clients = [Client(ready) for _ in range(count)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]  # bound now
    while ready[0] < count:  # noqa: ASYNC110  # once, before anything is measured
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    # Connections in the middle of the order in which they are served.
    for client in clients[:: max(1, count // 10)]:
        client.samples = []
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    samples = sorted(s for client in clients for s in client.samples or ())
    print(json.dumps({
        "records": sum(client.records for client in clients),
        "p50_ms": samples[len(samples) // 2],
        "p99_ms": samples[int(len(samples) * 0.99)],
    }))  # fmt: skip  # one glance


if __name__ == "__main__":
    uvloop.run(watch(int(sys.argv[1]), int(sys.argv[2])))
