"""`python -m benchmarks.index`: CPU of the fold for records of so many metrics.

In bulk a page of a thousand entries is folded at a time, and written; of a running job
ten records are read once a second, folded, and written. Records that come one by one
are those that no other is like. CPU is the process's own, and the least of some rounds:
others on the machine only add to it.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing

from benchmarks.live.load import TIME, line
from benchmarks.processes import cpu_seconds, valkey
from tailcast_index.fold import Index
from tailcast_index.fold.figures import Figures
from tailcast_index.meaning import Chooser, Point, Reader, Rules
from tailcast_index.rollups import Rollups
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.indexes import IndexWrite, Written
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker


RULES = Rules(STEP_KEYS, TIME_KEYS)
PAGE = 1_000
LIVE_RATE = 10
# A running job has so many records before, and is measured for so many seconds.
KNOWN = 500
SECONDS = 200


def entries_of(metrics: int, records: int) -> list[Entry]:
    """A stream of a training run."""
    chance = random.Random(metrics)
    stream = [Entry(EntryID(1, 0), BEFORE_ALL, Kind.MARKER, b"")]
    offset = 0
    for step in range(records):
        text = line(step, metrics, chance, at=TIME + step / LIVE_RATE)
        offset += len(text) + 1
        id = EntryID(1, offset)
        stream.append(Entry(id, stream[-1].id, Kind.RECORD, text))
    return stream


def size_of(write: IndexWrite | None) -> int:
    """How many bytes of names and values a write sends."""
    if write is None:
        return 0
    sets = [*write.fields.items(), *write.metrics.items()]
    sets += [(name, data) for (_, name), data in write.chunks.items()]
    return sum(len(name) + len(data) for name, data in sets) + len(write.at) * 2


def behind_of(index: Index, stream: Sequence[Entry]) -> Sequence[Entry]:
    """What of a stream an index has not folded."""
    after = index.reads_after
    return [one for one in stream if after < one.id]


def pages(stream: Sequence[Entry], length: int) -> Iterator[Sequence[Entry]]:
    """The stream in pieces."""
    for start in range(0, len(stream), length):
        yield stream[start : start + length]


def least(rounds: int, run: Callable[[], int]) -> tuple[float, int]:
    """The least CPU seconds of some rounds, and what the last of them returned."""
    best, result = float("inf"), 0
    for _ in range(rounds):
        began = time.process_time()
        result = run()
        best = min(best, time.process_time() - began)
    return best, result


def folded(stream: Sequence[Entry], page: int, every: int) -> int:
    """Fold a stream page by page, with a write after so many; returns their bytes."""
    index = Index("s", incarnation="0123456789abcdef", rules=RULES)
    now_ms, size = TIME * 1_000, 0
    for number, entries in enumerate(pages(stream, page), 1):
        now_ms = TIME * 1_000 + number * page * 1_000 // LIVE_RATE
        index.fold(entries, now_ms=now_ms, written_ms=now_ms)
        while index.stale is not None:
            index.restart(stream[0])
            behind = behind_of(index, stream[: number * page])
            index.fold(behind, now_ms=now_ms, written_ms=now_ms)
        if number % every == 0:
            size += size_of(index.take_changes())
    return size


def parts(stream: Sequence[Entry], rounds: int) -> dict[str, float]:
    """CPU seconds of what a record goes through, each alone."""
    records = [entry for entry in stream if entry.kind is Kind.RECORD]
    fields = [read_fields(entry.record) for entry in records]
    chooser = Chooser(RULES)
    for one in fields[:100]:
        chooser.look(one)
    read = Reader(RULES, chooser.choice).read
    points = [read(one, now_ms=TIME * 1_000) for one in fields]

    def decode() -> int:
        return sum(len(read_fields(entry.record)) for entry in records)

    def look() -> int:
        return sum(chooser.look(one) for one in fields)

    def mean() -> int:
        return sum(len(read(one, now_ms=TIME * 1_000).values) for one in fields)

    def count() -> int:
        figures = Figures()
        for point in points:
            figures.add(point.values, point.step)
        return len(figures)

    def roll() -> int:
        return rolled(records, points)

    steps = {"decode": decode, "choose": look, "read": mean}
    steps |= {"statistics": count, "roll up": roll}
    return {name: least(rounds, run)[0] for name, run in steps.items()}


def rolled(records: Sequence[Entry], points: Sequence[Point]) -> int:
    """Roll points up."""
    numbers: dict[str, int] = {}
    rollups = Rollups(lambda name: numbers.setdefault(name, len(numbers)))
    for entry, point in zip(records, points, strict=True):
        rollups.add(entry.id, point)
    return len(rollups.take_changes().chunks)


async def written(metrics: int, seconds: int) -> float:
    """CPU seconds of a broker for what a running job's index writes in that time."""
    stream = entries_of(metrics, KNOWN + seconds * LIVE_RATE)
    index = Index("s", incarnation="0123456789abcdef", rules=RULES)
    with valkey() as (path, pid):
        async with aclosing(RedisBroker(f"unix://{path}", key_prefix="b")) as broker:
            began = 0.0
            for second in range(-KNOWN // LIVE_RATE, seconds):
                start = KNOWN + second * LIVE_RATE
                now_ms = (TIME + start // LIVE_RATE) * 1_000
                index.fold(stream[start : start + LIVE_RATE], now_ms=now_ms)
                if index.stale is not None:
                    index.restart(stream[0])
                    behind = behind_of(index, stream[: start + LIVE_RATE])
                    index.fold(behind, now_ms=now_ms)
                if not second:
                    began = cpu_seconds([pid])
                write = index.take_changes()
                assert write is not None
                [answer] = await broker.indexes.write([write])
                assert answer is Written.DONE
            return cpu_seconds([pid]) - began


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index")
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    records, rounds = options.records, options.rounds
    for metrics in (3, 8, 100):
        stream = entries_of(metrics, records)
        length = stream[-1].id.offset / records
        print(f"{metrics} metrics, {length:.0f} bytes a record; µs of CPU a record:")
        for name, seconds in parts(stream, rounds).items():
            print(f"  {name:<34}{seconds / records * 1e6:8.2f}")
        for name, page, every in (
            ("in bulk, with the writes", PAGE, 1),
            ("ten at a time, with the writes", LIVE_RATE, 1),
            ("one by one, a write in ten", 1, LIVE_RATE),
            ("one by one, a write each", 1, 1),
        ):
            seconds, size = least(
                rounds,
                lambda: folded(stream, page, every),  # noqa: B023
            )
            told = f"{size / stream[-1].id.offset:.2f} of the records' bytes written"
            print(f"  {name:<34}{seconds / records * 1e6:8.2f}  {told}")
        cost = asyncio.run(written(metrics, SECONDS)) / SECONDS / LIVE_RATE
        print(f"  {'the broker, for a write in ten':<34}{cost * 1e6:8.2f}")


if __name__ == "__main__":
    main()
