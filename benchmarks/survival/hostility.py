"""What an honest client notices of hostile ones, and how long half-open ones stay.

All attacks run together, from a process of their own. The honest client has a session
whose file gets a line every 50 ms, which a tailer follows; others connect and subscribe
anew; and somebody asks whether the gateway is ready. The broker has little room, so
that what attackers store would cost records.
"""

import asyncio
import itertools
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks.survival.attackers import HALF_OPEN, MUCH
from benchmarks.survival.clients import Client, connect, percentile
from benchmarks.survival.stage import (
    Gateway,
    Session,
    Tailer,
    gateway,
    record,
    tailer,
)
from tailcast_streams.entries import Kind
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.redis.broker import RedisBroker


HONEST = "honest"
# The honest session has a line so often, and so often others come, seconds.
LIVE_SECONDS = 0.05
PROBE_SECONDS = 0.5
# How much the broker may store.
BROKER_BYTES = 256 * 1024 * 1024
# Over how many connections at a time headers are sent that never end, and how many
# bytes of them beforehand, as what any connection costs at first is not their price.
HEADER_CONNECTIONS = 10
HEADERS_BEFORE_BYTES = 20_000_000
HEADER = b"X-Filler: " + b"x" * 1_000 + b"\r\n"


class Goal(NamedTuple):
    """A figure, and what it is to be on two cores with nothing else to do."""

    what: str
    figure: float
    unit: str
    below: float

    def __str__(self) -> str:
        verdict = "yes" if self.figure < self.below else "NO"
        return (
            f"  {verdict:>3}  {self.what}: {self.figure:,.1f} {self.unit}"
            f" (goal: less than {self.below:,.0f})"
        )


@dataclass(frozen=True)
class Noticed:
    """What honest clients notice while all attack, or before."""

    attackers: int
    # Milliseconds from a line's write to its frame, and from connecting to the
    # handshake's answer and to the first message.
    latencies: list[float]
    handshakes: list[float]
    subscriptions: list[float]
    # Answers of `/readyz` by status.
    ready: dict[int, int]
    peak_bytes: int
    cpu_share: float

    def __str__(self) -> str:
        ready = ", ".join(
            f"{count} times {status}" for status, count in self.ready.items()
        )
        return (
            f"beside {self.attackers:,} attackers: write to frame"
            f" {_spread(self.latencies)}; handshakes {_spread(self.handshakes)},"
            f" with a subscription {_spread(self.subscriptions)}; RSS at most"
            f" {self.peak_bytes / 1e6:.0f} MB; {self.cpu_share:.2f} of a core;"
            f" /readyz {ready}"
        )

    @property
    def goals(self) -> Sequence[Goal]:
        """What of it has a goal."""
        latency = percentile(self.latencies, 0.99)
        not_ready = sum(self.ready.values()) - self.ready.get(200, 0)
        return (
            Goal("write to frame, p99", latency, "ms", 100),
            Goal("a handshake, at most", max(self.handshakes), "ms", 500),
            Goal("RSS, at most", self.peak_bytes / 1e6, "MB", 300),
            Goal("times that /readyz was not 200", not_ready, "", 1),
        )


@dataclass(frozen=True)
class Kept:
    """What the broker has of the honest session in the end."""

    written: int
    stored: int
    trimmed_bytes: float

    def __str__(self) -> str:
        return (
            f"{self.written:,} lines were written, {self.stored:,} records are stored,"
            f" the tailer trimmed {self.trimmed_bytes:,.0f} bytes"
        )

    @property
    def goals(self) -> Sequence[Goal]:
        """Not one record is trimmed."""
        return (
            Goal("records that are not stored", self.written - self.stored, "", 1),
            Goal("bytes that were trimmed", self.trimmed_bytes, "", 1),
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

    @property
    def goals(self) -> Sequence[Goal]:
        """They go when their time is over."""
        return (Goal("half-open handshakes stay", self.seconds, "s", 11),)


@dataclass(frozen=True)
class Headers:
    """What headers cost that never end."""

    sent_bytes: int
    more_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.sent_bytes / 1e6:,.0f} MB of headers: RSS at most"
            f" {self.more_bytes / 1e6:.2f} MB more"
        )

    @property
    def goals(self) -> Sequence[Goal]:
        """They cost nothing."""
        return (Goal("headers cost", self.more_bytes / 1e6, "MB", 1),)


def _spread(values: Sequence[float]) -> str:
    half, most_of, most = (
        percentile(values, 0.5),
        percentile(values, 0.99),
        max(values),
    )
    return f"p50 {half:.1f}, p99 {most_of:.1f}, at most {most:.1f} ms"


async def measure(
    url: str, *, records: int, counts: tuple[int, ...], seconds: float
) -> tuple[Noticed, Noticed, Kept]:
    """Without attackers, and with so many of each kind; see `attackers`."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        await Session(broker, MUCH).fill(records)
        with (
            TemporaryDirectory() as folder,
            gateway(url, prefix) as process,
            tailer(url, prefix, folder) as following,
        ):
            run = Run(Path(folder) / "telemetry" / f"{HONEST}.jsonl")
            client = await connect(process.port, {"sessionId": HONEST, "from": "start"})
            # The file is found before anything is measured.
            run.write()
            await client.until(1)
            client.latencies = []
            before = await _notice(process, run, client, 0, min(15.0, seconds))
            attackers = _attack(process.port, counts)
            try:
                assert attackers.stdout is not None
                said = await asyncio.to_thread(attackers.stdout.readline)
                assert said == "ready\n", said
                beside = await _notice(process, run, client, sum(counts), seconds)
            finally:
                await asyncio.to_thread(attackers.communicate, "")
            return before, beside, await _kept(broker, run, following)
    finally:
        await broker.aclose()


class Run:
    """A training run that writes a line now and then."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # How many lines it has.
        self.lines = 0

    def write(self) -> None:
        """Append a line, in which is when."""
        with self._path.open("ab", buffering=0) as file:
            file.write(record(self.lines) + b"\n")
        self.lines += 1


