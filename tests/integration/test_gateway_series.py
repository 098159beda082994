"""Curves and catalogues over HTTP, and the flow that goes on where a curve ends."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tailcast_gateway.http.core import bodies
from tailcast_gateway.sessions import curve_reads
from tailcast_streams.position import BEFORE_ALL
from tests.indexer.rig import running, until_indexed
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, watching
from tests.integration.test_gateway_steps import index


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


def run_of(start: int, stop: int) -> list[dict[str, Any]]:
    """Records of a run."""
    return [{"step": at, "loss": at % 7, "lr": 0.5} for at in range(start, stop)]


async def test_a_curve_and_the_flow_behind_it(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """Each record is in one of them: the index, what is behind it, or the flow."""
    writer = rig.writer("a")
    await writer.append(*run_of(0, 1_500))
    await index(writer)
    await writer.append(*run_of(1_500, 1_600))
    query: dict[str, str | int] = {
        "sessionId": "a", "points": 20, "metrics": "loss,none",
    }  # fmt: skip  # one glance
    answer = await client.get("/api/series", params=query)
    body = answer.json()
    msgspec.convert(body, bodies.SeriesBody)
    assert (body["of"], body["x"], body["unknown"]) == (1_600, "step", ["none"])
    (loss,) = body["series"].values()
    assert sum(loss["count"]) == 1_600
    assert len(loss["x"]) <= 20
    assert (loss["x"][0], loss["x"][-1]) == (0, 1_599)
    assert body["indexedTo"] != body["cursor"]
    await writer.append(*run_of(1_600, 1_610))
    async with watching(gateway) as watcher:
        start = {"cursor": body["cursor"]}
        await watcher.subscribe(sessionId="a", **{"from": start})
        await watcher.until("caught_up")
        await writer.append(*run_of(1_610, 1_620))
        assert await watcher.until_records(20) == run_of(1_600, 1_620)


def epoch(number: int) -> list[dict[str, Any]]:
    """Records of an epoch, each of which counts its steps anew."""
    steps = range(1, 4)
    return [{"epoch": number, "iter": at, "loss": at, "x": 1} for at in steps]


async def test_steps_beside_records_are_those_of_the_curve(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """Replayed and live, from the first subscription on, and in pages."""
    writer = rig.writer("a")
    await writer.append(*epoch(1), *epoch(2), *epoch(3))
    await index(writer)
    query = {"sessionId": "a", "metrics": "loss"}
    body = (await client.get("/api/series", params=query)).json()
    steps = list(range(1, 10))
    assert body["series"]["loss"]["x"] == steps
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", metrics=["loss"], index=True)
        await writer.append(*epoch(4))
        live = await watcher.until("telemetry")
        assert live["steps"] == [10, 11, 12]
        await watcher.subscribe(sessionIds=["*"], index=True, **{"from": "start"})
        replayed: list[int] = []
        while (message := await watcher.next())["type"] != "caught_up":
            replayed += message.get("steps", [])
        assert replayed == [*steps, 10, 11, 12]
    page = (await client.get("/api/records", params={**query, "limit": 1})).json()
    lines = await client.get(
        "/api/records",
        params={**query, "limit": 1},
        headers={"accept": "application/x-ndjson"},
    )
    assert page["data"] == [lines.json()]
    assert set(lines.json()) == {"iter", "loss"}


async def test_what_has_not_changed_is_not_sent_again(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """The tag goes by the session's end and by what is asked for."""
    await rig.writer("a").append(*run_of(0, 9))
    first = await client.get("/api/sessions/a/series?x=record")
    tag = {"if-none-match": first.headers["etag"]}
    assert first.json()["series"]["loss"]["x"] == list(range(9))
    again = await client.get("/api/sessions/a/series?x=record", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    span = (await client.get("/api/sessions/a/series?from=3&to=5")).json()
    assert (span["of"], span["series"]["loss"]["x"]) == (3, [3, 4, 5])
    time = "2025-12-18T01:30:00Z"
    span = (await client.get(f"/api/sessions/a/series?x=time&from={time}")).json()
    assert span["of"] == 0
    other = await client.get("/api/sessions/a/series?x=step", headers=tag)
    assert other.status_code == 200
    await rig.writer("a").append(*run_of(9, 10))
    later = await client.get("/api/sessions/a/series?x=record", headers=tag)
    assert later.json()["of"] == 10


async def test_the_catalogue(rig: Rig, client: httpx.AsyncClient) -> None:
    """Page by page, by name."""
    await rig.writer("a").append(*run_of(0, 9), {"loss": "NaN"})
    answer = await client.get("/api/metrics", params={"sessionId": "a", "limit": 1})
    body = answer.json()
    msgspec.convert(body, bodies.MetricsBody)
    assert body["data"] == [
        {
            "name": "loss", "kind": "int", "count": 9, "nonfinite": 1, "min": 0,
            "max": 6, "mean": 22 / 9, "firstStep": 0, "lastStep": 8, "last": "NaN",
        }
    ]  # fmt: skip  # one glance
    assert (body["of"], body["more"], body["leftOut"]) == (2, True, 0)
    query = {"after": body["cursor"], "q": "L"}
    body = (await client.get("/api/sessions/a/metrics", params=query)).json()
    assert ([one["name"] for one in body["data"]], body["more"]) == (["lr"], False)


@pytest.mark.parametrize("word", ["series", "metrics"])
async def test_a_session_whose_name_ends_in_the_word(
    rig: Rig, client: httpx.AsyncClient, word: str
) -> None:
    """It is shown, and with its slash escaped its curves are there too."""
    await rig.writer(f"a/{word}").append(*run_of(0, 3))
    body = (await client.get(f"/api/sessions/a/{word}")).json()
    assert body["sessionId"] == f"a/{word}"
    assert "of" not in body
    body = (await client.get(f"/api/sessions/a%2F{word}/{word}")).json()
    assert (body["sessionId"], "indexedTo" in body) == (f"a/{word}", True)
    assert (await client.get(f"/api/sessions/b/{word}")).status_code == 404
    answer = await client.get(f"/api/{word}", params={"sessionId": "b"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("series?points=0", "points: "),
        ("series?points=5001", "points: "),
        ("series?points=many", "points: "),
        ("series?x=loss", "x: "),
        ("series?from=nan", "from: a number, not 'nan'"),
        ("series?to=2025-12-18T01:30:00Z", "to: a number"),
        ("series?x=time&to=now", "to: Unix milliseconds, or a time"),
        ("series?metrics=", "metrics: name 1 to 50"),
        ("series?" + "&".join(f"metrics=m{at}" for at in range(51)), "metrics: "),
        ("series?metrics=" + ",".join(f"m{at}" for at in range(51)), "metrics: "),
        ("metrics?limit=0", "limit: "),
        ("metrics?limit=1001", "limit: "),
    ],
)
async def test_what_cannot_be_asked(
    rig: Rig, client: httpx.AsyncClient, query: str, text: str
) -> None:
    """In one line, before the session is looked at."""
    await rig.writer("a").append(*run_of(0, 3))
    answer = await client.get(f"/api/sessions/a/{query}")
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid_message"
    assert body["message"].startswith(text)
    assert "\n" not in body["message"]


async def test_a_long_session_without_an_index(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says when to come again."""
    monkeypatch.setattr(curve_reads, "EXACT_RECORDS", 2)
    await rig.writer("a").append(*run_of(0, 3))
    for word in ("series", "metrics"):
        answer = await client.get(f"/api/sessions/a/{word}")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        body = answer.json()
        msgspec.convert(body, bodies.ErrorBody)
        assert body["code"] == "unavailable"
        assert body["retryAfterMs"] > 0


async def test_curves_of_several_sessions(
    rig: Rig, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line each, as asked; one that cannot be drawn says why, and spoils no other."""
    await rig.writer("b").append(*run_of(0, 3))
    await rig.writer("a").append(*run_of(0, 9))
    await rig.writer("long").append(*run_of(0, 12))
    monkeypatch.setattr(curve_reads, "EXACT_RECORDS", 10)
    asked: dict[str, Any] = {
        "sessionIds": ["b", "long", "no", "a", "b"],
        "metrics": ["loss"],
        "points": 5,
        "x": "record",
        "from": 1,
    }
    answer = await client.post("/api/series", json=asked)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    b, long, no, a = lines
    for line in (a, b):
        msgspec.convert(line, bodies.SeriesBody)
    for line in (long, no):
        msgspec.convert(line, bodies.NoSeriesBody)
    assert [one["sessionId"] for one in lines] == ["b", "long", "no", "a"]
    assert (long["code"], no["code"]) == ("unavailable", "not_found")
    assert (a["of"], b["of"], list(a["series"])) == (8, 2, ["loss"])
    alone = await client.get(
        "/api/series?sessionId=a&metrics=loss&points=5&x=record&from=1"
    )
    assert alone.json() == a


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("nothing", "body: "),
        ("{}", "body: "),
        ('{"sessionIds":[]}', "body: "),
        ('{"sessionIds":["a"],"x":"loss"}', "body: "),
        ('{"sessionIds":["a"],"metrics":[]}', "body: "),
        ('{"sessionIds":["a"],"point":9}', "body: "),
        ('{"sessionIds":["a"],"to":"now"}', "to: a number, not 'now'"),
        (msgspec.json.encode({"sessionIds": ["a"] * 51}), "body: "),
        (b" " * (1024 * 1024 + 1), "the body has at most"),
    ],
)
async def test_what_cannot_be_asked_of_several(
    client: httpx.AsyncClient, body: str | bytes, text: str
) -> None:
    """In one line, and in place of all answers."""
    answer = await client.post("/api/series", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(text)


async def test_where_a_run_fell_back_and_what_is_missing(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """Curves are cut there, along any axis."""
    writer = rig.writer("a")
    times = [{"time": f"2025-12-18T01:30:{at:02}Z"} for at in range(15)]
    steps = [*range(10), *range(5, 10)]
    await writer.append(
        *(
            {"step": step, "loss": 1, **time}
            for step, time in zip(steps, times, strict=True)
        )
    )
    for x, place in (("step", 5), ("record", 10), ("time", 1_766_021_410_000)):
        body = (await client.get(f"/api/sessions/a/series?x={x}")).json()
        msgspec.convert(body, bodies.SeriesBody)
        (fall,) = body["rewinds"]
        assert (fall["x"], fall["step"], fall["before"]) == (place, 5, 9)
        assert "rewindsLeftOut" not in body
        assert body["gaps"] == []
    (oldest, *_) = (await rig.broker.read_after("a", BEFORE_ALL, limit=9))[5:]
    await rig.trim("a", oldest.id)
    await index(writer)
    body = (await client.get("/api/sessions/a/series")).json()
    (gap,) = body["gaps"]
    assert (gap["reason"], body["of"]) == ("trimmed", 11)
    assert gap["to"].startswith(f"{oldest.previous}-")


async def test_a_run_that_was_cut_back_to_what_the_stream_had_lost(
    rig: Rig, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    """All that is known of it stays; what is not exact, or is missing, is named."""
    writer = rig.writer("a")
    async with running(rig.broker):
        await writer.append(*run_of(0, 3_000))
        await until_indexed(rig.broker, "a")
        entries = await rig.broker.read_after("a", BEFORE_ALL, limit=5_000)
        kept = entries[2_000].id
        await rig.trim("a", entries[-100].id)
        await writer.rewrite(*run_of(2_000, 2_300), keep=kept.offset)
        await until_indexed(rig.broker, "a")
    # Behind the first record there are 62 whole buckets.
    bucket_end = entries[1_985].id
    query: dict[str, str | int] = {"sessionId": "a", "points": 40, "x": "record"}
    body = (await client.get("/api/series", params=query)).json()
    (gap,) = body["gaps"]
    assert gap == {
        "from": f"{bucket_end}-00000000", "to": f"{kept}-00000000", "reason": "trimmed",
    }  # fmt: skip  # one glance
    assert (body["of"], body["rewinds"]) == (2_285, [])
    records = run_of(0, 1_985) + run_of(2_000, 2_300)
    before = -1
    loss = body["series"]["loss"]
    columns = [loss[name] for name in ("x", "count", "min", "max", "mean")]
    for x, *row in zip(*columns, strict=True):
        values = [one["loss"] for one in records[before + 1 : x + 1]]
        mean = pytest.approx(sum(values) / len(values))
        assert row == [len(values), min(values), max(values), mean]
        before = x
    assert before == len(records) - 1

    shown = (await client.get("/api/snapshot?sessionId=a")).json()
    assert (shown["trimmed"], shown["approximateTo"]) == (True, gap["from"])
    assert shown["steps"] == {"first": 0, "last": 2_299}
    assert shown["metrics"]["loss"]["last"] == 2_299 % 7
    (listed,) = (await client.get("/api/sessions")).json()["sessions"]
    assert listed["approximateTo"] == gap["from"]
    catalogue = (await client.get("/api/metrics?sessionId=a")).json()
    msgspec.convert(catalogue, bodies.MetricsBody)
    assert catalogue["approximateTo"] == gap["from"]
    told = {one["name"]: (one["count"], one["last"]) for one in catalogue["data"]}
    assert told == {"loss": (2_285, 3), "lr": (2_285, 0.5)}

    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": {"step": 2_200}})
        await watcher.until("caught_up")
        assert watcher.records[-100:] == run_of(2_200, 2_300)
