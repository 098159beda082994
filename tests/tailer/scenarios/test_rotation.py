"""Scenarios of rotation: each line once, in order, in one session; or it is told."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tailcast_streams.cuts import is_rotation
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.files import session_file
from tests.tailer.harness import (
    append,
    check_chain,
    entries_of,
    generation_of,
    lines,
    records_of,
    state_of,
    texts,
)
from tests.tailer.single import Clock, Single


def rotate(path: Path, count: int = 9) -> None:
    """As `RotatingFileHandler` does: the oldest one goes, the others are renamed."""
    for number in range(count - 1, 0, -1):
        name = path.with_name(f"{path.name}.{number}")
        if name.exists():
            name.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))


async def completes(broker: MemoryBroker) -> list[str]:
    """What each marker but the first says."""
    return [
        entry.details["complete"]
        for entry in await entries_of(broker, "a")
        if entry.details is not None and "complete" in entry.details
    ]


async def rotations(broker: MemoryBroker) -> list[bool]:
    """Of each marker but the first, whether the file was rotated before it."""
    return [
        is_rotation(entry.details)
        for entry in await entries_of(broker, "a")
        if entry.details is not None and "complete" in entry.details
    ]


@pytest.fixture(params=["lease", "no lease"])
def leases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where nobody can tell whether a file is open, it is waited for."""
    if request.param == "no lease":
        monkeypatch.setattr(session_file, "may_be_written", _nobody_knows)
    return str(request.param)


def _nobody_knows(_: int) -> None:
    """No lease is given."""


async def test_rotations_are_no_rewrites(
    broker: MemoryBroker, clock: Clock, path: Path, leases: str
) -> None:
    """However many there are within a minute: no bound counts them."""
    tailer = Single(broker, path, clock)
    started = clock.now
    for number in range(12):
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
        await tailer.settle()
        rotate(path)
    assert await records_of(broker, "a") == texts(
        *(number * 100 + at for number in range(12) for at in range(20))
    )
    check_chain(await entries_of(broker, "a"))
    assert await completes(broker) == ["true"] * 11
    assert await rotations(broker) == [True] * 11
    assert tailer.metric("contested") == 0
    assert clock.now - started < (5 if leases == "lease" else 70)


@pytest.mark.parametrize("between", [2, 8])
async def test_rotations_between_two_looks_are_read_in_order(
    broker: MemoryBroker, clock: Clock, path: Path, between: int, leases: str
) -> None:
    """By their names, those behind the one that was read."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    for number in range(1, between + 1):
        append(path, lines(number * 100 - 1))
        rotate(path)
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
    await tailer.settle()
    expected = [*range(20)]
    for number in range(1, between + 1):
        expected += [number * 100 - 1, *range(number * 100, number * 100 + 20)]
    assert await records_of(broker, "a") == texts(*expected)
    assert await completes(broker) == ["true"] * between


async def test_a_rewrite_is_no_rotation(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Nor is another file in its place, while the one that was read has no name."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    path.write_bytes(lines(*range(100, 103)))
    await tailer.settle()
    other = path.with_name("other")
    other.write_bytes(lines(*range(200, 220)))
    other.replace(path)
    await tailer.settle()
    assert (await records_of(broker, "a"))[-20:] == texts(*range(200, 220))
    assert await rotations(broker) == [False] * 2


async def test_what_was_deleted_between_two_looks_is_told(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Two backups are kept, and there were four rotations."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    for number in range(1, 5):
        rotate(path, 2)
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
    await tailer.settle()
    assert (await records_of(broker, "a"))[20:] == texts(
        *range(200, 220), *range(300, 320), *range(400, 420)
    )
    assert await completes(broker) == ["false", "true", "true"]
    assert await rotations(broker) == [True] * 3


async def test_rotations_while_the_tailer_was_down(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """The file that was read is found by its proofs, under another name."""
    path.write_bytes(lines(*range(20)))
    await Single(broker, path, clock).settle()
    for number in range(1, 4):
        append(path, lines(number * 100 - 1))
        rotate(path)
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
    await Single(broker, path, clock).settle()
    expected = [*range(20)]
    for number in range(1, 4):
        expected += [number * 100 - 1, *range(number * 100, number * 100 + 20)]
    assert await records_of(broker, "a") == texts(*expected)
    assert await completes(broker) == ["true"] * 3


async def test_what_was_read_is_gone_after_a_restart(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """What was read whole before is known, and what is new is not complete."""
    tailer = Single(broker, path, clock)
    for number in range(3):
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
        await tailer.settle()
        rotate(path)
    assert (await state_of(broker))["generation"] == 3
    path.with_name("a.jsonl.1").unlink()
    path.write_bytes(lines(*range(400, 420)))
    rotate(path)
    path.write_bytes(lines(*range(500, 520)))
    await Single(broker, path, clock).settle()
    assert (await records_of(broker, "a"))[60:] == texts(
        *range(400, 420), *range(500, 520)
    )
    assert (await completes(broker))[2:] == ["false", "true"]


async def test_a_session_begins_with_its_oldest_file(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Seen first with rotated files beside it; also after the broker lost all."""
    for number in range(3):
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
        rotate(path)
    path.with_name("a.jsonl.4.gz").write_bytes(b"\x1f\x8b")
    path.with_name("a.jsonl.5").write_bytes(b"")
    path.write_bytes(lines(*range(300, 320)))
    tailer = Single(broker, path, clock)
    await tailer.settle()
    before = await entries_of(broker, "a")
    assert await records_of(broker, "a") == texts(
        *(number * 100 + at for number in range(4) for at in range(20))
    )
    assert await history_of(broker) == (4, len(lines(*range(300, 320))))
    broker.wipe()
    tailer.follower.reload_state()
    await tailer.settle()
    assert await entries_of(broker, "a") == before
    rotate(path)
    path.write_bytes(lines(400))
    await tailer.settle()
    assert await history_of(broker) == (0, 0)


