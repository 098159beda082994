"""Another program writes entries into a stream: what is no record is never sent."""

import json

import httpx
import pytest

from tailcast_streams.keys import Keys
from tailcast_streams.notification import format_moved
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    Watcher,
    numbered,
    watching,
)


# What it sends is the same over any broker.
pytestmark = pytest.mark.one_broker

FORGED = (
    b'</script><b>}],"x":', b"", b"NaN", b'{"a":NaN}', b'{"a":1e', b"{},{}", b"[1]",
    b'{"a":"\xff\xfe"}', b'{"a":"\xed\xa0\x80"}', b"\x00" * 9, b'{"a":' * 5_000,
    b'{"a":\n1}', b'{"a":"' + b"x" * 2_000_000,
)  # fmt: skip  # one text a line would hide what they are
SOUND = b'{"step":99,"by":"another"}'


async def forge(rig: Rig, session: str) -> None:
    """Entries that follow on from the last, as lines of kinds that there are."""
    state = await rig.broker.load(session)
    assert state is not None
    last, offset = str(state.position.last_id), state.position.offset
    stream = Keys(rig.prefix).stream(session)
    for kind in (b"", b"e"):
        for record in (*FORGED, SOUND):
            offset += 10
            fields = {b"r": record, b"p": last.encode()} | (
                {b"k": kind} if kind else {}
            )
            last = f"1-{offset}"
            await rig.broker._redis.xadd(stream, fields, id=last)  # type: ignore[arg-type]  # redis-py's
    await rig.broker.notify(format_moved(session, 0))


async def until_both(watcher: Watcher) -> list[str]:
    """Read until both sound ones have come; the reasons of gaps before."""
    gaps: list[str] = []
    while watcher.records.count(json.loads(SOUND)) < 2:
        message = await watcher.next()
        if message["type"] == "gap":
            gaps.append(message["reason"])
    return gaps


@pytest.mark.parametrize("wire", ["tailcast.v1.json", "tailcast.v1.msgpack"])
async def test_no_message_has_what_is_no_record(rig: Rig, wire: str) -> None:
    """Live, replayed, of a page and one by one: each is a gap, and all else comes."""
    await rig.writer("a").append(*numbered(0, 5))
    async with (
        rig.serving() as gateway,
        watching(gateway, subprotocols=[wire]) as live,
        watching(gateway, subprotocols=[wire]) as late,
    ):
        await live.subscribe(sessionId="a", **{"from": "start"})
        await live.until_records(5)
        await forge(rig, "a")
        assert await until_both(live) == ["unreadable"] * 2 * len(FORGED)
        await late.subscribe(sessionId="a", **{"from": "start"})
        assert await until_both(late) == ["unreadable"] * 2 * len(FORGED)
        assert late.records == live.records
        metrics = gateway.replica.instruments.exposition().decode()
        assert f"unreadable_entries_total {2.0 * len(FORGED)}" in metrics


async def test_no_answer_has_what_is_no_record(rig: Rig) -> None:
    """Pages, lines, single records, lists and snapshots are JSON."""
    await rig.writer("a").append(*numbered(0, 5))
    await forge(rig, "a")
    async with (
        rig.serving() as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
    ):
        found, query = 0, "/api/records?sessionId=a"
        while True:
            page = (await client.get(query)).json()
            found += len(page["data"])
            if not page["more"]:
                break
            query = f"/api/records?sessionId=a&after={page['cursor']}"
        assert found == 5 + 2
        lines = await client.get(
            "/api/records?sessionId=a", headers={"accept": "application/x-ndjson"}
        )
        read = [json.loads(line) for line in lines.text.split("\n")[:-1]]
        assert sum(isinstance(one, dict) for one in read) == found
        for path in ("sessions", "emergencies", "snapshot?sessionId=a"):
            answer = await client.get(f"/api/{path}")
            assert answer.status_code == 200
            answer.json()
