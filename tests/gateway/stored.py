"""A broker in memory that counts what it is asked, and what a tailer puts into it."""

import asyncio
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager

from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.exceptions import BrokerUnavailable, KeySpoiled
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID, digest
from tailcast_streams.session_state import Appended, Batch, Head, StoredEnd


class AskedBroker(MemoryBroker):
    """Keeps which sessions it was asked for, refuses some, answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        # How much it was asked for, whatever it was.
        self.calls = 0
        # Sessions of each call, by what was asked.
        self.heads_of: list[Sequence[str]] = []
        self.ends_of: list[Sequence[str]] = []
        # Sessions and limit of each read of what is new.
        self.news_of: list[tuple[Sequence[str], int]] = []
        # After what each page was read, and how many entries of it were asked for.
        self.pages: list[tuple[EntryID, int]] = []
        # Sessions whose keys it refuses.
        self.refused: set[str] = set()
        # While it is clear, what was read is not answered.
        self.answers = asyncio.Event()
        self.answers.set()

    async def _reachable(self) -> None:
        self.calls += 1
        await super()._reachable()

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        self.heads_of.append(list(sessions))
        self._look_at(sessions)
        found = await super().heads(sessions)
        await self.answers.wait()
        return found

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        self.ends_of.append(list(sessions))
        self._look_at(sessions)
        found = await super().ends(sessions)
        await self.answers.wait()
        return found

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        self.news_of.append((list(after), limit))
        self._look_at(after)
        # (Its own would read page by page through the method below.)
        read = super().read_after
        found = {name: await read(name, at, limit=limit) for name, at in after.items()}
        await self.answers.wait()
        return {name: entries for name, entries in found.items() if entries}

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        self.pages.append((after, limit))
        self._look_at([session])
        found = await super().read_after(session, after, limit=limit)
        await self.answers.wait()
        return found

    def _look_at(self, sessions: Collection[str]) -> None:
        for session in sessions:
            if session in self.refused:
                raise KeySpoiled(f"WRONGTYPE {session}")

    @contextmanager
    def away(self) -> Generator[None]:
        """Have it be away."""
        self.failure = BrokerUnavailable("away")
        try:
            yield
        finally:
            self.failure = None

    @contextmanager
    def silent(self) -> Generator[None]:
        """Have it answer nothing until this ends."""
        self.answers.clear()
        try:
            yield
        finally:
            self.answers.set()


async def store(
    broker: MemoryBroker,
    session: str,
    *offsets: int,
    incarnation: str = "",
    generation: int = 0,
    record: bytes = b"",
    written_ms: int = 0,
    **fields: str | float | bytes,
) -> None:
    """Append records: those of a `chain` unless one is given, after a marker at first.

    Args:
        incarnation: of which life a session is that begins, "i" unless it is said.
        generation: the one that is appended to, where it is not the current one.
        record: what each of them is, where it matters.
        written_ms: when they were written.
        fields: of the state, beside those that follow from the entries.
    """
    (expected,) = await broker.positions([session])
    current = max(1, expected.generation, generation)
    new = [
        NewEntry(at, Kind.RECORD, record or b'{"o":%d}' % at) for at in sorted(offsets)
    ]
    if current != expected.generation:
        details = {"reason": "truncated", "complete": "1"} if current > 1 else None
        new.insert(0, NewEntry(0, Kind.MARKER, b"", details))
    end = new[-1]
    batch = Batch(
        session=session,
        expected=expected,
        incarnation=expected.incarnation or incarnation or "i",
        generation=current,
        offset=end.offset,
        entries=new,
        fields={"last_digest": digest(end.record), "size": end.offset, **fields},
        written_ms=written_ms,
    )
    assert await broker.append(batch) is Appended.DONE
    await broker.touch({session: 1})
