"""What is appended goes to whoever watches: all adapters push alike."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tailcast_streams.broker import Notified
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.position import NOTHING, Cursor, EntryID, digest
from tailcast_streams.pushes import MAX_PUSHED_BYTES, MAX_PUSHED_ENTRIES, Push
from tests.conformance.batches import append, first_batch, record
from tests.conformance.conftest import Adapter
from tests.patience import PATIENCE_SECONDS


@dataclass
class Watching:
    """What somebody hears who watches."""

    line: Notified
    said: asyncio.Queue[str | Push] = field(default_factory=asyncio.Queue[str | Push])

    async def until(self, note: str) -> list[str | Push]:
        """What came before a note."""
        found: list[str | Push] = []
        while (one := await self.said.get()) != note:
            found.append(one)
        return found


@asynccontextmanager
async def watching(adapter: Adapter, *sessions: str) -> AsyncGenerator[Watching]:
    """Watch sessions."""
    said: asyncio.Queue[str | Push] = asyncio.Queue()

    def hear(some: Sequence[str | Push]) -> None:
        for one in some:
            said.put_nowait(one)

    async with adapter.notifications(hear) as line, asyncio.timeout(PATIENCE_SECONDS):
        for session in sessions:
            line.watch(session)
        watcher = Watching(line, said)
        await adapter.notify("!watched")
        await watcher.until("!watched")
        yield watcher


async def heard(adapter: Adapter, watcher: Watching) -> list[str | Push]:
    """What has come until now."""
    await adapter.notify("!end")
    return await watcher.until("!end")


async def test_who_watches_gets_what_is_appended(adapter: Adapter) -> None:
    """With the life of the stream and the place before it, then who it was."""
    last = record(30)
    await adapter.append(first_batch(last))
    await append(adapter, offset=30, fields={"last_digest": digest(last.record)})
    async with watching(adapter, "s") as watcher:
        alarm = NewEntry(90, Kind.EMERGENCY, b'{"emergency":{}}')
        await append(adapter, record(60), alarm, offset=90)
        push, hint = await heard(adapter, watcher)

    assert push == Push(
        "s",
        "i1",
        Cursor(EntryID(1, 30), digest(last.record)),
        0,
        (
            Entry(EntryID(1, 60), EntryID(1, 30), Kind.RECORD, b'{"step":1}'),
            Entry(EntryID(1, 90), EntryID(1, 60), Kind.EMERGENCY, alarm.record),
        ),
    )
    assert hint == "0 s"


async def test_nobody_else_gets_it(adapter: Adapter) -> None:
    """Who watches another session, or does no more, is told its name."""
    await adapter.append(first_batch(record(30)))
    async with watching(adapter, "s", "t") as watcher:
        watcher.line.unwatch("s")
        await heard(adapter, watcher)
        await append(adapter, record(60), offset=60)
        assert await heard(adapter, watcher) == ["0 s"]


@pytest.mark.parametrize(
    ("entries", "is_pushed"),
    [
        ([record(60, b'{"a":"%b"}' % (b"x" * (MAX_PUSHED_BYTES - 8)))], True),
        ([record(60, b'{"a":"%b"}' % (b"x" * (MAX_PUSHED_BYTES - 7)))], False),
        ([record(40 + n) for n in range(MAX_PUSHED_ENTRIES)], True),
        ([record(40 + n) for n in range(MAX_PUSHED_ENTRIES + 1)], False),
        ([record(60), NewEntry(70, Kind.GAP, b"", {"from": "1-60"})], False),
        ([], False),
    ],
)
async def test_what_is_pushed(
    adapter: Adapter, entries: list[NewEntry], is_pushed: bool
) -> None:
    """Small batches of records, up to the bounds; of all others the name is told."""
    await adapter.append(first_batch(record(30)))
    async with watching(adapter, "s") as watcher:
        await append(adapter, *entries, offset=200)
        said = await heard(adapter, watcher)

    assert [type(one) is Push for one in said] == [True] * is_pushed + [False]


async def test_the_beginning_of_a_session(adapter: Adapter) -> None:
    """It has a marker, and is read; what follows stands behind nothing known."""
    async with watching(adapter, "s") as watcher:
        await adapter.append(first_batch(record(30)))
        assert await heard(adapter, watcher) == ["0 s"]
        await append(adapter, record(60), offset=60)
        push, _ = await heard(adapter, watcher)

    assert isinstance(push, Push)
    assert push.after == Cursor(EntryID(1, 30), NOTHING.digest)
