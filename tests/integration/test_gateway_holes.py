"""Entries that somebody deletes from a stream by hand are told as a gap, everywhere.

`XDEL` of some leaves a hole: the next one names a predecessor that is not there.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tailcast_gateway.sessions import audit
from tailcast_streams.entries import Document, Entry
from tailcast_streams.keys import EMERGENCIES, Keys
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    numbered,
    serving,
    watching,
)


SESSION = "a"
# So many records there are, and these are deleted.
RECORDS = 8
LOST = [3, 4]
LEFT = [step for step in range(RECORDS) if step not in LOST]


class Held(RedisBroker):
    """A broker that answers who asks for news when it may."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.answers = asyncio.Event()
        self.answers.set()

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        """Only what is there when it may answer."""
        await self.answers.wait()
        return await super().read_many_after(after, limit=limit)


@pytest.fixture
def held(rig: Rig) -> Held:
    """The broker of the gateway."""
    broker = Held(rig.url, key_prefix=rig.prefix)
    rig.stack.push_async_callback(broker.aclose)
    return broker


@pytest.fixture
async def gateway(held: Held) -> AsyncIterator[Gateway]:
    """A gateway over it."""
    async with serving(held) as gateway:
        yield gateway


async def ids_of(rig: Rig, session: str) -> list[str]:
    """The IDs of all entries that are stored."""
    entries = await rig.broker.read_after(session, BEFORE_ALL, limit=1_000)
    return [str(entry.id) for entry in entries]


async def delete(rig: Rig, session: str, ids: list[str]) -> None:
    """Delete entries by hand."""
    await rig.broker._redis.xdel(Keys(rig.prefix).stream(session), *ids)


async def lose(rig: Rig, steps: list[int]) -> tuple[str, str]:
    """Delete these records; the IDs of the one before them and of the last of them."""
    ids = await ids_of(rig, SESSION)
    # The marker is the first one.
    await delete(rig, SESSION, [ids[step + 1] for step in steps])
    return ids[steps[0]], ids[steps[-1] + 1]


async def flow(watcher: Watcher, until: int) -> list[Any]:
    """Steps, and gaps as the IDs that they are between, up to the record of a step."""
    found: list[Any] = []
    while until not in found:
        message = await watcher.next()
        if message["type"] == "telemetry":
            found += [record["step"] for record in message["data"]]
        elif message["type"] == "gap":
            assert message["reason"] == "trimmed"
            found.append(tuple(message[end][:-9] for end in ("from", "to")))
        else:
            assert message["type"] in {"caught_up", "heartbeat"}, message
    return found


def expected(hole: tuple[str, str]) -> list[Any]:
    """All that is left, with the gap in its place."""
    return [*LEFT[: LOST[0]], hole, *LEFT[LOST[0] :]]


