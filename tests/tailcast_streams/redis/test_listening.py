"""A connection that listens: what comes is handed on at once, until it ends."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from tailcast_streams.exceptions import BrokerError, BrokerRefused, BrokerUnavailable
from tailcast_streams.pushes import Push
from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account
from tests.brokers import BrokerServer
from tests.conformance.batches import append, first_batch, record
from tests.patience import PATIENCE_SECONDS


async def test_what_comes_together_is_handed_on_together(adapter: RedisBroker) -> None:
    """In order, in one call: whoever hears it is woken once."""
    heard: list[Sequence[str | Push]] = []
    came = asyncio.Event()

    def hear(texts: Sequence[str | Push]) -> None:
        heard.append(texts)
        came.set()

    async with adapter.notifications(hear), asyncio.timeout(PATIENCE_SECONDS):
        await adapter._redis.eval(
            "for i = 1, 3 do redis.call('PUBLISH', ARGV[1], ARGV[2] .. i) end",
            0,
            *await adapter._said("!"),
        )
        await came.wait()
    assert heard == [["!1", "!2", "!3"]]


async def test_what_fails_over_a_notification_is_told(adapter: RedisBroker) -> None:
    """Whoever listens fails, and not the connection in silence."""

    def fail(texts: Sequence[str | Push]) -> None:
        raise LookupError(*texts)

    async with adapter.notifications(fail) as line:
        await adapter.notify("!canary")
        with pytest.raises(LookupError, match="canary"):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await line.lost


async def test_whoever_reads_too_late_is_cut_off_and_told(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """A broker keeps only so much for it; nothing is missed without a word."""
    with own_broker.client() as client:
        client.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
        async with own_adapter.notifications(lambda _: None) as line:
            channel, said = await own_adapter._said("!" + "x" * 100_000)
            # The loop stands still until nobody listens there any more.
            while client.publish(channel, said):
                pass
            with pytest.raises(BrokerUnavailable):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await line.lost


async def test_whoever_may_not_watch_listens_on(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """An account of before there were pushes: it is told once, and hears by name."""
    url = add_account(own_broker, "before", "~* &telemetry:feed +@all")
    refused: list[BrokerError] = []
    heard: asyncio.Queue[str | Push] = asyncio.Queue()

    def hear(some: Sequence[str | Push]) -> None:
        for one in some:
            heard.put_nowait(one)

    async with aclosing(RedisBroker(url)) as before:
        listening = before.notifications(hear, on_refused=refused.append)
        async with listening as line, asyncio.timeout(PATIENCE_SECONDS):
            line.watch("s")
            line.watch("t")
            await own_adapter.append(first_batch(record(30)))
            assert await heard.get() == "0 s"
            line.watch("u")
            await append(own_adapter, record(60), offset=60)
            assert await heard.get() == "0 s"
    assert [type(error) for error in refused] == [BrokerRefused]


async def test_whoever_may_not_push_appends_as_before(
    own_broker: BrokerServer,
) -> None:
    """As a tailer of before there were pushes does: whoever watches is told by name."""
    url = add_account(own_broker, "before", "~* &telemetry:feed +@all")
    heard: asyncio.Queue[str | Push] = asyncio.Queue()

    def hear(some: Sequence[str | Push]) -> None:
        for one in some:
            heard.put_nowait(one)

    async with (
        aclosing(RedisBroker(own_broker.url)) as broker,
        aclosing(RedisBroker(url)) as before,
        broker.notifications(hear) as line,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        line.watch("s")
        await before.append(first_batch(record(30)))
        await append(before, record(60), offset=60)
        await append(broker, record(90), offset=90)
        assert [await heard.get() for _ in range(2)] == ["0 s", "0 s"]
        assert isinstance(await heard.get(), Push)
