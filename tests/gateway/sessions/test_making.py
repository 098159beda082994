"""Indexes that are made here are kept, as long as there is room, and read on from."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.sessions import indexed as module, making
from tailcast_gateway.sessions.core.runs import Known
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_gateway.sessions.making import Making
from tailcast_streams.indexes import WholeIndex
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID
from tests.gateway.sessions.test_curves import NOW_MS, RULES, numbered, stored


class Counting(MemoryBroker):
    """Counts the entries that are read of it."""

    read = 0

    async def read_after(self, session: str, after: EntryID, *, limit: int) -> Any:
        found = await super().read_after(session, after, limit=limit)
        self.read += len(found)
        return found


def reading(broker: MemoryBroker) -> Indexed:
    """What reads sessions."""
    return Indexed(
        broker, rules=RULES, now_ms=lambda: NOW_MS, broker_now_ms=lambda: NOW_MS
    )


async def listed(sessions: Indexed) -> Known:
    """What a list says of the session."""
    (one,) = await sessions.heads(["s"])
    return one.known


@given(
    counts=st.lists(st.integers(1, 15), min_size=1, max_size=4),
    kept=st.sampled_from([1, making.KEPT_BYTES]),
    tail=st.sampled_from([1, 1_000]),
)
async def test_it_says_the_same_however_it_came_to_be(
    counts: list[int], kept: int, tail: int
) -> None:
    """Read at once, or bit by bit, whatever is kept of it and read on."""
    broker = MemoryBroker()
    sessions = reading(broker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "KEPT_BYTES", kept)
        patch.setattr(module, "TAIL_ENTRIES", tail)
        for count in counts:
            await stored(broker, numbered([{"loss": 1}, {"lr": 2, "loss": 3}], count))
            found, fresh = await listed(sessions), await listed(reading(broker))
            assert (found.summary, found.indexed_to) == (fresh.summary, None)
            seen, again = [
                (await one.snapshots(["s"], ["loss", "no"]))[0]
                for one in (sessions, reading(broker))
            ]
            assert seen is not None
            assert again is not None
            assert seen.snapshot == again.snapshot


async def test_what_has_not_moved_is_not_read_again() -> None:
    """And of what has, only what is new."""
    broker = Counting()
    sessions = reading(broker)
    await stored(broker, numbered([{"loss": 1}], 100))
    await listed(sessions)
    broker.read = 0
    known = await listed(sessions)
    assert known.summary is not None
    assert (known.summary.records, broker.read) == (100, 0)
    await stored(broker, numbered([{"loss": 1}], 3))
    known = await listed(sessions)
    assert known.summary is not None
    assert (known.summary.records, broker.read) == (103, 3)


async def test_a_file_that_began_anew_is_read_anew() -> None:
    """Nothing of the old one is told."""
    broker = MemoryBroker()
    sessions = reading(broker)
    await stored(broker, numbered([{"loss": 1}], 100))
    await listed(sessions)
    broker._stored.streams.clear()
    broker._stored.states.clear()
    await stored(broker, numbered([{"loss": 1}], 2))
    known = await listed(sessions)
    assert known.summary is not None
    assert known.summary.records == 2


async def made(broker: MemoryBroker, sessions: Sequence[str], kept: int) -> Making:
    """What has made the indexes of some sessions, one after the other."""
    maker = Making(broker, rules=RULES, now_ms=lambda: NOW_MS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "KEPT_BYTES", kept)
        for session in sessions:
            broker._stored.streams[session] = broker._stored.streams["s"]
            (head,) = await broker.heads(["s"])
            assert await maker.make(session, head, most_bytes=10**6) is not None
    return maker


async def test_what_was_asked_for_last_is_kept() -> None:
    """As far as there is room."""
    broker = MemoryBroker()
    await stored(broker, numbered([{"loss": 1}], 9))
    size = making._size_of((await made(broker, ["s"], 10**6)).kept("s"))
    assert size > 1_024
    maker = await made(broker, ["s"], size - 1)
    assert maker.kept("s") == WholeIndex()
    maker = await made(broker, ["s", "t", "s", "u"], 2 * size)
    assert [bool(maker.kept(one).stored.at) for one in "stu"] == [True, False, True]
