"""Scenarios B: what is full, old or too much."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import os
from pathlib import Path

import pytest

from tailcast_streams.exceptions import BrokerFull
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.appending.retention import Retention
from tests.tailer.harness import (
    append,
    check_chain,
    entries_of,
    lines,
    records_of,
    texts,
)
from tests.tailer.single import Clock, Single


KIBIBYTE = 1_024


async def test_b1_old_file_is_not_taken_in(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """One that has not changed for longer than sessions live stays out."""
    path.write_bytes(lines(1))
    os.utime(path, (clock.now - 500, clock.now - 500))
    tailer = Single(broker, path, clock, session_ttl=400.0)
    await tailer.settle()
    assert await broker.load("a") is None
    assert tailer.metric("old_files") == 1
    append(path, lines(2))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2)


async def test_b1_emptied_stream_is_not_filled_again(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Who forgets a session keeps its state: only what comes next is appended."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2))
    await tailer.settle()
    await broker.trim("a", EntryID(9, 9))
    tailer.follower.reload_state()
    await tailer.settle()
    assert await records_of(broker, "a") == []
    append(path, lines(3))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(3)


class FullBroker(MemoryBroker):
    """A broker that holds so many entries in all, and then refuses."""

    def __init__(self, most_entries: int) -> None:
        super().__init__()
        self.most_entries = most_entries

    async def append(self, batch: Batch) -> Appended:
        """Refuse what does not fit, as `noeviction` does."""
        held = sum(len(one.entries) for one in self._stored.streams.values())
        if held > self.most_entries:
            raise BrokerFull("OOM")
        return await super().append(batch)


async def test_b2_full_broker_is_trimmed_and_nothing_is_lost(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coldest sessions give way; the live one goes on without a gap."""
    monkeypatch.setattr(
        "tailcast_tailer.appending.appender.FULL_WAIT_SECONDS", (0.0, 0.0)
    )
    broker = FullBroker(3_000)
    retention = Retention(broker, session_bytes=2**40, total_bytes=2**40)
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_bytes(lines(*range(2_000)))
    os.utime(old, (1.0, 1.0))
    await Single(broker, old, clock, retention=retention).settle()
    new.write_bytes(lines(*range(4_000)))
    tailer = Single(broker, new, clock, retention=retention)
    await tailer.settle()
    entries = await entries_of(broker, "new")
    check_chain(entries)
    assert entries[-1].record == texts(3_999)[0]
    assert not await entries_of(broker, "old")
    assert tailer.metric("broker_full") == 0
    state = await broker.load("new")
    assert state is not None
    assert state.records == 4_000


async def test_b3_retention_bounds_a_session_by_bytes(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """What is kept is the newest so many bytes of the file, and a sixteenth more."""
    limit = 64 * KIBIBYTE
    retention = Retention(broker, session_bytes=limit, total_bytes=2**40)
    tailer = Single(broker, path, clock, retention=retention)
    path.write_bytes(lines(*range(20_000)))
    await tailer.settle()
    entries = await entries_of(broker, "a")
    kept = entries[-1].id.offset - entries[0].previous.offset
    assert limit <= kept <= limit + limit // 16 + 32 * KIBIBYTE
    path.write_bytes(lines(1, 2, 3))
    await tailer.settle()
    append(path, lines(*range(1_500)))
    await tailer.settle()
    generations = {entry.id.generation for entry in await entries_of(broker, "a")}
    assert generations == {1, 2}
    append(path, lines(*range(4_000)))
    await tailer.settle()
    generations = {entry.id.generation for entry in await entries_of(broker, "a")}
    assert generations == {2}


async def test_b3_total_retention_empties_the_coldest_sessions(
    broker: MemoryBroker, clock: Clock, tmp_path: Path
) -> None:
    """Ended sessions first, their last IDs stay."""
    retention = Retention(
        broker, session_bytes=2**40, total_bytes=len(lines(*range(100))) * 2
    )
    for number in range(4):
        path = tmp_path / f"s{number}.jsonl"
        path.write_bytes(lines(*range(100)))
        os.utime(path, (number, number))
        await Single(broker, path, clock, retention=retention).settle()
    held = [len(await entries_of(broker, f"s{number}")) for number in range(4)]
    assert held[0] == 0
    assert held[3] == 101
    [stored] = await broker.positions(["s0"])
    assert stored.last_id == (1, len(lines(*range(100))))
