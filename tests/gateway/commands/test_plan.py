import json
from typing import Any

import pytest

from tailcast_gateway.commands.core.plan import (
    Plan,
    acknowledged,
    is_recovered,
    plan_subscribe,
    plan_unsubscribe,
    subscribed,
    wanted_sessions,
    wire_asked,
)
from tailcast_gateway.limits import (
    DEFAULT_QUOTAS,
    PATTERN_CHARACTERS,
    SUBSCRIPTIONS,
    WILDCARDS,
    Limit,
    Quotas,
)
from tailcast_gateway.protocol.answers import (
    Message,
    Pulse,
    authenticated,
    heartbeat,
    unsubscribed,
)
from tailcast_gateway.protocol.client_messages import (
    Ack,
    Auth,
    InvalidMessage,
    Snapshot,
    Subscribe,
    Unsubscribe,
    parse,
)
from tailcast_gateway.protocol.wires import JSON, Wires
from tailcast_gateway.sessions.core.verdicts import Replaced, Resume, Trimmed, Wait
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_gateway.views.subscription import Begin, Last, Subscription
from tailcast_gateway.views.view import Views
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.client_cursors import Kept
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING
from tests.gateway.entries import cursor
from tests.properties.gateway_frames import payloads


QUOTAS = Quotas(subscriptions=3, pattern_characters=20, wildcards=4)


def created(number: int) -> Birth:
    """A number of one count."""
    return Birth("0a1b2c3d", number)


def plan(current: Subscription | None = None, /, **fields: Any) -> Plan:
    """A plan for a message with these fields."""
    return plan_subscribe(request(**fields), current or Subscription(), Views(), QUOTAS)


def request(**fields: Any) -> Subscribe:
    """The message itself."""
    message = parse(json.dumps({"type": "subscribe", **fields}).encode())
    assert isinstance(message, Subscribe)
    return message


def message_of(message: Message) -> dict[str, Any]:
    """What a message says on the wire."""
    (payload,) = payloads(JSON.message(message))
    found: dict[str, Any] = json.loads(payload)
    return found


def test_one_session() -> None:
    """C8: a `sessionId` is literal, whatever characters it has."""
    made = plan(sessionId="a*")
    assert made.session == "a*"
    assert made.subscription.literals() == ["a*"]
    assert made.start is None
    assert made.wanted("a*", birth=None) is None


def test_all_and_several() -> None:
    """Everything, or what the globs say; a literal beside them is literal."""
    assert plan().subscription.matches("x")
    assert plan().session is None
    several = plan(sessionIds=["a*", "b"], sessionId="c?")
    assert several.session is None
    assert [several.subscription.matches(s) for s in ("ab", "b", "c?", "cd")] == [
        True, True, True, False,
    ]  # fmt: skip  # one glance


def test_replacing_and_adding() -> None:
    """A plain subscribe replaces; `add` keeps."""
    first = plan(sessionId="a").subscription
    assert not plan(first, sessionId="b").subscription.matches("a")
    more = plan(first, sessionId="b", add=True)
    assert more.subscription.matches("a")
    assert not more.added.matches("a")


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"from": "now"}, Begin.NOW),
        ({"from": "start"}, Begin.START),
        ({"from": {"last": 4}}, Last(4)),
        ({"replay": 4}, Last(4)),
        ({"from": {"cursor": "1-10-00000007"}}, cursor("1-10")._replace(digest=7)),
        ({"from": {"cursor": "0-0-00000000"}}, NOTHING),
    ],
)
def test_starts(fields: dict[str, Any], start: object) -> None:
    """Where it begins, by any of the ways to say it."""
    assert plan(sessionId="a", **fields).wanted("a", birth=None) == start


