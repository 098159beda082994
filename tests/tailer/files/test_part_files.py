"""Runs that are written as numbered files are one session each."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    line,
    lines,
    running,
    texts,
    wait_for_records,
)


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


def part(folder: Path, number: int) -> Path:
    """The path of a part."""
    return folder / f"{number:06d}.jsonl"


async def test_parts_are_one_session_in_their_order(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Called by the folder; offsets count on, and no rewind is told between them."""
    folder = tmp_path / "run" / "metrics"
    append(part(folder, 1), lines(2, 3))
    append(part(folder, 0), lines(0, 1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "run/metrics", texts(0, 1, 2, 3))
        append(part(folder, 1), lines(4))
        await wait_for_records(broker, "run/metrics", texts(*range(5)))
        append(part(folder, 2), lines(5))
        entries = await wait_for_records(broker, "run/metrics", texts(*range(6)))
    assert list(await broker.sessions()) == ["run/metrics"]
    assert {entry.id.generation for entry in entries} == {1}
    whole = b"".join(part(folder, number).read_bytes() for number in range(3))
    assert entries[-1].id.offset == len(whole)
    state = await broker.load("run/metrics")
    assert state is not None
    last = part(folder, 2)
    assert (state.part, state.part_start) == (
        str(last), len(whole) - last.stat().st_size,
    )  # fmt: skip  # one glance


async def test_parts_of_names_that_somebody_chose(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """One session by the folder, after a restart too; others keep their own."""
    folder = tmp_path / "run"
    options: dict[str, Any] = {
        "paths": [str(tmp_path)],
        "part_patterns": ["shard_*.jsonl"],
    }
    append(folder / "shard_10.jsonl", lines(2))
    append(folder / "shard_9.jsonl", lines(0, 1))
    append(folder / "metrics.jsonl", lines(100))
    async with running(broker, tmp_path, **options):
        await wait_for_records(broker, "run", texts(0, 1, 2))
        await wait_for_records(broker, "run/metrics", texts(100))
    append(folder / "shard_11.jsonl", lines(3))
    async with running(broker, tmp_path, **options):
        await wait_for_records(broker, "run", texts(0, 1, 2, 3))
        append(folder / "shard_11.jsonl", lines(4))
        await wait_for_records(broker, "run", texts(*range(5)))
    assert set(await broker.sessions()) == {"run", "run/metrics"}


async def test_parts_go_on_after_a_restart(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Those that were read may be gone by then."""
    folder = tmp_path / "metrics"
    for number in range(3):
        append(part(folder, number), lines(number))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(0, 1, 2))
    part(folder, 0).unlink()
    append(part(folder, 2), lines(3))
    append(part(folder, 3), lines(4))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(*range(5)))
        for number in (1, 2, 3):
            part(folder, number).unlink()
        append(part(folder, 4), lines(5))
        await wait_for_records(broker, "metrics", texts(*range(6)))
    for number in (4,):
        part(folder, number).unlink()
    append(part(folder, 5), lines(6))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(*range(7)))
    assert list(await broker.sessions()) == ["metrics"]


async def test_segments_with_hashes_that_are_renamed_into_place(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """By patterns too; what is hidden until then is not followed."""
    folder = tmp_path / "telemetry" / "run" / "events"
    folder.mkdir(parents=True)
    async with running(broker, tmp_path):
        for start in range(0, 12, 4):
            hidden = folder / ".active.jsonl"
            hidden.write_bytes(lines(*range(start, start + 4)))
            hidden.rename(folder / f"{start}-{start + 3}-{start:016x}.jsonl")
            await wait_for_records(broker, "run/events", texts(*range(start + 4)))
    assert list(await broker.sessions()) == ["run/events"]


async def test_a_file_goes_on_in_a_folder_of_parts(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The file stays in place, and is the first part."""
    first = tmp_path / "metrics.jsonl"
    folder = tmp_path / "metrics.jsonl.parts"
    append(first, lines(0, 1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(0, 1))
        append(folder / "00000001.jsonl", lines(2))
        await wait_for_records(broker, "metrics", texts(0, 1, 2))
    append(folder / "00000002.jsonl", lines(3))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        entries = await wait_for_records(broker, "metrics", texts(0, 1, 2, 3))
    assert list(await broker.sessions()) == ["metrics"]
    assert {entry.id.generation for entry in entries} == {1}


async def test_a_part_is_done_when_the_next_one_has_something(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """An empty one ends nothing, and what was written in two pieces is one line."""
    folder = tmp_path / "metrics"
    append(part(folder, 0), lines(0) + line(1)[:9])
    part(folder, 1).touch()
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(0))
        append(part(folder, 0), line(1)[9:])
        await wait_for_records(broker, "metrics", texts(0, 1))
        append(part(folder, 1), lines(2))
        await wait_for_records(broker, "metrics", texts(0, 1, 2))
    state = await broker.load("metrics")
    assert state is not None
    assert state.rejected == 0


async def test_a_part_that_ends_in_the_middle_of_a_line(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """It is rejected, and the next part is read."""
    folder = tmp_path / "metrics"
    append(part(folder, 0), lines(0) + line(1)[:9])
    old = time.time() - 60
    os.utime(part(folder, 0), (old, old))
    append(part(folder, 1), lines(2))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(0, 2))

        async def is_rejected() -> bool:
            state = await broker.load("metrics")
            return state is not None and state.rejected == 1

        await eventually(is_rejected)


async def test_a_parts_last_line_that_goes_on_is_rewound_alone(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """It was told once it rested: the generation begins where its line does."""
    folder = tmp_path / "metrics"
    append(part(folder, 0), lines(0, 1))
    append(part(folder, 1), lines(2) + line(3).removesuffix(b"\n"))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(0, 1, 2, 3))
        append(part(folder, 1), line(4))
        entries = await wait_for_records(broker, "metrics", texts(0, 1, 2, 3, 3, 4))
    begins = len(lines(0, 1, 2))
    assert [entry.id for entry in entries if not entry.record] == [(1, 0), (2, begins)]


async def test_parts_of_another_run_begin_anew(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The same names, other lines: a new generation, and nothing is mixed."""
    folder = tmp_path / "metrics"
    for number in range(2):
        append(part(folder, number), lines(*range(number * 9, number * 9 + 9)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "metrics", texts(*range(18)))
        for number in range(2):
            part(folder, number).write_bytes(
                lines(*range(number * 9, number * 9 + 9), run=2)
            )

        async def has_begun_anew() -> bool:
            entries = await entries_of(broker, "metrics")
            records = [
                one.record for one in entries if one.id.generation == 2 and one.record
            ]
            return records == texts(*range(18), run=2)

        await eventually(has_begun_anew)
