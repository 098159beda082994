"""What a batch holds, and what its state says."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import Appended, Batch, StoredPosition, Whose
from tests.tailer.harness import (
    append,
    entries_of,
    line,
    lines,
    records_of,
    state_of,
    texts,
)
from tests.tailer.single import Clock, Single


KIBIBYTE = 1_024


async def test_line_that_is_too_long_is_told_once(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Wherever its newline is, and however it grew."""
    tailer = Single(broker, path, clock, max_line_bytes=KIBIBYTE)
    path.write_bytes(lines(1) + b'{"x":"')
    await tailer.settle()
    for _ in range(40):
        append(path, b"x" * 100_000)
        await tailer.settle()
    assert (await state_of(broker))["offset"] == len(line(1))
    append(path, b'"}\n' + lines(2))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2)
    [(_, rejection)] = broker.rejections("a")
    assert rejection.length == 40 * 100_000 + len('{"x":""}')
    assert rejection.head[:7] == b'{"x":"x'


async def test_state_says_how_far_a_session_is(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Counters, first and last step, owner."""
    tailer = Single(broker, path, clock)
    path.write_bytes(b'{"config":1}\n' + lines(3, 4) + b"[]\n")
    await tailer.settle()
    append(path, lines(*range(5, 2_000)) + b"\n\n")
    await tailer.settle()
    assert await state_of(broker) == {
        "generation": 1,
        "offset": path.stat().st_size,
        "backlog_end": len(b'{"config":1}\n' + lines(3, 4) + b"[]\n"),
        "start": 0,
        "records": 1_998,
        "rejected": 1,
        "owner": "host:test",
    }


async def test_lost_reply_is_no_repetition(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """An append that was done and not answered is found done."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1))
    await tailer.settle()
    follower = tailer.follower
    before = follower._belief.stored
    append(path, lines(2))
    await tailer.settle()
    follower._belief.stored = before
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2)
    assert tailer.metric("conflicts") == 1


async def test_two_tailers_with_one_view_append_each_line_once(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Whoever comes second finds it done."""
    tailers = [Single(broker, path, clock, owner=name) for name in ("one", "two")]
    for step in range(20):
        append(path, lines(step))
        for tailer in tailers if step % 3 else reversed(tailers):
            await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(20))


async def test_an_append_says_whose_the_session_is_only_if_that_changes(
    broker: MemoryBroker, clock: Clock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is long, and compared instead of sent."""
    batches: list[Batch] = []
    inner = broker.append

    async def noting(batch: Batch) -> Appended:
        batches.append(batch)
        return await inner(batch)

    monkeypatch.setattr(broker, "append", noting)
    for step, owner in enumerate(("one", "one", "two", "two")):
        append(path, lines(step))
        await Single(broker, path, clock, owner=owner).settle()
    told = [batch.fields.get("owner") for batch in batches]
    assert told == ["one", None, "two", None]
    assert [batch.fields.get("path") for batch in batches] == [
        str(path), None, str(path), None
    ]  # fmt: skip  # as the line above
    assert batches[1].expected_whose == Whose("one", str(path))
    assert await records_of(broker, "a") == texts(*range(4))


async def test_who_appends_owns_the_session_though_it_was_given_up_unseen(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Nothing moved by that, so the position alone would not show it."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1))
    await tailer.settle()
    position = (await broker.positions(["a"]))[0]
    given_up = Batch(
        session="a", expected=position, incarnation=position.incarnation,
        generation=position.generation, offset=position.offset, entries=(),
        fields={"owner": ""},
    )  # fmt: skip  # one name a line would hide what they are
    assert await broker.append(given_up) is Appended.DONE
    append(path, lines(2))
    await tailer.settle()
    assert (await state_of(broker))["owner"] == "host:test"
    assert await records_of(broker, "a") == texts(1, 2)


async def test_batches_are_bounded(
    broker: MemoryBroker, clock: Clock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most a thousand entries, at most a mebibyte."""
    sizes: list[tuple[int, int]] = []
    inner = broker.append

    async def noting(batch: Batch) -> Appended:
        size = sum(len(entry.record) for entry in batch.entries)
        sizes.append((len(batch.entries), size))
        return await inner(batch)

    monkeypatch.setattr(broker, "append", noting)
    path.write_bytes(
        lines(*range(2_500)) + b"".join(line(9, x="y" * 90_000) for _ in range(50))
    )
    await Single(broker, path, clock).settle()
    assert max(count for count, _ in sizes) <= 1_001
    assert max(size for _, size in sizes) <= 1_048_576
    assert len(await records_of(broker, "a")) == 2_550


async def test_unreadable_file_is_not_deleted(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Absence is no event: what is stored stays, and reading goes on after it."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1))
    await tailer.settle()
    away = path.with_suffix(".away")
    path.rename(away)
    tailer.follower.release()
    await tailer.settle()
    tailer.follower.reload_state()
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1)
    away.rename(path)
    append(path, lines(2))
    await tailer.settle()
    entries = await entries_of(broker, "a")
    assert {entry.id.generation for entry in entries} == {1}
    assert StoredPosition() != (await broker.positions(["a"]))[0]
