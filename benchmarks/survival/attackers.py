"""Hostile clients in a process of their own: `python -m benchmarks.survival.attackers`.

Arguments: port, then a number each of half-open connections, senders of patterns,
filters, exports that nobody reads, and floods. It prints `ready` when all have come,
and ends with its standard input. Whoever is sent away comes again soon.

Each comes from another address of this machine (127.0.0.0/8), as bounds for one address
are for others to measure.
"""

import asyncio
import itertools
import json
import os
import socket
import struct
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

from benchmarks.survival.clients import HANDSHAKE
from benchmarks.survival.stage import allow_many_files


# The session that has much.
MUCH = "much"
# After how long somebody who was sent away comes again, seconds.
PAUSE_SECONDS = 0.2
# How many come at once at the beginning.
WAVE = 50
CHUNK_BYTES = 64 * 1024

HALF_OPEN = b"GET /ws/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr"
EXPORT = (
    f"GET /api/records?sessionId={MUCH} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Accept: application/x-ndjson\r\n\r\n"
).encode()

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def frame(message: object) -> bytes:
    """A message as one frame, masked with zeros, which leaves it as it is."""
    payload = json.dumps(message).encode()
    header = struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
    return header + bytes(4) + payload


def patterns() -> bytes:
    """A `subscribe` of 43 kB with 700 patterns of 40 characters or more."""
    middle = "".join(f"a{at % 10}*" for at in range(19))
    globs = [f"*{middle}{at:03}" for at in range(700)]
    return frame({"type": "subscribe", "sessionIds": globs})


def nothing(number: int) -> bytes:
    """A replay through a filter of 99 conditions, of which no record meets one."""
    conditions = [
        {"metric": f"telemetry.m{at}", "op": "gt", "value": number}
        for at in range(98)
    ]  # fmt: skip  # one condition
    where = {"any": conditions}
    return frame(
        {"type": "subscribe", "sessionId": MUCH, "from": "start", "where": where}
    )


async def half_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half a handshake, and then nothing."""
    writer.write(HALF_OPEN)
    await reader.read()


async def send_patterns(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Two such messages a second."""
    await _handshake(reader, writer)
    message = patterns()
    reading = asyncio.ensure_future(_drop(reader))
    while not reading.done():
        writer.write(message)
        await writer.drain()
        await asyncio.wait([reading], timeout=0.5)


def filters(numbers: "itertools.count[int]") -> Attack:
    """A replay of all, again and again, each with a filter of its own."""

    async def attack(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await _handshake(reader, writer)
        message = nothing(next(numbers))
        writer.write(message)
        while data := await reader.read(CHUNK_BYTES):
            if b'"caught_up"' in data:
                writer.write(message)

    return attack


async def export(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for all, and read nothing after the beginning."""
    writer.write(EXPORT)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " in head.partition(b"\r\n")[0]:
        await asyncio.Event().wait()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A new name for a client, and messages that are none as fast as they are taken."""
    await _handshake(reader, writer)
    name = uuid.uuid4().hex
    writer.write(frame({"type": "subscribe", "sessionId": MUCH, "clientId": name}))
    reading = asyncio.ensure_future(_drop(reader))
    message = frame({"type": "nonsense", "padding": "x" * 100}) * 100
    while not reading.done():
        writer.write(message)
        await writer.drain()
        # Drain returns at once while the socket takes it all.
        await asyncio.sleep(0)


async def _handshake(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(HANDSHAKE)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.partition(b"\r\n")[0]:
        raise ConnectionError(head.decode())


async def _drop(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(CHUNK_BYTES):
            pass


async def come_again(
    port: int, address: str, attack: Attack, has_come: asyncio.Event
) -> None:
    """Attack from an address, and again when that is over."""
    loop = asyncio.get_running_loop()
    while True:
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((address, 0))
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=sock)
            has_come.set()
            try:
                await attack(reader, writer)
            finally:
                writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            sock.close()
        has_come.set()
        await asyncio.sleep(PAUSE_SECONDS)


async def attack_all(port: int, *counts: int) -> None:
    """So many of each."""
    kinds = (half_open, send_patterns, filters(itertools.count()), export, flood)
    attacks = [
        kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)
    ]
    tasks: list[asyncio.Task[None]] = []
    for start in range(0, len(attacks), WAVE):
        come = [asyncio.Event() for _ in attacks[start : start + WAVE]]
        for at, attack in enumerate(attacks[start : start + WAVE]):
            number = start + at
            address = f"127.1.{number // 250}.{number % 250 + 1}"
            tasks.append(
                asyncio.create_task(come_again(port, address, attack, come[at]))
            )
        await asyncio.gather(*(one.wait() for one in come))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    allow_many_files()
    # They would be on other machines: they are to take no time from the broker.
    os.nice(10)
    asyncio.run(attack_all(*map(int, sys.argv[1:])))
