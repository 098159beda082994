"""Where delivery begins that is asked for from a step, or from a time."""

from typing import Any

import httpx
import pytest

from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.indexes import Written
from tailcast_streams.position import BEFORE_ALL
from tests.integration.gateway_rig import Gateway, Rig, Writer, numbered, watching


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


@pytest.mark.parametrize("start", [{"step": 30}, {"time": "2025-12-18T00:00:30Z"}])
async def test_from_a_step_and_from_a_time(
    rig: Rig, gateway: Gateway, start: dict[str, Any]
) -> None:
    """C10: the first of the current generation at or after it; one session, or all."""
    records = [
        {"timestamp": f"2025-12-18T00:00:{step:02}Z", "step": step}
        for step in range(60)
    ]
    await rig.writer("a").append(*records)
    for names in ({"sessionId": "a"}, {}):
        async with watching(gateway) as watcher:
            await watcher.subscribe(**names, **{"from": start})
            await watcher.until("caught_up", sessionId="a")
            assert watcher.records == records[30:]


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_from_a_step_where_steps_fall_back(
    rig: Rig, gateway: Gateway, is_indexed: bool
) -> None:
    """Evaluation lines with step 0 withhold nothing; or it is said how far it is."""
    steps = [50, 100, 0, 150, 200, 0, 250, 300, 0]
    writer = rig.writer("a")
    await writer.append(*({"step": step} for step in steps))
    if is_indexed:
        await index(writer)
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": {"step": 200}})
        assert "reached" not in await watcher.until("caught_up")
        assert [one["step"] for one in watcher.records] == steps[4:]
        await watcher.subscribe(sessionId="a", **{"from": {"step": 301}})
        assert (await watcher.until("caught_up"))["reached"] == 300
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        query = {"sessionId": "a", "from": "step:201"}
        page = (await client.get("/api/records", params=query)).json()
        assert [one["step"] for one in page["data"]] == steps[6:]
        query = {"sessionId": "a", "from": "step:301"}
        page = (await client.get("/api/records", params=query)).json()
        assert (page["data"], page["reached"]) == ([], 300)


async def index(writer: Writer) -> None:
    """Index all that a session has."""
    state = await writer.broker.load(writer.session)
    assert state is not None
    incarnation = state.position.incarnation
    rules = Rules(tuple(STEP_KEYS), tuple(TIME_KEYS))
    (at,) = await writer.broker.indexes.ats([writer.session])
    made = Index(writer.session, incarnation=incarnation, rules=rules, stored_at=at)
    entries = await writer.broker.read_after(writer.session, BEFORE_ALL, limit=1_000)
    made.fold(entries, now_ms=1)
    while made.stale is not None:
        made.restart(entries[0])
        made.fold(entries, now_ms=1)
    write = made.take_changes()
    assert write is not None
    assert await writer.broker.indexes.write([write]) == [Written.DONE]


async def test_from_a_step_that_nobody_reached(rig: Rig, gateway: Gateway) -> None:
    """Delivery begins with what comes; a session without steps is an error."""
    await rig.writer("a").append(*numbered(0, 3))
    await rig.writer("b").append({"eval": 1})
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": {"step": 10}})
        await rig.writer("a").append(*numbered(3, 4))
        assert await watcher.until_records(1) == numbered(3, 4)
        await watcher.send(
            type="subscribe", sessionId="b", id=1, **{"from": {"time": "2025-01-01"}}
        )
        error = await watcher.until("error")
        assert (error["code"], error["message"]) == (
            "invalid_message",
            "b has no times",
        )
    async with watching(gateway) as watcher:
        await watcher.send(type="subscribe", **{"from": {"step": 1}})
        assert (await watcher.until("error"))["message"].startswith("b has no steps")
        await rig.writer("b").append({"eval": 2})
        while {"eval": 2} not in watcher.records:
            await watcher.next()
        assert {"eval": 1} not in watcher.records
