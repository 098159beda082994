"""Lists of sessions over HTTP, and what people say of sessions."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tailcast_gateway.http import session_list
from tailcast_gateway.http.core import bodies
from tailcast_gateway.protocol.message_parts import SnapshotFields
from tailcast_gateway.sessions import stored
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Writer,
    watching,
)
from tests.integration.test_gateway_steps import index


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker

LIST = "/api/sessions"
HOUR_MS = 3_600_000


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


async def written(rig: Rig, session: str, hours_ago: float, **config: Any) -> Writer:
    """A run of twenty steps whose file was written so long ago, indexed."""
    writer = rig.writer(session)
    ms = time.time_ns() // 1_000_000 - int(hours_ago * HOUR_MS)
    records = [{"step": at, "loss": 1 / (at + 1), **config} for at in range(20)]
    await writer.append(*records, written_ms=ms)
    await index(writer)
    return writer


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """The sessions of a list."""
    answer = await client.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    body = msgspec.json.decode(answer.content, type=bodies.SessionsBody)
    return [one.session_id for one in body.sessions]


async def test_lists_have_what_is_asked_for(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """By words, status, group, tag; sorted, page after page."""
    await written(rig, "new", 0, config={"lr": 0.1, "max_steps": 100})
    old = await written(rig, "old", 50)
    await written(rig, "older", 60)
    about = {"file:old.meta.json": b'{"name":"Base","group":"g","tags":["t"]}'}
    await rig.broker.descriptions.tell("old", old.incarnation, about)
    assert await names(client) == ["new", "old", "older"]
    assert await names(client, sort="name", limit=2) == ["new", "old"]
    assert await names(client, status="ended") == ["old", "older"]
    assert await names(client, status="running,stalled") == ["new"]
    assert await names(client, q="OLD base") == ["old"]
    assert await names(client, group="g", tag="t", sort="step") == ["old"]
    assert await names(client, tag="other") == []
    assert await names(client, sessionId=["older", "new", "none"]) == ["new", "older"]
    assert await names(client, sessionId="old", sort="step") == ["old"]
    first = (await client.get(LIST, params={"sort": "records", "limit": 2})).json()
    assert first["more"]
    after = first["cursor"]
    rest = (await client.get(LIST, params={"sort": "records", "after": after})).json()
    assert not rest["more"]
    told = [one["sessionId"] for one in first["sessions"] + rest["sessions"]]
    assert sorted(told) == ["new", "old", "older"]
    for wrong in ({"sort": "best"}, {"status": "gone"}, {"after": "x"}, {"limit": 0}):
        answer = await client.get(LIST, params=wrong)
        assert answer.status_code == 400, answer.text


async def test_lists_snapshots_and_the_socket_say_the_same(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """Of the run and of what it says of itself."""
    writer = await written(rig, "a", 0, config={"lr": 0.1, "max_steps": 100})
    about = {"header": b'{"run":"x","notes":"n"}', "file:config.json": b'{"depth":2}'}
    await rig.broker.descriptions.tell("a", writer.incarnation, about)
    await rig.broker.descriptions.edit("a", {"pinned": b"1"})
    ((listed,)) = (await client.get(LIST)).json()["sessions"]
    seen = (await client.get("/api/sessions/a")).json()
    async with watching(gateway) as watcher:
        await watcher.send(type="sessions")
        ((told,)) = (await watcher.until("sessions"))["sessions"]
    fields = ("totalSteps", "spark", "name", "notes", "config", "pinned", "status")
    expected = {
        "totalSteps": 100,
        "spark": {
            "metric": "loss",
            "values": [1 / (at + 1) for at in range(20)],
            "last": 1 / 20,
        },
        "name": "x",
        "notes": "n",
        "config": {"lr": 0.1, "max_steps": 100, "depth": 2},
        "pinned": True,
        "status": "running",
    }
    for one in (listed, seen, told):
        assert {name: one[name] for name in fields} == expected
    assert (listed["emergencies"], seen["emergencies"]["count"]) == (0, 0)


async def test_an_old_file_has_ended_from_the_start(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """Though it is read now; without an index too."""
    ms = time.time_ns() // 1_000_000 - 50 * HOUR_MS
    await rig.writer("a").append({"step": 1}, written_ms=ms)
    seen = (await client.get("/api/sessions/a")).json()
    assert (seen["status"], seen["lastActivity"]) == ("ended", ms)


async def patch(
    client: httpx.AsyncClient, body: Any, path: str = "/api/sessions/a", **headers: str
) -> httpx.Response:
    """Change something of a session."""
    return await client.patch(path, json=body, headers=headers)


async def test_people_say_something_of_a_session(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """It takes the place of what the run says of itself, until it is taken back."""
    writer = await written(rig, "a", 0)
    about = {"header": b'{"tags":["own"],"notes":"own"}'}
    await rig.broker.descriptions.tell("a", writer.incarnation, about)
    answer = await patch(client, {"tags": ["best"], "notes": "see", "pinned": True})
    assert answer.status_code == 200, answer.text
    body = msgspec.json.decode(answer.content, type=SnapshotFields)
    assert (body.tags, body.notes, body.pinned) == (["best"], "see", True)
    assert await names(client, tag="best", pinned="true") == ["a"]
    await patch(client, {"tags": None}, "/api/sessions?sessionId=a")
    seen = (await client.get("/api/sessions/a")).json()
    assert (seen["tags"], seen["notes"], seen["pinned"]) == (["own"], "see", True)
    await patch(client, {"notes": None, "pinned": False, "tags": []})
    seen = (await client.get("/api/sessions/a")).json()
    assert seen["notes"] == "own"
    assert not {"pinned", "tags"} & seen.keys()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/sessions/none", {"pinned": True}, {}, 404),
        ("/api/sessions/!emergencies", {"pinned": True}, {}, 404),
        ("/api/sessions", {"pinned": True}, {}, 400),
        ("/api/sessions/a", {"name": "x"}, {}, 400),
        ("/api/sessions/a", {"notes": "x" * 70_000}, {}, 413),
        ("/api/sessions/a", {"pinned": True}, {"origin": "https://evil.example"}, 403),
        ("/api/sessions/a", {"pinned": True}, {"content-type": "text/plain"}, 415),
        ("/api/sessions/a/records", {"pinned": True}, {}, 405),
        ("/api/sessions/a/metrics", {"pinned": True}, {}, 405),
    ],
)
async def test_what_may_not_be_said(
    rig: Rig,
    client: httpx.AsyncClient,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    """Nothing is stored then; a page of another origin changes nothing."""
    await written(rig, "a", 0)
    answer = await patch(client, body, path, **headers)
    assert (answer.status_code, "code" in answer.json()) == (status, True)
    assert not (await rig.broker.descriptions.load(["a"]))[0].edits
    assert status != 405 or answer.headers["allow"] == "GET, HEAD"


async def test_a_session_may_be_called_like_what_it_has(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """With its slash encoded it is meant as a whole."""
    await written(rig, "a/records", 0)
    answer = await patch(client, {"pinned": True}, "/api/sessions/a%2Frecords")
    assert answer.json()["sessionId"] == "a/records"


async def test_who_watches_is_told_of_edits(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """At every gateway; who named the session is not."""
    await written(rig, "a", 0)
    async with (
        rig.serving() as other,
        watching(other) as everything,
        watching(gateway) as glob,
        watching(gateway) as named,
    ):
        await everything.subscribe()
        await glob.subscribe(sessionIds=["a*"])
        await named.subscribe(sessionId="a")
        await patch(client, {"tags": ["t"], "pinned": True})
        for watcher in (everything, glob):
            event = await watcher.until("session")
            assert (event["sessionId"], event["event"]) == ("a", "edited")
            assert (event["tags"], event["notes"], event["pinned"]) == (["t"], "", True)
        await named.send(type="heartbeat")
        while (message := await named.next())["type"] != "heartbeat":
            assert message["type"] != "session"


async def test_an_old_file_does_not_start(rig: Rig, gateway: Gateway) -> None:
    """What is written now does."""
    ms = time.time_ns() // 1_000_000 - 50 * HOUR_MS
    async with watching(gateway) as everything:
        await everything.subscribe()
        await rig.writer("old").append({"step": 1}, written_ms=ms)
        await everything.until_records(1)
        await rig.writer("new").append({"step": 1})
        event = await everything.until("session")
        assert (event["sessionId"], event["event"]) == ("new", "started")


async def pages_of(client: httpx.AsyncClient, **query: Any) -> list[list[str]]:
    """The sessions of each page of a list, one page after the other."""
    pages: list[list[str]] = []
    more = True
    while more:
        body = (await client.get(LIST, params=query)).json()
        pages.append([one["sessionId"] for one in body["sessions"]])
        more, query["after"] = body["more"], body["cursor"]
    return pages


async def test_a_page_that_takes_too_long_ends_where_it_is(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one goes on from there, though nothing matched before."""
    monkeypatch.setattr(session_list, "SCAN_SECONDS", 0.0)
    monkeypatch.setattr(stored, "SESSIONS_AT_ONCE", 1)
    for name in ("a", "b", "c"):
        await rig.writer(name).append({"step": 1})
    pages = await pages_of(client, sort="name", q="c")
    assert pages == [[], [], ["c"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_sessions_that_moved_together_are_on_one_page_each(
    rig: Rig, client: httpx.AsyncClient, limit: int
) -> None:
    """Whatever part of them a page begins and ends with."""
    listed = {"new": 3, **dict.fromkeys("abcde", 2), "old": 1}
    await rig.broker.touch(listed)
    pages = await pages_of(client, limit=limit)
    assert [name for page in pages for name in page] == list(listed)
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


async def test_what_is_not_sorted_is_counted(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sessions that moved last are."""
    monkeypatch.setattr(session_list, "MAX_SORTED_SESSIONS", 1)
    await written(rig, "old", 50)
    await written(rig, "new", 0)
    body = (await client.get(LIST, params={"sort": "records"})).json()
    assert [one["sessionId"] for one in body["sessions"]] == ["new"]
    assert (body["leftOut"], body["more"]) == (1, False)


async def test_what_is_not_read_in_time_is_not_sorted(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted too."""
    for name, hours in (("oldest", 60), ("old", 50), ("new", 0)):
        await written(rig, name, hours)
    monkeypatch.setattr(session_list, "SCAN_SECONDS", 0.0)
    monkeypatch.setattr(stored, "SESSIONS_AT_ONCE", 2)
    body = (await client.get(LIST, params={"sort": "records"})).json()
    assert {one["sessionId"] for one in body["sessions"]} == {"new", "old"}
    assert (body["leftOut"], body["more"]) == (1, False)