async def test_a_live_client_is_told(rig: Rig, held: Held, gateway: Gateway) -> None:
    """Of entries that went before the gateway read them; and it goes on behind them."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=SESSION)
        held.answers.clear()
        writer = rig.writer(SESSION)
        await writer.append(*numbered(0, RECORDS))
        hole = await lose(rig, LOST)
        held.answers.set()
        assert await flow(watcher, RECORDS - 1) == expected(hole)
        await writer.append(*numbered(RECORDS, RECORDS + 1))
        assert await flow(watcher, RECORDS) == [RECORDS]


async def test_a_live_client_is_told_of_the_latest(
    rig: Rig, held: Held, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No later entry shows that these are missing: the state does."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.1)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=SESSION)
        held.answers.clear()
        writer = rig.writer(SESSION)
        await writer.append(*numbered(0, RECORDS))
        await lose(rig, [RECORDS - 2, RECORDS - 1])
        held.answers.set()
        gap = await watcher.until("gap", reason="trimmed")
        assert [one["step"] for one in watcher.records] == [*range(RECORDS - 2)]
        # The head is the place behind them, for those who come now too.
        async with httpx.AsyncClient(base_url=gateway.url) as http:
            (listed,) = (await http.get("/api/sessions")).json()["sessions"]
        assert listed["head"] == gap["to"]
        await writer.append(*numbered(RECORDS, RECORDS + 1))
        assert await flow(watcher, RECORDS) == [RECORDS]


@pytest.mark.parametrize("start", ["start", {"last": 6}, {"step": 2}])
async def test_a_client_that_catches_up_is_told(
    rig: Rig, gateway: Gateway, start: Any
) -> None:
    """Wherever it begins before the hole."""
    await rig.writer(SESSION).append(*numbered(0, RECORDS))
    hole = await lose(rig, LOST)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=SESSION, **{"from": start})
        found = await flow(watcher, RECORDS - 1)
        whole = expected(hole)
        assert hole in found
        assert found == whole[whole.index(found[0]) :]


@pytest.mark.parametrize("had", [2, 3, 4])
async def test_a_client_that_comes_back_is_told(
    rig: Rig, gateway: Gateway, had: int
) -> None:
    """Whether its own entry is there, or is one of those that are missing.

    It gets no record again, and what it had is not called another file's.
    """
    await rig.writer(SESSION).append(*numbered(0, RECORDS))
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=SESSION, **{"from": "start"})
        await flow(watcher, RECORDS - 1)
        ids = await ids_of(rig, SESSION)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        query = f"sessionId={SESSION}&limit={had + 1}"
        cursor = (await http.get(f"/api/records?{query}")).json()["cursor"]
    assert cursor[:-9] == ids[had + 1]
    await delete(rig, SESSION, [ids[step + 1] for step in LOST])
    async with serving(rig.connect()) as other, watching(other) as back:
        await back.subscribe(sessionId=SESSION, **{"from": {"cursor": cursor}})
        gap = await back.next()
        assert (gap["type"], gap["from"]) == ("gap", cursor)
        assert gap["to"][:-9] == ids[LOST[-1] + 1]
        assert await flow(back, RECORDS - 1) == [5, 6, 7]


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_tell(rig: Rig, gateway: Gateway, limit: int) -> None:
    """Forward and backward, and the two are the same."""
    await rig.writer(SESSION).append(*numbered(0, RECORDS))
    before, last = await lose(rig, LOST)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        forward = await _pages(http, limit, "after", "cursor")
        backward = await _pages(http, limit, "before", "prev")
    for pages in (forward, backward[::-1]):
        records = [record["step"] for page in pages for record in page["data"]]
        assert records == LEFT
        (gap,) = (page["gap"] for page in pages if "gap" in page)
        assert (gap["from"][:-9], gap["to"][:-9]) == (before, last)


async def _pages(
    http: httpx.AsyncClient, limit: int, way: str, ends_at: str
) -> list[dict[str, Any]]:
    query: dict[str, Any] = {"sessionId": SESSION, "limit": limit}
    if way == "before":
        head = (await http.get(f"/api/sessions/{SESSION}")).json()["cursor"]
        query |= {"before": head}
    pages: list[dict[str, Any]] = []
    while True:
        page = (await http.get("/api/records", params=query)).json()
        pages.append(page)
        if not page["more"]:
            return pages
        query[way] = page[ends_at]


async def test_exports_and_events_tell(rig: Rig, gateway: Gateway) -> None:
    """A line in its place; and an event."""
    await rig.writer(SESSION).append(*numbered(0, RECORDS))
    hole = await lose(rig, LOST)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        query = {"sessionId": SESSION}
        headers = {"accept": "application/x-ndjson"}
        answer = await http.get("/api/records", params=query, headers=headers)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        told: list[object] = [
            line["step"] if isinstance(line, dict) else _ends(line[1]) for line in lines
        ]
        assert told == expected(hole)
        query |= {"from": "start"}
        gaps: list[Any] = []
        async with http.stream("GET", "/sse/telemetry", params=query) as events:
            async for line in events.aiter_lines():
                if line.startswith("data: ") and '"gap"' in line:
                    gaps.append(_ends(json.loads(line.removeprefix("data: "))))
                if '"caught_up"' in line:
                    break
        assert gaps == [hole]


def _ends(gap: Mapping[str, str]) -> tuple[str, str]:
    return gap["from"][:-9], gap["to"][:-9]


async def test_a_generation_that_began_in_a_hole(
    rig: Rig, held: Held, gateway: Gateway
) -> None:
    """The gap is told, and that the file began anew."""
    writer = rig.writer(SESSION)
    await writer.append(*numbered(0, 3))
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId=SESSION, **{"from": "start"})
        await flow(watcher, 2)
        held.answers.clear()
        await writer.append(*numbered(3, 4))
        await writer.rewrite(*numbered(10, 12))
        ids = await ids_of(rig, SESSION)
        # The last of the old ones, the marker, and the first of the new ones.
        await delete(rig, SESSION, ids[-4:-1])
        held.answers.set()
        gap = await watcher.until("gap")
        rewind = await watcher.next()
        assert (gap["reason"], rewind["type"]) == ("trimmed", "rewind")
        assert rewind["cursor"][:-9] == ids[-2]
        assert await flow(watcher, 11) == [11]


async def test_documents_that_were_deleted(
    rig: Rig, held: Held, gateway: Gateway
) -> None:
    """A gap in `!emergencies`, and what follows comes."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionIds=[SESSION])
        held.answers.clear()
        for number in range(3):
            data = json.dumps({"step": number}).encode()
            document = Document(f"{number}.json", str(number), data, "", is_news=True)
            await rig.broker.add_document(document)
        ids = await ids_of(rig, EMERGENCIES)
        await delete(rig, EMERGENCIES, ids[1:2])
        held.answers.set()
        first = await watcher.until("emergency")
        gap = await watcher.next()
        last = await watcher.next()
        assert (first["data"]["step"], last["data"]["step"]) == (0, 2)
        assert (gap["type"], gap["sessionId"]) == ("gap", EMERGENCIES)
        assert gap["to"][:-9] == ids[1]