def test_positions_one_by_one() -> None:
    """They win; null is the beginning, as is that of what came since `at`.

    Of a session that is there it is a place, before which nothing is missing untold.
    """
    made = plan(
        **{
            "cursors": {"a": "1-10-00000007", "b": None},
            "at": str(created(10)),
            "from": "now",
        }
    )
    assert made.wanted("a", birth=created(3)) == cursor("1-10")._replace(digest=7)
    assert made.has_starts
    assert not plan().has_starts
    assert made.wanted("b", birth=created(4)) == BEGINNING_CURSOR
    assert made.wanted("new", birth=created(11)) == BEGINNING_CURSOR
    assert made.wanted("to come", birth=None) is Begin.START
    assert made.wanted("old", birth=created(10)) is Begin.NOW
    assert made.wanted("of version 0.1", birth=UNCOUNTED) is Begin.NOW


@pytest.mark.parametrize("at", [1_764_344_383_000, "0", "", "x", "0a1b2c3d"])
def test_a_moment_of_another_count(at: int | str) -> None:
    """A time of version 0.1, or before anything was counted: all may be new."""
    made = plan(at=at)
    for birth in (created(1), UNCOUNTED):
        assert made.wanted("a", birth=birth) == BEGINNING_CURSOR
    assert made.wanted("a", birth=None) is Begin.START


def test_a_broker_that_was_emptied_counts_anew() -> None:
    """Lower numbers of another count are no earlier ones."""
    made = plan(at=str(created(1_000)))
    assert made.wanted("a", birth=Birth("ffffffff", 1)) == BEGINNING_CURSOR


def test_what_is_refused() -> None:
    """Too many, one cursor for several, and what is no cursor."""
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"sessionIds": ["a", "b", "c", "d"]}, "too_many_subscriptions"),
        ({"from": {"cursor": "1-1-00000000"}}, "invalid_message"),
        ({"sessionId": "a", "from": {"cursor": "nonsense"}}, "invalid_cursor"),
        ({"cursors": {"a": "1-1"}}, "invalid_cursor"),
    )
    for fields, code in cases:
        with pytest.raises(InvalidMessage) as caught:
            plan(id="x", **fields)
        assert (caught.value.code, caught.value.id) == (code, "x")


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (["a", "b", "c"], None),
        (["a", "b", "c", "d"], SUBSCRIPTIONS),
        (["a" * 19 + "*", "b" * 50], None),
        (["a" * 20 + "*"], PATTERN_CHARACTERS),
        (["a?" + "*" * 3], None),
        (["a?" + "*" * 4], WILDCARDS),
    ],
)
def test_how_much_may_be_named(names: list[str], limit: Limit | None) -> None:
    """So many names, and so much of patterns in all, with what there was before."""
    if limit is None:
        assert plan(sessionIds=names).subscription
        return
    with pytest.raises(InvalidMessage) as caught:
        plan(sessionIds=names)
    assert (caught.value.code, caught.value.limit) == ("too_many_subscriptions", limit)
    had = plan(sessionIds=names[:-1]).subscription if names[1:] else Subscription()
    with pytest.raises(InvalidMessage):
        plan(had, sessionIds=names[-1:], add=True)


def test_unsubscribing() -> None:
    """All, or what is named."""
    current = plan(sessionIds=["a", "run_*"]).subscription
    assert not plan_unsubscribe(Unsubscribe(), current, QUOTAS)
    left = plan_unsubscribe(Unsubscribe(session_id="a"), current, QUOTAS)
    assert left.matches("run_1")
    assert not left.matches("a")
    few = Unsubscribe(session_ids=["run_1", "run_2"])
    with pytest.raises(InvalidMessage):
        plan_unsubscribe(few, current, QUOTAS)


