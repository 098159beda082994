"""What is measured, one contender and one turn at a time; each gives named figures."""

import asyncio
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.contenders import PATH, Kind, Stack, new_clients, subscribe
from benchmarks.gateway.load import Writer
from benchmarks.processes import cpu_seconds
from tailcast_streams.redis.broker import RedisBroker


HANDSHAKES = 2_000
WARM_UP_HANDSHAKES = 200
# Who comes back to those: all together fewer than the 5,000 that a gateway takes.
RETURNED_CLIENTS = 600
# Who comes back to so many sessions at once.
RETURNED_SESSIONS = 100
RETURNED_TO_MANY = 150
WARM_UP_SECONDS = 0.5
SATURATING_DELIVERIES = 300_000
REPLAYED_RECORDS = 200_000
REPLAY_BATCH = 1_000
RECOVERED_CLIENTS = 1_000
RECOVERY_RECORDS_PER_SECOND = 20
RECOVERY_PATIENCE_SECONDS = 30
# Who is live, and who comes all at once meanwhile.
STORM_LIVE = 100
STORM_CLIENTS = 5_000
STORM_RECORDS_PER_SECOND = 50
HEALTH_PAUSE_SECONDS = 0.05
# Until what was appended last is no longer waited for.
PATIENCE_SECONDS = 3.0
# A server is at rest that uses less than a twentieth of a core for so long, seconds.
REST_SECONDS = 0.3


@dataclass(frozen=True)
class Load:
    """So many deliveries a second, in batches of so many records."""

    name: str
    # None: each record when all clients have the one before, so that nobody can put
    # several into a frame, however busy the machine is.
    deliveries_per_second: float | None
    batch: int
    part: str = "deliver"


LOADS = (
    Load("one after the other", None, 1),
    Load("10,000/s", 10_000, 1),
    Load("100,000/s", 100_000, 1),
    Load("100,000/s in bursts of 10", 100_000, 10),
    Load("as fast as records can be appended", math.inf, 1, part="saturate"),
)

Figures = Mapping[str, float]


async def measure(
    stack: Stack, broker_pid: int, clients: int, load: Load, seconds: float
) -> Figures:
    """What delivered records cost, and how soon they are there; {} if it has no say."""
    rate = load.deliveries_per_second
    if rate is None:
        return await _deliver_in_step(stack, broker_pid, clients, seconds)
    if rate == math.inf:
        if stack.kind.is_fed_by_hand:
            return {}
        return await _saturate(stack, broker_pid, clients)
    rate /= load.batch * clients
    return await _deliver(stack, broker_pid, clients, load.batch, rate, seconds)


async def _deliver(
    stack: Stack,
    broker_pid: int,
    clients: int,
    batch: int,
    rate: float,
    seconds: float,
) -> Figures:
    meter = Meter(stack, broker_pid)
    if stack.kind.is_fed_by_hand:
        stack.order(f"go {rate} {batch}")
        await asyncio.sleep(seconds)
        stack.order("stop")
        await asyncio.sleep(0.1)
        report = stack.clients.order("report")
        expected = report["records"]
    else:
        count = await stack.writer.append_evenly(rate, batch, seconds)
        expected = count * clients
        report = await stack.clients.wait_for(expected, PATIENCE_SECONDS)
    return meter.figures(report) | {"late": expected - report["records"]}


async def _deliver_in_step(
    stack: Stack, broker_pid: int, clients: int, seconds: float
) -> Figures:
    meter = Meter(stack, broker_pid)
    end, count, report = time.monotonic() + seconds, 0, {"records": 0.0}
    while time.monotonic() < end and report["records"] == count * clients:
        if stack.kind.is_fed_by_hand:
            stack.order("once")
        else:
            await stack.writer.append(1)
        count += 1
        report = await stack.clients.wait_for(count * clients, PATIENCE_SECONDS)
    return meter.figures(report) | {"late": count * clients - report["records"]}


async def _saturate(stack: Stack, broker_pid: int, clients: int) -> Figures:
    """Records as fast as they can be appended, one by one, until all have them."""
    begun = time.monotonic_ns()
    meter = Meter(stack, broker_pid)
    count = SATURATING_DELIVERIES // clients
    for _ in range(count):
        await stack.writer.append(1)
    report = await stack.clients.wait_for(count * clients, 4 * PATIENCE_SECONDS)
    seconds = (report["last_record_ns"] - begun) / 1e9
    return meter.figures(report) | {
        "late": count * clients - report["records"],
        "records_per_second": report["records"] / seconds,
    }


