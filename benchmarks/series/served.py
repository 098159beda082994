"""`python -m benchmarks.series.served URL`: what of curves a gateway serves.

Over a Redis of your own, that has nothing to keep: a session is stored and indexed
there, and read by a gateway in this process. CPU is that of gateway and client.
"""

import argparse
import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.indexes import Written
from tailcast_streams.position import BEFORE_ALL
from tests.integration.gateway_rig import Gateway, Rig, watching


RULES: Final = Rules(tuple(STEP_KEYS), tuple(TIME_KEYS))
BATCH: Final = 2_000
METRICS: Final = [f"m{at}" for at in range(8)]
WIDE: Final = 5_000


def record(at: int) -> dict[str, Any]:
    """One of a run with eight metrics."""
    values = {name: math.sin(at / (50 + k)) for k, name in enumerate(METRICS)}
    return {"step": at, **values}


async def store(rig: Rig, session: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Store records, and index them."""
    writer = rig.writer(session)
    for start in range(0, len(records), BATCH):
        await writer.append(*map(dict, records[start : start + BATCH]))
    state = await rig.broker.load(session)
    assert state is not None
    made = Index(session, incarnation=state.position.incarnation, rules=RULES)
    while found := await rig.broker.read_after(session, made.reads_after, limit=BATCH):
        made.fold(found, now_ms=int(time.time() * 1_000))
        while made.stale is not None:
            oldest = await rig.broker.read_after(session, BEFORE_ALL, limit=1)
            made.restart(oldest[0])
        write = made.take_changes()
        if write is not None:
            assert await rig.broker.indexes.write([write]) == [Written.DONE]


@asynccontextmanager
async def measured(what: str) -> AsyncGenerator[list[object]]:
    """Print how long something took; what is put into the list too."""
    said: list[object] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield said
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall * 1e3:.0f} ms, {cpu * 1e3:.0f} ms of CPU;", *said)


async def read(gateway: Gateway, records: int) -> None:
    """Read all that is measured."""
    async with watching(gateway, max_size=None) as watcher:
        start: dict[str, Any] = {"from": "start"}
        async with measured("maxPoints 2,000") as said:
            await watcher.subscribe(
                sessionId="run", maxPoints=2_000, metrics=METRICS, **start
            )
            await watcher.until("caught_up")
            said.append(f"{len(watcher.records)} records")
        await watcher.send(type="unsubscribe")
        await watcher.until("unsubscribed")
        for what, asked in (("all", {}), ("three", {"metrics": ["m1", "m7", "m9"]})):
            async with measured(f"snapshot of {WIDE:,} metrics, {what}") as said:
                await watcher.send(type="snapshot", sessionId="wide", **asked)
                message = await watcher.until("snapshot")
                said.append(f"{len(json.dumps(message['metrics'])):,} bytes of them")
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        middle = records // 2
        for part in ("", f"&from={middle}&to={middle + 1_500}"):
            async with measured(f"series of 2,000 points{part}") as said:
                answer = await client.get(
                    f"/api/series?sessionId=run&points=2000{part}"
                )
                body = answer.json()
                size = f"{len(answer.content):,} bytes"
                said.append(f"of {body['of']:,}, bucket {body['bucket']}, {size}")


async def run(url: str, records: int, rounds: int) -> None:
    """Store, and measure so many times."""
    rig = Rig(url)
    async with rig.stack:
        await store(rig, "run", [record(at) for at in range(records)])
        wide = {f"m{at}": at / 7 for at in range(WIDE)}
        await store(rig, "wide", [{"step": at, **wide} for at in range(20)])
        async with rig.serving() as gateway:
            await gateway.until_ready()
            for _ in range(rounds):
                await read(gateway, records)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series.served")
    parser.add_argument("url")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(run(options.url, options.records, options.rounds))


if __name__ == "__main__":
    main()