def test_answers_to_subscribe() -> None:
    """Base's words, and what belongs to them."""
    one = request(sessionId="a", id=1)
    answer = subscribed(
        one, plan(sessionId="a"), connection="c", cursor=BEGINNING_CURSOR,
        head=cursor("1-10"), oldest=None, recovered=False,
    )  # fmt: skip  # one glance
    assert message_of(answer) == {
        "type": "subscribed", "sessionId": "a", "message": "Subscribed to a",
        "cursor": "1-0-00000000", "head": str(cursor("1-10")), "oldest": None,
        "recovered": False, "connectionId": "c", "id": 1,
    }  # fmt: skip  # one glance
    assert message_of(subscribed(request(), plan(), connection="")) == {
        "type": "subscribed", "message": "Subscribed to all sessions",
        "connectionId": "",
    }  # fmt: skip  # one glance
    names = [f"s{n}" for n in range(7)]
    some = request(sessionIds=names)
    several = plan_subscribe(some, Subscription(), Views(), DEFAULT_QUOTAS)
    told = message_of(subscribed(some, several, connection=""))
    assert told["message"] == "Subscribed to s0, s1, s2, s3, s4 and 2 more"
    few = request(sessionIds=["a"])
    told = message_of(subscribed(few, plan(sessionIds=["a"]), connection=""))
    assert told["message"] == "Subscribed to a"


def test_answers_to_unsubscribe() -> None:
    """They name what was named."""
    assert message_of(unsubscribed(Unsubscribe())) == {"type": "unsubscribed"}
    told = message_of(unsubscribed(Unsubscribe(session_id="a", session_ids=["b"])))
    assert (told["sessionId"], told["sessionIds"]) == ("a", ["b"])


def test_the_longest_message_is_of_the_connection() -> None:
    """Only a message that names it changes it; so many values fit a replica."""
    wires = Wires(max_wires=1)
    assert wire_asked(request(), JSON, wires) is None
    bounded = wire_asked(request(maxMessage=5_000), JSON, wires)
    assert bounded is not None
    assert bounded.limits == (5_000, 5_000)
    with pytest.raises(InvalidMessage, match="maxMessage") as error:
        wire_asked(request(maxMessage=6_000, id=1), JSON, wires)
    assert (error.value.code, error.value.id) == ("too_many_subscriptions", 1)
    for wrong in (4_095, 983_041, "5000", None):
        with pytest.raises(InvalidMessage, match="maxMessage"):
            request(maxMessage=wrong)


def test_what_an_ack_is_of() -> None:
    """Of the session that it names, or of the only one that there is."""
    one = plan(sessionId="a").subscription
    assert acknowledged(Ack(session_id="b", cursor="c"), one) == "b"
    assert acknowledged(Ack(cursor="c"), one) == "a"
    for several in (plan(sessionIds=["a", "b"]), plan(), plan(sessionIds=["a", "b*"])):
        with pytest.raises(InvalidMessage, match="name the session"):
            acknowledged(Ack(cursor="c"), several.subscription)


def test_a_start_at_the_same_place_is_told() -> None:
    """Whoever resumes knows that records may come again."""
    asked = request(sessionId="a", **{"from": "resume"})
    for starts, told in ((0, False), (1, True)):
        resumed = plan(sessionId="a").resumed(Kept(1, {}, None, starts=starts))
        message = message_of(subscribed(asked, resumed, connection=""))
        assert message.get("repeated", False) is told


def test_verdicts_in_an_answer() -> None:
    """Whether nothing is missing."""
    to = cursor("1-20")
    for verdict, recovered in (
        (Resume(to, is_proved=True), True),
        (Resume(to, is_proved=False), False),
        (Trimmed(to), False),
        (Replaced(to), False),
        (Wait(is_file_long_enough=True), None),
    ):
        assert is_recovered(verdict) is recovered


def test_heartbeats() -> None:
    """Positions only where they are given."""
    assert message_of(heartbeat(timestamp="t", pulse=Pulse("down", 9, 4), id=3)) == {
        "type": "heartbeat", "timestamp": "t", "feed": "down", "lagMs": 9,
        "indexLagMs": 4, "id": 3,
    }  # fmt: skip  # one glance
    bare = message_of(heartbeat(timestamp="t"))
    assert bare == {"type": "heartbeat", "timestamp": "t"}
    full = message_of(heartbeat(timestamp="t", replica="r", cursors={}, heads={}))
    assert (full["replica"], full["cursors"], full["heads"]) == ("r", {}, {})


