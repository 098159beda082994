"""`python -m benchmarks.series`: 8 metrics of a million records, in so many rows.

The roll-ups are made here and kept in memory: what is measured is their bytes, the CPU
of making them, and that of planning and drawing. A field in Redis or Valkey takes some
85 bytes besides its own. CPU is the process's own, and the least of some rounds: others
on the machine only add to it.
"""

import argparse
import random
import time
from collections.abc import Mapping

from tailcast_index.meaning import Point
from tailcast_index.rollups import Extent, Rollups, draw, plan_series
from tailcast_index.rollups.records import Record
from tailcast_streams.indexes import Chunk
from tailcast_streams.position import EntryID


METRICS = {f"metric_{number}": number for number in range(8)}
LINE_BYTES = 180
BATCH = 1_000
FIELD_BYTES = 85


def record(number: int, chance: random.Random) -> Record:
    """A record of a training run."""
    values = [(name, round(chance.gauss(1, 0.3), 6)) for name in METRICS]
    time_ms = 1_795_800_000_000 + 50 * number
    return EntryID(1, LINE_BYTES * (number + 1)), Point(number, time_ms, None, values)


def make(records: int) -> tuple[dict[Chunk, bytes], Extent, list[Record], float]:
    """What is stored of a session, what is behind that, and the CPU of a record."""
    chance = random.Random(1)
    rollups = Rollups(METRICS.get)
    stored: dict[Chunk, bytes] = {}
    behind: list[Record] = []
    least = float("inf")
    for start in range(0, records, BATCH):
        batch = [record(number, chance) for number in range(start, start + BATCH)]
        began = time.process_time()
        for one in batch:
            rollups.add(*one)
        changes = rollups.take_changes()
        least = min(least, time.process_time() - began)
        stored.update(changes.chunks)
        behind = [*behind, *batch][-2 * BATCH :]
    extent = rollups.extent
    return stored, extent, behind[extent.rolled - records :], least / BATCH


def read(
    stored: Mapping[Chunk, bytes],
    extent: Extent,
    behind: list[Record],
    *,
    points: int,
    records: int,
) -> tuple[float, str]:
    """Draw a series: seconds of CPU, and what was read."""
    began = time.process_time()
    plan = plan_series(extent, METRICS, points=points, records=records)
    chunks = [stored.get(name) for name in plan.wanted]
    series = draw(plan, chunks, behind, x="step")
    seconds = time.process_time() - began
    assert series.of == records  # or it measured something else
    rows = len(series.curves["metric_0"].x)
    size = sum(len(chunk or b"") for chunk in chunks) / 1e6
    return seconds, f"{rows} rows, {len(chunks)} fields, {size:.2f} MB"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    records = options.records // BATCH * BATCH
    stored, extent, behind, seconds = make(records)
    size = sum(map(len, stored.values()))
    of_lines = size / records / LINE_BYTES
    with_fields = (size + FIELD_BYTES * len(stored)) / records / LINE_BYTES
    print(
        f"{size / records:.2f} bytes a record of {LINE_BYTES}: {of_lines:.1%}, "
        f"{with_fields:.1%} with fields; {seconds * 1e6:.2f} µs of CPU"
    )
    for points in (500, 2_000):
        measured = [
            read(stored, extent, behind, points=points, records=records)
            for _ in range(options.rounds)
        ]
        print(
            f"{points} points: {min(seconds for seconds, _ in measured) * 1e3:.1f}"
            f" ms of CPU, {measured[0][1]}"
        )


if __name__ == "__main__":
    main()
