"""Scenarios A: what the broker or the file may do to what was appended."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import os
from pathlib import Path

import pytest

from tailcast_streams.claims import contests
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID
from tests.tailer.harness import (
    append,
    check_chain,
    entries_of,
    generation_of,
    line,
    lines,
    records_of,
    state_of,
    texts,
)
from tests.tailer.single import Clock, Single


KIBIBYTE = 1_024


async def test_a1_same_bytes_get_the_same_ids_after_a_loss(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """No time is in an ID: later, elsewhere and in other batches it is the same."""
    path.write_bytes(lines(*range(2_500)))
    await Single(broker, path, clock).settle()
    before = await entries_of(broker, "a")
    broker.wipe()
    os.utime(path, (0, 0))
    clock.now += 1e6
    await Single(broker, path, clock, owner="elsewhere").settle()
    assert await entries_of(broker, "a") == before


async def test_a1_rewritten_file_is_told_whatever_its_records_say(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Lines with earlier times than before get higher IDs, after a marker."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(10), time="2099-01-01T00:00:00Z"))
    await tailer.settle()
    path.write_bytes(lines(*range(5), time="1999-01-01T00:00:00Z"))
    await tailer.settle()
    entries = await entries_of(broker, "a")
    check_chain(entries)
    second = generation_of(entries, 2)
    assert second[0].kind is Kind.MARKER
    assert len(second) == 6


async def test_a2_idle_file_is_read_again_after_a_rollback(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Nobody appends to it ever again, and still its last lines come back."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2))
    await tailer.settle()
    checkpoint = broker.checkpoint()
    append(path, lines(3))
    await tailer.settle()
    before = await entries_of(broker, "a")
    broker.roll_back(checkpoint)
    [stored] = await broker.positions(["a"])
    assert stored != tailer.follower.believed
    tailer.follower.reload_state()
    await tailer.settle()
    assert await entries_of(broker, "a") == before
    assert tailer.metric("healed_bytes") == len(line(3))


@pytest.mark.parametrize("lost", ["stream", "state", "both", "all"])
async def test_a3_deleted_keys_lead_to_a_new_incarnation(
    broker: MemoryBroker, clock: Clock, path: Path, lost: str
) -> None:
    """Whichever key is gone, the session is whole again, with the same IDs."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2) + b"[]\n")
    await tailer.settle()
    before = await entries_of(broker, "a")
    broker.delete("a", stream=lost != "state", state=lost != "stream")
    if lost == "all":
        broker._stored.rejected.clear()
    append(path, lines(3))
    await tailer.settle()
    assert (await entries_of(broker, "a"))[:-1] == before
    assert await records_of(broker, "a") == texts(1, 2, 3)
    assert len(broker.rejections("a")) == 1
    # With everything gone this is a beginning, and counts as nothing.
    assert tailer.metric("diverged") == (lost != "all")


