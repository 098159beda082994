"""Sessions that are not watched yet, and somebody wants."""

import asyncio

import pytest

from tailcast_gateway.limits import (
    DEFAULT_QUOTAS,
    UNBORN_SESSIONS,
    WATCHED_SESSIONS,
    Quotas,
)
from tailcast_gateway.sessions import openings as openings_module
from tailcast_gateway.sessions.openings import Openings, TooManyWatched
from tailcast_streams.exceptions import BrokerUnavailable, KeySpoiled
from tailcast_streams.keys import EMERGENCIES
from tests.gateway.entries import cursor
from tests.gateway.sessions.rig import Sessions, turns
from tests.gateway.stored import store


class Rig(Sessions):
    """Sessions, and who has them watched."""

    def __init__(self, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        super().__init__()
        # Sessions that are to be read on, and how often all were to be audited.
        self.marked: list[str] = []
        self.hurried = 0
        self.openings = Openings(
            self.broker,
            self.hub,
            mark=self.marked.append,
            hurry=self.hurry,
            spawn=self.spawn,
            clock=lambda: self.now,
            broker_clock=self.broker_clock,
            quotas=quotas,
            instruments=self.instruments,
        )

    def hurry(self) -> None:
        self.hurried += 1

    async def hear(self, *sessions: str) -> None:
        """Hints name these."""
        for session in sessions:
            self.openings.hear(session)
        await self.quiet()

    @property
    def watched(self) -> set[str]:
        return {*self.hub.watched}


async def test_what_is_asked_for_is_watched_whether_it_is_there_or_not() -> None:
    """At its end, or from its beginning on."""
    rig = Rig()
    await store(rig.broker, "a", 10, 20)
    assert await rig.openings.open(["a", "later"]) == {}
    assert rig.hub.watched["a"].window.end == cursor("1-20")
    assert rig.hub.watched["later"].is_awaited
    assert rig.marked == []


async def test_what_is_watched_is_not_asked_for_again() -> None:
    """The broker is asked for those alone that are missing."""
    rig = Rig()
    await rig.openings.open(["a"])
    await rig.openings.open(["a"])
    await rig.openings.open(["b", "a"])
    assert rig.broker.heads_of == [["a"], ["b"]]


async def test_those_who_come_together_are_served_in_one_round_trip() -> None:
    """Each session is read once, whoever wants it."""
    rig = Rig()
    await asyncio.gather(rig.openings.open(["a", "b"]), rig.openings.open(["b", "c"]))
    assert rig.broker.heads_of == [["a", "b", "c"]]
    assert rig.watched == {"a", "b", "c"}


async def test_a_session_that_cannot_be_read() -> None:
    """Who wants it is told why; the others are watched, and it can be asked again."""
    rig = Rig()
    rig.broker.refused.add("bad")
    refused = await rig.openings.open(["a", "bad", "b"])
    assert {name: type(error) for name, error in refused.items()} == {"bad": KeySpoiled}
    assert rig.watched == {"a", "b"}
    rig.broker.refused.clear()
    assert await rig.openings.open(["bad"]) == {}
    assert "bad" in rig.watched


async def test_a_broker_that_is_away() -> None:
    """Nobody waits for it here: all are told, and may ask again."""
    rig = Rig()
    with rig.broker.away():
        for error in await asyncio.gather(
            rig.openings.open(["a"]), rig.openings.open(["b"]), return_exceptions=True
        ):
            assert isinstance(error, BrokerUnavailable)
    assert await rig.openings.open(["a", "b"]) == {}
    assert rig.watched == {"a", "b"}


async def test_who_asked_first_goes_away() -> None:
    """The others get what they wait for."""
    rig = Rig()
    with rig.broker.silent():
        first = asyncio.ensure_future(rig.openings.open(["a"]))
        await turns()
        other = asyncio.ensure_future(rig.openings.open(["a"]))
        await turns()
        first.cancel()
    assert await other == {}
    assert first.cancelled()
    assert rig.watched == {"a"}


async def test_how_long_a_session_has_rested_when_it_is_opened() -> None:
    """By the broker's clock: what is appended now was active now."""
    rig = Rig()
    now_ms = await rig.broker.now_ms()
    await store(rig.broker, "old", 10, appended_ms=now_ms - 3_600_000)
    await rig.openings.open(["old", "later"])
    active_at = rig.hub.watched["old"].active_at
    assert active_at is not None
    assert rig.now - 3_700 < active_at <= rig.now - 3_600


async def test_a_hint_of_a_session_that_somebody_wants() -> None:
    """It is watched, and read on: it moved."""
    rig = Rig()
    rig.client("a")
    await store(rig.broker, "a", 10)
    await rig.hear("a")
    assert rig.watched == {"a"}
    assert rig.marked == ["a"]


async def test_hints_of_what_nobody_wants() -> None:
    """They cost nothing."""
    rig = Rig()
    rig.client("b")
    await store(rig.broker, "a", 10)
    await rig.hear("a")
    assert rig.broker.heads_of == []
    assert rig.watched == set()


async def test_a_hint_of_the_documents() -> None:
    """They are no session that a glob matches: who wants anything has them opened."""
    rig = Rig()
    rig.client("*", EMERGENCIES)
    await rig.hear(EMERGENCIES)
    assert rig.broker.heads_of == []


async def test_a_hint_of_another_installation() -> None:
    """A name that is not there is passed over, each time that it is said."""
    rig = Rig()
    rig.client("*")
    await rig.hear("theirs")
    await rig.hear("theirs")
    assert rig.watched == set()
    assert rig.counted("hints_dropped", '{reason="unknown"}') == 2


async def test_a_session_that_comes_while_its_name_is_looked_up() -> None:
    """It was not there when it was read; the hint that follows has it read again."""
    rig = Rig()
    rig.client("*")
    with rig.broker.silent():
        rig.openings.hear("new")
        await turns()
        await store(rig.broker, "new", 10)
        rig.openings.hear("new")
    await rig.quiet()
    assert rig.watched == {"new"}
    assert rig.marked == ["new"]


async def test_a_session_that_moves_while_a_client_has_it_opened() -> None:
    """What was appended after it was read is read on."""
    rig = Rig()
    await store(rig.broker, "a", 10)
    with rig.broker.silent():
        opening = asyncio.ensure_future(rig.openings.open(["a", "b"]))
        await turns()
        rig.openings.hear("a")
    await opening
    assert rig.marked == ["a"]


async def test_a_client_asks_for_what_a_hint_has_named() -> None:
    """Then it is watched though it is not there."""
    rig = Rig()
    rig.client("*")
    with rig.broker.silent():
        rig.openings.hear("later")
        await turns()
        opening = asyncio.ensure_future(rig.openings.open(["later"]))
        await turns()
    await opening
    await rig.quiet()
    assert rig.watched == {"later"}
    assert rig.marked == []


async def test_more_hints_at_once_than_are_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rest is counted and left to the audit; later there is room again."""
    monkeypatch.setattr(openings_module, "MAX_SESSIONS", 2)
    rig = Rig()
    rig.client("*")
    for name in "abcd":
        await store(rig.broker, name, 10)
    await rig.hear("a", "b", "c")
    assert rig.watched == {"a", "b"}
    assert rig.counted("hints_dropped", '{reason="many"}') == 1
    await rig.hear("c", "d")
    assert rig.watched == {"a", "b", "c", "d"}


async def test_many_at_once_are_read_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No round trip grows with what is asked for."""
    monkeypatch.setattr(openings_module, "OPENED_AT_ONCE", 2)
    rig = Rig()
    await rig.openings.open("abcde")
    assert rig.broker.heads_of == [["a", "b"], ["c", "d"], ["e"]]
    assert rig.watched == {*"abcde"}


async def test_a_hint_while_the_broker_is_away() -> None:
    """All sessions are audited then, and the name is looked up at the next hint."""
    rig = Rig()
    rig.client("a")
    await store(rig.broker, "a", 10)
    with rig.broker.away():
        await rig.hear("a")
    assert rig.hurried == 1
    assert rig.watched == set()
    await rig.hear("a")
    assert rig.watched == {"a"}


async def test_as_many_as_may_be_watched() -> None:
    """One more is refused, unless it exists and came later than who wants it."""
    rig = Rig(Quotas(watched_sessions=2))
    await store(rig.broker, "c", 10)
    assert await rig.openings.open([EMERGENCIES, "a", "b"]) == {}
    assert await rig.openings.open(["b"]) == {}
    with pytest.raises(TooManyWatched, match="More than 2 sessions") as caught:
        await rig.openings.open(["b", "c"])
    assert caught.value.limit is WATCHED_SESSIONS
    assert rig.watched == {EMERGENCIES, "a", "b"}
    assert await rig.openings.adopt(["c"]) == {}
    assert "c" in rig.watched


async def test_as_many_as_may_be_watched_that_do_not_exist() -> None:
    """There is room for others when one was created, or is not watched any more."""
    rig = Rig(Quotas(unborn_sessions=2))
    await store(rig.broker, "there", 10)
    assert await rig.openings.open([EMERGENCIES, "there", "a", "b"]) == {}
    with pytest.raises(TooManyWatched, match="that do not exist") as caught:
        await rig.openings.open(["c"])
    assert caught.value.limit is UNBORN_SESSIONS
    assert "c" not in rig.watched

    await store(rig.broker, "a", 10)
    rig.hub.created(rig.hub.watched["a"], (await rig.broker.heads(["a"]))[0])
    assert await rig.openings.open(["c"]) == {}
    rig.hub.close(rig.hub.watched["b"])
    assert await rig.openings.open(["d"]) == {}
    with pytest.raises(TooManyWatched):
        await rig.openings.open(["e"])
