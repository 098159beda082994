"""Pages that are followed from end to end, of any stream that a tailer can write."""

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, strategies as st

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.sessions.core.pages import Page, body
from tailcast_gateway.sessions.history import Pages
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.search import Search
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID
from tailcast_streams.session_state import NOTHING_STORED, Batch


# What follows in a generation: records, or a gap.
PART = st.sampled_from(["record", "record", "gap"])
GENERATIONS = st.lists(st.lists(PART, max_size=5), min_size=1, max_size=3)
PAGE_BYTES = 1 << 20


async def write(broker: MemoryBroker, generations: Sequence[Sequence[str]]) -> None:
    """Have a session with these generations."""
    expected = NOTHING_STORED
    for number, parts in enumerate(generations, 1):
        details = {"reason": "truncated", "complete": "true"} if number > 1 else None
        entries = [NewEntry(0, Kind.MARKER, b"", details)]
        for at, part in enumerate(parts, 1):
            if part == "gap":
                entries.append(NewEntry(at * 10, Kind.GAP, b"", {"reason": "left_out"}))
            else:
                entries.append(NewEntry(at * 10, Kind.RECORD, b'{"at":%d}' % at))
        batch = Batch(
            session="a",
            expected=expected,
            incarnation="i",
            generation=number,
            offset=len(parts) * 10,
            entries=entries,
            fields={},
        )
        await broker.append(batch)
        expected = (await broker.positions(["a"]))[0]


def looks(page: Page) -> dict[str, Any]:
    """A page as a client gets it."""
    seen: dict[str, Any] = json.loads(body(page))
    return seen


async def follow(
    generations: Sequence[Sequence[str]], start: Cursor, limit: int, trimmed: int
) -> list[dict[str, Any]]:
    """All pages from a place, each asked for by the cursor of the one before it."""
    broker = MemoryBroker()
    await write(broker, generations)
    entries = await broker.read_after("a", EntryID(0, 0), limit=1_000)
    if trimmed and entries:
        await broker.trim("a", entries[min(trimmed, len(entries) - 1)].id)
    instruments = Instruments()
    search = Search(broker, rules=Rules((), ()), now_ms=lambda: 0)
    replay = Reads(broker, search=search, instruments=instruments)
    history = Pages(broker, replay, isolation=SessionIsolation(Instruments()))
    pages: list[dict[str, Any]] = []
    cursor = start
    while True:
        page = await history.after("a", cursor, limit=limit, max_bytes=PAGE_BYTES)
        pages.append(looks(page))
        if not page.more:
            replay.close()
            return pages
        cursor = Cursor.parse(str(shown(page.cursor)))


@given(
    GENERATIONS,
    st.sampled_from([NOTHING, BEGINNING_CURSOR]),
    st.integers(1, 4),
    st.integers(0, 6),
)
def test_no_page_comes_twice(
    generations: list[list[str]], start: Cursor, limit: int, trimmed: int
) -> None:
    """Each page says something, and what they say together is the stream."""
    pages = asyncio.run(follow(generations, start, limit, trimmed))
    for page in pages:
        says = bool(page["data"]) or "gap" in page or "rewind" in page
        assert says or page["prev"] != page["cursor"] or len(pages) == 1, pages
    for one, other in pairwise(pages):
        assert one != other
        assert other["prev"] == one["cursor"] or "gap" in other or "rewind" in other
    if not trimmed:
        told = [[record["at"] for record in page["data"]] for page in pages]
        flat = [at for page in told for at in page]
        assert flat == [
            at
            for parts in generations
            for at, part in enumerate(parts, 1)
            if part == "record"
        ]
        gaps = sum("gap" in page for page in pages)
        assert gaps == sum(part == "gap" for parts in generations for part in parts)
        assert sum("rewind" in page for page in pages) == len(generations) - 1
