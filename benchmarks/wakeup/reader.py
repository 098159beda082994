"""One way for a reader to learn what moved; reads it, and says what that cost.

`python -m benchmarks.wakeup.reader WAY URL SESSIONS`; SESSIONS are watched, s0 and up.
Prints `ready`, reads until its input ends, and prints CPU seconds, records and delays.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis.asyncio as redis


Read = Callable[[list[str]], Awaitable[None]]
# Sessions in one SSUBSCRIBE, or one XREAD.
BATCH = 1_000


class Reader:
    """Reads what is new in sessions that moved."""

    def __init__(self, broker: Any, sessions: int) -> None:
        self.broker = broker
        # Where it is in each session.
        self.positions = {f"s{n}": "0-0" for n in range(sessions)}
        # Seconds from the append to here, one for each record.
        self.delays: list[float] = []
        # Wake-ups, also those for sessions that nobody watches here.
        self.wakes = 0

    async def read(self, names: list[str]) -> None:
        """What lies after the known position, of watched sessions in one round trip."""
        self.wakes += len(names)
        watched = [name for name in dict.fromkeys(names) if name in self.positions]
        if not watched:
            return
        async with self.broker.pipeline(transaction=False) as pipeline:
            for name in watched:
                pipeline.xrange(name, min=f"({self.positions[name]}")
            replies = await pipeline.execute()
        for name, entries in zip(watched, replies, strict=True):
            self.took(name, entries)

    def took(self, name: str, entries: list[Any]) -> None:
        """Note entries of a session."""
        now = time.time()
        for id, fields in entries:
            self.positions[name] = id.decode()
            self.delays.append(now - float(fields[b"r"]))


async def by_channel(reader: Reader) -> AsyncIterator[None]:
    """One channel for all; its messages name the session."""
    async with reader.broker.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("feed")
        await pubsub.get_message(timeout=None)
        yield
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is not None:
                await reader.read([message["data"].decode()])
            yield


async def by_sharded_channels(reader: Reader) -> AsyncIterator[None]:
    """A sharded channel for each session that is watched."""
    async with reader.broker.pubsub(ignore_subscribe_messages=True) as pubsub:
        names = list(reader.positions)
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            await pubsub.ssubscribe(*part)
            for _ in part:
                await pubsub.get_message(timeout=None)
        yield
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is not None:
                await reader.read([message["channel"].decode()])
            yield


async def by_feed_stream(reader: Reader) -> AsyncIterator[None]:
    """One stream whose entries name the session."""
    last = "0-0"
    yield
    while True:
        replies = await reader.broker.xread({"feed": last}, block=100, count=500)
        for _, entries in replies:
            last = entries[-1][0].decode()
            await reader.read([fields[b"s"].decode() for _, fields in entries])
        yield


async def by_blocking(reader: Reader) -> AsyncIterator[None]:
    """XREAD over all watched sessions, as one would without a feed."""
    yield
    while True:
        replies = await reader.broker.xread(dict(reader.positions), block=100)
        reader.wakes += 1
        for name, entries in replies:
            reader.took(name.decode(), entries)
        yield


WAYS: dict[str, Callable[[Reader], AsyncIterator[None]]] = {
    "channel": by_channel,
    "sharded channels": by_sharded_channels,
    "feed stream": by_feed_stream,
    "blocking reads": by_blocking,
}


async def main(way: str, url: str, sessions: int) -> None:
    """Read until the input ends."""
    broker: Any = redis.Redis.from_url(url)
    reader = Reader(broker, sessions)
    steps = WAYS[way](reader)
    await anext(steps)
    print("ready", flush=True)
    started = time.process_time()

    async def run() -> None:
        async for _ in steps:
            pass

    reading = asyncio.create_task(run())
    await asyncio.to_thread(sys.stdin.read)
    reading.cancel()
    await asyncio.wait([reading])
    used = time.process_time() - started
    delays = sorted(reader.delays)
    print(
        json.dumps({
            "cpu": used,
            "records": len(delays),
            "wakes": reader.wakes,
            "p50": delays[len(delays) // 2] if delays else 0.0,
            "p99": delays[len(delays) * 99 // 100] if delays else 0.0,
        })
    )  # fmt: skip  # one glance
    await broker.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
