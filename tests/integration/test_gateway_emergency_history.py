"""Emergencies that stay: all of them in one list, and first in a subscription.

Whatever an indexer has read, whatever was trimmed or written anew, and whoever says
that it was seen: each is told once, with the same ID.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest

from tailcast_gateway.http.core import bodies
from tailcast_gateway.sessions import emergencies, emergency_tails
from tailcast_streams.entries import Document
from tailcast_streams.position import EntryID
from tests.indexer.rig import running, until_indexed
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


def alarm(step: int, severity: str = "high", **fields: Any) -> dict[str, Any]:
    """An emergency line."""
    emergency = {"reason": "collapse", "severity": severity}
    at = 1_700_000_000 + step
    return {"step": step, "timestamp": at, "emergency": emergency, **fields}


async def listed(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    """The emergencies that there are, checked against the document."""
    answer = await client.get("/api/emergencies", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    msgspec.convert(body, bodies.EmergenciesBody)
    return body


async def steps(client: httpx.AsyncClient, **query: Any) -> list[Any]:
    """Their steps."""
    return [one["step"] for one in (await listed(client, **query))["data"]]


async def replayed(watcher: Watcher, count: int) -> list[dict[str, Any]]:
    """The emergencies that come first."""
    found = [await watcher.until("emergency", replayed=True) for _ in range(count)]
    assert all("cursor" not in one and "time" in one for one in found)
    return found


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_all_are_listed_the_newest_first(
    rig: Rig, client: httpx.AsyncClient, *, is_indexed: bool
) -> None:
    """Of sessions and files, with where and when they were; indexed or not."""
    assert await listed(client) == {"data": [], "cursor": None, "more": False}
    await rig.writer("a").append(*numbered(0, 3), alarm(3), {"emergency": {}})
    await rig.writer("b/c").append(alarm(5, "low"), alarm(1))
    text = b'{"timestamp":1700000004,"reason":"hot","severity":"low"}'
    await rig.broker.add_document(Document("emergency/x.json", "00", text, "", True))
    old = Document("emergency/y.json", "01", b'{"n":1}', "a", False, 1_000)
    await rig.broker.add_document(old)
    if is_indexed:
        async with running(rig.broker):
            await until_indexed(rig.broker, "a", "b/c")

    body = await listed(client)

    data = body["data"]
    assert [(one.get("sessionId"), one["step"]) for one in data] == [
        ("a", 3),
        ("b/c", 5),
        (None, None),
        ("a", 3),
        ("b/c", 1),
        ("a", None),
    ]
    assert data[0]["time"] > data[1]["time"] == 1_700_000_005_000
    assert data[1]["severity"] == "low"
    assert data[1]["data"] == alarm(5, "low")
    assert data[1]["id"] == f"b/c/{data[1]['cursor']}"
    assert (data[2]["path"], data[2]["id"]) == (
        "emergency/x.json",
        "emergency/x.json/00",
    )
    assert (data[5]["path"], data[5]["time"]) == ("emergency/y.json", 1_000)
    assert "behind" not in body
    whole = await client.get(data[1]["url"].removeprefix(".."))
    assert whole.json() == alarm(5, "low")


async def test_what_is_asked_for(rig: Rig, client: httpx.AsyncClient) -> None:
    """By session, severity and time, in pages that miss and repeat nothing."""
    await rig.writer("run_1").append(*(alarm(step) for step in range(0, 10, 2)))
    await rig.writer("run_2").append(*(alarm(step, "low") for step in range(1, 10, 2)))
    await rig.broker.add_document(Document("e.json", "00", b'{"n":1}', "", True, 5))

    assert await steps(client, sessionId="run_1") == [8, 6, 4, 2, 0]
    assert await steps(client, sessionId="run_*") == list(range(9, -1, -1))
    assert await steps(client, sessionId=["run_1", "none"], severity="high") == [
        8,
        6,
        4,
        2,
        0,
    ]
    assert await steps(client, severity="low") == [9, 7, 5, 3, 1]
    assert await steps(client, severity=["low", "none"], limit=1) == [9]
    assert await steps(
        client, since="2023-11-14T22:13:25Z", until=1_700_000_008_000
    ) == [
        7,
        6,
        5,
    ]
    assert await steps(client, acknowledged="true") == []
    assert len(await steps(client, acknowledged="false", rewound="false")) == 11
    found: list[Any] = []
    page = await listed(client, limit=4)
    while page["more"]:
        found += page["data"]
        # What comes meanwhile is newer, and moves nothing.
        await rig.writer("run_1").append(alarm(100 + len(found)))
        page = await listed(client, limit=4, after=page["cursor"])
    found += page["data"]
    assert [one["step"] for one in found] == [*range(9, -1, -1), None]
    for query in ("after=x", "since=never", "limit=0", "acknowledged=perhaps"):
        answer = await client.get(f"/api/emergencies?{query}")
        assert answer.status_code == 400, query


async def test_they_outlive_the_stream(rig: Rig, client: httpx.AsyncClient) -> None:
    """With their records; a long one is linked to as long as it is there."""
    await rig.writer("a").append(alarm(1), alarm(2, text="x" * 9_000), alarm(3))
    async with running(rig.broker):
        await until_indexed(rig.broker, "a")
        before = await listed(client)
        assert [one["data"] for one in before["data"]] == [alarm(3), None, alarm(1)]
        (end,) = await rig.broker.ends(["a"])
        await rig.trim("a", EntryID(1, end.cursor.id.offset + 1))
        await rig.broker.indexes.discard("a")
        await rig.writer("a").append({"step": 4})
        await until_indexed(rig.broker, "a")

    after = await listed(client)

    assert after == before


async def test_without_an_indexer_it_says_what_it_has_not_read(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of which more came than an answer takes the time to read."""
    await rig.writer("a").append(alarm(1))
    async with running(rig.broker):
        await until_indexed(rig.broker, "a")
    await rig.writer("a").append(alarm(2))
    assert await steps(client) == [2, 1]
    monkeypatch.setattr(emergency_tails, "LOOKED_BYTES", 50)
    await rig.writer("b").append(alarm(3), alarm(4))

    body = await listed(client)

    assert ([one["step"] for one in body["data"]], body["behind"]) == ([1], 2)
    assert "behind" not in await listed(client, sessionId="none")
    async with running(rig.broker):
        await until_indexed(rig.broker, "a", "b")
        assert await steps(client) == [4, 3, 2, 1]


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_what_the_file_has_lost_is_told_so(
    rig: Rig, client: httpx.AsyncClient, *, is_indexed: bool
) -> None:
    """It stays, with its ID; whoever asks for the others gets these alone."""
    writer = rig.writer("a")
    await writer.append(alarm(1), alarm(2))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(rig.broker))
        await until_indexed(rig.broker, "a")
        if not is_indexed:
            await stack.aclose()
        before = await listed(client)
        await writer.rewrite(alarm(1))
        if is_indexed:
            await until_indexed(rig.broker, "a")

        after = await listed(client)

        lost = [one for one in after["data"] if "rewound" in one]
        assert [one["id"] for one in lost] == [one["id"] for one in before["data"]]
        assert await steps(client, rewound="false") == [1]
        answer = await client.post(
            "/api/emergencies/ack", params={"id": lost[0]["id"]}, json={"who": "ada"}
        )
        assert answer.json()["rewound"] is True


