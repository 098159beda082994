"""What an honest client notices of hostile ones, and how long half-open ones stay.

All attacks run together, from a process of their own. The honest client has a session
that gets a record every 50 ms; others connect and subscribe anew; and somebody asks
whether the gateway is ready.
"""

import asyncio
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks.survival.attackers import HALF_OPEN, MUCH
from benchmarks.survival.clients import Client, connect, percentile
from benchmarks.survival.stage import Gateway, Session, gateway
from tailcast_streams.redis.broker import RedisBroker


HONEST = "honest"
# The honest session has a record so often, and so often others come, seconds.
LIVE_SECONDS = 0.05
PROBE_SECONDS = 0.5


@dataclass(frozen=True)
class Noticed:
    """What honest clients notice while all attack, or before."""

    attackers: int
    # Milliseconds from write to frame, and from connecting to the handshake's answer
    # and the first message.
    latencies: list[float]
    handshakes: list[float]
    # Answers of `/readyz` by status.
    ready: dict[int, int]
    peak_bytes: int
    cpu_share: float

    def __str__(self) -> str:
        ready = ", ".join(
            f"{count} times {status}" for status, count in self.ready.items()
        )
        return (
            f"beside {self.attackers:,} attackers: write to frame p50"
            f" {percentile(self.latencies, 0.5):.1f}, p99"
            f" {percentile(self.latencies, 0.99):.1f}, at most"
            f" {max(self.latencies):.1f} ms; connecting and subscribing p50"
            f" {percentile(self.handshakes, 0.5):.0f}, at most"
            f" {max(self.handshakes):.0f} ms; RSS at most {self.peak_bytes / 1e6:.0f}"
            f" MB; {self.cpu_share:.2f} of a core; /readyz {ready}"
        )


@dataclass(frozen=True)
class HalfOpen:
    """How long connections stay that never finish their handshake."""

    connections: int
    seconds: float
    more_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.connections:,} half-open handshakes: all gone after"
            f" {self.seconds:.1f} s, RSS at most {self.more_bytes / 1e6:.1f} MB more"
        )


async def measure(
    url: str, *, records: int, counts: tuple[int, ...], seconds: float
) -> tuple[Noticed, Noticed]:
    """Without attackers, and with so many of each kind; see `attackers`."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        await Session(broker, MUCH).fill(records)
        honest = Session(broker, HONEST)
        await honest.append(1)
        with gateway(url, prefix) as process:
            client = await connect(process.port, {"sessionId": HONEST})
            client.latencies = []
            before = await _notice(process, honest, client, 0, seconds)
            attackers = _attack(process.port, counts)
            try:
                assert attackers.stdout is not None
                said = await asyncio.to_thread(attackers.stdout.readline)
                assert said == "ready\n", said
                beside = await _notice(process, honest, client, sum(counts), seconds)
            finally:
                await asyncio.to_thread(attackers.communicate, "")
        return before, beside
    finally:
        await broker.aclose()


def _attack(port: int, counts: tuple[int, ...]) -> "subprocess.Popen[str]":
    module = "benchmarks.survival.attackers"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(port), *map(str, counts)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip  # one glance


async def _notice(
    process: Gateway,
    honest: Session,
    client: Client,
    attackers: int,
    seconds: float,
) -> Noticed:
    assert client.latencies is not None
    client.latencies.clear()
    process.forget_peak()
    cpu, start = process.cpu_seconds(), time.monotonic()
    handshakes: list[float] = []
    ready: dict[int, int] = {}
    probing = asyncio.create_task(_probe(process.port, handshakes, ready))
    wanted = client.records
    loop = asyncio.get_running_loop()
    begun = loop.time()
    written = int(seconds / LIVE_SECONDS)
    for number in range(written):
        await asyncio.sleep(max(0.0, begun + number * LIVE_SECONDS - loop.time()))
        await honest.append(1)
    await client.until(wanted + written)
    used, elapsed = process.cpu_seconds() - cpu, time.monotonic() - start
    probing.cancel()
    with suppress(asyncio.CancelledError):
        await probing
    return Noticed(
        attackers=attackers,
        latencies=list(client.latencies),
        handshakes=handshakes,
        ready=ready,
        peak_bytes=process.peak_bytes(),
        cpu_share=used / elapsed,
    )


async def _probe(port: int, handshakes: list[float], ready: dict[int, int]) -> None:
    """Connect and subscribe, and ask whether the gateway is ready, again and again."""
    while True:
        start = time.monotonic()
        client = await connect(port, {"sessionId": HONEST})
        handshakes.append((time.monotonic() - start) * 1_000)
        client.transport.abort()
        status = await asyncio.to_thread(_ready, port)
        ready[status] = ready.get(status, 0) + 1
        await asyncio.sleep(PROBE_SECONDS)


def _ready(port: int) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


async def measure_half_open(url: str, *, connections: int) -> HalfOpen:
    """Connect them all, each with half a handshake, and wait until all are gone."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    with gateway(url, prefix) as process:
        process.forget_peak()
        before = process.rss_bytes()
        start = time.monotonic()
        loop = asyncio.get_running_loop()

        async def come(number: int) -> None:
            with socket.socket() as sock:
                sock.setblocking(False)
                sock.bind((f"127.1.{number // 250}.{number % 250 + 1}", 0))
                await loop.sock_connect(sock, ("127.0.0.1", process.port))
                with suppress(ConnectionError):
                    await loop.sock_sendall(sock, HALF_OPEN)
                    while await loop.sock_recv(sock, 4_096):
                        pass

        await asyncio.gather(*map(come, range(connections)))
        return HalfOpen(
            connections, time.monotonic() - start, process.peak_bytes() - before
        )
