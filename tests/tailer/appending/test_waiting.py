"""What an index still needs of its stream is not trimmed, within bounds."""

import asyncio

from hypothesis import given, strategies as st

from tailcast_streams.indexers import Indexer
from tailcast_streams.indexes import IndexWrite, Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_tailer.appending.retention import (
    SLACK_SHARE,
    WAITING_BUDGETS,
    Retention,
)
from tests.conformance.batches import append, first_batch, position, record


LINE_BYTES = 30
BUDGET = 100 * LINE_BYTES
MOST_LINES = 20
# What is kept is the budget, and the line that reaches into it.
KEPT_LINES = 101
INDEXER = Indexer("i", "0.1.0", 1, 0, 0, 0)


class World:
    """A broker, a retention that is told of each append, and what it trimmed."""

    def __init__(self, *, total_bytes: int = 2**40) -> None:
        self.broker = MemoryBroker()
        # What was trimmed that an index needed: session and why.
        self.unindexed: list[tuple[str, str, int]] = []
        self.retention = Retention(
            self.broker,
            session_bytes=BUDGET,
            total_bytes=total_bytes,
            on_unindexed=self._note,
        )
        self.ages: dict[str, int] = {}

    def _note(self, session: str, why: str, size: int) -> None:
        self.unindexed.append((session, why, size))

    async def is_indexed(self) -> None:
        """An indexer is there."""
        await self.broker.indexers.hold(INDEXER, seconds=50)

    async def write(self, count: int, *, session: str = "a") -> None:
        """So many lines more of a session."""
        stored = await position(self.broker, session)
        start = stored.offset
        if not stored.incarnation:
            await self.broker.append(first_batch(session=session, offset=0))
        entries = [record(start + LINE_BYTES * n) for n in range(1, count + 1)]
        end = entries[-1].offset
        await append(self.broker, *entries, offset=end, session=session)
        self.ages.setdefault(session, len(self.ages))
        await self.retention.after_append(
            session,
            await position(self.broker, session),
            generation_start=0,
            added=end - start,
            activity_ms=self.ages[session],
        )

    async def index(self, lines: int, *, session: str = "a") -> None:
        """The index of a session needs what is behind so many lines."""
        (at,) = await self.broker.indexes.ats([session])
        end = EntryID(1, LINE_BYTES * lines)
        write = IndexWrite(
            session=session,
            expected=at,
            at=f"i1 {end} 00000000 1",
            fields={"needs": str(end).encode()},
        )
        if at != write.at:
            assert await self.broker.indexes.write([write]) == [Written.DONE]

    async def first(self, session: str = "a") -> int:
        """How many lines at the beginning the stream does not have."""
        oldest = await self.broker.read_after(session, BEFORE_ALL, limit=1)
        return oldest[0].previous.offset // LINE_BYTES

    async def kept(self, session: str = "a") -> int:
        """How many lines the stream has."""
        return (await position(self.broker, session)).offset // LINE_BYTES - (
            await self.first(session)
        )


async def test_a_stream_waits_for_its_index() -> None:
    """Beyond its budget, until the index has what is to go; from there on as ever."""
    world = World()
    await world.is_indexed()
    for _ in range(15):
        await world.write(10)
    assert await world.kept() == 150
    await world.index(40)
    await world.write(10)
    assert await world.first() == 40
    await world.index(160)
    await world.write(10)
    assert await world.kept() == KEPT_LINES
    assert not world.unindexed


async def test_an_index_is_waited_for_though_its_indexer_is_gone() -> None:
    """It comes back: nobody takes its index away meanwhile."""
    world = World()
    await world.write(50)
    await world.index(20)
    await world.write(100)
    assert await world.first() == 20


