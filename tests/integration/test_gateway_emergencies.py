"""A8: emergencies are announced early, and come once, in their place, whatever happens.

An announcement moves no cursor; documents have a cursor of their own; what was there
before anybody looked is history.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from tailcast.embedded import find_program
from tailcast_streams.entries import Document
from tailcast_streams.exceptions import BrokerUnavailable
from tests.brokers import ProcessBroker
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    numbered,
    until_read,
    watching,
)
from tests.patience import PATIENCE_SECONDS


ALARM = {"step": 8_000, "emergency": {"reason": "collapse"}}


def with_place(watcher: Watcher) -> list[Any]:
    """What it had in its place, by what tells records apart."""
    return [record["step"] for record in watcher.records]


async def fill_and_alarm(rig: Rig, gateway: Gateway, *more: dict[str, Any]) -> None:
    """More than sockets hold, then an emergency, which has been announced at the end.

    Nobody reads meanwhile: who is behind when it is announced stays so until then.
    """
    writer, pad = rig.writer("a"), "x" * 2_000
    for start in range(0, 8_000, 1_000):
        records = ({"step": n, "pad": pad} for n in range(start, start + 1_000))
        await writer.append(*records)
    await until_read(gateway, writer)
    await writer.append(ALARM, *more)
    await until_read(gateway, writer)


async def until_early(watcher: Watcher) -> dict[str, Any]:
    """An announcement, which has neither cursor nor `prev`."""
    early = await watcher.until("emergency", early=True)
    assert not {"cursor", "prev", "cursors"} & early.keys()
    assert early["data"] == ALARM
    return early


async def test_a8_announced_early_and_delivered_in_its_place(rig: Rig) -> None:
    """A8: the announcement overtakes; the emergency comes once, where it stands."""
    async with rig.serving() as gateway, watching(gateway, max_queue=1) as slow:
        await slow.subscribe(sessionId="a")
        await fill_and_alarm(rig, gateway, *numbered(8_001, 8_010))
        early = await until_early(slow)
        assert len(slow.records) < 8_000
        told = await slow.until("emergency")
        assert (told["id"], told["data"]) == (early["id"], ALARM)
        await slow.until_records(8_010)
        assert with_place(slow) == list(range(8_010))


async def test_a8_a_reconnect_after_the_announcement(rig: Rig) -> None:
    """A8: what was only announced is not taken for had: it comes after resuming."""
    async with rig.serving() as second:
        async with rig.serving() as first, watching(first, max_queue=1) as slow:
            await slow.subscribe(sessionId="a")
            await fill_and_alarm(rig, first)
            early = await until_early(slow)
            had = len(slow.records)
            slow.connection.transport.abort()
        assert had < 8_000
        async with watching(second) as back:
            back.records, back.cursors = slow.records, slow.cursors
            held = {"cursor": slow.cursors["a"]}
            answer = await back.subscribe(sessionId="a", **{"from": held})
            assert answer["recovered"] is True
            told = await back.until("emergency")
            while told.get("early"):
                told = await back.until("emergency")
            assert told["id"] == early["id"]
            await rig.writer("a").append(*numbered(8_001, 8_003))
            await back.until_records(8_003)
            assert with_place(back) == list(range(8_003))


async def add(rig: Rig, number: int, *, session: str, is_news: bool = True) -> None:
    """A document, as the tailer stores it."""
    data = json.dumps({"n": number}).encode()
    path = f"emergency/{number}.json"
    await rig.broker.add_document(
        Document(path, str(number), data, session, is_news=is_news)
    )


async def until_document(watcher: Watcher, number: int) -> None:
    """The next document is this one; it moves the documents' cursor alone."""
    told: dict[str, Any] = {}
    before = None
    while told.get("type") != "emergency":
        # Records of the session may come first, and move its cursor.
        before = watcher.cursors.get("a")
        told = await watcher.next()
    assert told["data"] == {"n": number}
    assert told["cursors"].keys() == {"!emergencies"}
    assert not {"cursor", "prev"} & told.keys()
    assert watcher.cursors.get("a") == before


