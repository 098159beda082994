"""Sessions over HTTP: pages in both directions, exports of any length, and more."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from tailcast_gateway.http import export
from tailcast_gateway.limits import Quotas
from tailcast_gateway.sessions import history
from tailcast_streams.entries import NewRejection
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import Batch
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, numbered


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker


NDJSON = {"accept": "application/x-ndjson"}


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


def emergency(step: int) -> dict[str, Any]:
    """An emergency line."""
    return {"step": step, "emergency": {"reason": "collapse"}}


async def page(
    client: httpx.AsyncClient, session: str = "a", **query: str | int
) -> Any:
    """A page of records."""
    answer = await client.get(f"/api/sessions/{session}/records", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lines(
    client: httpx.AsyncClient, session: str = "a", **query: str | int
) -> list[Any]:
    """All that an export has."""
    url = f"/api/sessions/{session}/records"
    answer = await client.get(url, params=query, headers=NDJSON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_pages_in_both_directions(rig: Rig, client: httpx.AsyncClient) -> None:
    """`cursor` is `after` of the next page, `prev` is `before` of the one before."""
    await rig.writer("a").append(*numbered(0, 50), emergency(50))
    records = [*numbered(0, 50), emergency(50)]
    forward: list[Any] = []
    got = await page(client, limit=20)
    while True:
        forward += got["data"]
        if not got["more"]:
            break
        got = await page(client, limit=20, after=got["cursor"])
    assert forward == records
    backward: list[Any] = []
    place = got["cursor"]
    while True:
        got = await page(client, limit=20, before=place)
        backward[:0] = got["data"]
        assert got["cursor"] == place
        place = got["prev"]
        if not got["more"]:
            break
    assert backward == records
    assert place == "1-0-00000000"


@pytest.mark.parametrize(
    ("start", "first"),
    [("start", 0), ("step:30", 30), ("last:5", 45), ("time:2025-12-18T00:00:20Z", 20)],
)
async def test_places(
    rig: Rig, client: httpx.AsyncClient, start: str, first: int
) -> None:
    """`from` is start, step:N, time:T, last:N or cursor:C, for exports too."""
    records = [
        {"timestamp": f"2025-12-18T00:00:{step:02}Z", "step": step}
        for step in range(50)
    ]
    await rig.writer("a").append(*records)
    got = await page(client, **{"from": start})
    assert got["data"] == records[first:]
    assert await lines(client, **{"from": start}) == records[first:]
    place = {"from": f"cursor:{got['cursor']}"}
    assert (await page(client, **place))["data"] == []


async def test_filters_and_projections(rig: Rig, client: httpx.AsyncClient) -> None:
    """As over a WebSocket; a page that holds everything back still advances."""
    records = [{"step": step, "phi": step / 10, "loss": 1} for step in range(10)]
    await rig.writer("a").append(*records, emergency(10))
    where = '{"metric":"phi","op":"gte","value":0.8}'
    wanted = [{"step": 8, "phi": 0.8}, {"step": 9, "phi": 0.9}, emergency(10)]
    assert await lines(client, where=where, metrics="phi") == wanted
    got = await page(client, where=where, metrics="phi", limit=8)
    assert (got["data"], got["more"]) == ([], True)
    got = await page(client, where=where, metrics="phi", after=got["cursor"])
    assert got["data"] == wanted
    answer = await client.get('/api/sessions/a/records?where={"op":1}')
    assert answer.json()["code"] == "invalid_filter"


async def test_pages_end_before_a_rewind(rig: Rig, client: httpx.AsyncClient) -> None:
    """The page that begins with the new generation says so, in either direction."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 3))
    await writer.rewrite(*numbered(0, 2))
    first = await page(client)
    assert (first["data"], first["more"]) == (numbered(0, 3), True)
    second = await page(client, after=first["cursor"])
    assert second["data"] == numbered(0, 2)
    assert second["rewind"]["reason"] == "truncated"
    assert second["rewind"]["generation"] == "2"
    back = await page(client, before=second["cursor"])
    assert (back["data"], back["rewind"]) == (second["data"], second["rewind"])
    assert back["prev"] == first["cursor"]
    assert (await page(client, before=back["prev"]))["data"] == numbered(0, 3)
    exported = await lines(client)
    assert exported == [
        *numbered(0, 3),
        ["rewind", second["rewind"]],
        *numbered(0, 2),
    ]


async def trim(rig: Rig, session: str, at: int) -> EntryID:
    """Trim exactly before the entry of this number."""
    entries = await rig.broker.read_after(session, EntryID(1, 0), limit=at + 1)
    await rig.trim(session, entries[at].id)
    return entries[at].id


