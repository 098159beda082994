"""What is found of watched sessions though nobody said that they moved."""

from collections import Counter
from collections.abc import Iterable

import pytest

from tailcast_gateway.delivery.core.channel import FollowerState
from tailcast_gateway.sessions import audit as audit_module
from tailcast_gateway.sessions.audit import AUDITS_IN_ROUND, Audit
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.session_state import NOTHING_STORED, Batch
from tests.gateway.entries import cursor, head
from tests.gateway.sessions.rig import Sessions, turns, until, within
from tests.gateway.stage import NOBODY
from tests.gateway.stored import store


class Rig(Sessions):
    """Sessions, and who audits them."""

    def __init__(self) -> None:
        super().__init__()
        # What was told: to be read on, nobody's any more, and what failed.
        self.marked: list[str] = []
        self.forgotten: list[str] = []
        self.failed: list[str] = []
        # How often the tailers were looked for.
        self.looks = 0
        self.audit = Audit(
            self.broker,
            self.hub,
            mark=self.mark,
            watch=self.open,
            look_for_owners=self.look,
            broker_clock=self.broker_clock,
            instruments=self.instruments,
            forget=self.forgotten.append,
            on_failed=self.failed.append,
        )

    def mark(self, session: str) -> bool:
        is_news = session not in self.marked
        self.marked.append(session)
        return is_news

    async def open(self, sessions: Iterable[str]) -> None:
        for session in sessions:
            self.watch(session, (await self.broker.heads([session]))[0])

    async def look(self) -> None:
        self.looks += 1

    async def wanted(self, session: str, *offsets: int, **fields: int | str) -> None:
        """A session that a client wants, read up to its end."""
        await self.stored(session, *offsets, **fields)
        self.client(session)

    def compared(self) -> list[str]:
        """The sessions that were asked for since this was last asked."""
        names = [name for names in self.broker.ends_of for name in names]
        self.broker.ends_of.clear()
        return names


async def test_a_session_that_moved_and_nobody_said_so() -> None:
    """It is read on, and counted; one that did not move is not."""
    rig = Rig()
    for name in ("a", "b"):
        await rig.wanted(name, 10)
    await store(rig.broker, "a", 20)
    await rig.audit.audit()
    assert rig.marked == ["a"]
    assert rig.counted("audit_findings") == 1


async def test_a_session_of_which_it_was_known() -> None:
    """What a hint told is no finding of the audit."""
    rig = Rig()
    await rig.wanted("a", 10)
    await store(rig.broker, "a", 20)
    rig.marked.append("a")
    await rig.audit.audit()
    assert rig.counted("audit_findings") == 0


async def test_a_session_in_another_life() -> None:
    """The broker forgot it and a tailer began it anew: its window is begun anew too."""
    rig = Rig()
    await rig.wanted("a", 10)
    rig.broker.wipe()
    await store(rig.broker, "a", 10, 20, incarnation="other")
    await rig.audit.audit()
    channel = rig.hub.channels["a"]
    assert (channel.epoch, channel.incarnation) == (1, "other")
    assert channel.window.end == cursor("1-20")
    assert rig.marked == []


async def test_a_broker_that_lost_its_latest() -> None:
    """What was read is not there any more: the window is begun anew at what is."""
    rig = Rig()
    await store(rig.broker, "a", 10)
    checkpoint = rig.broker.checkpoint()
    await rig.wanted("a", 20)
    rig.broker.roll_back(checkpoint)
    await rig.audit.audit()
    channel = rig.hub.channels["a"]
    assert (channel.epoch, channel.window.end) == (1, cursor("1-10"))


async def test_another_record_of_the_same_length_in_the_place_of_the_last() -> None:
    """Its ID is the same and its digest is not: it is read again."""
    rig = Rig()
    await store(rig.broker, "a", 10)
    checkpoint = rig.broker.checkpoint()
    await rig.wanted("a", 20)
    rig.broker.roll_back(checkpoint)
    await store(rig.broker, "a", 20, record=b'{"o":21}')
    await rig.audit.audit()
    assert rig.hub.channels["a"].epoch == 0
    assert rig.marked == ["a"]