async def test_a_session_begins_with_a_line_without_newline(
    broker: MemoryBroker, clock: Clock, path: Path, leases: str
) -> None:
    """The oldest file has no other line; the one with the path has none either."""
    path.write_bytes(lines(1).removesuffix(b"\n"))
    rotate(path)
    path.write_bytes(lines(2).removesuffix(b"\n"))
    tailer = Single(broker, path, clock)
    await tailer.follower.turn()
    assert await broker.load("a") is None
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2)
    assert await completes(broker) == ["true"]
    # It is the same line once its newline is there.
    append(path, b"\n" + lines(3))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2, 3)
    assert leases


async def test_a_session_begins_behind_files_without_a_line(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Half a line, blanks and NULs are waited for, and are no line then."""
    for data in (b'{"step":', b" \r\n\n", bytes(100), b'{"step":', lines(1, 2)):
        path.write_bytes(data)
        rotate(path)
    path.write_bytes(lines(3))
    tailer = Single(broker, path, clock)
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2, 3)
    assert (await state_of(broker))["generation"] == 2
    assert await history_of(broker) == (2, len(lines(3)))


async def history_of(broker: MemoryBroker) -> tuple[int, int]:
    """Up to where it is said that all was there first."""
    state = await broker.load("a")
    assert state is not None
    return state.backlog_generation, state.backlog_end


async def test_a_rotated_file_that_goes_while_the_oldest_is_read(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """What was there first ends where it was said to, with fewer generations."""
    for number in range(3):
        path.write_bytes(lines(*range(number * 100, number * 100 + 20)))
        rotate(path)
    path.write_bytes(lines(*range(300, 320)))
    tailer = Single(broker, path, clock)
    await tailer.follower.turn()
    assert await history_of(broker) == (4, path.stat().st_size)
    for number in (1, 2):
        path.with_name(f"a.jsonl.{number}").unlink()
    await tailer.settle()
    assert (await state_of(broker))["generation"] == 4
    assert await history_of(broker) == (4, path.stat().st_size)
    assert (await records_of(broker, "a"))[20:] == texts(*range(300, 320))


async def test_rotated_files_beside_an_empty_one(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """What was there first are they alone: the first line of the new one is news."""
    path.write_bytes(lines(*range(20)))
    rotate(path)
    path.write_bytes(b"")
    tailer = Single(broker, path, clock)
    await tailer.settle()
    assert await history_of(broker) == (1, len(lines(*range(20))))
    append(path, lines(100))
    clock.now += 10.0
    await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(20), 100)
    assert (await state_of(broker))["generation"] == 2


async def test_old_rotated_files_are_left_out(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Those that have not changed for longer than sessions live."""
    path.write_bytes(lines(1))
    rotate(path)
    path.write_bytes(lines(2))
    rotate(path)
    path.write_bytes(lines(3))
    os.utime(path.with_name("a.jsonl.2"), (clock.now - 500, clock.now - 500))
    await Single(broker, path, clock, session_ttl=400.0).settle()
    assert await records_of(broker, "a") == texts(2, 3)


async def test_an_empty_successor_ends_nothing(
    broker: MemoryBroker, clock: Clock, path: Path, leases: str
) -> None:
    """`logrotate create`, and the writer goes on in the old file for a while."""
    del leases
    tailer = Single(broker, path, clock)
    with path.open("ab") as old:
        old.write(lines(*range(20)))
        old.flush()
        await tailer.settle()
        rotate(path)
        path.touch()
        for step in range(20, 24):
            ends_at = clock.now + 8.0
            while clock.now < ends_at:
                clock.now += await tailer.follower.turn() or 0.5
            old.write(lines(step))
            old.flush()
    append(path, lines(*range(100, 120)))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(24), *range(100, 120))
    assert await completes(broker) == ["true"]