class Meter:
    """CPU times and counts from its making to its reading."""

    def __init__(self, stack: Stack, broker_pid: int) -> None:
        stack.clients.order("reset")
        self._stack = stack
        self._broker_pid = broker_pid
        # What had been used when it began.
        self._began = time.monotonic()
        self._used = self._now()

    def _now(self) -> tuple[float, ...]:
        stack = self._stack
        return (
            stack.cpu_seconds(),
            cpu_seconds([self._broker_pid]),
            stack.relay_cpu_seconds(),
            cpu_seconds([stack.clients.pid]),
        )

    def figures(self, report: Mapping[str, float]) -> dict[str, float]:
        """What was used since, by delivered record."""
        took = time.monotonic() - self._began
        used = [b - a for a, b in zip(self._used, self._now(), strict=True)]
        records = report["records"] or 1
        return {
            "cpu_us": used[0] / records * 1e6,
            "broker_us": used[1] / records * 1e6,
            "relay_us": used[2] / records * 1e6,
            "server_busy": used[0] / took,
            "clients_busy": used[3] / took,
            "records": report["records"],
            "records_per_frame": report["records"] / (report["frames"] or 1),
            "p50_ms": report["p50_ms"],
            "p99_ms": report["p99_ms"],
        }


async def shake_hands(kind: Kind, broker: RedisBroker, path: Path) -> Figures:
    """What a connection costs to make, to have and to lose."""
    stack = kind.start(broker, path)
    try:
        # There is a stream: nobody waits for one to come into being.
        await stack.writer.append(1)
        await stack.open(WARM_UP_HANDSHAKES)
        figures: dict[str, float] = {}
        # The others have no cursors of ours.
        if kind.first is subscribe:
            figures["returned_cpu_ms"] = await _come_back(stack, broker)
            figures["returned_to_many_cpu_ms"] = await _come_back_to_many(stack, broker)
        before = stack.cpu_seconds()
        seconds = await stack.open(HANDSHAKES, silent=True)
        silent, rss = stack.cpu_seconds(), stack.rss_bytes()
        await stack.open(HANDSHAKES)
        figures |= {
            "cpu_ms": (silent - before) / HANDSHAKES * 1e3,
            "subscribed_cpu_ms": (stack.cpu_seconds() - silent) / HANDSHAKES * 1e3,
            "rss_kb": (stack.rss_bytes() - rss) / HANDSHAKES / 1e3,
            "per_second": HANDSHAKES / seconds,
        }
        before = await _at_rest(stack)
        ended = stack.clients.order("report")["open"]
        stack.clients.order("shut")
        figures["end_cpu_ms"] = (await _at_rest(stack) - before) / ended * 1e3
        return figures
    finally:
        stack.close()


async def _come_back(stack: Stack, broker: RedisBroker) -> float:
    """What a client costs, with its handshake, whose cursor is in the window, ms.

    The session is followed: others are there.
    """
    session = stack.writer.session
    await stack.writer.append(2)
    place = (await broker.read_before(session, None, limit=2))[-1].cursor
    first = (
        f'{{"type":"subscribe","sessionId":"{session}","from":{{"cursor":"{place}"}}}}'
    )
    return await _returned(stack, first, RETURNED_CLIENTS, lacking=1)


async def _come_back_to_many(stack: Stack, broker: RedisBroker) -> float:
    """The same for one whose cursors are in the windows of several sessions, ms."""
    names = [f"{stack.writer.session}_{number}" for number in range(RETURNED_SESSIONS)]
    writers = [Writer(broker, name) for name in names]
    for writer in writers:
        await writer.append(1)
    follow = json.dumps({"type": "subscribe", "sessionIds": names})
    await stack.clients.open(stack.port, PATH, 1, follow)
    await _at_rest(stack)
    cursors: dict[str, str] = {}
    for writer in writers:
        before = await broker.read_before(writer.session, None, limit=1)
        cursors[writer.session] = str(before[0].cursor)
        await writer.append(1)
    first = json.dumps({"type": "subscribe", "sessionIds": names, "cursors": cursors})
    return await _returned(stack, first, RETURNED_TO_MANY, lacking=RETURNED_SESSIONS)


