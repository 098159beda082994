"""What is kept of emergencies, whatever happens to the file and to its indexer."""

import asyncio

from hypothesis import given, strategies as st

from tailcast_streams.entries import Kind
from tailcast_streams.memory.broker import MemoryBroker
from tests.tailcast_index.fold.world import File, Indexer, Store


# What happens: lines, emergencies, a cut to so many lines, the stream is trimmed as far
# as it is indexed, entries are folded, it is written, or the indexer is killed, before
# it writes its index or before anything.
ACTIONS = st.one_of(
    st.tuples(st.just("line"), st.integers(1, 5)),
    st.tuples(st.just("alarm"), st.integers(1, 3)),
    st.tuples(st.just("cut"), st.integers(0, 8)),
    st.tuples(st.just("trim"), st.integers(1, 9)),
    st.tuples(st.just("fold"), st.integers(1, 9)),
    st.tuples(st.sampled_from(["write", "die writing", "die"]), st.just(0)),
)


class World:
    """A file, and who indexes it."""

    def __init__(self) -> None:
        self.file = File()
        self.store = Store()
        self.broker = MemoryBroker()
        self.indexer = Indexer(self.file, self.store)
        self.steps = 0

    async def act(self, what: str, count: int) -> None:
        """One thing happens."""
        if what in {"line", "alarm"}:
            for _ in range(count):
                self.steps += 1
                alarm = {"emergency": {"reason": "x"}} if what == "alarm" else {}
                self.file.append({"step": self.steps, **alarm})
        elif what == "cut":
            self.file.cut(min(count, len(self.file.ends)))
        elif what == "trim":
            at = Indexer(self.file, self.store).index.cursor.id
            indexed = [one for one in self.file.stream if one.id <= at]
            self.file.trim(min(count, len(indexed)))
        elif what == "fold":
            self.indexer.fold(count)
        else:
            if what != "die":
                await self.write(is_killed=what == "die writing")
            self.indexer = Indexer(self.file, self.store)

    async def write(self, *, is_killed: bool = False) -> None:
        """As the service does: emergencies first."""
        index = self.indexer.index
        while index.stale is not None:
            index.restart(next(iter(self.file.stream), None))
        write = index.take_changes()
        if write is None:
            return
        if write.emergencies is not None:
            await self.broker.emergencies.keep([write.emergencies])
        if not is_killed:
            assert self.store.write(write)

    async def finish(self) -> None:
        """All that there is is indexed."""
        self.indexer = Indexer(self.file, self.store)
        self.indexer.catch_up()
        await self.write()


@given(st.lists(ACTIONS, max_size=30))
def test_each_is_kept_once_and_known_for_what_it_is(
    actions: list[tuple[str, int]],
) -> None:
    """All that ever came, and whether the file has the line still."""

    async def live() -> None:
        world = World()
        for what, count in actions:
            await world.act(what, count)
        await world.finish()
        history = await world.broker.emergencies.load()
        alarms = {
            one.cursor for one in world.file.history if one.kind is Kind.EMERGENCY
        }
        assert sorted(one.cursor for one in history.kept) == sorted(alarms)
        cuts = [one.id for one in world.file.history if one.kind is Kind.MARKER]
        for one in history.kept:
            generation, offset = one.cursor.id
            is_lost = any(later > generation and offset > kept for later, kept in cuts)
            assert history.lives["s"].has(one) is not is_lost

    asyncio.run(live())


def test_a_view_tells_those_that_it_has_folded() -> None:
    """Once each: the next call has those that came after."""
    file = File()
    index = Indexer(file, Store()).index
    index.restart(None)
    for step in range(3):
        file.append({"step": step, "emergency": {"reason": "x"}})
    index.fold(file.stream, now_ms=0)
    assert [one.cursor.id for one in index.take_found()] == [
        one.id for one in file.stream if one.kind is Kind.EMERGENCY
    ]
    assert index.take_found() == []
