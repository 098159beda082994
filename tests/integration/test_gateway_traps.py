"""Where servers of this kind are known to lose, repeat or hang; each has its number."""

import asyncio
import itertools
import json
import socket
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Head
from tests.integration.gateway_rig import (
    Gateway,
    Rig,
    Watcher,
    numbered,
    serving,
    until_read,
    watching,
)
from tests.integration.named_clients import steps


class Busy(RedisBroker):
    """A broker in which somebody appends after each look at a session's head."""

    rig: Rig
    steps: Any = None

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads = await super().heads(sessions)
        if "a" in sessions and self.steps is not None:
            step = next(self.steps)
            await self.rig.writer("a").append({"step": step})
        return heads


@pytest.mark.parametrize("start", ["now", "start"])
async def test_g01_append_between_the_look_at_the_head_and_attaching(
    rig: Rig, start: str
) -> None:
    """Nothing from there is lost, and nothing comes twice."""
    broker = Busy(rig.url, key_prefix=rig.prefix)
    broker.rig = rig
    rig.stack.push_async_callback(broker.aclose)
    await rig.writer("a").append({"step": 0})
    async with serving(broker) as gateway, watching(gateway) as watcher:
        broker.steps = itertools.count(1)
        answer = await watcher.subscribe(sessionId="a", **{"from": start})
        broker.steps = None
        await rig.writer("a").append({"step": "last"})
        while not watcher.records or watcher.records[-1] != {"step": "last"}:
            await watcher.next()
        entries = await rig.broker.read_after("a", EntryID(1, 0), limit=100)
        begins = [one.cursor for one in entries if str(one.cursor) <= answer["cursor"]]
        whole = [{"step": n} for n in range(len(entries) - 1)] + [{"step": "last"}]
        assert watcher.records == whole[len(begins) :]


async def test_g02_a_storm_of_appends_while_replay_pages(rig: Rig) -> None:
    """The seam between pages, window and live flow has no hole and no double."""
    writer = rig.writer("a")
    for start in range(0, 5_000, 1_000):
        await writer.append(*numbered(start, start + 1_000))
    async with (
        rig.serving(window_bytes=50_000) as gateway,
        watching(gateway) as watcher,
        asyncio.TaskGroup() as tasks,
    ):
        await watcher.subscribe(sessionId="a", **{"from": "start"})

        async def storm() -> None:
            for start in range(5_000, 8_000, 20):
                await writer.append(*numbered(start, start + 20))

        tasks.create_task(storm())
        await watcher.until_records(8_000)
        assert steps(watcher) == list(range(8_000))


async def test_g03_places_to_resume_from(rig: Rig, gateway: Gateway) -> None:
    """At the head, before it, at the edge of a trim, beyond the head, of before."""
    await rig.writer("a").append(*numbered(0, 10))
    entries = await rig.broker.read_after("a", EntryID(0, 0), limit=100)
    head = entries[-1].cursor
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(
            sessionId="a", **{"from": {"cursor": str(head)}}
        )
        assert answer["recovered"] is True
        await watcher.until("caught_up")
        assert watcher.records == []
    async with watching(gateway) as watcher:
        one_before = str(entries[-2].cursor)
        answer = await watcher.subscribe(
            sessionId="a", **{"from": {"cursor": one_before}}
        )
        assert answer["recovered"] is True
        await watcher.until("caught_up")
        assert steps(watcher) == [9]
    await rig.trim("a", entries[6].id)
    async with watching(gateway) as watcher:
        # Nothing is missing, but what would prove the cursor is gone.
        lost = str(entries[5].cursor)
        answer = await watcher.subscribe(sessionId="a", **{"from": {"cursor": lost}})
        assert answer["recovered"] is False
        assert (await watcher.until("gap"))["reason"] == "unknown_cursor"
        await watcher.until("caught_up")
        assert steps(watcher) == [5, 6, 7, 8, 9]
    for wrong in ("10-", "1-5", "0x1-2-00000000", "1-2-0000000", "", "now"):
        async with watching(gateway) as watcher:
            await watcher.send(
                type="subscribe", sessionId="a", **{"from": {"cursor": wrong}}
            )
            await watcher.until("error", code="invalid_cursor")