async def test_a_broker_that_was_emptied(rig: Rig, client: httpx.AsyncClient) -> None:
    """Nothing of before is told, and what the tailer reads again has its ID again."""
    await rig.writer("a").append(alarm(1), alarm(2))
    await rig.broker.add_document(Document("e.json", "00", b'{"n":1}', "a", True, 5))
    async with running(rig.broker):
        await until_indexed(rig.broker, "a")
        before = await listed(client)
        assert len(before["data"]) == 3

        keys = await rig.broker._redis.keys(f"{rig.prefix}:*")
        await rig.broker._redis.delete(*keys)

        assert (await listed(client))["data"] == []
        await rig.broker.add_document(Document("f.json", "9", b'{"n":2}', "a", True, 6))
        await rig.writer("a").append(alarm(1), alarm(2))
        await until_indexed(rig.broker, "a")
        after = await listed(client)
    assert [one["id"] for one in after["data"][:2]] == [
        one["id"] for one in before["data"][:2]
    ]
    assert after["data"][2]["path"] == "f.json"


# Subscriptions.


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_the_latest_come_first_and_then_the_live_ones(
    rig: Rig, gateway: Gateway, *, is_indexed: bool
) -> None:
    """Those of the subscription, the oldest first, each once."""
    await rig.writer("a").append(alarm(1), *numbered(2, 5), alarm(5), alarm(6))
    await rig.writer("b").append(alarm(7))
    await rig.broker.add_document(Document("e.json", "00", b'{"n":1}', "", True, 5))
    async with AsyncExitStack() as stack:
        if is_indexed:
            await stack.enter_async_context(running(rig.broker))
            await until_indexed(rig.broker, "a", "b")
        one = await stack.enter_async_context(watching(gateway))
        await one.subscribe(sessionId="a", emergencies=2)
        found = await replayed(one, 2)
        assert [(it["data"]["step"], it["step"]) for it in found] == [(5, 5), (6, 6)]
        every = await stack.enter_async_context(watching(gateway))
        await every.subscribe(emergencies=100)
        found = await replayed(every, 5)
        assert [it["step"] for it in found] == [None, 1, 5, 6, 7]
        assert "sessionId" not in found[0]

        await rig.writer("a").append(alarm(8))
        await rig.writer("b").append(alarm(9))

        assert (await one.until("emergency"))["data"]["step"] == 8
        live = [(await every.until("emergency")) for _ in range(2)]
        assert {it["data"]["step"] for it in live} == {8, 9}
        assert all("cursor" in it for it in live)


