"""What thousands cost that do nothing: clients and sessions, in CPU time and memory.

The crowd is a process of its own that answers pings. Memory is measured in three steps
(nothing, sessions, clients), so that each has its price.
"""

import asyncio
import subprocess
import sys
import uuid
from dataclasses import dataclass

from benchmarks.survival.clients import Counter, connect
from benchmarks.survival.crowd import name
from benchmarks.survival.stage import Gateway, Session, gateway
from tailcast_streams.redis.broker import RedisBroker


# Sessions that are made at once.
WAVE = 50
# Until audits have settled, seconds.
SETTLE_SECONDS = 8.0
# Records a second, of each live session.
LIVE_RATE = 20.0


@dataclass(frozen=True)
class Idle:
    """What a crowd costs that does nothing."""

    clients: int
    broad: int
    sessions: int
    seconds: float
    # CPU time of the gateway over the time, and what sessions and clients weigh.
    cpu_share: float
    session_bytes: float
    client_bytes: float
    # Until all sessions were watched, and all clients subscribed.
    open_cpu_seconds: float
    connect_cpu_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.clients:,} idle clients ({self.broad:,} of all sessions, the others"
            f" of one) and {self.sessions:,} idle sessions, {self.seconds:.0f} s:"
            f" {self.cpu_share:.1%} of a core\n"
            f"  an idle session {self.session_bytes / 1e3:.1f} kB, an idle client"
            f" {self.client_bytes / 1e3:.1f} kB of RSS; CPU to watch all sessions"
            f" {self.open_cpu_seconds:.1f} s, for all clients to come"
            f" {self.connect_cpu_seconds:.1f} s"
        )


async def measure(
    url: str, *, clients: int, broad: int, sessions: int, seconds: float
) -> Idle:
    """Fill the stage, and look away for so long."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        await _make_sessions(broker, sessions)
        with gateway(url, prefix) as process:
            memory, cpu = process.rss_bytes(), process.cpu_seconds()
            watcher = await connect(process.port, {}, Counter)
            session_bytes = (process.rss_bytes() - memory) / sessions
            open_cpu = process.cpu_seconds() - cpu
            memory, cpu = process.rss_bytes(), process.cpu_seconds()
            crowd = await _gather_crowd(process, clients, broad, sessions)
            client_bytes = (process.rss_bytes() - memory) / clients
            connect_cpu = process.cpu_seconds() - cpu
            await asyncio.sleep(SETTLE_SECONDS)
            cpu = process.cpu_seconds()
            await asyncio.sleep(seconds)
            share = (process.cpu_seconds() - cpu) / seconds
            # All are there yet: none was given up.
            assert process.metric("subscribers") == clients + 1
            assert process.metric("watched_sessions") == sessions + 1
            watcher.transport.abort()
            await asyncio.to_thread(crowd.communicate, "")
        return Idle(
            clients=clients,
            broad=broad,
            sessions=sessions,
            seconds=seconds,
            cpu_share=share,
            session_bytes=session_bytes,
            client_bytes=client_bytes,
            open_cpu_seconds=open_cpu,
            connect_cpu_seconds=connect_cpu,
        )
    finally:
        await broker.aclose()


@dataclass(frozen=True)
class Live:
    """CPU milliseconds for each live record, by how many sessions there are."""

    few: int
    many: int
    live: int
    ms_few: float
    ms_many: float
    # What the process used while nothing moved, of a core.
    idle_few: float
    idle_many: float

    def __str__(self) -> str:
        return (
            f"{self.live} live sessions of {self.few}: {self.ms_few:.3f} ms of CPU for"
            f" each record; of {self.many:,}: {self.ms_many:.3f} ms, that is"
            f" {self.ms_many / self.ms_few:.2f} times as much (beside the"
            f" {self.idle_few:.1%} and {self.idle_many:.1%} of a core that it uses"
            " when nothing moves)"
        )


async def measure_live(
    url: str, *, few: int, many: int, live: int, seconds: float
) -> Live:
    """The same records through a gateway of few sessions, and of many."""
    cost_few, idle_few = await _live_cost(url, few, live, seconds)
    cost_many, idle_many = await _live_cost(url, many, live, seconds)
    return Live(few, many, live, cost_few, cost_many, idle_few, idle_many)


async def _live_cost(
    url: str, sessions: int, live: int, seconds: float
) -> tuple[float, float]:
    """Milliseconds for each record, and the idle process's share of a core."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        made = await _make_sessions(broker, sessions)
        with gateway(url, prefix) as process:
            watcher = await connect(process.port, {}, Counter)
            await asyncio.sleep(SETTLE_SECONDS)
            cpu = process.cpu_seconds()
            await asyncio.sleep(seconds)
            idle = (process.cpu_seconds() - cpu) / seconds
            cpu, rounds = process.cpu_seconds(), int(seconds * LIVE_RATE)
            loop = asyncio.get_running_loop()
            start, before = loop.time(), watcher.records
            for number in range(rounds):
                await asyncio.sleep(max(0.0, start + number / LIVE_RATE - loop.time()))
                await asyncio.gather(*(one.append(1) for one in made[:live]))
            await watcher.until(before + rounds * live)
            cpu = process.cpu_seconds() - cpu - idle * (loop.time() - start)
            watcher.transport.abort()
        return cpu / (rounds * live) * 1e3, idle
    finally:
        await broker.aclose()


async def _make_sessions(broker: RedisBroker, count: int) -> list[Session]:
    made = [Session(broker, name(number)) for number in range(count)]
    for start in range(0, count, WAVE):
        await asyncio.gather(*(one.append(3) for one in made[start : start + WAVE]))
    return made


async def _gather_crowd(
    process: Gateway, clients: int, broad: int, sessions: int
) -> "subprocess.Popen[str]":
    arguments = map(str, (process.port, clients, broad, sessions))
    crowd = subprocess.Popen(  # noqa: ASYNC220  # it is started, not waited for
        [sys.executable, "-m", "benchmarks.survival.crowd", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert crowd.stdout is not None
    assert await asyncio.to_thread(crowd.stdout.readline) == "ready\n"
    return crowd
