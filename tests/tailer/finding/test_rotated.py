"""A name that runs have too is the past of another file only if its bytes prove it."""

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


NAMES = ["a.1.jsonl", "a_20261128.jsonl", "a.2026-11-28_14-14-52_270992.jsonl"]


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


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