def test_answering_a_token() -> None:
    """With the time of its end, if it has one."""
    message = Auth(token="x", id=3)
    assert authenticated(message, None) == {"type": "authenticated", "id": 3}
    assert authenticated(Auth(token="x"), 1.5) == {
        "type": "authenticated", "expiresAt": 1_500,
    }  # fmt: skip  # one glance


def wanted(message: Snapshot, grant: Grant = EVERYTHING_GRANTED) -> Subscription:
    """The sessions that a message names."""
    return wanted_sessions(message, grant, QUOTAS)


def test_whose_snapshots_are_wanted() -> None:
    """One, several by wildcards, or all."""
    one = wanted(Snapshot(session_id="run_*"))
    assert (one.matches("run_*"), one.matches("run_1")) == (True, False)
    some = wanted(Snapshot(session_ids=["run_*", "b"]))
    assert [some.matches(name) for name in ("run_1", "b", "c")] == [True, True, False]
    assert wanted(Snapshot()).matches("any")
    assert not wanted(Snapshot(), Grant(globs=("a",))).matches("any")


def test_resuming() -> None:
    """What is kept is as what the client brings; what it brings wins."""
    kept = Kept(1, {"a": cursor("1-30"), "b": cursor("1-40")}, created(5))
    made = plan(**{"from": "resume"}, cursors={"b": str(cursor("1-60"))}).resumed(kept)

    assert made.resumes
    assert made.wanted("a", birth=created(1)) == cursor("1-30")
    assert made.wanted("b", birth=created(2)) == cursor("1-60")
    assert made.wanted("c", birth=created(5)) is Begin.NOW
    assert made.wanted("c", birth=created(6)) == BEGINNING_CURSOR
    assert made.at == created(5)
    brought = plan(**{"from": "resume"}, at=str(created(1)))
    assert brought.resumed(kept).at == created(1)


def test_resuming_where_some_made_room() -> None:
    """What is not named comes again: nobody knows how far the client was there."""
    kept = Kept(1, {"a": cursor("1-30")}, created(5), is_partial=True)
    made = plan(**{"from": "resume"}).resumed(kept)

    assert made.wanted("a", birth=created(1)) == cursor("1-30")
    assert made.wanted("c", birth=created(2)) == BEGINNING_CURSOR


def test_resuming_where_nothing_is_kept() -> None:
    """It begins now, and is told that nobody knows what it has missed."""
    asked = {"sessionId": "a", "from": "resume"}
    made = plan(**asked).resumed(Kept(1, {}, None))

    assert made.at is None
    assert made.wanted("a", birth=created(9)) is Begin.NOW
    told = subscribed(request(**asked), made, connection="")
    assert told["recovered"] is False


def test_what_is_had_stays() -> None:
    """`add` moves what has a cursor, or its name beside a `from`, and nothing else."""
    had = plan(sessionIds=["a*"]).subscription
    more = plan(
        had, sessionIds=["ab", "*"], add=True, cursors={"ac": None}, at=str(created(1)),
        **{"from": {"last": 3}},
    )  # fmt: skip  # one glance
    assert more.wanted("ab", birth=created(9)) == Last(3)
    assert more.wanted("ac", birth=created(9)) == BEGINNING_CURSOR
    assert more.wanted("ad", birth=created(9)) is None
    assert more.wanted("b", birth=created(9)) == BEGINNING_CURSOR


def test_what_is_had_stays_when_more_is_resumed() -> None:
    """Kept cursors are for what is new to the connection."""
    kept = Kept(
        hold=1,
        cursors={"a": cursor("1-10"), "b": cursor("1-20"), "!emergencies": NOTHING},
        at=created(1),
    )
    had = plan(sessionId="a").subscription
    for current, left in ((had, {"b"}), (Subscription(), {"a", "b", "!emergencies"})):
        more = plan(current, add=True, clientId="me", **{"from": "resume"})
        assert more.resumed(kept).cursors.keys() == left
    more = plan(had, sessionId="a", add=True, clientId="me", **{"from": "resume"})
    assert more.resumed(kept).wanted("a", birth=created(9)) is None
