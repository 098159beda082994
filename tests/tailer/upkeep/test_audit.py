"""What an audit asks for: of thousands some in turn, all when something is missing."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import StoredPosition
from tailcast_tailer.app import Tailer
from tailcast_tailer.upkeep import audit
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


SHARE = 10
FILES = 3 * SHARE


class Asked(MemoryBroker):
    """A broker that remembers for which positions it was asked at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[set[str]] = []
        # Whether the list of sessions cannot be written to, how often that was tried,
        # and how many write to it now.
        self.is_cut_off = False
        self.refused = 0
        self.touching = 0

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        self.asked.append(set(sessions))
        return await super().positions(sessions)

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        self.touching += 1
        try:
            if self.is_cut_off:
                self.refused += 1
                raise BrokerUnavailable("cut off")
            await super().touch(activity_ms)
        finally:
            self.touching -= 1


async def take_out(broker: Asked) -> None:
    """Have the session taken out, as another tailer does that needs its room."""
    (seen,) = await broker.positions(["a"])
    assert await broker.take_out(
        "a", seen, at_ms=1, told_seconds=600, edits_seconds=600
    )


async def is_told(tailer: Tailer, broker: Asked) -> bool:
    """Whether the list of sessions has all that was appended."""
    return not tailer._audit._untouched and not broker.touching


async def test_an_audit_asks_for_a_share_until_something_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody's turn comes; a broker that forgot is asked for all of it at once."""
    monkeypatch.setattr(audit, "AUDIT_SHARE", SHARE)
    broker = Asked()
    names = [f"s{number}" for number in range(FILES)]
    for name in names:
        session_path(tmp_path, name).write_bytes(lines(1))
    async with running(broker, tmp_path, audit_interval=0.05):
        for name in names:
            await wait_for_records(broker, name, texts(1))
        broker.asked.clear()

        async def have_had_turns() -> bool:
            return len(broker.asked) >= FILES // SHARE

        await eventually(have_had_turns)
        some = broker.asked[: FILES // SHARE]
        assert set().union(*some) == set(names)
        assert {len(one) for one in some} == {SHARE}
        for name in names:
            state = await broker.load(name)
            assert state is not None
            assert await broker.discard(name, state.position)

        async def was_asked_for_the_rest() -> bool:
            # An audit may have begun while they were being discarded.
            return FILES - SHARE in map(len, broker.asked)

        await eventually(was_asked_for_the_rest)
        for name in names:
            await wait_for_records(broker, name, texts(1))


async def test_a_session_that_another_tailer_took_out_is_not_listed_again(
    tmp_path: Path,
) -> None:
    """By the one that was cut off meanwhile; once its file goes on it is back."""
    broker = Asked()
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    async with running(broker, tmp_path, audit_interval=0.05) as tailer:
        await wait_for_records(broker, "a", texts(1))
        await eventually(partial(is_told, tailer, broker))
        await take_out(broker)
        broker.asked.clear()

        async def was_compared() -> bool:
            return len(broker.asked) >= 2

        await eventually(was_compared)

        assert not await broker.sessions()
        append(path, lines(2))
        await wait_for_records(broker, "a", texts(1, 2))
        assert list(await broker.sessions()) == ["a"]


async def test_what_was_not_told_before_it_was_cut_off_lists_none_again(
    tmp_path: Path,
) -> None:
    """What it tells later is that the session was active, not that it is there."""
    broker = Asked()
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    async with running(broker, tmp_path) as tailer:
        await wait_for_records(broker, "a", texts(1))
        broker.is_cut_off = True
        append(path, lines(2))
        await wait_for_records(broker, "a", texts(1, 2))

        async def was_refused() -> bool:
            return broker.refused > 0

        await eventually(was_refused)
        await take_out(broker)
        broker.is_cut_off = False
        await eventually(partial(is_told, tailer, broker))
        assert not await broker.sessions()
