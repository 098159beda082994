"""A gateway that shuts down: all are told, sent away in turn, and lose nothing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tailcast_gateway.connections import drain, websocket
from tailcast_gateway.connections.drain import (
    Departure,
    departure,
    reconnect_delays_ms,
    spread_seconds,
    wave_count,
)
from tailcast_gateway.sessions import feed
from tailcast_gateway.sessions.core import neighbours
from tailcast_gateway.sessions.feed import Feed
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    fill_sockets,
    numbered,
    until_read,
    watching,
)
from tests.tailer.harness import eventually


# Clients are sent away alike, whatever broker there is.
pytestmark = pytest.mark.one_broker


# Longer than any test waits. With so few clients in a second such a drain does not end.
ENDLESS = 600.0
ENDLESSLY_FEW = 0.001


@dataclass
class Farewell:
    """What a client is told at the end."""

    watcher: Watcher
    kinds: list[str] = field(default_factory=list[str])
    delay_ms: int = 0
    cursors: dict[str, str | None] = field(default_factory=dict[str, str | None])
    # Its own cursors when the first `closing` came.
    had: dict[str, str | None] = field(default_factory=dict[str, str | None])

    async def hear(self) -> "Farewell":
        """Read until the close."""
        while True:
            try:
                message = await self.watcher.next()
            except ConnectionClosed:
                return self
            kind = message["type"]
            if kind == "draining":
                self.delay_ms = message["reconnectAfterMs"]
            if kind == "closing":
                self.had = self.had or dict(self.watcher.cursors)
                self.cursors |= message["cursors"]
            self.kinds.append(kind)

    @property
    def code(self) -> int | None:
        """How it was closed."""
        return self.watcher.connection.close_code

    @property
    def reason(self) -> str:
        """What the close frame said."""
        return self.watcher.connection.close_reason or ""


async def connected(stack: AsyncExitStack, port: int) -> Watcher:
    """A client that stays until the stack ends."""
    url = f"ws://127.0.0.1:{port}/ws/telemetry"
    return Watcher(await stack.enter_async_context(connect(url, max_size=None)))


async def resumed(gateway: Gateway, farewell: Farewell, count: int) -> Sequence[Any]:
    """All that a client has had after it went on elsewhere with its final cursors."""
    before = farewell.watcher.records
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            sessionIds=["a", "b"], cursors=farewell.cursors, **{"from": "start"}
        )
        return before + await watcher.until_records(count - len(before))


async def test_everybody_goes_on_elsewhere(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C2, G13: while records come, each is closed in turn, and loses nothing."""
    monkeypatch.setattr(drain, "CLIENTS_PER_SECOND", 4)
    monkeypatch.setattr(Feed, "is_alone", False)
    count = 20
    writers = [rig.writer("a"), rig.writer("b")]
    for writer in writers:
        await writer.append(*numbered(0, 10))
    async with (
        AsyncExitStack() as stack,
        rig.serving(drain_seconds=5.0) as gateway,
    ):
        await gateway.until_ready()
        watchers = [await connected(stack, gateway.port) for _ in range(count)]
        for at, watcher in enumerate(watchers):
            wanted: dict[str, Any] = {"sessionIds": ["a", "b"]} if at % 2 else {}
            await watcher.subscribe(**wanted, **{"from": "start"})
            await watcher.until_records(20)
        gateway.server.handle_exit(signal.SIGTERM, None)
        farewells = [Farewell(watcher) for watcher in watchers]
        hearing = [asyncio.create_task(one.hear()) for one in farewells]
        step, order = 10, list[Farewell]()
        for next_one in asyncio.as_completed(hearing):
            order.append(await next_one)
            for writer in writers:
                await writer.append(*numbered(step, step + 1))
            step += 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving
    assert {one.code for one in order} == {1012}
    assert len({one.delay_ms for one in order}) == count
    assert all(one.kinds[-1] == "closing" for one in order)
    assert all(one.cursors == one.had for one in order)
    # The close frame's reason has no room for them.
    assert all("cursor" not in one.reason for one in order)
    # Not all at once: whoever went later has had what came after others had gone.
    had = [len(one.watcher.records) for one in order]
    assert had == sorted(had)
    assert len(set(had)) > count / 4
    everything = sorted(range(step)) * 2
    async with rig.serving() as gateway:
        for one in order:
            records = await resumed(gateway, one, len(everything))
            assert sorted(record["step"] for record in records) == sorted(everything)


