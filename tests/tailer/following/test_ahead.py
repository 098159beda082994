"""The next portion of a backlog is read while the one before is on its way."""

import asyncio
from pathlib import Path
from weakref import WeakSet

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.file_system import Glimpse, Identity
from tailcast_tailer.files.looks import Look, Source
from tailcast_tailer.files.portions import Place
from tailcast_tailer.following.ahead import MOST_AHEAD, Ahead
from tests.tailer.harness import lines, records_of, texts
from tests.tailer.single import Clock, Single


STEPS = range(2_500)
LOOK = Look(
    Source.PATH,
    Glimpse(0, 0, 0, Identity(1, 1)),
    Verdict.HOLDS,
    Verdict.HOLDS,
    None,
    was_replaced=False,
    is_first=False,
)
PLACE = Place(7, "", "")


class Gated(MemoryBroker):
    """A broker that appends when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.is_open = asyncio.Event()

    async def append(self, batch: Batch) -> Appended:
        self.is_asked.set()
        await self.is_open.wait()
        return await super().append(batch)


def looks(single: Single) -> float:
    """How many looks at its file were made."""
    return single.metric("looks")


async def test_a_portion_is_read_while_the_one_before_is_appended(
    tmp_path: Path,
) -> None:
    """The next turn looks at nothing anew, and has the lines that follow."""
    path, broker = tmp_path / "run.jsonl", Gated()
    path.write_bytes(lines(*STEPS))
    single = Single(broker, path, Clock())
    turn = asyncio.ensure_future(single.follower.turn())
    await broker.is_asked.wait()
    while looks(single) < 2:
        await asyncio.sleep(0)
    assert await records_of(broker, "run") == []
    broker.is_open.set()
    assert await turn == 0.0
    first = await records_of(broker, "run")
    broker.is_open.clear()
    broker.is_asked.clear()
    turn = asyncio.ensure_future(single.follower.turn())
    await broker.is_asked.wait()
    broker.is_open.set()
    await turn
    second = await records_of(broker, "run")
    # One look for each turn so far, and the one that is made ahead of the next.
    assert len(first) < len(second)
    assert looks(single) <= 3
    await single.settle()
    assert await records_of(broker, "run") == texts(*STEPS)


async def test_what_was_read_ahead_of_another_place_is_not_taken(
    tmp_path: Path,
) -> None:
    """If somebody else appended meanwhile, it is read again from where they ended."""
    path, broker = tmp_path / "run.jsonl", Gated()
    path.write_bytes(lines(*STEPS))
    single, other = Single(broker, path, Clock()), Single(broker, path, Clock())
    turn = asyncio.ensure_future(single.follower.turn())
    await broker.is_asked.wait()
    theirs = asyncio.ensure_future(other.settle())
    while looks(single) < 2 or not looks(other):
        await asyncio.sleep(0)
    broker.is_open.set()
    await asyncio.gather(turn, theirs)
    await single.settle()
    assert await records_of(broker, "run") == texts(*STEPS)


def test_few_files_are_read_ahead() -> None:
    """The bound is that of all of them together; what is taken, or dropped, is room."""
    holders: WeakSet[Ahead] = WeakSet()
    files = [Ahead(holders) for _ in range(MOST_AHEAD)]
    for one in files:
        assert one.has_room
        one.keep(PLACE, LOOK)
    assert not Ahead(holders).has_room
    assert files[0].take(PLACE) is LOOK
    assert files[0].is_empty
    assert files[0].has_room
    assert files[1].take(Place(8, "", "")) is None
    files[2].drop()
    assert files[2].take(PLACE) is None
    assert len(holders) == MOST_AHEAD - 3
