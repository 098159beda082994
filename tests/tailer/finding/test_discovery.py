"""Which files are found, and how their sessions are called."""

# nothing else runs while the test writes

import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.app import Tailer
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.files.file_system import type_of
from tests.tailer.core.test_records import FIXTURES
from tests.tailer.harness import (
    append,
    eventually,
    let_rest,
    line,
    lines,
    running,
    session_path,
    texts,
    valid_lines,
    wait_for_records,
)


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


async def test_directory_is_searched_by_what_files_hold(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Lines of records whatever the extension; documents, text and hidden ones not."""
    shutil.copytree(FIXTURES, tmp_path / "runs" / "x")
    (tmp_path / "trainer_state.json").write_text('{\n  "log_history": []\n}\n')
    (tmp_path / "log.txt").write_text("Step 1 | loss:0.5\n")
    (tmp_path / "model.bin").write_bytes(bytes(range(256)) * 100)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.jsonl").write_bytes(lines(1))
    (tmp_path / "metrics").write_bytes(lines(1))
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await wait_for_records(broker, "metrics", texts(1))
        await eventually(_rests(tailer))
        stems = {
            f"runs/x/{path.name.removesuffix('.jsonl')}" for path in FIXTURES.iterdir()
        }
        assert set(await broker.sessions()) | {"metrics"} <= stems | {"metrics"}
        for stem in stems:
            assert await broker.load(stem) is not None
        assert await broker.load(".git/a") is None


async def test_samples_of_real_producers_all_arrive(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A directory of runs as users have it, wherever the samples are at hand."""
    samples = Path(__file__).parents[4] / "shared" / "samples"
    if not samples.is_dir():
        samples = Path(__file__).parents[2] / "samples"
    if not samples.is_dir():
        pytest.skip("no samples here")
    expected: Counter[str] = Counter()
    for path in samples.rglob("*.json*"):
        run = PartNames().run_of(str(path)) or str(path)
        session = str(Path(run).relative_to(samples)).removesuffix(".jsonl")
        expected[session] += len(valid_lines(path.read_bytes()))
    async with running(broker, tmp_path, paths=[str(samples)]):

        async def has_all() -> bool:
            states = {name: await broker.load(name) for name in expected}
            return expected == {
                name: state.records for name, state in states.items() if state
            }

        await eventually(has_all)


async def test_single_file_is_a_session_by_its_name(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Whatever its extension, and before it is there."""
    path = tmp_path / "train.log"
    async with running(broker, tmp_path, paths=[str(path)]):
        path.write_bytes(lines(1))
        await wait_for_records(broker, "train.log", texts(1))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.jsonl", b'{"question":"a","answer":"b"}\n' * 20),
        ("results.json", b'{"loss":0.5}\n'),
        ("config.json", lines(1)),
        ("model.yaml", lines(1)),
        ("run.log", b'{"level":"info","msg":"a"}\n'),
        ("study.jsonl.lock", lines(1)),
        ("a.jsonl.1", lines(1)),
        (".hidden/a.jsonl", lines(1)),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
async def test_a_file_that_is_named_is_followed_whatever_it_is(
    broker: MemoryBroker, tmp_path: Path, name: str, content: bytes
) -> None:
    """Also what is not followed where its directory is named."""
    path = tmp_path / name
    append(path, content)
    let_rest(path)
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await eventually(_rests(tailer))
        assert not await broker.sessions()
    async with running(broker, tmp_path, paths=[str(path)]):
        session = path.name.removesuffix(".jsonl")
        await wait_for_records(broker, session, content.splitlines())


async def test_file_that_shows_late_what_it_is(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """An empty or partial first line decides nothing yet."""
    path = tmp_path / "late.txt"
    path.write_bytes(line(1)[:5])
    async with running(broker, tmp_path, paths=[str(tmp_path)]) as tailer:
        await eventually(_rests(tailer))
        append(path, line(1)[5:])
        await wait_for_records(broker, "late.txt", texts(1))


async def test_equal_names_below_two_roots_are_told_apart(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """By the shortest end of the roots' paths that differs."""
    for name in ("one", "two"):
        append(tmp_path / name / "a.jsonl", lines(len(name)))
    append(tmp_path / "two" / "b.jsonl", lines(4))
    paths = [str(tmp_path / name) for name in ("one", "two")]
    async with running(broker, tmp_path, paths=paths):
        for session, step in (("one/a", 3), ("two/a", 3), ("two/b", 4)):
            await wait_for_records(broker, session, texts(step))


async def test_a_prefix_stands_before_all_names(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Whether a file was found, or is named itself."""
    append(tmp_path / "runs" / "a.jsonl", lines(1))
    append(tmp_path / "b.log", lines(2))
    paths = [str(tmp_path / name) for name in ("runs", "b.log")]
    async with running(broker, tmp_path, paths=paths, session_prefix="node-7/"):
        await wait_for_records(broker, "node-7/runs/a", texts(1))
        await wait_for_records(broker, "node-7/b.log", texts(2))


async def test_new_directories_and_files_are_found(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Nothing is there at the start, not even the directory."""
    log_dir = tmp_path / "logs"
    async with running(broker, log_dir):
        append(session_path(log_dir, "x/y/z"), lines(1))
        await wait_for_records(broker, "x/y/z", texts(1))
        shutil.rmtree(log_dir)
        append(session_path(log_dir, "later"), lines(2))
        await wait_for_records(broker, "later", texts(2))


async def test_name_that_is_no_text_stops_nobody(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """It is refused, and notifications and the others go on."""
    good = session_path(tmp_path, "good")
    bad = os.fsencode(good.parent) + b"/bad\xff.jsonl"
    async with running(broker, tmp_path):
        os.close(os.open(bad, os.O_CREAT | os.O_WRONLY))
        for step in range(5):
            append(good, lines(step))
            await wait_for_records(broker, "good", texts(*range(step + 1)))


def test_file_system_types() -> None:
    """The longest mount point wins; FUSE may change from elsewhere."""
    mounts = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /data rw shared:5 - nfs4 server:/x rw\n"
        "31 30 0:41 / /data/my\\040disk rw - tmpfs tmpfs rw\n"
        "32 22 0:42 / /cloud rw - fuse.s3fs s3fs rw\n"
        "broken\n"
    )
    assert type_of("/home/x", mounts) == "ext4"
    assert type_of("/data/x", mounts) == "nfs4"
    assert type_of("/database", mounts) == "ext4"
    assert type_of("/data/my disk/x", mounts) == "tmpfs"
    assert type_of("/cloud", mounts) == "9p"


def _rests(tailer: Tailer) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return tailer.pipeline.has_listed.is_set() and not any(
            item.is_queued or item.is_running for item in tailer.turns.items.values()
        )

    return is_so
