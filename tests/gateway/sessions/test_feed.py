"""Hints and canaries, and what runs as long as a replica."""

import pytest

from tailcast_gateway.sessions import feed as feed_module
from tailcast_gateway.sessions.feed import (
    CANARY_SECONDS,
    CANARY_TIMEOUT_SECONDS,
    LATE_CANARIES,
)
from tailcast_streams.claims import Claim
from tailcast_streams.exceptions import BrokerRefused, BrokerUnavailable
from tests.gateway.entries import cursor
from tests.gateway.sessions.feed_rig import OWN, Feeding
from tests.gateway.sessions.rig import until, within
from tests.gateway.stage import records, socket_of, told, wants
from tests.gateway.stored import store
from tests.hints import heard_of


async def test_what_moved_gets_to_who_is_live() -> None:
    """A hint has the session read, and its clients are given what came."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    await store(rig.broker, "a", 20, 30)
    rig.hear("a")
    await rig.read()
    assert records(told(client)) == [20, 30]
    assert rig.hub.watched["a"].window.end == cursor("1-30")


async def test_a_canary_of_its_own() -> None:
    """It says that what is appended gets here, for some time."""
    rig = Feeding()
    assert not rig.feed.is_fresh
    assert rig.feed.notified(OWN)
    assert rig.feed.is_fresh
    rig.now += CANARY_TIMEOUT_SECONDS
    assert rig.feed.is_fresh
    rig.now += 1
    assert not rig.feed.is_fresh


async def test_the_canary_of_another_replica() -> None:
    """It says nothing of what gets here, and that this one is not alone."""
    rig = Feeding()
    assert not rig.feed.notified("!canary:other:1")
    assert not rig.feed.is_fresh
    assert not rig.feed.is_alone
    assert rig.notes == []


async def test_canaries_that_are_late() -> None:
    """A broker that leaves out three does not answer; one that was not asked may."""
    rig = Feeding()
    assert rig.feed.is_answered
    rig.feed.notified(OWN)
    rig.now += LATE_CANARIES * CANARY_SECONDS
    assert rig.feed.is_answered
    rig.now += 0.1
    assert not rig.feed.is_answered


async def test_a_broker_that_brings_canaries_and_lets_nothing_be_read() -> None:
    """It is not fresh, and says why."""
    rig = Feeding()
    rig.feed.notified(OWN)
    rig.feed.probe.failed("read", BrokerRefused("no permission"))
    assert not rig.feed.is_fresh
    assert rig.feed.state == "down"
    rig.feed.probe.done("read")
    assert rig.feed.is_fresh


async def test_a_feed_whose_tailer_is_silent() -> None:
    """It is stale for those alone who want that tailer's sessions."""
    rig = Feeding()
    rig.feed._hearing.begin(rig.now)
    rig.feed.notified(OWN)
    for name, owner in (("a", "gone"), ("b", "here")):
        (await rig.stored(name, 10, owner=owner)).active_at = rig.now
        rig.client(name)
    await rig.broker.hold_presence("here", seconds=1_000)
    await rig.feed.audit.audit()
    assert rig.feed.pulse(wants("a")).feed == "stale"
    assert rig.feed.pulse(wants("b")).feed == "fresh"


async def test_what_replicas_say_to_each_other() -> None:
    """It is handed on, and is no session."""
    rig = Feeding()
    rig.client("*")
    assert not rig.feed.notified("!taken:1:r:c")
    assert rig.notes == ["!taken:1:r:c"]
    assert rig.broker.heads_of == []


async def test_a_hint_of_a_session_that_is_not_watched_yet() -> None:
    """It is watched, and read on from where it was found."""
    rig = Feeding()
    client = rig.client("a*")
    await store(rig.broker, "ab", 10)
    rig.hear("ab", "b")
    await rig.quiet()
    await rig.read()
    assert {*rig.hub.watched} == {"ab"}
    assert client.followers["ab"].channel is rig.hub.watched["ab"]


async def test_a_canary_is_sent_and_comes_back() -> None:
    """It is fresh as soon as both have happened, and says so in metrics."""
    rig = Feeding()
    loops = rig.feed.loops

    async def canaries() -> None:
        # (What was sent before anybody listened is not heard.)
        await until(lambda: bool(rig.broker._listeners))
        await loops["canaries"]()

    async def listening() -> None:
        await within(canaries, lambda: rig.feed.is_fresh)

    rig.spawn(listening())
    await within(loops["listen"], lambda: not rig.tasks)
    assert rig.feed.is_fresh


