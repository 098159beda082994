"""Files and directories that are renamed go on as the sessions that they were."""

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import SourceState
from tailcast_tailer.app import Tailer
from tests.tailer.harness import (
    append,
    eventually,
    line,
    records_of,
    running,
    sources_of,
    wait_for_records,
)


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


async def until_followed(tailer: Tailer, path: Path) -> None:
    """Wait until what has this path is followed under it."""

    async def is_followed() -> bool:
        return str(path) in tailer.turns.items

    await eventually(is_followed)


def long_lines(*steps: int) -> bytes:
    """Lines whose head is long enough to prove a file."""
    return b"".join(line(step, text="x" * 80) for step in steps)


async def test_a_renamed_file_goes_on_as_its_session(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """While a tailer looks, and while none does; nothing is told again."""
    first, second, third = (tmp_path / f"{name}.jsonl" for name in ("a", "b", "c"))
    first.write_bytes(long_lines(1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await wait_for_records(broker, "a", [long_lines(1).strip()])
        first.rename(second)
        await until_followed(tailer, second)
        append(second, long_lines(2))
        expected = [long_lines(step).strip() for step in (1, 2)]
        await wait_for_records(broker, "a", expected)
    second.rename(third)
    append(third, long_lines(3))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        expected.append(long_lines(3).strip())
        await wait_for_records(broker, "a", expected)
        assert list(await broker.sessions()) == ["a"]


async def test_a_renamed_directory_goes_on(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Each of its files is the session that it was."""
    for name in ("x", "y"):
        append(tmp_path / "dd" / f"{name}.jsonl", long_lines(1) + line(len(name)))
    (tmp_path / "dd" / "y.jsonl").write_bytes(long_lines(7))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        both = [long_lines(1).strip(), line(1).strip()]
        await wait_for_records(broker, "dd/x", both)
        await wait_for_records(broker, "dd/y", [long_lines(7).strip()])
        (tmp_path / "dd").rename(tmp_path / "ee")
        append(tmp_path / "ee" / "y.jsonl", long_lines(8))
        both = [long_lines(step).strip() for step in (7, 8)]
        await wait_for_records(broker, "dd/y", both)
        assert set(await broker.sessions()) == {"dd/x", "dd/y"}


async def test_a_file_comes_back_to_a_name_whose_file_was_renamed(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The session goes on with the new file, as after any rotation."""
    first, second = tmp_path / "a.jsonl", tmp_path / "old.jsonl"
    first.write_bytes(long_lines(1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await wait_for_records(broker, "a", [long_lines(1).strip()])
        first.rename(second)
        await until_followed(tailer, second)
        append(second, long_lines(2))
        first.write_bytes(long_lines(3))
        expected = [long_lines(step).strip() for step in (1, 2, 3)]
        await wait_for_records(broker, "a", expected)
        assert list(await broker.sessions()) == ["a"]


@pytest.mark.parametrize("is_by_pattern", [True, False])
async def test_a_dated_name_is_the_past_of_its_file_if_its_bytes_are(
    broker: MemoryBroker, tmp_path: Path, *, is_by_pattern: bool
) -> None:
    """As loguru names what it puts aside; and any other such name is a run's own."""
    directory = tmp_path / "telemetry"
    path = directory / "a.jsonl"
    append(path, long_lines(0))
    paths = [] if is_by_pattern else [str(directory)]
    expected = [long_lines(0).strip()]
    async with running(broker, tmp_path, paths=paths):
        await wait_for_records(broker, "a", expected)
        for day in (1, 2, 3):
            append(path, long_lines(10 * day))
            path.rename(directory / f"a.2026-11-0{day}_10-00-00_123456.jsonl")
            append(path, long_lines(day))
            expected += [long_lines(step).strip() for step in (10 * day, day)]
            await wait_for_records(broker, "a", expected)
    append(directory / "a-20261105.jsonl", long_lines(7))
    async with running(broker, tmp_path, paths=paths) as tailer:
        await wait_for_records(broker, "a-20261105", [long_lines(7).strip()])

        async def is_decided() -> bool:
            return SourceState.WAITING not in set(sources_of(tailer).values())

        await eventually(is_decided)
        await wait_for_records(broker, "a", expected)
        assert set(await broker.sessions()) == {"a", "a-20261105"}


async def test_a_new_file_with_the_number_of_a_deleted_one_is_another(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """File systems use inodes again."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_bytes(long_lines(1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]):
        await wait_for_records(broker, "a", [long_lines(1).strip()])
        first.unlink()
        second.write_bytes(long_lines(2, 3, 4))
        expected = [long_lines(step).strip() for step in (2, 3, 4)]
        await wait_for_records(broker, "b", expected)
        assert await records_of(broker, "a") == [long_lines(1).strip()]


async def test_a_directory_that_becomes_a_link_goes_on(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Moved to an archive, a link in its place: the same path, after a restart too."""
    root, run, archive = tmp_path / "t", tmp_path / "t" / "run", tmp_path / "archive"
    append(run / "m.jsonl", long_lines(1))
    async with running(broker, tmp_path, paths=[str(root)]):
        await wait_for_records(broker, "run/m", [long_lines(1).strip()])
    run.rename(archive)
    run.symlink_to(archive)
    append(archive / "m.jsonl", long_lines(2))
    async with running(broker, tmp_path, paths=[str(root)]):
        both = [long_lines(step).strip() for step in (1, 2)]
        await wait_for_records(broker, "run/m", both)
        assert list(await broker.sessions()) == ["run/m"]