async def test_g03_a_cursor_beyond_the_head_is_waited_for(
    rig: Rig, gateway: Gateway
) -> None:
    """C7: whether it is good is not known until the tailer gets there."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 10))
    # What the cursor will be, from a twin of the session.
    await rig.writer("twin").append(*numbered(0, 12))
    entries = await rig.broker.read_after("twin", EntryID(0, 0), limit=100)
    ahead = {"cursor": str(entries[11].cursor)}
    async with watching(gateway) as watcher:
        answer = await watcher.subscribe(sessionId="a", **{"from": ahead})
        assert "recovered" not in answer
        await writer.append(*numbered(10, 14))
        await watcher.until_records(3)
        assert steps(watcher) == [11, 12, 13]


async def test_g04_subscribed_before_the_stream_is_there(
    rig: Rig, gateway: Gateway
) -> None:
    """The first record and all that follow."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await rig.writer("a").append(*numbered(0, 3))
        assert await watcher.until_records(3) == numbered(0, 3)


@pytest.mark.one_broker  # it is the socket that is slow
async def test_g09_a_replay_that_is_read_slowly_is_not_cut(rig: Rig) -> None:
    """As long as the peer takes bytes now and then, it takes as long as it takes."""
    count, pad = 1_000, "x" * 2_000
    await rig.writer("a").append(*({"step": n, "pad": pad} for n in range(count)))
    async with (
        rig.serving(slow_timeout=1.0, ping_interval=0.3, pong_timeout=0.3) as gateway,
        watching(gateway, max_queue=1, sock=narrow(gateway)) as watcher,
    ):
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        while len(watcher.records) < count:
            await watcher.next()
            await asyncio.sleep(0.02)
        assert steps(watcher) == list(range(count))


def narrow(gateway: Gateway) -> socket.socket:
    """A connection whose kernel does not take a whole replay at once."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    one.connect(("127.0.0.1", gateway.port))
    one.setblocking(False)
    return one


async def test_g10_a_second_disconnect_before_anything_new(
    rig: Rig, gateway: Gateway
) -> None:
    """What was replayed has moved the cursor: it does not come a second time."""
    writer = rig.writer("a")
    async with watching(gateway) as first:
        answer = await first.subscribe(sessionId="a")
        assert answer["cursor"] is None
        await writer.append(*numbered(0, 5))
        await first.until_records(5)
    await writer.append(*numbered(5, 8))
    # Else the replay might end before them, and they come as what is new.
    await until_read(gateway, writer)
    cursor = first.cursors["a"]
    for expected in ([5, 6, 7], [], []):
        async with watching(gateway) as back:
            answer = await back.subscribe(sessionId="a", **{"from": {"cursor": cursor}})
            assert answer["recovered"] is True
            await back.until("caught_up")
            assert steps(back) == expected
            cursor = back.cursors["a"]


async def test_g11_idle_for_long_and_then_resumed(rig: Rig) -> None:
    """A connection that had nothing keeps a good cursor; pings keep it open (g24)."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 5))
    async with rig.serving(ping_interval=0.1, pong_timeout=5.0) as gateway:
        async with connect(gateway.ws_url) as connection:
            watcher = Watcher(connection)
            answer = await watcher.subscribe(sessionId="a")
            for _ in range(3):
                await watcher.send(type="heartbeat", everyMs=1_000)
                await watcher.until("heartbeat")
        await writer.append(*numbered(5, 7))
        async with watching(gateway) as back:
            held = {"cursor": answer["cursor"]}
            answer = await back.subscribe(sessionId="a", **{"from": held})
            assert answer["recovered"] is True
            await back.until_records(2)
            assert steps(back) == [5, 6]