async def test_a_file_that_may_grow_is_not_complete(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """It is read until it was quiet for five seconds, and is still open then."""
    tailer = Single(broker, path, clock)
    with path.open("ab") as old:
        old.write(lines(*range(20)))
        old.flush()
        await tailer.settle()
        rotate(path)
        path.write_bytes(lines(*range(100, 120)))
        started = clock.now
        for step in range(20, 24):
            while clock.now < started + 4.0:
                clock.now += await tailer.follower.turn() or 0.5
            old.write(lines(step))
            old.flush()
            started = clock.now
        await tailer.settle()
    assert clock.now - started >= 5
    assert await records_of(broker, "a") == texts(*range(24), *range(100, 120))
    assert await completes(broker) == ["false"]


async def test_half_a_line_at_the_end_is_waited_for(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Then what was read is not complete."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)) + b'{"step":')
    await tailer.settle()
    rotate(path)
    path.write_bytes(lines(*range(100, 120)))
    started = clock.now
    await tailer.settle()
    assert clock.now - started >= 5
    assert await records_of(broker, "a") == texts(*range(20), *range(100, 120))
    assert await completes(broker) == ["false"]


def copy_and_cut(path: Path) -> None:
    """`logrotate copytruncate`."""
    path.with_name("a.jsonl.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)


def compress(path: Path) -> None:
    """`logrotate compress`, which keeps the modification time."""
    found = path.stat()
    other = path.with_name("a.jsonl.1.gz")
    other.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    path.unlink()


def with_date(path: Path) -> None:
    """`logrotate dateext`."""
    path.replace(path.with_name("a.jsonl-20261128"))


def as_loguru(path: Path) -> None:
    """The date stands before the extension."""
    path.replace(path.with_name("a.2026-11-28_14-14-52_270992.jsonl"))


@pytest.mark.parametrize("way", [copy_and_cut, compress, with_date, as_loguru])
async def test_ways_to_rotate(
    broker: MemoryBroker, clock: Clock, path: Path, way: Callable[[Path], None]
) -> None:
    """What was not read before is read, where there is still something to read."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    append(path, lines(*range(20, 25)))
    way(path)
    append(path, lines(*range(100, 120)))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(25), *range(100, 120))
    assert await completes(broker) == ["true"]


@pytest.mark.parametrize(
    ("way", "complete"),
    [(copy_and_cut, "true"), (with_date, "true"), (compress, "false")],
)
async def test_ways_to_rotate_while_the_tailer_is_down(
    broker: MemoryBroker,
    clock: Clock,
    path: Path,
    way: Callable[[Path], None],
    complete: str,
) -> None:
    """What cannot be read any more is told."""
    path.write_bytes(lines(*range(20)))
    await Single(broker, path, clock).settle()
    append(path, lines(*range(20, 25)))
    way(path)
    append(path, lines(*range(100, 120)))
    await Single(broker, path, clock).settle()
    steps = [*range(25 if complete == "true" else 20), *range(100, 120)]
    assert await records_of(broker, "a") == texts(*steps)
    assert await completes(broker) == [complete]


async def test_weak_names_that_nothing_proves(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """What was read has no name any more: what may lie between is told as missing."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    path.unlink()
    path.with_name("a.2026-11-28_14-14-53_000017.jsonl").write_bytes(lines(100))
    path.write_bytes(lines(*range(200, 220)))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(20), *range(200, 220))
    assert await completes(broker) == ["false"]


async def test_weak_names_that_what_was_read_before_proves(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """One that was read whole earlier has a name of this way still."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    path.replace(path.with_name("a.2026-11-28_14-14-52.jsonl"))
    path.write_bytes(lines(*range(100, 120)))
    await tailer.settle()
    path.unlink()
    path.with_name("a.2026-11-28_14-14-54.jsonl").write_bytes(lines(200))
    path.write_bytes(lines(*range(300, 320)))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(
        *range(20), *range(100, 120), 200, *range(300, 320)
    )
    assert await completes(broker) == ["true", "false", "true"]


async def test_two_tailers_of_one_file_rotate_once(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Each goes on with what the other one has appended."""
    one = Single(broker, path, clock, owner="one:/logs")
    two = Single(broker, path, clock, owner="two:/logs")
    expected: list[int] = []
    for number in range(6):
        steps = range(number * 100, number * 100 + 20)
        append(path, lines(*steps))
        expected += steps
        for _ in range(30):
            for tailer in (one, two) if number % 2 else (two, one):
                clock.now += await tailer.follower.turn() or 0.1
        rotate(path)
    check_chain(await entries_of(broker, "a"))
    assert await records_of(broker, "a") == texts(*expected)
    assert (await state_of(broker))["generation"] == 6


async def test_files_with_the_same_first_line(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Each of them is told whole."""
    tailer = Single(broker, path, clock)
    header = b'{"run":"' + b"x" * 100 + b'"}\n'
    for number in range(3):
        path.write_bytes(header + lines(*range(number * 100, number * 100 + 20)))
        await tailer.settle()
        rotate(path)
    for number in range(1, 4):
        steps = range((number - 1) * 100, (number - 1) * 100 + 20)
        entries = generation_of(await entries_of(broker, "a"), number)
        assert [entry.record for entry in entries if entry.record] == [
            header.strip(), *texts(*steps),
        ]  # fmt: skip