async def test_c9_gaps_are_lines(rig: Rig, client: httpx.AsyncClient) -> None:
    """C9: what cannot be had is told in its place."""
    await rig.writer("a").append(*numbered(0, 300))
    early = (await page(client, limit=10))["cursor"]
    await trim(rig, "a", 200)
    exported = await lines(client, after=early)
    assert exported[0][0] == "gap"
    assert exported[0][1]["from"] == early
    assert exported[0][1]["reason"] == "trimmed"
    assert exported[1:] == numbered(200, 300)
    got = await page(client, after=early, limit=1_000)
    assert got["gap"] == exported[0][1]
    found = await page(client, **{"from": "step:100"})
    assert found["gap"]["from"] == "1-0-00000000"
    assert found["data"][0] == numbered(200, 201)[0]
    oldest = await page(client, before=got["cursor"], limit=1_000)
    assert oldest["gap"]["to"] == oldest["prev"]
    assert oldest["more"] is False


async def test_a_record_is_no_mark_whatever_its_keys(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """Records are objects and marks are arrays: nobody takes one for the other."""
    records: list[dict[str, Any]] = [
        {"gap": {"reason": "trimmed"}},
        {"rewind": {"step": 0}},
        {"step": 3},
    ]
    await rig.writer("a").append(*records)
    await rig.writer("a").rewrite(*records)
    exported = await lines(client)
    assert [line for line in exported if isinstance(line, dict)] == records * 2
    ((name, fields),) = cast(
        list[list[Any]], [line for line in exported if isinstance(line, list)]
    )
    assert (name, fields["reason"]) == ("rewind", "truncated")


async def test_exports_are_as_long_as_the_session(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    """Many pages; up to the head that the answer names, or so many."""
    writer = rig.writer("a")
    for start in range(0, 6_000, 500):
        await writer.append(*numbered(start, start + 500))
    assert await lines(client) == numbered(0, 6_000)
    assert await lines(client, limit=2_500) == numbered(0, 2_500)
    answer = await client.get("/api/sessions/a/records?from=last:1", headers=NDJSON)
    await writer.append(*numbered(6_000, 6_003))
    after = answer.headers["tailcast-head"]
    assert await lines(client, after=after) == numbered(6_000, 6_003)


async def test_c9_a_broken_export_ends_by_abort(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: httpx and curl notice that it is not whole."""
    for start in range(0, 6_000, 500):
        await rig.writer("a").append(*numbered(start, start + 500))
    after, pages = history.Pages.after, 0

    async def failing(*args: Any, **options: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages % 3 == 0:
            raise BrokerUnavailable("gone")
        return await after(*args, **options)

    monkeypatch.setattr(history.Pages, "after", failing)
    url = f"{gateway.url}/api/sessions/a/records"
    async with httpx.AsyncClient(headers=NDJSON) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)
    curl = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-H", "accept: application/x-ndjson", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip  # one glance
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, _ = await curl.communicate()
    assert curl.returncode == 18
    assert [json.loads(line) for line in out.splitlines()] == numbered(0, 2_000)
    metrics = gateway.replica.instruments.exposition()
    assert b"tailcast_gateway_exports_broken_total 2.0" in metrics


async def test_an_export_that_nobody_reads_is_cut_off(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the slow time-out; whoever leaves before is not read for any more."""
    await _much(rig)
    monkeypatch.setattr(export, "CLOSE_SECONDS", 0.1)
    async with rig.serving(slow_timeout=0.5) as gateway:
        reader, writer = await _stalled(gateway)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"exports_broken_total 1.0" not in (
                gateway.replica.instruments.exposition()
            ):
                await asyncio.sleep(0.05)
        writer.transport.abort()
        del reader


async def _stalled(
    gateway: Gateway,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Somebody who asks for everything and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", gateway.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1_024)
    cast(asyncio.Transport, writer.transport).pause_reading()
    writer.write(
        b"GET /api/sessions/a/records HTTP/1.1\r\nhost: localhost\r\n"
        b"accept: application/x-ndjson\r\n\r\n"
    )
    return reader, writer


async def test_too_many_exports(rig: Rig) -> None:
    """One more than there may be is asked to come again, until another one ends."""
    await _much(rig)
    url = "/api/sessions/a/records"
    async with (
        rig.serving(quotas=Quotas(exports=2)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=NDJSON) as client,
        client.stream("GET", url),
        client.stream("GET", url) as second,
    ):
        assert second.status_code == 200
        answer = await client.get(url)
        assert answer.status_code == 429
        assert answer.json()["code"] == "rate_limited"
        assert "retry-after" in answer.headers
        async for _ in second.aiter_bytes():
            pass
        answer = await client.get(url, params={"limit": 1})
        assert answer.status_code == 200


async def _much(rig: Rig) -> None:
    """More than fits into sockets that nobody reads."""
    big = [{"step": step, "text": "x" * 10_000} for step in range(1_000)]
    for start in range(0, 1_000, 100):
        await rig.writer("a").append(*big[start : start + 100])


async def test_exports_end_when_the_replica_does(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is begun, and those on their way are cut: they go on elsewhere."""
    await rig.writer("a").append(*numbered(0, 3_000))
    url = f"{gateway.url}/api/sessions/a/records"
    chunked = export._chunked

    def draining(lines: list[bytes]) -> list[bytes]:
        gateway.replica.connections.is_draining = True
        return chunked(lines)

    monkeypatch.setattr(export, "_chunked", draining)
    async with httpx.AsyncClient(headers=NDJSON) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)
        assert (await client.get(url)).status_code == 503


async def test_names_with_slashes(rig: Rig, client: httpx.AsyncClient) -> None:
    """Also names that end as a resource does; an escaped slash belongs to the name."""
    for at, name in enumerate(("a", "a/records", "b/records", "c/rejected")):
        await rig.writer(name).append({"step": at})
    got = await client.get("/api/sessions/a/records")
    assert got.json()["data"] == [{"step": 0}]
    got = await client.get("/api/sessions/a%2Frecords")
    assert got.json()["sessionId"] == "a/records"
    assert "prev" not in got.json()
    got = await client.get("/api/sessions/a%2Frecords/records")
    assert got.json()["data"] == [{"step": 1}]
    for name in ("b/records", "c/rejected"):
        got = await client.get(f"/api/sessions/{name}")
        assert got.json()["sessionId"] == name
    got = await client.get("/api/sessions/c/rejected/rejected")
    assert got.json()["data"] == []
    for path in ("none", "none/records", "none/rejected", "!emergencies/records"):
        got = await client.get(f"/api/sessions/{path}")
        assert (got.status_code, got.json()["code"]) == (404, "not_found")


async def test_rejected_lines(rig: Rig, client: httpx.AsyncClient) -> None:
    """P2: where each was in the file, what it was and why it is none."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 1))
    state = await rig.broker.load("a")
    assert state is not None
    position = state.position
    lines = [
        NewRejection(position.offset + 5 * at, "not JSON", 4, b"junk")
        for at in (1, 2, 3)
    ]
    await rig.broker.append(
        Batch(
            session="a",
            expected=position,
            incarnation=position.incarnation,
            generation=1,
            offset=lines[-1].offset,
            entries=[],
            rejections=lines,
            fields={},
        )
    )
    got = (await client.get("/api/sessions/a/rejected?limit=2")).json()
    assert got["data"][0] == {
        "id": f"1-{lines[0].offset}", "reason": "not JSON", "line": "junk",
        "offset": position.offset, "length": 4,
    }  # fmt: skip  # one glance
    assert (got["more"], got["rejected"]) == (True, 3)
    after = {"after": got["cursor"]}
    got = (await client.get("/api/sessions/a/rejected", params=after)).json()
    assert [line["id"] for line in got["data"]] == [f"1-{lines[2].offset}"]
    assert got["more"] is False


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=x", "invalid_cursor"),
        ("before=x", "invalid_cursor"),
        ("from=elsewhere", "invalid_message"),
        ("from=last:x", "invalid_message"),
        ("from=step:9&limit=0", "invalid_message"),
        ("limit=1001", "invalid_message"),
        ("after=1-0-00000000&before=1-0-00000000", "invalid_message"),
        ("from=time:2025-01-01", "invalid_message"),
    ],
)
async def test_errors(
    rig: Rig, client: httpx.AsyncClient, query: str, code: str
) -> None:
    """Every one has a code and words."""
    await rig.writer("a").append(*numbered(0, 1))
    answer = await client.get(f"/api/sessions/a/records?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["message"]


async def test_a_cursor_that_is_waited_for(rig: Rig, client: httpx.AsyncClient) -> None:
    """Nothing contradicts it yet: an empty page at the same place."""
    await rig.writer("a").append(*numbered(0, 3), size=10_000)
    cursor = "1-9000-0a0b0c0d"
    for direction in ("after", "before"):
        got = await page(client, **{direction: cursor})
        assert (got["data"], got["cursor"], got["more"]) == ([], cursor, False)
        assert "gap" not in got


async def test_a_cursor_of_another_file(rig: Rig, client: httpx.AsyncClient) -> None:
    """The page begins where delivery would, and says why."""
    await rig.writer("a").append(*numbered(0, 3))
    cursor = "1-10-0a0b0c0d"
    got = await page(client, after=cursor)
    assert got["rewind"]["reason"] == "replaced"
    assert got["data"] == numbered(0, 3)
    got = await page(client, before=cursor)
    assert got["rewind"]["reason"] == "replaced"
    assert got["data"] == []
