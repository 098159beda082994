"""`python -m benchmarks.series.million`: curves of a million records of 100 metrics.

The records are appended, folded and indexed as the services do it, over a broker of
their own; the stream keeps the last few thousand, as retention would, so that it takes
some 150 MB of memory. Then a gateway in a process of its own is asked for 8 metrics in
2,000 rows, and of another session, which has 5,000 metrics, for the snapshot of three.
Its CPU is that of the whole request, from the socket to the socket. Each round asks for
other metrics, so that nothing can be answered from what was made before.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, closing
from http.client import HTTPConnection
from operator import sub
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec

from benchmarks.live.node import PREFIX, Node, node, service
from benchmarks.processes import (
    cpu_seconds,
    free_port,
    require_linux,
    rss_bytes,
    spread,
)
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.indexes import Written
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    StoredPosition,
)


RULES: Final = Rules(tuple(STEP_KEYS), tuple(TIME_KEYS))
SESSION: Final = "run"
WIDE: Final = "wide"
WIDE_METRICS, WIDE_RECORDS = 5_000, 20
INCARNATION: Final = "0123456789abcdef"
BATCH: Final = 1_000
# How many bytes of lines the stream keeps.
KEPT_BYTES: Final = 16 * 1024 * 1024
DRAWN: Final = 8
PATIENCE_SECONDS: Final = 30.0


def batches(records: int, metrics: int) -> Iterator[list[Entry]]:
    """The stream of a training run, a thousand records at a time.

    What a line has besides its step and its time is one of a thousand texts: to make a
    new one each time would take as long as what is measured.
    """
    chance = random.Random(metrics)
    rests = [
        msgspec.json.encode(
            {f"layer_{at}/w": round(chance.gauss(1, 0.3), 16) for at in range(metrics)}
        )[1:]
        for _ in range(min(records, 1_009))
    ]
    at, before = 0, EntryID(1, 0)
    yield [Entry(before, BEFORE_ALL, Kind.MARKER, b"")]
    for start in range(0, records, BATCH):
        batch: list[Entry] = []
        for step in range(start, min(start + BATCH, records)):
            now = 1_795_800_000 + step / 20
            rest = rests[step % len(rests)]
            text = b'{"step":%d,"timestamp":%.2f,%b' % (step, now, rest)
            at += len(text) + 1
            batch.append(Entry(EntryID(1, at), before, Kind.RECORD, text))
            before = EntryID(1, at)
        yield batch


async def store(broker: RedisBroker, session: str, records: int, metrics: int) -> None:
    """Append, index and trim so many records."""
    index = Index(session, incarnation=INCARNATION, rules=RULES)
    expected = NOTHING_STORED
    # The first entries, which an index may have to be made from anew.
    seen: list[Entry] = []
    for entries in batches(records, metrics):
        last = entries[-1].id
        batch = Batch(
            session=session, expected=expected, incarnation=INCARNATION, generation=1,
            offset=last.offset,
            entries=[NewEntry(one.id.offset, one.kind, one.record) for one in entries],
            fields={"owner": "benchmark", "updated_ms": int(time.time() * 1_000)},
        )  # fmt: skip  # one name a line would hide what they are
        assert await broker.append(batch) is Appended.DONE
        expected = StoredPosition(
            INCARNATION, 1, last.offset, last, expected.last_rejected_id, last
        )
        now_ms = int(time.time() * 1_000)
        index.fold(entries, now_ms=now_ms)
        if last.offset < KEPT_BYTES:
            seen += entries
        while index.stale is not None:
            index.restart(seen[0])
            behind = [one for one in seen if index.reads_after < one.id]
            index.fold(behind, now_ms=now_ms)
        write = index.take_changes()
        if write is not None:
            assert await broker.indexes.write([write]) == [Written.DONE]
        if last.offset > KEPT_BYTES:
            await broker.trim(session, EntryID(1, last.offset - KEPT_BYTES))


class Taken(NamedTuple):
    """What one request took, milliseconds."""

    wall: float
    gateway_cpu: float
    broker_cpu: float
    # What came, in words.
    said: str = ""


async def ask(on: Node, port: int, pid: int, *, metrics: int, rounds: int) -> None:
    """Ask for curves and snapshots, and print what that took."""
    await until_ready(f"http://127.0.0.1:{port}")
    pids = pid, on.broker_pid
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        asked = [
            [f"layer_{(first + at) % metrics}/w" for at in range(DRAWN)]
            for first in range(0, rounds * DRAWN, DRAWN)
        ]
        taken = [curves_of(client, names, pids) for names in asked]
        tell(f"{DRAWN} of {metrics} metrics, 2,000 points", taken)
        asked = [
            [f"layer_{first + at}/w" for at in range(3)] for first in range(rounds)
        ]
        taken = [snapshot_of(client, names, pids) for names in asked]
        tell(f"snapshot of 3 of {WIDE_METRICS:,} metrics", taken)


def curves_of(
    client: HTTPConnection, names: Sequence[str], pids: Sequence[int]
) -> Taken:
    """Ask for curves of these metrics."""
    asked = {"sessionId": SESSION, "points": 2_000, "metrics": names}
    answer, taken = timed(client, "/api/series", asked, pids)
    body: dict[str, Any] = json.loads(answer)
    assert list(body["series"]) == names, body
    rows = len(body["series"][names[0]]["x"])
    said = f"{rows:,} rows of {body['of']:,} records, {len(answer):,} bytes"
    return taken._replace(said=said)


def snapshot_of(
    client: HTTPConnection, names: Sequence[str], pids: Sequence[int]
) -> Taken:
    """Ask for the snapshot of the session with many metrics."""
    answer, taken = timed(client, f"/api/sessions/{WIDE}", {"metrics": names}, pids)
    assert sorted(json.loads(answer)["metrics"]) == sorted(names), answer
    return taken._replace(said=f"{len(answer):,} bytes, with the last record")


def timed(
    client: HTTPConnection,
    path: str,
    asked: Mapping[str, Any],
    pids: Sequence[int],
) -> tuple[bytes, Taken]:
    """Make one request, by a client that does little besides.

    (One that has a loop, and makes objects of headers, takes as long as the gateway.)
    """
    before = [cpu_seconds([pid]) for pid in pids]
    began = time.perf_counter()
    client.request("GET", f"{path}?{urlencode(asked, doseq=True)}")
    answer = client.getresponse()
    body = answer.read()
    wall = time.perf_counter() - began
    assert answer.status == 200, body
    after = [cpu_seconds([pid]) for pid in pids]
    gateway_cpu, broker_cpu = map(sub, after, before)
    return body, Taken(wall * 1e3, gateway_cpu * 1e3, broker_cpu * 1e3)


def tell(what: str, taken: Sequence[Taken]) -> None:
    """Print what some requests took."""
    print(f"{what}: {taken[-1].said}")
    for name, some in (
        ("wall", [one.wall for one in taken]),
        ("CPU of the gateway", [one.gateway_cpu for one in taken]),
        ("CPU of the broker", [one.broker_cpu for one in taken]),
    ):
        print(f"  {name}: {spread(some, 1)} ms")


async def until_ready(url: str) -> None:
    """Until the gateway answers."""
    end = time.monotonic() + PATIENCE_SECONDS
    async with httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > end:
                raise TimeoutError("the gateway does not get ready")
            await asyncio.sleep(0.05)


async def run(records: int, metrics: int, rounds: int) -> None:
    """Store, and measure so many times."""
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")
    with ExitStack() as stack:
        on = stack.enter_context(node())
        began = time.process_time()
        url = f"redis://127.0.0.1:{on.port}"
        async with aclosing(RedisBroker(url, key_prefix=PREFIX)) as broker:
            await store(broker, WIDE, WIDE_RECORDS, WIDE_METRICS)
            await store(broker, SESSION, records, metrics)
        size = rss_bytes([on.broker_pid]) / 1e6
        print(
            f"{records:,} records of {metrics} metrics stored and indexed with "
            f"{time.process_time() - began:.0f} s of CPU; the broker has {size:.0f} MB"
        )
        port = free_port()
        pid = stack.enter_context(service("gateway", on, port=str(port)))
        await ask(on, port, pid, metrics=metrics, rounds=rounds)
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Store, and measure so many times."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series.million")
    # With these about half a chunk of records is behind the roll-ups, as on average.
    parser.add_argument("--records", type=int, default=1_000_200)
    parser.add_argument("--metrics", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    require_linux()
    asyncio.run(run(options.records, options.metrics, options.rounds))


if __name__ == "__main__":
    main()