async def test_a3_foreign_entry_leads_to_a_new_incarnation(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """An entry written by hand goes; the file is the truth."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2))
    await tailer.settle()
    stream = broker._stored.streams["a"]
    stream.add(Entry(EntryID(1, 999), stream.last_id, Kind.RECORD, b"{}"))
    append(path, lines(3))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 2, 3)


async def test_a3_mending_is_limited_to_once_a_minute(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Who fights with us over a stream does not make us spin."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1))
    await tailer.settle()
    started = clock.now
    for _ in range(3):
        broker.delete("a", stream=True)
        tailer.follower.reload_state()
        await tailer.settle()
    assert clock.now - started >= 120
    assert tailer.metric("diverged") == 3


async def test_a3_state_set_back_by_hand_is_mended(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """An offset below the last entry could never be followed on from."""
    path.write_bytes(lines(1, 2))
    await Single(broker, path, clock).settle()
    state = broker._stored.states["a"]
    position = state.position._replace(offset=3)
    broker._stored.states["a"] = state._replace(position=position)
    await Single(broker, path, clock).settle()
    assert await records_of(broker, "a") == texts(1, 2)


async def test_a4_stale_view_of_another_tailer_declares_nothing(
    broker: MemoryBroker, clock: Clock, path: Path, tmp_path: Path
) -> None:
    """It sees an older, shorter file; the owner sees it too, so it is refused."""
    owner = Single(broker, path, clock, owner="one:/logs")
    path.write_bytes(lines(*range(100)))
    await owner.settle()
    await broker.hold_presence("one:/logs", seconds=60)
    (tmp_path / "stale").mkdir()
    stale_path = tmp_path / "stale" / "a.jsonl"
    stale_path.write_bytes(lines(*range(59)))
    stale = Single(broker, stale_path, clock, owner="two:/logs")
    for _ in range(200):
        clock.now += await stale.follower.turn() or 0.1
        for claim in await broker.claims.read():
            await broker.claims.answer(claim)
    assert len(await records_of(broker, "a")) == 100
    assert stale.metric("refused") == 1
    stale_path.write_bytes(lines(*range(101)))
    await stale.settle()
    assert await broker.claims.read() == []
    await owner.settle()
    assert await records_of(broker, "a") == texts(*range(101))
    assert (await state_of(broker))["owner"] == "two:/logs"


async def test_a4_owner_that_is_gone_is_succeeded(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """A tailer that moved to another machine may say that the file began anew."""
    path.write_bytes(lines(*range(9)))
    await Single(broker, path, clock, owner="one:/logs").settle()
    path.write_bytes(lines(50))
    await Single(broker, path, clock, owner="two:/logs").settle()
    state = await state_of(broker)
    assert (state["generation"], state["owner"]) == (2, "two:/logs")


async def test_a4_rewriting_the_same_bytes_in_place_repeats_nothing(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """`scp` over the file, looked at in the middle of it, again and again."""
    tailer = Single(broker, path, clock)
    data = lines(*range(1_000))
    path.write_bytes(data)
    await tailer.settle()
    for _ in range(5):
        for end in range(0, len(data), len(data) // 7):
            path.write_bytes(data[:end])
            clock.now += 0.1 + (await tailer.follower.turn() or 0)
        path.write_bytes(data)
        await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(1_000))
    assert (await state_of(broker))["generation"] == 1


async def test_a4_rewrites_again_and_again_are_bounded(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """One generation in ten seconds, the newest; then the run that does not crash."""
    tailer = Single(broker, path, clock)
    for number in range(60):
        path.write_bytes(lines(number * 10, number * 10 + 1))
        ends_at = clock.now + 1.0
        while clock.now < ends_at:
            clock.now += await tailer.follower.turn() or 0.1
    state = await state_of(broker)
    assert 5 <= int(str(state["generation"])) <= 8
    assert tailer.metric("contested") >= 1
    # Who watches is told while something waits, and when it is over.
    me = "host:test"
    assert contests(await broker.claims.read(), {me}) == {"a": [me]}
    for step in range(1_000, 1_011):
        append(path, lines(step))
        clock.now += 1.0
        await tailer.follower.turn()
    records = await records_of(broker, "a")
    assert records[-13:] == texts(590, 591, *range(1_000, 1_011))
    assert await broker.claims.read() == []


async def test_a4_rewritten_file_that_stands_still_is_taken(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Five seconds later, though another rewrite was just before it."""
    tailer = Single(broker, path, clock)
    for step in range(4):
        path.write_bytes(lines(step * 10, step * 10 + 1))
        started = clock.now
        await tailer.settle()
        assert clock.now - started < 8
    assert (await records_of(broker, "a"))[-2:] == texts(30, 31)


async def test_a4_resume_that_cuts_back_is_taken_at_its_first_line(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """It is shorter than what was read, and goes on with a line each second."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(50)) + b"\n[]\n")
    await tailer.settle()
    path.write_bytes(lines(*range(30)))
    for _ in range(3):
        clock.now += await tailer.follower.turn() or 0.1
    append(path, lines(30, loss2=1))
    for _ in range(3):
        clock.now += await tailer.follower.turn() or 0.1
    second = generation_of(await entries_of(broker, "a"), 2)
    assert second[0].id.offset == len(lines(*range(30)))
    assert [entry.record for entry in second[1:]] == texts(30, loss2=1)


async def test_a4_lines_that_are_the_same_again_are_waited_for(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Cut back, it goes on as it was, past what was read: nothing is told again."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(50)))
    await tailer.settle()
    path.write_bytes(lines(*range(30)))
    for step in range(30, 55):
        for _ in range(3):
            clock.now += await tailer.follower.turn() or 0.1
        append(path, lines(step))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(*range(55))
    assert (await state_of(broker))["generation"] == 1


async def test_a4_file_that_grew_past_the_offset_again_is_noticed(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Truncated and longer than before between two looks: no line is cut in two."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(*range(10)))
    await tailer.settle()
    path.write_bytes(b'{"other":1}\n' + lines(*range(20, 40)))
    await tailer.settle()
    entries = generation_of(await entries_of(broker, "a"), 2)
    assert [entry.record for entry in entries[1:]] == [
        b'{"other":1}', *texts(*range(20, 40)),
    ]  # fmt: skip


async def test_a4_nuls_are_waited_for_and_then_a_hole(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Bytes that are not visible yet come; those that never do are a hole."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1) + b"\0" * 25 + b"\n")
    await tailer.follower.turn()
    assert await tailer.follower.turn() is not None
    path.write_bytes(lines(1, 22, 3))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 22, 3)
    append(path, b"\0" * 10 + line(4) + b"\0\0\n" + line(5))
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1, 22, 3, 4, 5)
    assert tailer.metric("holes") == 1
    assert [one.reason for _, one in broker.rejections("a")] == [
        "a hole: NUL bytes alone"
    ]


async def test_a6_every_entry_names_the_one_before(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Across batches, generations, rejections and restarts."""
    for steps in (range(2_500), range(1_200), range(3_000)):
        path.write_bytes(lines(*steps) + b"[]\n" + lines(7))
        await Single(broker, path, clock).settle()
    entries = await entries_of(broker, "a")
    check_chain(entries)
    assert entries[0].previous == (0, 0)
    assert [entry.id.generation for entry in entries if entry.kind is Kind.MARKER] == [
        1, 2, 3,
    ]  # fmt: skip


async def test_a9_what_was_there_at_the_start_is_history(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """`backlog_end` is its size then, also after the broker lost the state."""
    tailer = Single(broker, path, clock)
    path.write_bytes(lines(1, 2))
    await tailer.settle()
    size = len(lines(1, 2))
    assert (await state_of(broker))["backlog_end"] == size
    append(path, lines(3))
    await tailer.settle()
    assert (await state_of(broker))["backlog_end"] == size
    broker.wipe()
    tailer.follower.reload_state()
    await tailer.settle()
    assert (await state_of(broker))["backlog_end"] == len(lines(1, 2, 3))


async def test_a9_file_that_appears_later_is_news(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """All of it came while somebody could watch."""
    path.write_bytes(lines(1, 2))
    await Single(broker, path, clock, was_there_at_start=False).settle()
    assert (await state_of(broker))["backlog_end"] == 0


async def test_a9_start_at_end_tells_what_it_leaves_out(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """A gap entry says from where to where, again after a loss."""
    data = lines(*range(5_000))
    path.write_bytes(data + b'{"part')
    tailer = Single(broker, path, clock, starts_at_end=True)
    await tailer.settle()
    append(path, b'ial":1}\n')
    await tailer.settle()
    entries = await entries_of(broker, "a")
    assert [entry.kind for entry in entries] == [Kind.MARKER, Kind.GAP, Kind.RECORD]
    details = {"from": "1-0", "to": f"1-{len(data)}", "reason": "left_out"}
    assert entries[1].details == details
    assert entries[1].id == (1, len(data))
    broker.wipe()
    tailer.follower.reload_state()
    await tailer.settle()
    assert await entries_of(broker, "a") == entries


async def test_a9_start_at_end_keeps_a_proved_prefix(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """A rewrite that kept the front begins after it, the gap proved by the head."""
    path.write_bytes(lines(*range(10)))
    tailer = Single(broker, path, clock, starts_at_end=True)
    await tailer.settle()
    append(path, lines(10, 11))
    await tailer.settle()
    path.write_bytes(lines(*range(11)) + lines(99))
    await tailer.settle()
    assert (await state_of(broker))["start"] == len(lines(*range(11)))


async def test_start_at_end_of_an_empty_file_is_its_beginning(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Nothing is left out, so nothing is told."""
    path.write_bytes(b'{"step')
    tailer = Single(broker, path, clock, starts_at_end=True)
    await tailer.settle()
    path.write_bytes(lines(1))
    await tailer.settle()
    assert [entry.kind for entry in await entries_of(broker, "a")] == [
        Kind.MARKER, Kind.RECORD,
    ]  # fmt: skip
