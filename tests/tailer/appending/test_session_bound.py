"""What is said of sessions for which there is no room, and of those that went."""

import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tailcast_streams.births import Birth
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import SourceState
from tailcast_tailer.appending.session_bound import (
    COUNTED_SECONDS,
    HOT_SECONDS,
    REFUSED_SECONDS,
    TooManySessions,
)
from tailcast_tailer.instruments import Instruments
from tests.tailer.harness import append, lines
from tests.tailer.single import Clock, Single


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of tailers and broker alike."""
    clock = Clock()
    clock.now = 1_800_000_000.0
    monkeypatch.setattr("time.time_ns", lambda: int(clock.now * 1e9))
    return clock


def write(path: Path, at: float) -> None:
    """A line, at a time."""
    append(path, lines(1))
    os.utime(path, (at, at))


def two(broker: MemoryBroker, tmp_path: Path, clock: Clock) -> tuple[Single, Single]:
    """The tailers of `a.jsonl` and `b.jsonl`, where the broker keeps one session."""
    a, b = (
        Single(broker, tmp_path / f"{name}.jsonl", clock, max_sessions=1)
        for name in ("a", "b")
    )
    return a, b


async def test_a_file_is_refused_while_all_others_are_written(
    clock: Clock, tmp_path: Path
) -> None:
    """It is named with the reason, and is let in when one of them rests."""
    broker = MemoryBroker()
    first, second = two(broker, tmp_path, clock)
    write(tmp_path / "a.jsonl", clock.now)
    assert await first.follower.turn() is None
    clock.now += 1
    write(tmp_path / "b.jsonl", clock.now)

    assert await second.follower.turn() == REFUSED_SECONDS

    (source,) = second.register.sources.values()
    assert source.state is SourceState.REFUSED
    assert (
        source.reason
        == "the broker keeps 1 sessions, and all of them are being written"
    )
    assert "TAILCAST_MAX_SESSIONS" in source.mend
    assert list(await broker.sessions()) == ["a"]
    clock.now += HOT_SECONDS
    write(tmp_path / "b.jsonl", clock.now)
    await second.settle()
    assert list(await broker.sessions()) == ["b"]
    (source,) = second.register.sources.values()
    assert source.state is SourceState.FOLLOWED
    assert second.metric("refused") == second.metric("taken_out") == 1


async def test_a_file_that_is_colder_than_all_waits_without_being_read(
    clock: Clock, tmp_path: Path
) -> None:
    """Until it is written: who begins in another order takes nothing out."""
    broker = MemoryBroker()
    first, second = two(broker, tmp_path, clock)
    write(tmp_path / "a.jsonl", clock.now - 500)
    write(tmp_path / "b.jsonl", clock.now - 600)
    await first.settle()
    clock.now += 2 * HOT_SECONDS

    assert await second.follower.turn() is None

    (source,) = second.register.sources.values()
    assert source.reason == "the broker keeps 1 sessions, and all of them moved later"
    assert list(await broker.sessions()) == ["a"]


async def test_a_broker_that_takes_its_time(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took a session out has its place, however long that took."""
    broker = MemoryBroker()
    first, second = two(broker, tmp_path, clock)
    write(tmp_path / "a.jsonl", clock.now)
    await first.settle()
    clock.now += 2 * HOT_SECONDS
    write(tmp_path / "b.jsonl", clock.now)
    take_out = broker.take_out

    async def take_out_slowly(*args: Any, **options: Any) -> bool:
        clock.now += 2 * COUNTED_SECONDS
        return await take_out(*args, **options)

    monkeypatch.setattr(broker, "take_out", take_out_slowly)

    await second.settle()

    assert list(await broker.sessions()) == ["b"]
    assert (second.metric("refused"), second.metric("taken_out")) == (0, 1)


async def test_a_session_that_begins_is_not_one_too_many(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed before it has an entry, and may be counted with its place."""
    broker = MemoryBroker()
    first, second = two(broker, tmp_path, clock)
    write(tmp_path / "a.jsonl", clock.now)
    await first.settle()
    clock.now += 4 * HOT_SECONDS
    write(tmp_path / "b.jsonl", clock.now - 2 * HOT_SECONDS)
    bear = broker.bear

    async def bear_and_reduce(*args: Any, **options: Any) -> Birth:
        birth = await bear(*args, **options)
        assert await second.bound.reduce() == 0
        return birth

    monkeypatch.setattr(broker, "bear", bear_and_reduce)

    await second.settle()

    assert list(await broker.sessions()) == ["b"]
    assert second.metric("taken_out") == 1


async def test_a_session_that_begins_makes_no_room_for_another(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old its file is."""
    broker = MemoryBroker()
    one = Single(broker, tmp_path / "b.jsonl", clock, max_sessions=1)
    one.bound.followed["b"] = one.follower
    write(tmp_path / "b.jsonl", clock.now - 2 * HOT_SECONDS)
    bear = broker.bear

    async def bear_and_begin_another(*args: Any, **options: Any) -> Birth:
        birth = await bear(*args, **options)
        with pytest.raises(TooManySessions):
            async with one.bound.room_for("c", activity_ms=int(clock.now * 1_000)):
                pass
        return birth

    monkeypatch.setattr(broker, "bear", bear_and_begin_another)

    await one.settle()

    assert list(await broker.sessions()) == ["b"]


def test_refused_files_and_sessions_that_went_are_told_once_a_minute() -> None:
    """With how many there were since, and each is counted."""
    clock = Clock()
    instruments = Instruments(clock=clock)
    with capture_logs() as logs:
        for number in range(3):
            instruments.session_refused(f"s{number}")
            instruments.session_refused(f"s{number}")
            instruments.session_taken_out(f"o{number}")
        clock.now += 61
        instruments.session_refused("s3")
        instruments.session_taken_out("o3")
    told = [
        (one["last_session"], one.get("files", one.get("sessions"))) for one in logs
    ]
    assert told == [("s0", 1), ("o0", 1), ("s3", 3), ("o3", 3)]
    counted = instruments.exposition().decode()
    assert 'tailcast_tailer_refused_total{what="session"} 4.0' in counted
    assert "tailcast_tailer_taken_out_total 4.0" in counted
