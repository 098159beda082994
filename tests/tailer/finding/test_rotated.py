"""A name that runs have too is the past of another file only if its bytes prove it."""

from functools import partial
from pathlib import Path

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
