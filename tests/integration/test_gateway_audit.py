"""What the gateway finds though nobody told it, or nobody answered in time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tailcast_gateway.commands import subscribing
from tailcast_gateway.sessions import audit
from tailcast_streams.broker import Notified, OnHeard
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import Keys
from tailcast_streams.pushes import Push
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Head
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    serving,
    watching,
)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits come soon."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.2)


class Deaf(RedisBroker):
    """A broker whose notifications never arrive, but for canaries."""

    @asynccontextmanager
    async def notifications(
        self,
        on_heard: OnHeard,
        *,
        on_foreign: Callable[[], None] | None = None,
        on_refused: Callable[[BrokerError], None] = lambda _: None,
        gather_seconds: float = 0.0,
    ) -> AsyncGenerator[Notified]:
        """Only canaries."""

        def hear(texts: Sequence[str | Push]) -> None:
            some = [text for text in texts if isinstance(text, str)]
            on_heard([text for text in some if text.startswith("!canary")])

        async with super().notifications(
            hear,
            on_foreign=on_foreign,
            on_refused=on_refused,
            gather_seconds=gather_seconds,
        ) as line:
            yield line


@pytest.mark.usefixtures("hasty")
async def test_a5_hints_that_are_lost(rig: Rig) -> None:
    """A5: with every notification lost, the audit finds what moved, new ones too."""
    async with (
        rig.stack,
        _deaf(rig) as gateway,
        watching(gateway) as one,
        watching(gateway) as everything,
    ):
        await one.subscribe(sessionId="a")
        await everything.subscribe()
        await rig.writer("a").append(*numbered(0, 3))
        assert await one.until_records(3) == numbered(0, 3)
        assert await everything.until_records(3) == numbered(0, 3)


@pytest.mark.usefixtures("hasty")
async def test_a5_listed_late_and_active_long_ago(rig: Rig) -> None:
    """A5: a session whose file is old, and that nobody told of, is found as well."""
    async with rig.stack, _deaf(rig) as gateway, watching(gateway) as everything:
        await everything.subscribe(**{"from": "start"})
        await everything.until("positions")
        await rig.writer("old").append(*numbered(0, 3), updated_ms=1_000)
        assert await everything.until_records(3) == numbered(0, 3)


@pytest.mark.usefixtures("hasty")
async def test_a5_nobody_says_that_it_moved(rig: Rig) -> None:
    """With no notification, and no word in the list, a round of audits finds it."""
    old = {"updated_ms": 1_000}
    names = [f"s{number}" for number in range(30)]
    for name in names:
        await rig.writer(name).append(*numbered(0, 1), **old)
    async with rig.stack, _deaf(rig) as gateway, watching(gateway) as watcher:
        await watcher.subscribe()
        await watcher.until("positions")
        for name in names:
            await rig.writer(name).append(*numbered(1, 2), **old)
        assert await watcher.until_records(30) == numbered(1, 2) * 30


async def test_g06_other_lines_under_the_same_ids(rig: Rig) -> None:
    """G06: of the same lengths, written after the broker lost its last second.

    Nobody tells, and no line follows: the end that is stored has another digest.
    """
    writer, keys = rig.writer("a"), Keys(rig.prefix)
    await writer.append(*numbered(0, 3))
    async with rig.stack, _deaf(rig) as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        await watcher.until_records(3)
        await rig.broker._redis.delete(keys.stream("a"), keys.state("a"))
        await writer.append(*numbered(0, 2), *numbered(7, 8))
        await gateway.replica.feed.audit.audit()
        rewind = await watcher.until("rewind")
        assert rewind["reason"] == "replaced"
        watcher.records.clear()
        await watcher.until_records(3)
        assert watcher.records == [*numbered(0, 2), *numbered(7, 8)]


class Sluggish(RedisBroker):
    """A broker that answers what a session's state is only when it may."""

    def __init__(self, url: str, *, key_prefix: str) -> None:
        super().__init__(url, key_prefix=key_prefix)
        self.may_answer = asyncio.Event()

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        """Late."""
        await self.may_answer.wait()
        return await super().heads(sessions)


async def test_one_gives_up_and_others_wait_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told `unavailable` takes nobody's session away, nor its own."""
    monkeypatch.setattr(subscribing, "BROKER_SECONDS", 0.2)
    await rig.writer("a").append(*numbered(0, 1))
    broker = Sluggish(rig.url, key_prefix=rig.prefix)
    async with rig.stack, serving(broker) as gateway, watching(gateway) as watcher:
        rig.stack.push_async_callback(broker.aclose)
        await watcher.send(type="subscribe", sessionId="a")
        assert (await watcher.until("error"))["code"] == "unavailable"
        monkeypatch.setattr(subscribing, "BROKER_SECONDS", PATIENCE_SECONDS)
        await watcher.send(type="subscribe", sessionId="a")
        broker.may_answer.set()
        await watcher.until("subscribed")


def _deaf(rig: Rig) -> AbstractAsyncContextManager[Gateway]:
    broker = Deaf(rig.url, key_prefix=rig.prefix)
    rig.stack.push_async_callback(broker.aclose)
    return serving(broker)