async def test_a_second_signal_ends_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks twice does not wait for the window."""
    monkeypatch.setattr(drain, "CLIENTS_PER_SECOND", ENDLESSLY_FEW)
    monkeypatch.setattr(Feed, "is_alone", False)
    async with (
        AsyncExitStack() as stack,
        rig.serving(drain_seconds=ENDLESS) as gateway,
    ):
        await gateway.until_ready()
        watchers = [await connected(stack, gateway.port) for _ in range(2)]
        gateway.server.handle_exit(signal.SIGTERM, None)
        for watcher in watchers:
            await watcher.until("draining")
        gateway.server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving


async def test_nobody_comes_in_meanwhile(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handshake gets 503 and when to try again; `/readyz` says why."""
    monkeypatch.setattr(drain, "CLIENTS_PER_SECOND", ENDLESSLY_FEW)
    monkeypatch.setattr(Feed, "is_alone", False)
    async with (
        AsyncExitStack() as stack,
        rig.serving(drain_seconds=ENDLESS) as gateway,
    ):
        await gateway.until_ready()
        port = gateway.port
        watchers = [await connected(stack, port) for _ in range(2)]
        gateway.server.handle_exit(signal.SIGTERM, None)
        for watcher in watchers:
            await watcher.until("draining")
        with pytest.raises(InvalidStatus) as refused:
            await connected(stack, port)
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["retry-after"]) >= 1
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer = await client.get("/readyz")
            stream = await client.get("/sse/telemetry?sessionId=a")
        assert (answer.status_code, answer.json()["reason"]) == (503, "draining")
        assert stream.status_code == 200
        assert "\nretry: " in stream.text
        gateway.server.handle_exit(signal.SIGTERM, None)


async def test_a_full_socket_takes_its_cursors_later(rig: Rig) -> None:
    """Who does not read is told its cursors, whole, once it reads again."""
    async with (
        rig.serving() as gateway,
        watching(gateway, max_queue=1) as watcher,
    ):
        await watcher.subscribe(sessionId="a")
        await fill_sockets(gateway, rig.writer("a"))
        way = Departure(PATIENCE_SECONDS)
        draining = asyncio.create_task(gateway.replica.drain(way))
        farewell = await Farewell(watcher).hear()
        assert farewell.kinds[-1] == "closing"
        assert farewell.cursors["a"] == watcher.cursors["a"] is not None
        assert farewell.code == 1012
        await draining


async def test_a_record_that_waits_is_not_passed_over(rig: Rig) -> None:
    """With a rate, what waits for its interval comes after the final cursor."""
    writer = rig.writer("a")
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", maxRate=0.01)
        await writer.append(*numbered(0, 1))
        await watcher.until("telemetry")
        await writer.append(*numbered(1, 4))
        await until_read(gateway, writer)
        draining = asyncio.create_task(gateway.replica.drain(Departure(1.0)))
        farewell = await Farewell(watcher).hear()
        await draining
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionIds=["a"], cursors=farewell.cursors)
        assert await watcher.until_records(1) == numbered(3, 4)