async def test_a_connection_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listened to anew, and then all sessions are audited."""
    monkeypatch.setattr(feed_module, "RETRY_SECONDS", 0.0)
    rig = Feeding()
    await rig.stored("a", 10)
    rig.client("a")

    async def lose() -> None:
        await until(lambda: bool(rig.broker._listeners))
        await store(rig.broker, "a", 20)
        rig.broker.drop_listeners(BrokerUnavailable("lost"))
        await until(lambda: not rig.broker._listeners)
        rig.feed.audit._is_due.clear()
        await until(lambda: bool(rig.broker._listeners))

    rig.spawn(lose())
    await within(rig.feed.loops["listen"], lambda: not rig.tasks)
    assert rig.feed.audit._is_due.is_set()
    assert rig.counted("feed_lost") == 1


async def test_a_hint_over_which_taking_it_fails() -> None:
    """The feed goes on, and what it was is found by an audit."""
    rig = Feeding()

    def fail(note: str) -> None:
        raise RuntimeError(note)

    rig.feed._on_note = fail

    async def say() -> None:
        await until(lambda: bool(rig.broker._listeners))
        rig.feed.audit._is_due.clear()
        await rig.broker.notify("!taken:1:r:c")
        await rig.broker.notify(OWN)
        await until(lambda: rig.feed.is_fresh)

    rig.spawn(say())
    await within(rig.feed.loops["listen"], lambda: not rig.tasks)
    assert rig.feed.is_fresh
    assert rig.feed.audit._is_due.is_set()


async def test_reading_goes_on_while_hints_come() -> None:
    """Whoever is live gets each record as it comes."""
    rig = Feeding()
    await rig.stored("a", 10)
    client = rig.client("a")
    got: list[int] = []

    async def appends() -> None:
        for offset in (20, 30, 40):
            await store(rig.broker, "a", offset)
            rig.hear("a")
            await until(lambda: bool(socket_of(client).written))
            got.extend(records(told(client)))

    rig.spawn(appends())
    await within(rig.feed.keep_reading, lambda: not rig.tasks)
    assert got == [20, 30, 40]


async def test_reading_goes_on_to_what_one_round_trip_did_not_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has to say once more what moved."""
    monkeypatch.setattr(feed_module, "MAX_SESSIONS", 2)
    rig = Feeding()
    for name in "abc":
        await rig.stored(name, 10)
        await store(rig.broker, name, 20)
    rig.hear("a", "b", "c")
    end = cursor("1-20")
    await within(
        rig.feed.keep_reading,
        lambda: all(one.window.end == end for one in rig.hub.watched.values()),
    )


async def test_a_replica_that_hears_no_other_one() -> None:
    """It is alone once it has listened for so long that another would have spoken."""
    rig = Feeding()

    async def listen() -> None:
        await until(lambda: bool(rig.broker._listeners))
        for _ in range(10):
            rig.now += CANARY_SECONDS
            rig.feed.notified(OWN)

    rig.spawn(listen())
    await within(rig.feed.loops["listen"], lambda: not rig.tasks and rig.feed.is_alone)
    rig.feed.notified("!canary:other:1")
    assert not rig.feed.is_alone
    rig.feed.notified("!leaving:other")
    assert rig.feed.is_alone
    assert rig.notes == []


async def test_a_replica_that_says_that_it_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It hears that itself, which is no canary; a broker that is away is nothing."""
    rig = Feeding()

    async def fail(_payload: str) -> None:
        raise BrokerUnavailable("away")

    async with heard_of(rig.broker) as payloads:
        await rig.feed.say_leaving()
        said = await anext(payloads)
    assert said == "!leaving:me"
    assert not rig.feed.notified(said)
    assert not rig.feed.is_fresh
    monkeypatch.setattr(rig.broker, "notify", fail)
    await rig.feed.say_leaving()


async def test_claims_are_looked_at_by_the_audit() -> None:
    """A session of two tailers is told as contested."""
    rig = Feeding()
    found: list[object] = []
    rig.feed._tailers._on_contests = found.append
    claim = Claim("a", claimant="x", owner="y", token="1")
    await rig.broker.claims.ask(claim)
    await rig.broker.claims.answer(claim)
    for name in "xy":
        await rig.broker.hold_presence(name, seconds=1_000)
    await rig.feed.audit.audit()
    assert found == [{"a": ["y", "x"]}]
