"""A name that runs have too is the past of another file only if its bytes prove it."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import SourceState
from tailcast_tailer.app import Tailer
from tests.tailer.harness import (
    append,
    eventually,
    line,
    lines,
    records_of,
    running,
    texts,
    wait_for_records,
)


NAMES = [
    "a.1.jsonl",
    "a1.jsonl",
    "a_20261128.jsonl",
    "a.2026-11-28_14-14-52_270992.jsonl",
    "a.2026-12-01.1.jsonl",
    "20261201-1405-01-a.jsonl",
]


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


Watched = Callable[[Path], dict[str, Any]]


def by_paths(directory: Path) -> dict[str, Any]:
    """A directory that is named."""
    return {"paths": [str(directory)]}


def by_patterns(_: Path) -> dict[str, Any]:
    """Names below the log directory."""
    return {"telemetry_patterns": ["*.jsonl"]}


async def is_waiting(tailer: Tailer, path: Path) -> bool:
    """Whether it does not show yet what it is."""
    source = tailer.register.sources.get(str(path))
    return source is not None and source.state is SourceState.WAITING


async def is_left_out(tailer: Tailer, path: Path) -> bool:
    """Whether it is no session."""
    source = tailer.register.sources.get(str(path))
    return source is not None and source.state is SourceState.LEFT_OUT


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_read_is_the_past(
    broker: MemoryBroker, tmp_path: Path, name: str
) -> None:
    """While a tailer looks, and after it was started again."""
    path = tmp_path / "a.jsonl"
    append(path, lines(*range(20)))
    for start in (100, 200):
        async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
            expected = await records_of(broker, "a") or texts(*range(20))
            await wait_for_records(broker, "a", expected)
            append(path, line(start - 1))
            path.replace(tmp_path / name)
            append(path, lines(*range(start, start + 20)))
            expected += texts(start - 1, *range(start, start + 20))
            await wait_for_records(broker, "a", expected)

            await eventually(partial(is_left_out, tailer, tmp_path / name))
    assert list(await broker.sessions()) == ["a"]


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_not_read_is_a_session(
    broker: MemoryBroker, tmp_path: Path, name: str
) -> None:
    """It is called after a date, or a number, beside a run without one."""
    append(tmp_path / "a.jsonl", lines(*range(20)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "a", texts(*range(20)))
        append(tmp_path / name, lines(*range(50, 70)))
        session = name.removesuffix(".jsonl")
        await wait_for_records(broker, session, texts(*range(50, 70)))


TWICE = [
    ("a.2.jsonl", "a.1.jsonl"),
    ("a_20261128.jsonl", "a_20261129.jsonl"),
    ("a.2026-11-28_14-14-52_270992.jsonl", "a.2026-11-28_14-14-53_000017.jsonl"),
]


@pytest.mark.parametrize("names", TWICE)
@pytest.mark.parametrize("is_down", [False, True])
async def test_rotated_twice_between_two_looks(
    broker: MemoryBroker, tmp_path: Path, names: tuple[str, str], is_down: bool
) -> None:
    """What was read has such a name, so the next one of this way came after it."""
    path = tmp_path / "a.jsonl"
    append(path, lines(*range(20)))
    watched: dict[str, Any] = {"paths": [str(tmp_path)]}
    async with AsyncExitStack() as tailers:
        tailer = await tailers.enter_async_context(running(broker, tmp_path, **watched))
        await wait_for_records(broker, "a", texts(*range(20)))
        if is_down:
            await tailers.aclose()
        append(path, line(20))
        for start, name in zip((100, 200), names, strict=True):
            path.replace(tmp_path / name)
            path.write_bytes(lines(*range(start, start + 20)))
        if is_down:
            tailer = await tailers.enter_async_context(
                running(broker, tmp_path, **watched)
            )
        expected = texts(*range(21), *range(100, 120), *range(200, 220))
        await wait_for_records(broker, "a", expected)
        for name in names:
            await eventually(partial(is_left_out, tailer, tmp_path / name))
    assert list(await broker.sessions()) == ["a"]


async def test_a_run_with_a_name_as_rotated_files_have(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """It is a session before the other one is rotated, and stays one alone."""
    path = tmp_path / "a.jsonl"
    append(path, lines(*range(20)))
    append(tmp_path / "a.1.jsonl", lines(*range(500, 520)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "a", texts(*range(20)))
        await wait_for_records(broker, "a.1", texts(*range(500, 520)))
        path.replace(tmp_path / "a.2.jsonl")
        append(path, lines(*range(100, 120)))
        await wait_for_records(broker, "a", texts(*range(20), *range(100, 120)))
        append(tmp_path / "a.1.jsonl", line(520))
        await wait_for_records(broker, "a.1", texts(*range(500, 521)))


async def test_rotated_while_no_tailer_looked(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The state of the session tells which file it is."""
    path = tmp_path / "a.jsonl"
    append(path, lines(*range(20)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "a", texts(*range(20)))
    append(path, line(20))
    path.replace(tmp_path / "a.1.jsonl")
    append(path, lines(*range(100, 120)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "a", texts(*range(21), *range(100, 120)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        append(path, line(120))
        await wait_for_records(broker, "a", texts(*range(21), *range(100, 121)))
    assert list(await broker.sessions()) == ["a"]


def aged(path: Path, seconds: float) -> Path:
    """Make a file that much older than it is."""
    changed = path.stat().st_mtime - seconds
    os.utime(path, (changed, changed))
    return path


@pytest.mark.parametrize("watched", [by_paths, by_patterns])
async def test_what_goes_on_under_rising_numbers_is_a_session(
    broker: MemoryBroker, tmp_path: Path, watched: Watched
) -> None:
    """Some loggers never rename a file: `a.jsonl.1` is begun after `a.jsonl`."""
    path = tmp_path / "a.jsonl"
    append(path, lines(*range(20)))
    aged(path, 100)
    async with running(broker, tmp_path, **watched(tmp_path)) as tailer:
        await wait_for_records(broker, "a", texts(*range(20)))
        (tmp_path / "a.jsonl.1").touch()
        await eventually(partial(is_left_out, tailer, tmp_path / "a.jsonl.1"))
        append(tmp_path / "a.jsonl.1", lines(*range(20, 40)))
        await wait_for_records(broker, "a.jsonl.1", texts(*range(20, 40)))
    append(tmp_path / "a.jsonl.1", line(40))
    append(tmp_path / "a.jsonl.2", lines(*range(41, 60)))
    append(tmp_path / "a.jsonl.3.gz", b"compressed")
    async with running(broker, tmp_path, **watched(tmp_path)) as tailer:
        await wait_for_records(broker, "a.jsonl.1", texts(*range(20, 41)))
        await wait_for_records(broker, "a.jsonl.2", texts(*range(41, 60)))
        await eventually(partial(is_left_out, tailer, tmp_path / "a.jsonl.3.gz"))
    assert await records_of(broker, "a") == texts(*range(20))
    assert sorted(await broker.sessions()) == ["a", "a.jsonl.1", "a.jsonl.2"]


async def test_rising_numbers_that_are_there_before_the_start(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The highest one is the newest, and goes on."""
    for age, number in ((300, ""), (200, ".1"), (100, ".2")):
        path = tmp_path / f"a.jsonl{number}"
        append(path, lines(*range(400 - age, 420 - age)))
        aged(path, age)
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        for name, start in (("a", 100), ("a.jsonl.1", 200), ("a.jsonl.2", 300)):
            await wait_for_records(broker, name, texts(*range(start, start + 20)))
        append(tmp_path / "a.jsonl.2", line(320))
        await wait_for_records(broker, "a.jsonl.2", texts(*range(300, 321)))


@pytest.mark.parametrize("is_down", [False, True])
async def test_such_a_session_is_that_of_its_file_alone(
    broker: MemoryBroker, tmp_path: Path, *, is_down: bool
) -> None:
    """If it is rotated after all, it goes on; what has its path then is the past."""
    path, first = tmp_path / "a.jsonl", tmp_path / "a.jsonl.1"
    append(path, lines(*range(20)))
    append(first, lines(*range(50, 70)))
    aged(path, 100)
    watched: dict[str, Any] = {"paths": [str(tmp_path)]}
    async with AsyncExitStack() as tailers:
        await tailers.enter_async_context(running(broker, tmp_path, **watched))
        await wait_for_records(broker, "a", texts(*range(20)))
        await wait_for_records(broker, "a.jsonl.1", texts(*range(50, 70)))
        if is_down:
            await tailers.aclose()
        first.replace(tmp_path / "a.jsonl.2")
        path.replace(first)
        append(path, lines(*range(100, 120)))
        append(tmp_path / "a.jsonl.2", line(70))
        if is_down:
            await tailers.enter_async_context(running(broker, tmp_path, **watched))
        await wait_for_records(broker, "a", texts(*range(20), *range(100, 120)))
        await wait_for_records(broker, "a.jsonl.1", texts(*range(50, 71)))
        append(tmp_path / "a.jsonl.2", line(71))
        await wait_for_records(broker, "a.jsonl.1", texts(*range(50, 72)))
    assert sorted(await broker.sessions()) == ["a", "a.jsonl.1"]


async def test_what_is_written_under_the_name_of_a_day_is_a_session(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Nothing was rotated: the program names its file so, and `a.log` is never there.

    If it comes all the same, what was told is not told again.
    """
    path, before = tmp_path / "a.log.2026-11-28", tmp_path / "a.log.2026-11-27"
    packed = tmp_path / "a.log.2026-11-26.gz"
    append(before, lines(*range(500, 520)))
    append(path, lines(*range(20)))
    append(packed, b"")
    for one in (path, before, packed):
        aged(one, 100)
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        for one in (path, before, packed):
            await eventually(partial(is_waiting, tailer, one))
        append(path, line(20))
        await wait_for_records(broker, "a.log.2026-11-28", texts(*range(21)))
        # Another one of the kind is no past either.
        await wait_for_records(broker, "a.log.2026-11-27", texts(*range(500, 520)))
        append(tmp_path / "a.log", lines(100))
        await wait_for_records(broker, "a.log", texts(100))
    names = ["a.log", "a.log.2026-11-27", "a.log.2026-11-28"]
    assert sorted(await broker.sessions()) == names


async def test_a_pattern_of_such_names(broker: MemoryBroker, tmp_path: Path) -> None:
    """Who names them has them, each as a session, whatever became of their path."""
    patterns = ["*.log.*"]
    append(tmp_path / "a.log.2026-11-28", lines(*range(20)))
    async with running(broker, tmp_path, telemetry_patterns=patterns):
        await wait_for_records(broker, "a.log.2026-11-28", texts(*range(20)))


async def test_the_file_that_is_written_is_named_so(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """flexi_logger gives it a number when it is full."""
    path = tmp_path / "a_rCURRENT.log"
    append(path, lines(*range(20)))
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await wait_for_records(broker, path.name, texts(*range(20)))
        path.replace(tmp_path / "a_r00000.log")
        append(path, lines(*range(100, 120)))
        expected = texts(*range(20), *range(100, 120))
        await wait_for_records(broker, path.name, expected)
        await eventually(partial(is_left_out, tailer, tmp_path / "a_r00000.log"))
    assert list(await broker.sessions()) == [path.name]


async def test_a_number_of_a_day_and_the_days_own_file(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """log4js goes on in a day's file, and gives it a number when it is full."""
    path = tmp_path / "a.log.2026-12-01"
    for name, start, age in ((f"{path.name}.1", 500, 200), (path.name, 0, 100)):
        append(tmp_path / name, lines(*range(start, start + 20)))
        aged(tmp_path / name, age)
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await eventually(partial(is_waiting, tailer, path))
        append(path, line(20))
        # What was full before is its past, and told first.
        expected = texts(*range(500, 520), *range(21))
        await wait_for_records(broker, path.name, expected)
        first = path.with_name(f"{path.name}.1")
        first.replace(path.with_name(f"{path.name}.2"))
        path.replace(first)
        append(path, lines(*range(100, 120)))
        expected += texts(*range(100, 120))
        await wait_for_records(broker, path.name, expected)
        await eventually(partial(is_left_out, tailer, first))
    assert list(await broker.sessions()) == [path.name]
