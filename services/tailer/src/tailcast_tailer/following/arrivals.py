"""Files that were found together: what is known of them before their first turns.

What is stored of them is asked for many at a time, and a thread looks at many in one
go. One that is as it is stored needs no turn. What follows in small files is read at
once, so that their turns need no thread; larger ones have turns as everybody.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from tailcast_streams.broker import SessionWriter
from tailcast_tailer.files.file_system import CannotBeSeen, Glimpse, glimpse
from tailcast_tailer.files.looks import Look
from tailcast_tailer.files.threads import FileJobs, FileThreads, Run
from tailcast_tailer.finding.listing import Found
from tailcast_tailer.following.followed import Item
from tailcast_tailer.following.follower import FirstLook, Follower


# What is read of one lot before its turns, together: as much as one batch.
LOT_BYTES = 1_048_576


class _Budget:
    """How much is read ahead."""

    def __init__(self) -> None:
        self._left = LOT_BYTES

    def spend(self, first: FirstLook) -> Glimpse | Look | None:
        """Look at a file with what is left. Blocking."""
        seen = first.look(self._left)
        if isinstance(seen, Look):
            self._left -= max(0, seen.glimpse.size - first.stored.place.offset)
        return seen


class Arrivals:
    """Prepares the first turns of many files."""

    def __init__(self, writer: SessionWriter, files: FileThreads) -> None:
        self._writer = writer
        self._files = files

    async def prepare(self, lot: Sequence[Item], *, descriptors: int) -> list[Item]:
        """Those of a lot, which are on one device, that need a turn.

        Args:
            descriptors: how many of them may stay open. Raises BrokerError.
        """
        unknown = [
            one.followed
            for one in lot
            if isinstance(one.followed, Follower) and one.followed.believed is None
        ]
        states = await self._writer.states([one.session for one in unknown])
        for follower, state in zip(unknown, states, strict=True):
            follower.know(state)
        resting = await self._look(lot, descriptors)
        return [one for one in lot if one not in resting]

    async def _look(self, lot: Sequence[Item], descriptors: int) -> set[Item]:
        """Look at all of them; those that are as they are stored."""
        firsts: list[tuple[Item, Follower, FirstLook]] = []
        tasks: list[tuple[FileJobs, Callable[[], Glimpse | Look | None]]] = []
        spend = _Budget().spend
        for item in lot:
            follower = item.followed
            if not isinstance(follower, Follower):
                continue
            first = follower.first_look(holds=len(firsts) < descriptors)
            if first is not None and isinstance(follower.jobs, FileJobs):
                firsts.append((item, follower, first))
                tasks.append((follower.jobs, partial(spend, first)))
        seen = await self._files.many(tasks)
        return {
            item
            for (item, follower, first), what in zip(firsts, seen, strict=True)
            if not follower.looked(first, what)
        }


async def newest_first(found: Sequence[Found], run: Run, seconds: float) -> list[Found]:
    """The files in the order in which they are begun: who waits, waits for the newest.

    Those that were named are asked; as they are if that takes longer than so long.
    """
    times: Mapping[str, int] = {}
    if unknown := [one.path for one in found if not one.changed_ns]:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                times = await run(partial(_changed_ns, unknown))
    return sorted(
        found,
        key=lambda one: one.changed_ns or times.get(one.path, 0),
        reverse=True,
    )


def _changed_ns(paths: Sequence[str]) -> dict[str, int]:
    times: dict[str, int] = {}
    for path in paths:
        with suppress(CannotBeSeen):
            times[path] = glimpse(path).mtime_ns
    return times