async def test_nothing_waits_where_nobody_makes_indexes() -> None:
    """Nor for an index of an earlier life of the stream."""
    world = World()
    await world.write(150)
    assert await world.kept() == KEPT_LINES
    await world.broker.indexes.write(
        [IndexWrite(session="a", expected="", at="i0 1-30 00000000 1")]
    )
    await world.write(50)
    assert await world.kept() == KEPT_LINES
    assert not world.unindexed


async def test_a_stream_holds_twice_its_budget_at_most() -> None:
    """Then what the index lacks goes too, and how much that was is told."""
    world = World()
    await world.is_indexed()
    await world.write(60)
    await world.index(50)
    for _ in range(20):
        await world.write(10)
    assert await world.kept() <= 2 * 100 + 100 // SLACK_SHARE + 10
    lost = sum(size for *_, size in world.unindexed)
    assert {told[:2] for told in world.unindexed} == {("a", "session")}
    assert lost == (await world.first() - 50) * LINE_BYTES > 0


async def test_a_full_broker_waits_for_no_index() -> None:
    """What is indexed goes first, of whichever session, and then the rest."""
    world = World()
    await world.is_indexed()
    await world.write(50, session="cold")
    await world.write(50, session="warm")
    await world.index(20, session="warm")
    await world.retention.make_room()
    assert await world.first("cold") == 0
    assert await world.first("warm") == 9
    await world.retention.make_room()
    assert not world.unindexed
    await world.retention.make_room()
    assert await world.first("cold") > 0
    assert {told[:2] for told in world.unindexed} == {("cold", "full")}


async def test_all_streams_together_wait_for_no_index() -> None:
    """The total is what the broker has room for."""
    world = World(total_bytes=BUDGET)
    await world.is_indexed()
    await world.write(60, session="cold")
    await world.write(60, session="warm")
    assert await world.kept("cold") == 41
    assert world.unindexed == [("cold", "total", 19 * LINE_BYTES)]


async def test_what_lived_its_time_waits_if_it_is_to() -> None:
    """It is emptied as far as it is indexed, and says whether that was all."""
    world = World()
    await world.is_indexed()
    await world.write(50)
    await world.index(20)
    assert not await world.retention.empty("a", why="age", waits=True)
    assert await world.first() == 20
    await world.index(50)
    assert await world.retention.empty("a", why="age", waits=True)
    assert not await world.broker.read_after("a", BEFORE_ALL, limit=1)
    assert await world.retention.empty("b", why="age", waits=True)


@given(
    st.lists(
        st.tuples(st.integers(1, MOST_LINES), st.floats(0, 1, allow_nan=False)),
        max_size=40,
    )
)
def test_retention_is_bounded_and_takes_only_what_is_indexed(
    steps: list[tuple[int, float]],
) -> None:
    """Whatever is appended, and however far the index has come each time."""
    asyncio.run(_judge(steps))


async def _judge(steps: list[tuple[int, float]]) -> None:
    world = World()
    await world.is_indexed()
    written = indexed = 0
    for count, share in steps:
        await world.write(count)
        written += count
        kept = await world.kept()
        most = WAITING_BUDGETS * 100
        assert kept <= most + 100 // SLACK_SHARE + MOST_LINES + 1
        if written - kept > indexed:
            # What the index lacks went for want of room alone.
            assert kept >= most - 1
            assert world.unindexed
        else:
            assert kept >= min(written, 100)
        indexed = max(indexed, int(written * share))
        if indexed:
            await world.index(indexed)
    await world.index(written)
    await world.write(MOST_LINES)
    assert await world.kept() <= 100 + 100 // SLACK_SHARE + MOST_LINES + 1


async def test_a_stream_that_waited_is_not_taken_for_a_smaller_one() -> None:
    """By a tailer that begins anew: what it is told of the total is never too low."""
    world = World()
    await world.is_indexed()
    await world.write(180)
    anew = Retention(world.broker, session_bytes=BUDGET, total_bytes=2**40)
    anew.note("a", await position(world.broker, "a"), activity_ms=1)
    assert anew.total == 180 * LINE_BYTES