async def test_a_session_that_has_begun_and_has_no_entry_yet() -> None:
    """It is read on though nothing of it lies beyond the window's end."""
    rig = Rig()
    rig.client("a")
    rig.watch("a", NOBODY)
    await rig.broker.bear("a", activity_ms=0)
    await rig.broker.append(
        Batch(
            session="a",
            expected=NOTHING_STORED,
            incarnation="i",
            generation=1,
            offset=0,
            entries=(),
            fields={},
        )
    )
    await rig.audit.audit()
    assert rig.marked == ["a"]


async def test_a_window_that_was_begun_anew_while_it_was_asked() -> None:
    """What was asked before says nothing of it."""
    rig = Rig()
    await rig.wanted("a", 10)
    await store(rig.broker, "a", 20)
    with rig.broker.silent():
        rig.spawn(rig.audit.audit())
        await until(lambda: bool(rig.broker.ends_of))
        await turns()
        rig.hub.reset(rig.hub.channels["a"], head())
    await rig.quiet()
    assert rig.marked == []
    assert rig.hub.channels["a"].epoch == 1


async def test_a_window_that_was_begun_anew_while_its_head_was_read() -> None:
    """It is not begun anew once more."""
    rig = Rig()
    await rig.wanted("a", 10)
    rig.broker.wipe()
    await store(rig.broker, "a", 10, incarnation="other")
    with rig.broker.silent():
        rig.spawn(rig.audit.audit())
        await until(lambda: bool(rig.broker.ends_of))
        await turns()
    with rig.broker.silent():
        await until(lambda: bool(rig.broker.heads_of))
        rig.hub.reset(rig.hub.channels["a"], head())
    await rig.quiet()
    assert rig.hub.channels["a"].epoch == 1


async def test_who_waits_for_a_session_is_looked_up_after_it_was_compared() -> None:
    """What it waits for may be there, and nobody says so."""
    rig = Rig()
    await rig.wanted("a", 10)
    place = Cursor(EntryID(1, 99), 1)
    client = rig.client("a", starts={"a": place})
    follower = client.followers["a"]
    rig.followers.wait(follower, FollowerState.WAITING, place)
    rig.asked.looked_up.clear()
    await rig.audit.audit()
    assert rig.asked.looked_up == [(follower, place)]


async def test_a_session_that_came_into_being() -> None:
    """It is watched and read if somebody wants it."""
    rig = Rig()
    rig.client("a*")
    for name in ("ab", "b"):
        await store(rig.broker, name, 10)
    await rig.audit.audit()
    assert {*rig.hub.watched} == {"ab"}
    assert rig.marked == ["ab"]


async def test_a_session_that_nobody_watches_any_more() -> None:
    """It is closed by the second audit that finds it so: somebody may come back."""
    rig = Rig()
    await rig.stored("left", 10)
    await rig.stored("left twice", 10)
    await rig.audit.audit()
    client = rig.client("left twice")
    assert {*rig.hub.watched} == {"left", "left twice"}
    await rig.audit.audit()
    assert {*rig.hub.watched} == {"left twice"}
    assert rig.forgotten == ["left"]
    rig.hub.leave(client)
    await rig.audit.audit()
    assert {*rig.hub.watched} == {"left twice"}
    await rig.audit.audit()
    assert not rig.hub.watched


async def test_each_session_has_its_turn_within_a_round() -> None:
    """Of those at rest, each audit asks for a share; none is asked for twice before."""
    rig = Rig()
    names = [f"s{n}" for n in range(2 * AUDITS_IN_ROUND)]
    for name in names:
        await rig.wanted(name, 10)
    # All rest: the list has them as active long ago.
    await rig.audit.audit_some()
    asked = rig.compared()
    assert len(asked) == len(names)
    rounds: list[list[str]] = []
    for _ in range(AUDITS_IN_ROUND):
        for name in names:
            rig.broker._stored.activity_ms[name] = 1
        await rig.audit.audit_some()
        rounds.append(rig.compared())
    assert [len(some) for some in rounds] == [2] * AUDITS_IN_ROUND
    assert Counter(name for some in rounds for name in some) == Counter(names)