async def test_g14_changes_of_mind_while_replays_are_on_their_way(
    rig: Rig, gateway: Gateway
) -> None:
    """C6: nothing of a replaced subscription follows its successor's answer."""
    writer = rig.writer("a")
    for start in range(0, 6_000, 1_000):
        await writer.append(*numbered(start, start + 1_000))
    await rig.writer("b").append(*numbered(0, 10))
    async with watching(gateway) as watcher:
        for number in range(10):
            await watcher.send(
                type="subscribe", sessionId="a", id=number, **{"from": "start"}
            )
            await watcher.send(type="unsubscribe")
        await watcher.send(type="subscribe", sessionId="b", id="b", replay=3)
        await watcher.until("subscribed", id="b")
        watcher.records.clear()
        await watcher.until("caught_up")
        await writer.append({"step": "not wanted"})
        await rig.writer("b").append({"step": "end"})
        while (told := await watcher.until("telemetry"))["data"] != [{"step": "end"}]:
            assert told["sessionId"] == "b"
        assert steps(watcher) == [7, 8, 9, "end"]


async def test_g15_by_name_and_by_pattern_at_once(rig: Rig, gateway: Gateway) -> None:
    """Delivered once, whatever matches it."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionIds=["run_1", "run_*", "*"], sessionId="run_1")
        await watcher.subscribe(sessionId="run_1", add=True)
        await rig.writer("run_1").append(*numbered(0, 5))
        await rig.writer("other").append({"step": "end"})
        await watcher.until_records(6)
        assert sorted(map(str, steps(watcher))) == ["0", "1", "2", "3", "4", "end"]


async def test_g18_what_breaks_the_framing_breaks_its_own_connection(rig: Rig) -> None:
    """Oversize, a bomb and broken UTF-8 are closed by their codes; others go on."""
    async with (
        rig.serving(deflate=True) as gateway,
        watching(gateway) as bystander,
    ):
        await bystander.subscribe(sessionId="a")
        for data, compression, code in (
            ("x" * 270_000, None, 1009),
            ("x" * 10_000_000, "deflate", 1009),
        ):
            async with connect(gateway.ws_url, compression=compression) as one:
                await one.send(data)
                assert json.loads(await one.recv())["close"] == code
                with pytest.raises(ConnectionClosed):
                    await one.recv()
                assert one.close_code == code
        async with connect(gateway.ws_url) as one:
            await one.send(b"\xff\xfe", text=True)
            assert json.loads(await one.recv())["close"] == 1007
            with pytest.raises(ConnectionClosed):
                await one.recv()
            assert one.close_code == 1007
        await rig.writer("a").append(*numbered(0, 3))
        assert await bystander.until_records(3) == numbered(0, 3)


async def test_g20_which_subprotocol_is_chosen(gateway: Gateway) -> None:
    """The client's first that is known; what carries a token is never echoed."""
    token = "base64url.bearer.tailcast.YWJj"
    for offered, chosen in (
        ([token, "tailcast.v1.json"], "tailcast.v1.json"),
        (["other", "tailcast.v1.msgpack", "tailcast.v1.json"], "tailcast.v1.msgpack"),
        ([], None),
    ):
        options: dict[str, Any] = {"subprotocols": offered or None}
        async with connect(gateway.ws_url, **options) as connection:
            assert connection.subprotocol == chosen


async def test_g22_a_file_that_began_anew(rig: Rig, gateway: Gateway) -> None:
    """C12: `rewind` names the new generation, a text, before its records."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 5))
    entries = await rig.broker.read_after("a", EntryID(1, 0), limit=100)
    await writer.rewrite(*numbered(0, 3))
    async with watching(gateway) as watcher:
        held = {"cursor": str(entries[2].cursor)}
        answer = await watcher.subscribe(sessionId="a", **{"from": held})
        assert answer["recovered"] is True
        rewind = await watcher.until("rewind")
        assert rewind["generation"] == "2"
        assert steps(watcher) == [3, 4]
        await watcher.until("caught_up")
        assert steps(watcher) == [3, 4, 0, 1, 2]


async def test_g25_names_do_not_make_metrics(rig: Rig, gateway: Gateway) -> None:
    """However many sessions there are, there are as many time series."""

    async def series() -> set[str]:
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}

    async with watching(gateway) as watcher:
        await watcher.subscribe()
        await rig.writer("first").append(*numbered(0, 1))
        await watcher.until_records(1)
        before = await series()
        for number in range(40):
            await rig.writer(f"run_{number}").append(*numbered(0, 1))
        await watcher.until_records(41)
        assert await series() == before
