"""Several sessions on one event stream: its IDs say where a reader is in each."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, numbered
from tests.integration.test_gateway_sse import Reader


# Events are made from records, whatever they are read from.
pytestmark = pytest.mark.one_broker

NAMES = ("a", "runs/b", "odd*?\\,ü", "later")


class ManyReader(Reader):
    """Notes what it has had of each session, as a page does."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response)
        self.steps: dict[str, list[int]] = {}
        self.gaps: list[str] = []

    def _note(self, event: dict[str, str]) -> dict[str, str]:
        super()._note(event)
        if event.get("event") == "telemetry":
            told = json.loads(event["data"])
            had = self.steps.setdefault(told["sessionId"], [])
            had += [record["step"] for record in told["data"]]
        if event.get("event") == "gap":
            self.gaps.append(json.loads(event["data"])["sessionId"])
        return event


@asynccontextmanager
async def reading(
    gateway: Gateway, last_id: str | None = None, *names: str, start: str = "now"
) -> AsyncGenerator[ManyReader]:
    """A reader of several sessions."""
    headers = {} if last_id is None else {"last-event-id": last_id}
    query = httpx.QueryParams({"sessionId": names or NAMES, "from": start})
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
        client.stream("GET", "/sse/telemetry", params=query, headers=headers) as answer,
    ):
        yield ManyReader(answer)


async def test_all_sessions_go_on_at_another_replica(
    rig: Rig, gateway: Gateway
) -> None:
    """Each record once, in order; one that began meanwhile from its beginning."""
    for name in NAMES[:3]:
        await rig.writer(name).append(*numbered(0, 3))
    async with reading(gateway, start="start") as reader:
        await reader.until("positions")
        await reader.until_records(9)
        await rig.writer("a").append(*numbered(3, 5))
        await reader.until_records(11)
    for name in NAMES:
        await rig.writer(name).append(*numbered(5, 7))
    async with rig.serving() as other:
        async with reading(other, reader.last_id) as again:
            await again.until_records(8)
            assert again.steps == {name: [5, 6] for name in NAMES}
            await rig.writer("runs/b").append(*numbered(7, 8))
            await again.until_records(9)
        await rig.writer("a").append(*numbered(7, 8))
        async with reading(gateway, again.last_id) as last:
            assert await last.until_records(1) == numbered(7, 8)
    assert reader.steps["a"] == [0, 1, 2, 3, 4]
    assert reader.gaps == again.gaps == last.gaps == []


async def test_whoever_is_cut_off_in_a_replay_goes_on_there(
    rig: Rig, gateway: Gateway
) -> None:
    """By each ID that it has had: nothing is missing, and nothing comes twice."""
    wanted = {name: list(range(400)) for name in NAMES[:2]}
    for name in wanted:
        await rig.writer(name).append(*numbered(0, 400))
    had: dict[str, list[int]] = {name: [] for name in wanted}
    last_id: str | None = None
    while had != wanted:
        async with reading(gateway, last_id, *wanted, start="start") as reader:
            # A new reader has to have the first ID, which says what was there.
            while reader.last_id is None or not reader.steps:
                await reader.next()
            for name, steps in reader.steps.items():
                had[name] += steps
            last_id = reader.last_id
        assert all(steps == sorted(set(steps)) for steps in had.values()), had


async def test_what_is_trimmed_is_told_of_its_session(
    rig: Rig, gateway: Gateway
) -> None:
    """And the others go on."""
    for name in ("a", "b"):
        await rig.writer(name).append(*numbered(0, 3))
    async with reading(gateway, None, "a", "b", start="start") as reader:
        await reader.until("positions")
        await reader.until_records(6)
    for name in ("a", "b"):
        await rig.writer(name).append(*numbered(3, 6))
    state = await rig.broker.load("b")
    assert state is not None
    await rig.trim("b", state.position.last_id)
    async with (
        rig.serving() as late,
        reading(late, reader.last_id, "a", "b") as again,
    ):
        await again.until_records(4)
        assert again.steps == {"a": [3, 4, 5], "b": [5]}
        assert again.gaps == ["b"]


@pytest.mark.parametrize("id", ["1-10-00000000", "rubbish", ",,", "0,x,y", "0,", ""])
async def test_an_id_of_another_stream(gateway: Gateway, id: str) -> None:
    """Is answered as a cursor that is none; without any the stream begins."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        url = f"/sse/telemetry?sessionId=a&sessionId=b&lastEventId={id}"
        async with client.stream("GET", url) as answer:
            assert answer.status_code == (400 if id else 200)
            if id:
                assert json.loads(await answer.aread())["code"] == "invalid_cursor"


async def test_too_many_sessions_for_one_stream(gateway: Gateway) -> None:
    """An ID would be longer than what browsers and proxies pass on."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for count, status in ((64, 200), (65, 400)):
            query = "&".join(f"sessionId=s{number}" for number in range(count))
            async with client.stream("GET", f"/sse/telemetry?{query}") as answer:
                assert answer.status_code == status