async def test_a8_documents_have_a_cursor_of_their_own(
    rig: Rig, gateway: Gateway
) -> None:
    """A8: none is missed or repeated across reconnects, whatever sessions do."""
    writer = rig.writer("a")
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await add(rig, 1, session="a")
        await until_document(watcher, 1)
        await writer.append(*numbered(0, 3))
        await watcher.until_records(3)
        await add(rig, 2, session="")
        await until_document(watcher, 2)
    records, cursors = watcher.records, watcher.cursors
    for number in (3, 4):
        await add(rig, number, session="a")
        await add(rig, number + 90, session="other")
        await writer.append(*numbered(number, number + 1))
        async with watching(gateway) as back:
            back.records, back.cursors = records, dict(cursors)
            await back.subscribe(sessionIds=["a"], cursors=cursors)
            # Those of the other session are not of this client.
            await until_document(back, number)
            await back.until_records(number + 1)
            cursors = back.cursors
    assert records == numbered(0, 5)


async def positions_of(watcher: Watcher) -> dict[str, Any]:
    """What `positions` hands out."""
    told = await watcher.until("positions")
    return {"cursors": told["cursors"], "at": told["at"]}


@pytest.mark.parametrize("names_at", [True, False])
async def test_a8_the_first_document_of_all_comes_to_who_was_away(
    rig: Rig, gateway: Gateway, names_at: bool
) -> None:
    """A8: a null that `positions` said is a place like any other: nothing is lost."""
    await rig.writer("a").append(*numbered(0, 1))
    wanted = {"sessionIds": ["a", "b"]}
    async with watching(gateway) as watcher:
        await watcher.subscribe(**wanted)
        had = await positions_of(watcher)
        assert had["cursors"]["!emergencies"] is None
    for number in (1, 2):
        await add(rig, number, session="")
    if not names_at:
        del had["at"]
    async with watching(gateway) as back:
        await back.subscribe(**wanted, **had)
        told = [(await back.until("emergency"))["data"] for _ in range(2)]
    assert told == [{"n": 1}, {"n": 2}]


async def test_a8_documents_that_a_broker_lost_come_to_nobody_twice() -> None:
    """A8: rolled back, it is given the same ones again, and then a new one."""
    # Started anew it reads its snapshot, not the append-only file.
    server = ProcessBroker(find_program(), options=("--appendonly", "no", "--save", ""))
    with server:
        rig = Rig(server.url)
        async with rig.stack:
            await _loses_documents(rig, server)


async def _loses_documents(rig: Rig, server: ProcessBroker) -> None:
    for number in range(20):
        await add(rig, number, session="")
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(cursors={"!emergencies": "1-0-00000000"})
        await until_numbers(watcher, range(20))
        with server.client() as client:
            client.save()
        for number in (20, 21):
            await add(rig, number, session="")
        await until_numbers(watcher, range(20, 22))

        server.kill()
        server.start()
        # The gateway has seen that they are gone.
        epoch = gateway.replica.hub.channels["!emergencies"].epoch
        async with asyncio.timeout(PATIENCE_SECONDS):
            while gateway.replica.hub.channels["!emergencies"].epoch == epoch:
                await asyncio.sleep(0.01)
        for number in (20, 21, 22):
            await until_added(rig, number)

        await until_numbers(watcher, [22])


async def until_added(rig: Rig, number: int) -> None:
    """Add a document once the connection to the broker is there again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await add(rig, number, session="")
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


async def until_numbers(watcher: Watcher, numbers: Iterable[int]) -> None:
    """These documents come next, and no rewind between them."""
    for number in numbers:
        while (message := await watcher.next())["type"] != "emergency":
            assert message["type"] not in {"rewind", "gap"}, message
        assert message["data"] == {"n": number}


async def test_a8_history_is_not_announced(rig: Rig, gateway: Gateway) -> None:
    """A8: lines from before the tailer, and documents that were old, are no news."""
    writer = rig.writer("a")
    history = [*numbered(0, 5), {**ALARM, "step": 5}, *numbered(6, 10)]
    size = sum(len(json.dumps(one, separators=(",", ":"))) + 1 for one in history)
    async with watching(gateway) as everything, watching(gateway) as one:
        await everything.subscribe()
        await one.subscribe(sessionId="a")
        await add(rig, 1, session="a", is_news=False)
        await writer.append(*history[:3], backlog_end=size)
        await writer.append(*history[3:])
        await writer.append({**ALARM, "step": 10})
        await add(rig, 2, session="a")
        for watcher in (everything, one):
            told: list[dict[str, Any]] = []
            # Announced early it may be, to one who has not come to its place yet.
            while {"n": 2} not in told or {**ALARM, "step": 10} not in watcher.records:
                told.append((await watcher.until("emergency"))["data"])
            assert all(data in ({"n": 2}, {**ALARM, "step": 10}) for data in told)
            assert with_place(watcher) == [10]
