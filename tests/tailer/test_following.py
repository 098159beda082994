"""What happens to a file is what happens to its stream, over the memory broker."""

# nothing else runs while the test writes

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from logging import INFO, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from unittest.mock import ANY

import pytest

from tailcast_streams.entries import Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.finding.hints import Hints
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    generation_of,
    line,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


async def test_lines_become_entries_with_their_offsets(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Each whole line is an entry whose ID is the byte after its newline."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1, 2, 3))
    async with running(broker, tmp_path):
        entries = await wait_for_records(broker, "a", texts(1, 2, 3))
    size = len(line(1))
    assert [entry.id for entry in entries] == [
        (1, 0), (1, size), (1, 2 * size), (1, 3 * size),
    ]  # fmt: skip
    assert entries[0].kind is Kind.MARKER
    assert entries[0].previous == BEFORE_ALL


async def test_the_state_says_when_the_file_was_written(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """An old file is old, whenever it is read; a time to come is now at most."""
    old, young = session_path(tmp_path, "old"), session_path(tmp_path, "young")
    for path, mtime_ns in ((old, 1_600_000_000_123_456_789), (young, 1 << 61)):
        path.write_bytes(lines(1))
        os.utime(path, ns=(0, mtime_ns))
    async with running(broker, tmp_path, session_ttl=float("inf")):
        await wait_for_records(broker, "old", texts(1))
        await wait_for_records(broker, "young", texts(1))
        first, other = (head.state for head in await broker.heads(["old", "young"]))
        assert first is not None
        assert other is not None
        assert first.written_ms == 1_600_000_000_123
        assert 0 < other.written_ms <= other.updated_ms

        with old.open("ab") as file:
            file.write(lines(2))
        await wait_for_records(broker, "old", texts(1, 2))
        state = await broker.load("old")
    assert state is not None
    assert state.written_ms == old.stat().st_mtime_ns // 1_000_000


class Watched(MemoryBroker):
    """A broker that notes whether sessions were listed when their entries came."""

    def __init__(self) -> None:
        super().__init__()
        self.were_listed: list[bool] = []

    async def append(self, batch: Batch) -> Appended:
        self.were_listed.append(batch.session in await self.sessions())
        return await super().append(batch)


async def test_a_session_is_listed_before_it_has_entries(tmp_path: Path) -> None:
    """Who looks at the list, and then hears of appends, misses no session."""
    broker = Watched()
    session_path(tmp_path, "a").write_bytes(lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
    assert broker.were_listed == [True]


async def test_appended_lines_follow(broker: MemoryBroker, tmp_path: Path) -> None:
    """What is appended while the tailer runs arrives, partial lines when whole."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
        append(path, line(2)[:5])
        append(path, line(2)[5:-1])
        append(path, b"\n" + line(3))
        await wait_for_records(broker, "a", texts(1, 2, 3))


async def test_restart_goes_on(broker: MemoryBroker, tmp_path: Path) -> None:
    """G21: a new tailer goes on where the old one stopped."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1, 2))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1, 2))
    append(path, lines(3))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1, 2, 3))


async def test_truncated_file_is_a_new_generation(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A file written anew begins generation 2, told by a marker."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(20)))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(*range(20)))
        path.write_bytes(lines(100, 101))
        entries = await wait_for_records(
            broker, "a", [*texts(*range(20)), *texts(100, 101)]
        )
    marker = generation_of(entries, 2)[0]
    assert marker.id == (2, 0)
    assert marker.details == {"reason": "truncated", "complete": "false", "step": "100"}


async def test_replaced_file_keeps_its_common_prefix(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A shortened copy begins after what it kept, the old one read to its end."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(20)))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(*range(20)))
        copy = tmp_path / "copy"
        copy.write_bytes(lines(*range(15)) + lines(115))
        append(path, lines(20))
        copy.replace(path)
        entries = await wait_for_records(broker, "a", [*texts(*range(21)), *texts(115)])
    kept = len(lines(*range(15)))
    marker = generation_of(entries, 2)[0]
    assert marker.id == EntryID(2, kept)
    assert marker.details == {"reason": "replaced", "complete": "true", "step": "115"}


async def test_rewrite_of_the_same_content_is_no_generation(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The same bytes in another file are the same file."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(20)))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(*range(20)))
        copy = tmp_path / "copy"
        copy.write_bytes(lines(*range(20)))
        copy.replace(path)
        append(path, lines(20))
        entries = await wait_for_records(broker, "a", texts(*range(21)))
    assert {entry.id.generation for entry in entries} == {1}


async def test_wiped_broker_gets_everything_again(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """C11: after the broker lost all, it has the same entries, the same IDs."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1, 2, 3))
    async with running(broker, tmp_path, audit_interval=0.05):
        before = await wait_for_records(broker, "a", texts(1, 2, 3))
        broker.wipe()
        after = await wait_for_records(broker, "a", texts(1, 2, 3))
    assert before == after


async def test_garbage_is_rejected_and_the_rest_arrives(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Junk, `[]`, invalid UTF-8 and empty lines disturb nothing."""
    path = session_path(tmp_path, "a")
    path.write_bytes(
        b"\xef\xbb\xbf"
        + line(1)
        + b"[]\n\n  \r\n\xff\xfe\n"
        + line(2)
        + b'{"a":NaN}\r\n'
    )
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", [*texts(1, 2), b'{"a":"NaN"}'])
    reasons = [rejection.reason for _, rejection in broker.rejections("a")]
    assert reasons == ["not a JSON object", "not UTF-8"]


async def test_emergency_document_arrives_once(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A pretty-printed document is stored on one line, and not again by a restart."""
    path = tmp_path / "emergency" / "e1.json"
    path.parent.mkdir()
    path.write_text('{\n  "session_id": "a",\n  "value": 1.50,\n  "x": 1e3\n}\n')
    for _ in range(2):
        async with running(broker, tmp_path):

            async def has_one() -> bool:
                return len(await entries_of(broker, "!emergencies")) == 1

            await eventually(has_one)
    entry = (await entries_of(broker, "!emergencies"))[0]
    assert entry.details is not None
    assert entry.details["session"] == "a"
    assert entry.details["path"] == "emergency/e1.json"
    assert await records_of(broker, "!emergencies") == [entry.record]


async def test_a_rewrite_that_puts_the_time_back_is_seen_without_notifications(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place, of the same length: the sweep notices it all the same."""

    async def none(_hints: Hints) -> AsyncIterator[set[str]]:
        await asyncio.Event().wait()
        yield set()

    monkeypatch.setattr(Hints, "changes", none)
    broker, path = MemoryBroker(), session_path(tmp_path, "a")
    append(path, lines(1, 2))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1, 2))
        times = path.stat()
        with path.open("r+b") as file:
            file.write(lines(1, 3))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        await wait_for_records(broker, "a", [*texts(1, 2), *texts(3)])


async def test_an_emergency_whose_name_is_no_utf_8_is_told(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Under its name escaped; nothing fails over it."""
    append(tmp_path / "emergency" / os.fsdecode(b"caf\xe9.json"), b'{"a": 1}')
    async with running(broker, tmp_path) as tailer:

        async def is_told() -> bool:
            return bool(await entries_of(broker, EMERGENCIES))

        await eventually(is_told)
    [entry] = await entries_of(broker, EMERGENCIES)
    assert entry.details is not None
    assert entry.details["path"] == r"emergency/caf\xe9.json"
    assert (
        tailer.instruments.registry.get_sample_value("tailcast_tailer_defects_total")
        == 0.0
    )


async def test_rotations_in_quick_succession_lose_nothing(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Python's own handler, eight times a second; then the tailer is started again."""
    path = session_path(tmp_path, "a")
    handler = RotatingFileHandler(path, maxBytes=1_000, backupCount=50)
    steps = range(400)

    def write(some: Iterable[int]) -> None:
        for step in some:
            text = line(step).decode().strip()
            handler.emit(LogRecord("a", INFO, "", 0, text, None, None))

    async with running(broker, tmp_path):
        for start in range(0, 200, 20):
            await asyncio.to_thread(write, steps[start : start + 20])
        await wait_for_records(broker, "a", texts(*steps[:200]))
    write(steps[200:300])
    async with running(broker, tmp_path):
        await asyncio.to_thread(write, steps[300:])
        handler.close()
        entries = await wait_for_records(broker, "a", texts(*steps))
    details = [entry.details for entry in entries if entry.kind is Kind.MARKER]
    assert {one["complete"] for one in details if one} == {"true"}
    assert await broker.sessions() == {"a": ANY}