async def _returned(stack: Stack, first: str, count: int, *, lacking: int) -> float:
    """What one of so many clients costs that say this first, with its handshake, ms.

    Each gets as many records as it lacks.
    """
    before = await _at_rest(stack)
    stack.clients.order("reset")
    await stack.clients.open(stack.port, PATH, count, first)
    report = await stack.clients.wait_for(count * lacking, 10 * PATIENCE_SECONDS)
    assert report["records"] == count * lacking, report
    return (await _at_rest(stack) - before) / count * 1e3


async def _at_rest(stack: Stack) -> float:
    """The server's CPU time, once it has done all that there was to do."""
    before, now = -math.inf, stack.cpu_seconds()
    while now - before > REST_SECONDS / 20:
        await asyncio.sleep(REST_SECONDS)
        before, now = now, stack.cpu_seconds()
    return now


async def fill(stack: Stack) -> None:
    """A long stream."""
    for _ in range(REPLAYED_RECORDS // REPLAY_BATCH):
        await stack.writer.append(REPLAY_BATCH)


async def replay(stack: Stack, broker_pid: int) -> Figures:
    """One client that reads a long stream from its start."""
    meter = Meter(stack, broker_pid)
    begun = time.monotonic_ns()
    first = subscribe(stack.writer.session, "start")
    await stack.clients.open(stack.port, "/ws/telemetry", 1, first)
    report = await stack.clients.wait_for(REPLAYED_RECORDS, 6 * PATIENCE_SECONDS)
    figures = meter.figures(report)
    stack.clients.order("shut")
    assert report["records"] == REPLAYED_RECORDS, report
    return figures | {
        "records_per_second": REPLAYED_RECORDS
        / ((report["last_record_ns"] - begun) / 1e9),
        "records_per_core_second": 1e6 / figures["cpu_us"],
    }


async def recover(kind: Kind, broker: RedisBroker, path: Path) -> Figures:
    """From `kill -9` until all clients have had a record again."""
    stack = kind.start(broker, path)
    writing: asyncio.Task[int] | None = None
    try:
        await stack.writer.append(1)
        await stack.open(RECOVERED_CLIENTS)
        writing = asyncio.create_task(
            stack.writer.append_evenly(RECOVERY_RECORDS_PER_SECOND, 1, 60)
        )
        stack.clients.order("retry 20")
        killed = time.monotonic_ns()
        stack.kill()
        stack.clients.order("reset")
        await asyncio.to_thread(stack.start)
        listens = time.monotonic_ns()
        given_up = killed + RECOVERY_PATIENCE_SECONDS * 1e9
        while (report := stack.clients.order("report"))["served"] < RECOVERED_CLIENTS:
            if time.monotonic_ns() > given_up:
                break
            await asyncio.sleep(0.01)
        is_over = report["served"] == RECOVERED_CLIENTS
        return {
            "seconds": ((report["last_served_ns"] if is_over else given_up) - killed)
            / 1e9,
            "start_seconds": (listens - killed) / 1e9,
            "cpu_seconds": stack.cpu_seconds(),
        }
    finally:
        if writing is not None:
            writing.cancel()
        stack.close()


async def storm(kind: Kind, broker: RedisBroker, path: Path) -> Figures:
    """What is live, and how soon health is told, while thousands come at once."""
    stack = kind.start(broker, path)
    crowd = new_clients()
    tasks: list[asyncio.Task[object]] = []
    answers: list[float] = []
    try:
        await stack.writer.append(1)
        await stack.open(STORM_LIVE)
        writing = stack.writer.append_evenly(STORM_RECORDS_PER_SECOND, 1, 120)
        tasks.append(asyncio.create_task(writing))
        await asyncio.sleep(WARM_UP_SECONDS)
        stack.clients.order("reset")
        tasks.append(asyncio.create_task(_ask_for_health(stack.port, answers)))
        first = kind.first(stack.writer.session)
        seconds = await crowd.open(stack.port, PATH, STORM_CLIENTS, first)
        report = stack.clients.order("report")
        return {
            "live_p99_ms": report["p99_ms"],
            "live_max_ms": report["max_ms"],
            "health_max_ms": max(answers) * 1e3,
            "per_second": STORM_CLIENTS / seconds,
        }
    finally:
        for task in tasks:
            task.cancel()
        crowd.close()
        stack.close()


async def _ask_for_health(port: int, answers: list[float]) -> None:
    """Ask again and again, over a connection of its own each time."""
    request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while True:
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        # Whatever it says: not each has this path.
        await reader.read(1)
        answers.append(time.monotonic() - begun)
        writer.close()
        await asyncio.sleep(HEALTH_PAUSE_SECONDS)
