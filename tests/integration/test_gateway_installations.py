"""Several installations on one server, which has one channel for all of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tailcast_gateway.replica import Replica
from tailcast_gateway.sessions import audit, openings
from tailcast_streams.client_cursors import Takeover, takeover_note
from tailcast_streams.notification import format_moved
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)
from tests.integration.named_clients import closed_with, steps, until_step


@pytest.fixture
async def trial(broker: BrokerServer, rig: Rig) -> AsyncIterator[Rig]:
    """The same prefix in another database of the same server."""
    made = Rig(f"{broker.url}?db=1")
    made.prefix = rig.prefix
    made.broker = made.connect()
    async with made.stack:
        yield made


async def test_a_name_is_taken_in_another_database(rig: Rig, trial: Rig) -> None:
    """Each installation has clients of its own."""
    ours, theirs = rig.writer("a"), trial.writer("a")
    await ours.append(*numbered(0, 1))
    await theirs.append(*numbered(0, 1))
    async with (
        rig.serving() as one,
        trial.serving() as other,
        watching(one) as mine,
        watching(other) as stranger,
    ):
        await mine.subscribe(sessionId="a", clientId="board", **{"from": "resume"})
        await stranger.subscribe(sessionId="a", clientId="board", **{"from": "resume"})
        await until_passed_over(one, "foreign")
        await ours.append(*numbered(1, 2))
        await until_step(mine, 1)
        assert steps(mine) == [1]


async def test_a_name_is_taken_by_who_says_so_without_an_installation(
    rig: Rig, gateway: Gateway
) -> None:
    """What version 0.1 says: believed if the broker has it, and only then."""
    await rig.writer("a").append(*numbered(0, 1))
    async with watching(gateway) as mine:
        await mine.subscribe(sessionId="a", clientId="board")
        await say(rig, takeover_note(Takeover("board", 2**52, "elsewhere")))
        await say(rig, format_moved("a", 0))
        await rig.writer("a").append(*numbered(1, 2))
        await until_step(mine, 1)
        assert mine.connection.close_code is None

        kept = await rig.broker.clients.take("board", "elsewhere")
        await say(rig, takeover_note(Takeover("board", kept.hold, "elsewhere")))
        assert await closed_with(mine.connection) == 4409


async def test_sessions_of_another_database_are_not_told(rig: Rig, trial: Rig) -> None:
    """Nor watched: with their installation's name, and without any."""
    async with rig.serving() as one, watching(one) as everything:
        await everything.subscribe()
        await everything.until("positions")
        await trial.writer("secret").append(*numbered(0, 1))
        await until_passed_over(one, "foreign")
        await say(rig, format_moved("secret", 0))
        await until_passed_over(one, "unknown")
        await rig.writer("ours").append(*numbered(0, 1))
        await until_step(everything, 0)

        assert list(one.replica.hub.channels) == ["!emergencies", "ours"]
        async with watching(one) as late:
            await late.subscribe()
            told = await late.until("positions")
            assert list(told["cursors"]) == ["!emergencies", "ours"]


async def test_a_session_that_comes_while_its_name_is_looked_up(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint that was another's does not hide our own."""
    async with watching(gateway) as everything:
        await everything.subscribe()
        heads = gateway.replica._broker.heads
        is_asked, may_go_on = asyncio.Event(), asyncio.Event()

        async def slow(names: list[str]) -> object:
            found = await heads(names)
            # The audit asks too, for what is watched already.
            if "a" in names:
                is_asked.set()
                await may_go_on.wait()
            return found

        monkeypatch.setattr(gateway.replica._broker, "heads", slow)
        monkeypatch.setattr(audit, "AUDIT_SECONDS", 3_600.0)
        await say(rig, format_moved("a", 0))
        await is_asked.wait()
        await rig.writer("a").append(*numbered(0, 1))
        await until_moved(gateway.replica, "a")
        may_go_on.set()
        await until_step(everything, 0)


async def test_a_flood_of_names(
    rig: Rig, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many are looked up at once; what is ours among them comes by the audit."""
    monkeypatch.setattr(openings, "MAX_SESSIONS", 4)
    async with watching(gateway) as everything:
        await everything.subscribe()
        for number in range(100):
            gateway.replica.feed.notified(format_moved(f"theirs-{number}", 0))
        await until_passed_over(gateway, "many")
        await until_passed_over(gateway, "unknown")
        await rig.writer("ours").append(*numbered(0, 1))
        await until_step(everything, 0)

        assert list(gateway.replica.hub.channels) == ["!emergencies", "ours"]
        assert not gateway.replica.feed.openings._hinted
        assert not gateway.replica.feed.openings._moved


async def say(rig: Rig, text: str) -> None:
    """What version 0.1 says, in whatever database it is."""
    await rig.broker._redis.publish(rig.broker._keys.feed, text)


async def until_passed_over(gateway: Gateway, reason: str) -> None:
    """Until a hint was passed over for that reason."""
    line = f'tailcast_gateway_hints_dropped_total{{reason="{reason}"}}'
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line not in gateway.replica.instruments.exposition().decode():
            await asyncio.sleep(0.01)


async def until_moved(replica: Replica, session: str) -> None:
    """Until it was heard of while it was looked up."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while session not in replica.feed.openings._moved:
            await asyncio.sleep(0.01)
