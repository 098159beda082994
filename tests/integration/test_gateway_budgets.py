"""What a replica keeps and reads at once is bounded, and clients do not notice."""

import asyncio

import pytest

from tailcast_gateway.sessions.reads import MAX_PAGE_READS
from tailcast_streams.entries import Entry
from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    numbered,
    serving,
    watching,
)


# What is bounded is the gateway's.
pytestmark = pytest.mark.one_broker


async def test_windows_of_a_replica_share_a_budget(rig: Rig) -> None:
    """What was quiet longest is evicted; whoever is behind it is served pages."""
    budget, names = 200_000, [f"s{number}" for number in range(8)]
    writers = [rig.writer(name) for name in names]
    for writer in writers:
        await writer.append(*numbered(0, 1))
    async with (
        rig.serving(total_window_bytes=budget) as gateway,
        watching(gateway) as live,
        watching(gateway) as later,
    ):
        hub = gateway.replica.hub
        await live.subscribe()
        await live.until("positions")
        for count, writer in enumerate(writers, start=1):
            await writer.append(*numbered(1, 201))
            await live.until_records(200 * count)
            assert hub.windows_bytes <= budget
        windows = {name: hub.channels[name].window for name in names}
        assert sum(one.size_bytes for one in windows.values()) == hub.windows_bytes
        assert len(windows[names[0]]) == 0
        assert len(windows[names[-1]]) > 0
        cursors = dict.fromkeys(names)
        await later.subscribe(sessionIds=["s*"], cursors=cursors)
        records = await later.until_records(201 * len(names))
        steps = sorted(record["step"] for record in records)
        assert steps == sorted([*range(201)] * len(names))
        assert hub.windows_bytes <= budget


class Counting(RedisBroker):
    """A broker that counts the pages that are read at once."""

    underway = 0
    most = 0
    pages = 0

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """One page more, as long as it takes; what live clients wait for is none."""
        if session == "live":
            return await super().read_after(session, after, limit=limit)
        self.underway += 1
        self.pages += 1
        self.most = max(self.most, self.underway)
        try:
            return await super().read_after(session, after, limit=limit)
        finally:
            self.underway -= 1


async def test_replays_take_turns(rig: Rig) -> None:
    """However many replay, few pages are read at once, and live records come."""
    history, live = rig.writer("history"), rig.writer("live")
    for start in range(0, 8_000, 1_000):
        await history.append(*numbered(start, start + 1_000))
    broker = Counting(rig.url, key_prefix=rig.prefix)
    rig.stack.push_async_callback(broker.aclose)
    async with (
        rig.stack,
        serving(broker) as gateway,
        watching(gateway) as alive,
        asyncio.TaskGroup() as replays,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await alive.subscribe(sessionId="live")

        async def replay(number: int) -> None:
            async with watching(gateway) as watcher:
                # Each from a place of its own, so that no page serves two.
                await watcher.subscribe(sessionId="history", replay=6_000 + number)
                await watcher.until("caught_up")
                assert len(watcher.records) == 6_000 + number

        tasks = [replays.create_task(replay(number)) for number in range(6)]
        step = 0
        while not all(task.done() for task in tasks):
            await live.append(*numbered(step, step + 1))
            step += 1
            # It comes while they replay: else this would wait for their end.
            await alive.until_records(step)
        assert step > 1
    assert broker.most <= MAX_PAGE_READS
    assert broker.pages > 6
