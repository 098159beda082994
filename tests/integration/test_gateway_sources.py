"""`/api/sources`: what became of each path, over a real broker."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from tailcast_gateway.http.core.bodies import SourcesBody
from tailcast_streams.sources import Overview, Root, Source, SourceState
from tests.integration.gateway_rig import Gateway, Rig


ROOT = Root("/logs/telemetry", ("**/*.jsonl",), 0, "no files", "write one")


async def ask(gateway: Gateway, query: str = "") -> dict[str, Any]:
    """An answer, which is as documented."""
    async with httpx.AsyncClient(trust_env=False, base_url=gateway.url) as client:
        answer = await client.get(f"/api/sources{query}")
    assert answer.status_code == httpx.codes.OK, answer.text
    msgspec.convert(answer.json(), SourcesBody)
    return dict(answer.json())


async def publish(rig: Rig, owner: str, *sources: Source) -> None:
    """Say what a tailer knows, as it does."""
    counts = dict.fromkeys(SourceState, 0)
    for source in sources:
        counts[source.state] += 1
    overview = Overview(owner, counts, len(sources), (ROOT,), 1)
    await rig.broker.sources.publish(overview, {one.path: one for one in sources})


async def test_no_tailer_is_said(rig: Rig, gateway: Gateway) -> None:
    """An empty answer says that nobody looks, and what mends that."""
    found = await ask(gateway)
    assert found["data"] == found["tailers"] == []
    assert "no tailer" in found["reason"]
    assert "tailcast tailer" in found["mend"]


async def test_nothing_followed_is_explained(rig: Rig, gateway: Gateway) -> None:
    """With what was looked at."""
    await publish(rig, "one")
    found = await ask(gateway)
    assert found["reason"] == "/logs/telemetry: no files"
    assert found["mend"] == "write one"
    assert found["tailers"][0]["roots"][0]["patterns"] == ["**/*.jsonl"]


async def test_paths_of_all_tailers_page_by_page(rig: Rig, gateway: Gateway) -> None:
    """Each once, whatever is in it, by state too; the counts are those of all."""
    states = list(SourceState)
    one, two = (
        [
            Source(f"/logs/{at:02}\n&é", states[at % 4], reason=f"r{at}")
            for at in range(number)
        ]
        for number in (13, 7)
    )
    await publish(rig, "one:/logs", *one)
    await publish(rig, "two:/logs", *two)
    counts = {"followed": 6, "waiting": 5, "refused": 5, "left_out": 4}

    found: list[Any] = []
    page: dict[str, Any] = {"cursor": None, "more": True}
    while page["more"]:
        query = httpx.QueryParams({"limit": "3"})
        if page["cursor"] is not None:
            query = query.set("after", page["cursor"])
        page = await ask(gateway, f"?{query}")
        assert page["counts"] == counts
        found += [(told["tailer"], told["path"]) for told in page["data"]]
    assert found == [
        *(("one:/logs", source.path) for source in one),
        *(("two:/logs", source.path) for source in two),
    ]

    some = await ask(gateway, "?state=refused&state=left_out&limit=1000")
    assert {told["state"] for told in some["data"]} == {"refused", "left_out"}
    assert len(some["data"]) == 5 + 4
    assert some["counts"] == counts
    alone = await ask(gateway, "?limit=0")
    assert (alone["data"], alone["counts"]) == ([], counts)


@pytest.mark.parametrize(
    "query", ["state=lost", "limit=-1", "limit=1001", "limit=x", "after=x", "after=[1]"]
)
async def test_what_can_never_be_is_refused(gateway: Gateway, query: str) -> None:
    """With the reason."""
    async with httpx.AsyncClient(trust_env=False, base_url=gateway.url) as client:
        answer = await client.get(f"/api/sources?{query}")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert json.loads(answer.text)["message"]
