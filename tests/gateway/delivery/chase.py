"""Those who are not live and who serves them, over a broker in memory."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tailcast_gateway.delivery import catch_up as catch_up_module
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import (
    Channel,
    Client,
    Follower,
    FollowerState,
)
from tailcast_gateway.delivery.core.followers import Followers
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.sampling import Sampling
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.view import View
from tailcast_index.fold import News, Rewind
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Batch
from tests.gateway.stage import (
    NOBODY,
    Stage,
    rule,
)


RULES = Rules(("step",), ("time",))


class Broker(MemoryBroker):
    """Keeps what pages were read."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[EntryID] = []
        # Pages are not read while it is clear.
        self.reads_on = asyncio.Event()
        self.reads_on.set()

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        self.pages.append(after)
        await self.reads_on.wait()
        return await super().read_after(session, after, limit=limit)

    async def store(self, session: str, *offsets: int, **fields: Any) -> None:
        """Append what a `chain` has, after a marker if it is the first."""
        (expected,) = await self.positions([session])
        is_first = not expected.generation
        new = [NewEntry(at, Kind.RECORD, b'{"o":%d}' % at) for at in offsets]
        if is_first:
            new.insert(0, NewEntry(0, Kind.MARKER, b""))
        await self.append(
            Batch(
                session=session,
                expected=expected,
                incarnation=expected.incarnation or "i",
                generation=max(1, expected.generation),
                offset=new[-1].offset,
                entries=new,
                fields=fields,
            )
        )


class Chase(Stage):
    """A stage that serves those who are behind."""

    def make_followers(self) -> Followers:
        """Those who are not live; they are served."""
        self.broker = Broker()
        self.now = 1_000.0
        # Where the run fell back.
        self.falls: list[Rewind] = []
        # Clients that are to be pinged.
        self.pinged: list[Client] = []
        self.tasks: set[asyncio.Task[None]] = set()
        # What carries out the test, if that has a loop; cancelled with all at its end.
        self.test: asyncio.Task[Any] | None = None
        with suppress(RuntimeError):
            self.test = asyncio.current_task()
        search = Search(self.broker, rules=RULES, now_ms=lambda: 0)
        reads = Reads(self.broker, search=search, instruments=self.instruments)
        self.catch_up = CatchUp(
            reads,
            Sampling(self.broker, reads, rules=RULES, now_ms=lambda: 0),
            isolation=Isolation(self.instruments),
            mark=self.asked.marked.append,
            ask=self.pinged.append,
            learn=self.learn,
            scheduler=Scheduler(on_used=self.instruments.cpu_used),
            max_replays=64,
            spawn=self.spawn,
            clock=lambda: self.now,
            timestamp=lambda: "now",
            instruments=self.instruments,
        )
        return self.catch_up.followers

    async def learn(self, channel: Channel) -> None:
        """Say what its index says: where the run fell back."""
        found = News("i", channel.window.end.id, tuple(self.falls), 0, ())
        channel.news.note(found, channel.window.end.id)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a task; none when the test is over, as nobody would end that."""
        if self.test is not None and self.test.cancelling():
            coroutine.close()
            return
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def quiet(self) -> None:
        """Wait until everybody is served."""
        while True:
            # What was called soon has been called after a turn of the loop.
            await asyncio.sleep(0)
            if self.tasks:
                await asyncio.wait(self.tasks)
            elif not any(one.is_being_served for one in self.hub.subscribers):
                return

    async def turns(self, count: int = 100) -> None:
        """Give the loop so many turns: enough for all that waits for no time."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def stored(self, *offsets: int, kept: int = 10**6, **fields: Any) -> Channel:
        """A session with these records, of which the window has some bytes."""
        await self.broker.store("a", *offsets, **fields)
        channel = self.watch("a", NOBODY)
        channel.note_state((await self.broker.heads(["a"]))[0])
        entries = await self.broker.read_after("a", NOTHING.id, limit=10**6)
        self.broker.pages.clear()
        self.come(channel, entries)
        channel.window.shrink(kept)
        return channel

    def follow(
        self, channel: Channel, at: Cursor, view: View | None = None, **fields: Any
    ) -> Follower:
        """A client that is behind, at a place."""
        one = rule(channel.session) if channel.session != EMERGENCIES else "a"
        if view is not None:
            one = rule(channel.session, view=view)
        client = self.client(one)
        if channel.session in client.followers:
            self.followers.remove(client.followers[channel.session])
        follower = self.followers.follow(client, channel, FollowerState.BEHIND)
        for name, value in fields.items():
            setattr(follower, name, value)
        self.followers.set_behind(follower, at)
        return follower


def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is not tried again while a test lasts."""
    monkeypatch.setattr(catch_up_module, "CATCH_UP_RETRY_SECONDS", 10_000.0)


def kinds(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Of which types messages are."""
    return [message["type"] for message in messages]