async def test_who_never_reads_is_closed_in_time(rig: Rig) -> None:
    """A full socket does not keep the replica from its end."""
    async with (
        rig.serving() as gateway,
        watching(gateway, max_queue=1) as asleep,
    ):
        await asleep.subscribe(sessionId="a")
        await fill_sockets(gateway, rig.writer("a"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.replica.drain(Departure(0.5))
        assert [one.is_closing for one in gateway.replica.connections] == [True]
        asleep.connection.transport.abort()


async def test_a_lone_replica_does_not_keep_its_clients(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else takes them: all go at once, and are told to wait for its return."""
    monkeypatch.setattr(Feed, "is_alone", True)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(rig.serving(drain_seconds=600.0))
        watchers = [
            await stack.enter_async_context(watching(gateway)) for _ in range(3)
        ]
        await gateway.until_ready()
        gateway.server.handle_exit(signal.SIGTERM, None)
        farewells = [await Farewell(watcher).hear() for watcher in watchers]
    assert [one.kinds for one in farewells] == [["draining", "closing"]] * 3
    assert all(1_500 <= one.delay_ms < 2_000 for one in farewells)
    assert len({one.delay_ms for one in farewells}) == 3


async def test_a_client_that_never_answers_does_not_keep_a_lone_replica(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends without the close being answered, and soon."""
    monkeypatch.setattr(Feed, "is_alone", True)
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 600.0)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(rig.serving(drain_seconds=600.0))
        watcher = await stack.enter_async_context(watching(gateway))
        await gateway.until_ready()
        gateway.server.config.timeout_graceful_shutdown = 600
        watcher.connection.transport.pause_reading()
        gateway.server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving
        watcher.connection.transport.abort()


async def test_replicas_know_of_each_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what they say on the channel; another installation's do not count."""
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.05)
    monkeypatch.setattr(neighbours, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(neighbours, "LISTENED_SECONDS", 0.5)
    other = Rig(rig.url)
    async with other.stack, other.serving(), rig.serving() as gateway:

        async def is_alone() -> bool:
            return gateway.replica.is_alone

        async def is_not() -> bool:
            return not gateway.replica.is_alone

        await eventually(is_alone)
        async with rig.serving():
            await eventually(is_not)
        await eventually(is_alone)


async def test_all_replicas_end_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither waits for its turn, since no other takes its clients."""
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.05)
    monkeypatch.setattr(neighbours, "LISTENED_SECONDS", 0.5)
    monkeypatch.setattr(drain, "CLIENTS_PER_SECOND", ENDLESSLY_FEW)
    async with AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(rig.serving(drain_seconds=600.0))
            for _ in range(2)
        ]
        watchers = [
            await stack.enter_async_context(watching(gateway))
            for gateway in gateways
            for _ in range(4)
        ]
        for gateway in gateways:
            await gateway.until_ready()
        await eventually(both_heard(gateways))
        for gateway in gateways:
            gateway.server.handle_exit(signal.SIGTERM, None)
        farewells = [await Farewell(watcher).hear() for watcher in watchers]
    assert all(one.code == 1012 and one.kinds[-1] == "closing" for one in farewells)
    # Each gateway closed its first client in turn before it heard of the other's end.
    told_anew = [one for one in farewells if one.kinds.count("draining") == 2]
    assert len(told_anew) >= 2 * 3
    assert all(1_500 <= one.delay_ms < 2_000 for one in told_anew)


def both_heard(gateways: Sequence[Gateway]) -> Callable[[], Awaitable[bool]]:
    """Whether each has listened for long enough, and has heard another one."""

    async def heard() -> bool:
        found = [one.replica.feed._hearing.neighbours for one in gateways]
        now = asyncio.get_running_loop().time()
        return all(
            one._others and now - (one._listening_since or now) > 0.5 for one in found
        )

    return heard


async def test_a_replica_is_ready_as_soon_as_it_listens(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first canary may have been too early to be heard; another one comes then."""
    monkeypatch.setattr(feed, "CANARY_SECONDS", 3_600.0)
    async with rig.serving() as gateway:
        await gateway.until_ready()


@pytest.mark.parametrize("drain_seconds", [0.0, 0.2, 30.0])
def test_who_is_not_alone_takes_its_time(drain_seconds: float) -> None:
    """Who is takes half a second, or less if it is not given as much."""
    assert departure(drain_seconds, is_alone=False) == Departure(drain_seconds)
    alone = departure(drain_seconds, is_alone=True)
    assert alone == Departure(min(drain_seconds, 0.5), in_turn=False)


def test_delays_and_waves() -> None:
    """Delays differ, whatever the number; few clients have a wave each."""
    for count in (0, 1, 7, 20_000):
        for seconds in (0.0, 1.0, 10.0):
            for in_turn in (True, False):
                delays = reconnect_delays_ms(count, Departure(seconds, in_turn))
                assert len(set(delays)) == len(delays) == count
                assert all(delay > 0 for delay in delays)
    way = Departure(10.0)
    assert [wave_count(count, way) for count in (0, 1, 2, 5_000)] == [0, 1, 2, 200]
    assert wave_count(5, Departure(0.0)) == 1
    assert wave_count(5_000, Departure(10.0, in_turn=False)) == 1


def test_a_few_leave_at_once_and_thousands_take_all_the_time() -> None:
    """In proportion to how many there are; so do they come back."""
    way = Departure(10.0)
    spreads = [spread_seconds(count, way) for count in (1, 10, 1_000, 10_000, 30_000)]
    assert spreads == [0.2, 0.2, 2.0, 10.0, 10.0]
    assert max(reconnect_delays_ms(10, way)) < 100 + 200
    assert max(reconnect_delays_ms(10_000, way)) > 9_900
    # The others take them all at once, or none.
    assert spread_seconds(10, Departure(0.1)) == 0.1
    assert spread_seconds(10_000, Departure(10.0, in_turn=False)) == 0.0


async def test_a_few_do_not_wait_for_the_end_of_the_drain_time(rig: Rig) -> None:
    """A replica with ten clients has ended long before."""
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(rig.serving())
        watchers = [
            await stack.enter_async_context(watching(gateway)) for _ in range(10)
        ]
        draining = asyncio.create_task(gateway.replica.drain(Departure(600.0)))
        farewells = [await Farewell(watcher).hear() for watcher in watchers]
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await draining == Departure(600.0)
    assert {one.code for one in farewells} == {1012}
