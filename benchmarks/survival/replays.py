"""A million records from the start: what a replay weighs, and whom it delays.

Replayers and the live client are in processes of their own, so that what delays the
live client's records is the gateway and not a client beside it.
"""

import asyncio
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass

from benchmarks.survival.clients import Sink, connect, percentile
from benchmarks.survival.stage import Session, gateway
from tailcast_streams.redis.broker import RedisBroker


# The live session has a record so often, seconds.
LIVE_SECONDS = 0.02


@dataclass(frozen=True)
class Replayed:
    """What one replay took."""

    records: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.records:,} records replayed in {self.seconds:.1f} s"
            f" ({self.cpu_seconds:.1f} s of CPU), RSS at most"
            f" {self.peak_bytes / 1e6:.0f} MB"
        )


@dataclass(frozen=True)
class Beside:
    """How soon live records come beside so many replayers."""

    replayers: int
    # Records that the replayers got meanwhile, all together.
    replayed: int
    p50: float
    p99: float
    worst: float

    def __str__(self) -> str:
        return (
            f"beside {self.replayers} replayers ({self.replayed:,} records meanwhile) a"
            f" live record takes p50 {self.p50:.1f}, p99 {self.p99:.1f}, at most"
            f" {self.worst:.1f} ms"
        )


async def measure(
    url: str, *, records: int, replayers: int, seconds: float
) -> tuple[Replayed, list[Beside]]:
    """One replay alone; then live records beside none, and beside several."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        history = Session(broker, "history")
        await history.fill(records)
        with gateway(url, prefix) as process:
            process.forget_peak()
            cpu, start = process.cpu_seconds(), time.monotonic()
            (replay,) = await _start(process.port, "replay", 1)
            await asyncio.to_thread(replay.communicate, "")
            assert replay.returncode == 0
            alone = Replayed(
                records=records,
                seconds=time.monotonic() - start,
                cpu_seconds=process.cpu_seconds() - cpu,
                peak_bytes=process.peak_bytes(),
            )
            live = Session(broker, "live")
            beside = [
                await _beside(process.port, live, count, seconds)
                for count in (0, replayers)
            ]
        return alone, beside
    finally:
        await broker.aclose()


async def _beside(port: int, live: Session, count: int, seconds: float) -> Beside:
    (watcher,) = await _start(port, "live", 1)
    replays = await _start(port, "again", count)
    for one in (watcher, *replays):
        assert one.stdout is not None
        assert await asyncio.to_thread(one.stdout.readline) == "ready\n"
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(int(seconds / LIVE_SECONDS)):
        await asyncio.sleep(max(0.0, start + number * LIVE_SECONDS - loop.time()))
        await live.append(1)
    output, _ = await asyncio.to_thread(watcher.communicate, "")
    values = [float(text) for text in output.split()]
    assert len(values) > seconds / LIVE_SECONDS / 2
    replayed = 0
    for one in replays:
        text, _ = await asyncio.to_thread(one.communicate, "")
        replayed += int(text.split()[-1])
    return Beside(
        count, replayed, percentile(values, 0.5), percentile(values, 0.99), max(values)
    )


async def _start(port: int, kind: str, count: int) -> "list[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "benchmarks.survival.replays", kind, str(port)]
    return [
        subprocess.Popen(  # noqa: ASYNC220  # it is started, not waited for
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]


async def replay(port: int) -> None:
    """Read all there is, once."""
    client = await connect(port, {"sessionId": "history", "from": "start"})
    await client.is_caught_up
    print(client.records)


async def replay_again(port: int) -> None:
    """Let all there is come again and again, until standard input ends."""
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    records = 0
    while not ended.done():
        everything = {"sessionId": "history", "from": "start"}
        client = await connect(port, everything, Sink)
        if not records:
            print("ready", flush=True)
        await asyncio.wait(
            (ended, client.is_caught_up), return_when=asyncio.FIRST_COMPLETED
        )
        records += client.records
        client.transport.abort()
    print(records)


async def watch_live(port: int) -> None:
    """Note how long each live record takes, until standard input ends."""
    client = await connect(port, {"sessionId": "live"})
    client.latencies = []
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(*client.latencies)


KINDS = {"replay": replay, "again": replay_again, "live": watch_live}

if __name__ == "__main__":
    asyncio.run(KINDS[sys.argv[1]](int(sys.argv[2])))