async def _kept(broker: RedisBroker, run: Run, following: Tailer) -> Kept:
    stored, after = 0, BEFORE_ALL
    while entries := await broker.read_after(HONEST, after, limit=1_000):
        stored += sum(entry.kind is Kind.RECORD for entry in entries)
        after = entries[-1].id
    trimmed = following.sum_of("trimmed_bytes_total")
    return Kept(run.lines, stored, trimmed)


def _attack(port: int, counts: tuple[int, ...]) -> "subprocess.Popen[str]":
    module = "benchmarks.survival.attackers"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(port), *map(str, counts)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip  # one glance


async def _notice(
    process: Gateway, run: Run, client: Client, attackers: int, seconds: float
) -> Noticed:
    assert client.latencies is not None
    client.latencies.clear()
    process.forget_peak()
    cpu, start = process.cpu_seconds(), time.monotonic()
    probe = _Probe(process.port)
    probing = asyncio.create_task(probe.run())
    wanted = client.records
    loop = asyncio.get_running_loop()
    begun = loop.time()
    written = int(seconds / LIVE_SECONDS)
    for number in range(written):
        await asyncio.sleep(max(0.0, begun + number * LIVE_SECONDS - loop.time()))
        run.write()
    async with asyncio.timeout(seconds):
        await client.until(wanted + written)
    used, elapsed = process.cpu_seconds() - cpu, time.monotonic() - start
    probing.cancel()
    with suppress(asyncio.CancelledError):
        await probing
    return Noticed(
        attackers=attackers,
        latencies=list(client.latencies),
        handshakes=probe.handshakes,
        subscriptions=probe.subscriptions,
        ready=probe.ready,
        peak_bytes=process.peak_bytes(),
        cpu_share=used / elapsed,
    )


class _Probe:
    """Connects and subscribes, and asks whether the gateway is ready."""

    def __init__(self, port: int) -> None:
        self._port = port
        # As `Noticed` has them.
        self.handshakes: list[float] = []
        self.subscriptions: list[float] = []
        self.ready: dict[int, int] = {}

    async def run(self) -> None:
        """Do so again and again."""
        for number in itertools.count():
            # As others would, each from an address of its own.
            sock = socket.socket()
            sock.bind((f"127.2.0.{number % 250 + 1}", 0))
            start = time.monotonic()
            client = await connect(self._port, {"sessionId": HONEST}, sock=sock)
            self.subscriptions.append((time.monotonic() - start) * 1_000)
            self.handshakes.append((client.opened_at - start) * 1_000)
            client.transport.abort()
            status = await asyncio.to_thread(_ready, self._port)
            self.ready[status] = self.ready.get(status, 0) + 1
            await asyncio.sleep(PROBE_SECONDS)


def _ready(port: int) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


async def measure_half_open(url: str, *, connections: int) -> HalfOpen:
    """Connect them all, each with half a handshake, and wait until all are gone.

    The time counts from when the last has come, as they come one after the other.
    """
    prefix = f"b{uuid.uuid4().hex[:8]}"
    with gateway(url, prefix) as process:
        process.forget_peak()
        before = process.rss_bytes()
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def come(number: int) -> None:
            nonlocal start
            with socket.socket() as sock:
                sock.setblocking(False)
                sock.bind((f"127.1.{number // 250}.{number % 250 + 1}", 0))
                await loop.sock_connect(sock, ("127.0.0.1", process.port))
                with suppress(ConnectionError):
                    await loop.sock_sendall(sock, HALF_OPEN)
                    start = loop.time()
                    while await loop.sock_recv(sock, 4_096):
                        pass

        await asyncio.gather(*map(come, range(connections)))
        more = process.peak_bytes() - before
        return HalfOpen(connections, loop.time() - start, more)


async def measure_headers(url: str, *, sent_bytes: int) -> Headers:
    """Send headers that never end, over several connections at a time."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    with gateway(url, prefix) as process:
        await _send_headers(process.port, HEADERS_BEFORE_BYTES)
        process.forget_peak()
        before = process.rss_bytes()
        sent = await _send_headers(process.port, sent_bytes)
        return Headers(sent, process.peak_bytes() - before)


async def _send_headers(port: int, most: int) -> int:
    """Send so many bytes of headers, or a little more; returns how many."""
    loop = asyncio.get_running_loop()
    sent, many = 0, HEADER * 60

    async def keep_sending(number: int) -> None:
        nonlocal sent
        while sent < most:
            with socket.socket() as sock:
                sock.setblocking(False)
                sock.bind((f"127.1.0.{number + 1}", 0))
                await loop.sock_connect(sock, ("127.0.0.1", port))
                with suppress(ConnectionError):
                    await loop.sock_sendall(sock, b"GET / HTTP/1.1\r\n")
                    while sent < most:
                        await loop.sock_sendall(sock, many)
                        sent += len(many)

    await asyncio.gather(*map(keep_sending, range(HEADER_CONNECTIONS)))
    return sent