async def test_those_that_may_have_moved_are_asked_for_each_time() -> None:
    """The documents, what was active lately, and what clients wait for."""
    rig = Rig()
    for name in [f"s{n:02}" for n in range(24)]:
        await rig.wanted(name, 10)
    rig.watch(EMERGENCIES, NOBODY)
    place = Cursor(EntryID(1, 99), 1)
    client = rig.client("s22", starts={"s22": place})
    follower = client.followers["s22"]
    await rig.audit.audit_some()
    rig.compared()
    for _ in range(3):
        rig.followers.wait(follower, FollowerState.WAITING, place)
        now_ms = await rig.broker.now_ms()
        await rig.broker.touch({"s23": now_ms})
        await rig.audit.audit_some()
        assert {EMERGENCIES, "s22", "s23"} <= {*rig.compared()}


async def test_a_session_that_began_and_is_listed_as_active_long_ago() -> None:
    """Its number says that there is one more: then the whole list is read."""
    rig = Rig()
    rig.client("*")
    await rig.audit.audit_some()
    await store(rig.broker, "uncounted", 10)
    await rig.audit.audit_some()
    assert "uncounted" not in rig.hub.watched
    await rig.broker.bear("counted", activity_ms=1)
    await store(rig.broker, "counted", 10)
    await rig.audit.audit_some()
    assert {*rig.hub.watched} == {"uncounted", "counted"}


async def test_a_session_that_version_0_1_began() -> None:
    """It has no number: its turn comes within the round."""
    rig = Rig()
    rig.client("*")
    await rig.audit.audit_some()
    await store(rig.broker, "uncounted", 10)
    for _ in range(AUDITS_IN_ROUND - 1):
        await rig.audit.audit_some()
    assert {*rig.hub.watched} == {"uncounted"}


async def test_a_session_that_cannot_be_compared() -> None:
    """It is told as failing, and the others are compared."""
    rig = Rig()
    for name in "abcd":
        await rig.wanted(name, 10)
        await store(rig.broker, name, 20)
    rig.broker.refused.add("b")
    await rig.audit.audit()
    assert rig.failed == ["b"]
    assert rig.marked == ["a", "c", "d"]


async def test_many_sessions_are_asked_for_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No round trip grows with what is watched."""
    monkeypatch.setattr(audit_module, "MAX_SESSIONS", 2)
    rig = Rig()
    for name in "abcde":
        await rig.wanted(name, 10)
    await rig.audit.audit()
    assert rig.broker.ends_of == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_broker_that_is_away_when_an_audit_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked for all sessions as soon as it is back."""
    monkeypatch.setattr(audit_module, "AUDIT_RETRY_SECONDS", 0.0)
    # The next one in turn would come too late.
    monkeypatch.setattr(audit_module, "AUDIT_SECONDS", 10_000.0)
    rig = Rig()
    for name in "ab":
        await rig.wanted(name, 10)
    errors = '{code="",error="BrokerUnavailable"}'
    rig.broker.failure = BrokerUnavailable("away")

    def is_over() -> bool:
        if errors in rig.instruments.exposition().decode():
            rig.broker.failure = None
        return not rig.audit.is_owed

    assert not rig.audit.is_owed
    rig.audit.hurry()
    await within(rig.audit.run, is_over)
    assert rig.broker.ends_of == [["a", "b"]]
    assert rig.looks == 1


async def test_an_audit_that_is_asked_for_during_another_one() -> None:
    """It is owed until it was carried out too."""
    rig = Rig()
    await rig.wanted("a", 10)
    rig.broker.answers.clear()
    rig.audit.hurry()

    def is_over() -> bool:
        if rig.broker.ends_of and not rig.broker.answers.is_set():
            rig.audit.hurry()
            rig.broker.answers.set()
        return not rig.audit.is_owed

    await within(rig.audit.run, is_over)
    assert rig.broker.ends_of == [["a"]] * 2


async def test_sessions_that_do_not_exist_are_not_asked_for() -> None:
    """However many names clients made up; the list says when one is created."""
    rig = Rig()
    await rig.wanted("a", 10)
    for at in range(100):
        rig.client(f"none{at}")
        rig.watch(f"none{at}", NOBODY)
    await rig.audit.audit()
    for _ in range(AUDITS_IN_ROUND):
        await rig.audit.audit_some()
    assert {*rig.compared()} <= {"a", EMERGENCIES}
    await rig.broker.bear("none7", activity_ms=0)
    await store(rig.broker, "none7", 10)
    await rig.audit.audit_some()
    assert "none7" in rig.compared()
    assert rig.marked == ["none7"]