@pytest.mark.parametrize(
    "start", ["start", "now", {"last": 3}, {"step": 3}, "cursor", {"last": 0}]
)
@pytest.mark.parametrize("named", [True, False])
async def test_each_comes_once_wherever_delivery_begins(
    rig: Rig, gateway: Gateway, start: Any, *, named: bool
) -> None:
    """In its place, or before; those that were trimmed too."""
    writer = rig.writer("a")
    await writer.append(alarm(1), *numbered(2, 4))
    (end,) = await rig.broker.ends(["a"])
    await writer.append(alarm(4), *numbered(5, 7), alarm(7))
    async with running(rig.broker):
        await until_indexed(rig.broker, "a")
        await rig.trim("a", EntryID(1, 100))
    fields: dict[str, Any] = {"from": start}
    if start == "cursor":
        fields = {"cursors": {"a": str(end.cursor)}}
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            emergencies=20, **({"sessionId": "a"} if named else {}), **fields
        )
        told = [await watcher.until("emergency") for _ in range(3)]
        assert sorted(one["data"]["step"] for one in told) == [1, 4, 7]
        await writer.append(alarm(8))
        assert (await watcher.until("emergency"))["data"]["step"] == 8


async def test_what_arrives_meanwhile_is_not_lost(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of what there is and the answer."""
    writer = rig.writer("a")
    await writer.append(alarm(1))
    read = emergencies.EmergencyHistory.records

    async def read_late(history: Any, some: Any) -> Any:
        found = await read(history, some)
        channel = gateway.replica.hub.channels.get("a")
        if channel is not None and channel.window.end.id.offset < 150:
            await writer.append(alarm(2))
            (end,) = await rig.broker.ends(["a"])
            while channel.window.end.id < end.cursor.id:
                await asyncio.sleep(0.01)
        return found

    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        monkeypatch.setattr(emergencies.EmergencyHistory, "records", read_late)
        async with watching(gateway) as other:
            await other.subscribe(emergencies=10)
            found = await replayed(other, 2)
            assert [one["data"]["step"] for one in found] == [1, 2]
            await writer.append(alarm(3))
            assert (await other.until("emergency"))["data"]["step"] == 3


async def test_in_the_address_and_as_events(rig: Rig, gateway: Gateway) -> None:
    """For a client that cannot be changed; what is wrong is said, and no reason."""
    await rig.writer("a").append(alarm(1), {"step": 2})
    url = f"{gateway.ws_url}?emergencies=20"
    async with watching(gateway) as watcher:
        assert (await watcher.subscribe())["message"] == "Subscribed to all sessions"
    async with watching(Addressed(gateway, url)) as watcher:  # type: ignore[arg-type]
        await watcher.subscribe()
        assert (await replayed(watcher, 1))[0]["step"] == 1
    wrong = Addressed(gateway, f"{gateway.ws_url}?emergencies=101")
    async with watching(wrong) as watcher:  # type: ignore[arg-type]
        error = await watcher.until("error")
        assert "emergencies: " in error["message"]
        await watcher.subscribe()
    query = "sessionId=a&emergencies=5&from=now"
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
        client.stream("GET", f"/sse/telemetry?{query}") as response,
    ):
        lines = response.aiter_lines()
        async for line in lines:
            if line == "event: emergency":
                break
        data = msgspec.json.decode((await anext(lines)).removeprefix("data: "))
        assert (data["step"], data["replayed"]) == (1, True)
        assert await anext(lines) == ""


class Addressed:
    """A gateway at an address with parameters."""

    def __init__(self, gateway: Gateway, url: str) -> None:
        self.replica = gateway.replica
        self.ws_url = url


async def test_who_comes_back_loses_and_repeats_none(
    rig: Rig, gateway: Gateway
) -> None:
    """By its cursor: those before it come as replayed, those behind it in the flow."""
    writer = rig.writer("a")
    await writer.append(alarm(1))
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", emergencies=20)
        first = await replayed(watcher, 1)
        await writer.append(alarm(2), {"step": 3})
        live = await watcher.until("emergency")
        await watcher.until("telemetry")
        cursors = watcher.cursors
    await writer.append(alarm(4))
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            sessionId="a", emergencies=20, **{"from": {"cursor": cursors["a"]}}
        )
        again = await replayed(watcher, 2)
        assert [one["id"] for one in again] == [first[0]["id"], live["id"]]
        assert (await watcher.until("emergency"))["data"]["step"] == 4
        await writer.append(alarm(5))
        assert (await watcher.until("emergency"))["data"]["step"] == 5


@pytest.mark.parametrize("subprotocol", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_a_long_one_is_linked_to(
    rig: Rig, gateway: Gateway, subprotocol: Any
) -> None:
    """If it does not fit the client's messages, or is not kept."""
    await rig.writer("a").append(
        alarm(1, text="x" * 5_000), alarm(2, text="x" * 9_000), alarm(3)
    )
    async with running(rig.broker):
        await until_indexed(rig.broker, "a")
    async with watching(gateway, subprotocols=[subprotocol]) as watcher:
        watcher.max_message = 4_096
        await watcher.subscribe(sessionId="a", emergencies=20, maxMessage=4_096)
        told = await replayed(watcher, 3)
    assert [one.get("truncated") for one in told] == [True, True, None]
    assert told[0]["data"].keys() == {"truncated", "url", "bytes"}
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        url = told[1]["data"]["url"].removeprefix("..")
        assert (await client.get(url)).json() == alarm(2, text="x" * 9_000)


# Acknowledging.


async def test_everybody_is_told_who_has_seen_it(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """At each replica, and who comes later; the first one stays until taken back."""
    await rig.writer("a/b").append(alarm(1))
    await rig.broker.add_document(Document("e.json", "00", b'{"n":1}', "", True, 5))
    one, document = (await listed(client))["data"]
    async with rig.serving() as second, watching(gateway) as near:
        await second.until_ready()
        await gateway.until_ready()
        async with watching(second) as far, watching(second) as other:
            await near.subscribe(sessionId="a/b")
            await far.subscribe()
            await other.subscribe(sessionId="none")
            body = {"who": "ada", "note": "looked, ok"}

            answer = await client.post(f"/api/emergencies/{one['id']}/ack", json=body)

            assert answer.status_code == 200, answer.text
            seen = answer.json()["acknowledged"]
            assert seen == body | {"at": seen["at"]}
            for watcher in (near, far):
                told = await watcher.until("acknowledged")
                assert told == {
                    "type": "acknowledged",
                    "id": one["id"],
                    "sessionId": "a/b",
                    "acknowledged": seen,
                }
            again = await client.post(
                "/api/emergencies/ack", params={"id": one["id"]}, json={"who": "bob"}
            )
            assert again.json()["acknowledged"] == seen
            assert await steps(client, acknowledged="true") == [1]
            answer = await client.post(
                f"{second.url}/api/emergencies/{document['id']}/ack", json=body
            )
            assert answer.status_code == 200
            for watcher in (near, far, other):
                told = await watcher.until("acknowledged")
                assert (told["id"], "sessionId" in told) == (document["id"], False)
            async with watching(second) as later:
                await later.subscribe(sessionId="a/b", emergencies=5)
                told = {it["id"]: it for it in await replayed(later, 2)}
                assert told[one["id"]]["acknowledged"] == seen

            await client.delete(f"/api/emergencies/{one['id']}/ack")

            told = await far.until("acknowledged")
            assert told["acknowledged"] is None
            assert (
                "acknowledged" not in (await listed(client, sessionId="a/b"))["data"][0]
            )


def pass_over(_payload: str) -> bool:
    """Hear nothing of it."""
    return True


async def test_a_lost_hint_is_found_by_looking(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but speed depends on what gateways say to each other."""
    monkeypatch.setattr(emergencies, "LOOK_AGAIN_SECONDS", 0.05)
    await rig.writer("a").append(alarm(1))
    async with rig.serving() as second, watching(second) as watcher:
        await second.until_ready()
        monkeypatch.setattr(second.replica._emergencies, "heard", pass_over)
        await watcher.subscribe()
        listing = await gateway.replica._emergencies.listing()
        await gateway.replica._emergencies.acknowledge(
            listing.emergencies[0].id, "ada", ""
        )
        assert (await watcher.until("acknowledged"))["acknowledged"]["who"] == "ada"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"who":"ada"}', {"content-type": "text/plain"}, 415),
        (b'{"who":"ada"}', {}, 415),
        (b'{"who":""}', {"content-type": "application/json"}, 400),
        (b'{"who":"a","more":1}', {"content-type": "application/json"}, 400),
        (b"[" * 20_000, {"content-type": "application/json"}, 413),
        (b"[" * 9_000, {"content-type": "application/json"}, 400),
        (
            b'{"who":"ada"}',
            {"content-type": "application/json", "origin": "https://elsewhere.org"},
            403,
        ),
    ],
)
async def test_what_is_not_taken(
    rig: Rig,
    client: httpx.AsyncClient,
    body: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    """From pages of other origins, in forms, and in words that nobody understands."""
    await rig.writer("a").append(alarm(1))
    (one,) = (await listed(client))["data"]

    answer = await client.post(
        f"/api/emergencies/{one['id']}/ack", content=body, headers=headers
    )

    assert answer.status_code == status, answer.text
    assert await steps(client, acknowledged="true") == []


async def test_what_nobody_knows(client: httpx.AsyncClient) -> None:
    """There is one clear answer."""
    for method in ("POST", "DELETE"):
        for path in ("a/1-2-00000000/ack", "ack?id=x"):
            answer = await client.request(
                method, f"/api/emergencies/{path}", json={"who": "ada"}
            )
            assert answer.status_code == 404
            assert answer.json() == {
                "code": "not_found",
                "message": "no such emergency",
            }
    assert (await client.delete("/api/emergencies/ack")).status_code == 400


async def test_those_that_are_gone_make_room(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no more acknowledgements than emergencies can be known."""
    monkeypatch.setattr(emergencies, "MAX_ACKNOWLEDGED", 2)
    await rig.writer("a").append(alarm(1))
    for id in ("gone/1", "gone/2"):
        await rig.broker.emergencies.acknowledge(id, "ada", "")
    (one,) = (await listed(client))["data"]

    answer = await client.post(f"/api/emergencies/{one['id']}/ack", json={"who": "bob"})

    assert answer.json()["acknowledged"]["who"] == "bob"
    assert list((await rig.broker.emergencies.load()).acknowledged) == [one["id"]]
