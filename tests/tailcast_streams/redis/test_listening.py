"""A connection that listens: what comes is handed on at once, until it ends."""

import asyncio
from collections.abc import Sequence

import pytest

from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.patience import PATIENCE_SECONDS


async def test_what_comes_together_is_handed_on_together(adapter: RedisBroker) -> None:
    """In order, in one call: whoever hears it is woken once."""
    heard: list[Sequence[str]] = []
    came = asyncio.Event()

    def hear(texts: Sequence[str]) -> None:
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

    def fail(texts: Sequence[str]) -> None:
        raise LookupError(*texts)

    async with adapter.notifications(fail) as lost:
        await adapter.notify("!canary")
        with pytest.raises(LookupError, match="canary"):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await lost


async def test_whoever_reads_too_late_is_cut_off_and_told(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """A broker keeps only so much for it; nothing is missed without a word."""
    with own_broker.client() as client:
        client.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
        async with own_adapter.notifications(lambda _: None) as lost:
            channel, said = await own_adapter._said("!" + "x" * 100_000)
            # The loop stands still until nobody listens there any more.
            while client.publish(channel, said):
                pass
            with pytest.raises(BrokerUnavailable):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await lost
