"""What live clients are given: the same to all who get the same, and when."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tailcast_gateway.delivery.core.channel import Channel, Client, FollowerState
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_gateway.views.conflation import Conflation
from tailcast_gateway.views.filters import Filter, parse_filter
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR
from tests.gateway.entries import chain, cursor, entry, head
from tests.gateway.stage import (
    NOBODY,
    Stage,
    records,
    rule,
    socket_of,
    told,
    written,
)


# One record a second.
SLOW = View(max_rate=1.0)
# Records after the first.
LATER = View(where=parse_filter({"metric": "o", "op": "gt", "value": 10}))


def broken(*_: object) -> Any:
    """Fails, as nothing here should."""
    raise LookupError("x")


BROKEN = View(where=cast(Filter, SimpleNamespace(matches=broken)))


def document(offset: int, session: str = "", news: str = "1") -> Entry:
    """A whole-file emergency."""
    details = {"session": session, "id": f"i{offset}", "path": "p", "news": news}
    previous = f"1-{offset - 1}" if offset > 1 else "0-0"
    return entry(f"1-{offset}", previous, b"{}", Kind.EMERGENCY, details)


def fallen(client: Client, session: str = "a") -> tuple[FollowerState, str]:
    """Where a client is that is not live."""
    follower = client.followers[session]
    assert follower in client.behind
    assert not follower.is_replay
    return follower.pace, str(follower.cursor.id)


def test_all_who_get_the_same_get_the_same_bytes() -> None:
    """Made once for each view and wire."""
    stage = Stage()
    channel = stage.watch()
    alike = [stage.client("a"), stage.client("*")]
    other, packed = stage.client(rule("a", view=LATER)), stage.client("a", wire=MSGPACK)
    stage.follow_on(channel, 10, 20)
    first, second = (socket_of(client).written for client in alike)
    assert len(first) == 1
    assert first[0] is second[0]
    assert records(told(alike[0])) == [10, 20]
    assert records(told(other)) == [20]
    assert written(packed) == channel.encoder(MSGPACK).frames(
        chain(10, 20), BEGINNING_CURSOR
    )
    assert stage.counted("writes") == 4


def test_a_client_that_takes_nothing_falls_behind() -> None:
    """To before what came; the others go on."""
    stage = Stage()
    channel = stage.watch()
    slow, quick = stage.client("a"), stage.client("a")
    stage.follow_on(channel, 10)
    told(slow)
    told(quick)
    socket_of(slow).paused = True
    stage.follow_on(channel, 20)
    assert (told(slow), records(told(quick))) == ([], [20])
    assert fallen(slow) == (FollowerState.BEHIND, "1-10")
    assert stage.counted("fell_behind") == 1
    assert stage.counted("writes") == 3


def test_who_misses_nothing_does_not_fall_behind() -> None:
    """Of what its filter holds back it would have been given nothing."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client(rule("a", view=LATER))
    socket_of(client).paused = True
    stage.follow_on(channel, 10)
    assert not client.followers
    assert stage.counted("writes") == 0
    stage.follow_on(channel, 20)
    assert fallen(client) == (FollowerState.BEHIND, "1-10")


def test_a_socket_that_fails_is_its_clients_failure() -> None:
    """It is closed, and the others are given what is theirs."""
    stage = Stage()
    channel = stage.watch()
    bad, good = stage.client("a"), stage.client("a")
    socket_of(bad).failure = LookupError("x")
    stage.follow_on(channel, 10)
    assert (bad.is_closed, good.is_closed) == (True, False)
    assert socket_of(bad).closed == [1011]
    assert records(told(good)) == [10]


def test_a_form_that_fails_is_told_to_each_client_by_itself() -> None:
    """Who are served where they stand; other forms go on."""
    stage = Stage()
    channel = stage.watch()
    clients = [stage.client(rule("a", view=BROKEN)) for _ in range(2)]
    good = stage.client("a")
    stage.follow_on(channel, 10)
    assert {fallen(client) for client in clients} == {(FollowerState.BEHIND, "1-0")}
    assert stage.asked.woken == clients
    assert stage.counted("defects", '{over="session"}') == 1
    assert records(told(good)) == [10]
    assert not good.followers


def test_one_of_a_failed_form_that_cannot_be_served_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its failure is its own."""
    stage = Stage()
    channel = stage.watch()
    first, second = (stage.client(rule("a", view=BROKEN)) for _ in range(2))
    wake = stage.asked.wake

    def wake_others(one: Client) -> None:
        if one is first:
            broken()
        wake(one)

    monkeypatch.setattr(stage.asked, "wake", wake_others)
    stage.follow_on(channel, 10)
    assert (first.is_closed, second.is_closed) == (True, False)
    assert stage.asked.woken == [second]


# Records that wait for their interval to be over.


def slow_stage(*clients: View) -> tuple[Stage, Channel, list[Client]]:
    """Clients, of whom those with a rate have been given a record at 0 s."""
    stage = Stage()
    channel = stage.watch()
    found = [stage.client(rule("a", view=view)) for view in clients]
    stage.follow_on(channel, 10, now=0.0)
    for client in found:
        assert records(told(client)) == [10]
    return stage, channel, found


def test_the_newest_record_waits_until_the_interval_is_over() -> None:
    """And says how many it stands for; who has no rate gets all."""
    stage, channel, (slow, quick) = slow_stage(SLOW, PLAIN)
    stage.follow_on(channel, 20, 30, now=0.25)
    assert (told(slow), records(told(quick))) == ([], [20, 30])
    assert stage.delivery.next_due() == 1.0
    stage.delivery.flush(0.75)
    assert told(slow) == []
    assert stage.delivery.next_due() == 1.0
    stage.delivery.flush(1.0)
    (message,) = told(slow)
    assert records([message]) == [30]
    assert message["sampled"] == {"of": 2}
    assert told(quick) == []
    assert stage.delivery.next_due() is None


def test_what_goes_at_once_says_how_many_it_stands_for() -> None:
    """Where several came together."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10, 20)
    (message,) = told(client)
    assert (records([message]), message["sampled"]) == ([20], {"of": 2})


def test_who_flushes_hears_that_a_record_waits() -> None:
    """Not of one that goes at once."""
    heard: list[str] = []
    stage = Stage()
    stage.delivery.on_pending = lambda: heard.append("waits")
    channel = stage.watch()
    stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10)
    assert not heard
    stage.follow_on(channel, 20)
    assert heard == ["waits"]


def test_what_is_due_first_is_due_next() -> None:
    """Of all sessions and forms."""
    stage, channel, _ = slow_stage(SLOW, View(max_rate=2.0))
    stage.follow_on(channel, 20, now=0.25)
    assert stage.delivery.next_due() == 0.5
    stage.delivery.flush(0.5)
    assert stage.delivery.next_due() == 1.0


def test_what_has_gone_with_a_later_record_is_not_due() -> None:
    """Though nobody has asked for what is due since."""
    stage, channel, _ = slow_stage(SLOW, View(max_rate=2.0))
    stage.follow_on(channel, 20, now=0.25)
    stage.follow_on(channel, 30, now=0.75)
    assert stage.delivery.next_due() == 1.0


def test_what_waits_in_a_session_that_began_anew_is_not_due() -> None:
    """It is of another life, and nobody is given it."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    stage.hub.reset(channel, head(chain(30)))
    assert stage.delivery.next_due() is None
    stage.delivery.flush(1.0)
    assert not stage.delivery.pending
    assert told(client) == []
    assert stage.counted("defects", '{over="session"}') == 0


def left(stage: Stage, client: Client) -> None:
    """It has left."""
    stage.hub.leave(client)


def not_any_more(stage: Stage, client: Client) -> None:
    """It does not want the session any more."""
    stage.subscribe(client, "b")


def other_form(stage: Stage, client: Client) -> None:
    """It wants the session in another form."""
    stage.subscribe(client, rule("a", view=View(max_rate=1.0)))


def not_live(stage: Stage, client: Client) -> None:
    """It is not live any more."""
    channel = stage.hub.channels["a"]
    stage.followers.follow(client, channel, FollowerState.BEHIND, cursor=cursor("1-10"))


@pytest.mark.parametrize("change", [left, not_any_more, other_form, not_live])
def test_who_is_not_live_in_the_form_any_more_is_not_given_what_waited(
    change: Callable[[Stage, Client], None],
) -> None:
    """Though it was when the record began to wait; the others are."""
    stage, channel, (client, other) = slow_stage(SLOW, SLOW)
    stage.follow_on(channel, 20, now=0.25)
    change(stage, client)
    stage.delivery.flush(1.0)
    assert told(client) == []
    assert records(told(other)) == [20]


def test_a_form_wanted_under_the_name_of_one_that_is_left_out() -> None:
    """Is no view in which a client is live, even the plain one."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    stage.subscribe(client, rule("*", view=SLOW), rule("a", is_included=False))
    stage.delivery.flush(1.0)
    assert told(client) == []


def test_who_comes_later_is_not_given_what_waited() -> None:
    """It has begun after that record."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    newcomer = stage.client(rule("a", view=SLOW))
    stage.delivery.flush(1.0)
    assert (records(told(client)), told(newcomer)) == ([20], [])


def test_what_waited_goes_by_the_wire_that_a_client_has_now() -> None:
    """It may have changed meanwhile."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    client.write_by(MSGPACK)
    stage.delivery.flush(1.0)
    assert written(client) == channel.encoder(MSGPACK).frames(
        chain(20, previous="1-10"), cursor("1-10"), SLOW, counts=[1]
    )


@pytest.mark.parametrize(("kept", "place"), [(100_000, "1-20"), (0, "1-21")])
def test_who_takes_nothing_when_a_record_is_due_falls_behind(
    kept: int, place: str
) -> None:
    """To before that record; to the end where that place is not known any more."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, 21, now=0.25)
    channel.window.shrink(kept)
    socket_of(client).paused = True
    stage.delivery.flush(1.0)
    assert told(client) == []
    assert fallen(client) == (FollowerState.BEHIND, place)


@pytest.mark.parametrize(("kept", "place"), [(100_000, "1-20"), (0, "1-30")])
def test_a_record_that_cannot_be_given_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch, kept: int, place: str
) -> None:
    """Each is served by itself from before it; what waits elsewhere is given."""
    stage, channel, (client, gone, other) = slow_stage(SLOW, SLOW, View(max_rate=1.0))
    stage.follow_on(channel, 20, 30, now=0.25)
    stage.hub.leave(gone)
    flush, bad = Conflation.flush, channel.conflations[SLOW]

    def flush_others(it: Conflation, now: float) -> Any:
        if it is bad:
            broken()
        return flush(it, now)

    monkeypatch.setattr(Conflation, "flush", flush_others)
    channel.window.shrink(kept)
    stage.delivery.flush(1.0)
    assert fallen(client) == (FollowerState.BEHIND, place)
    assert not gone.followers
    assert stage.asked.woken == [client]
    assert records(told(other)) == [30]
    assert (SLOW in channel.conflations, stage.delivery.pending) == (False, {})


# Whole-file emergencies, of which each client gets those that concern it.


def test_documents_go_to_whom_they_concern() -> None:
    """Those that name no session concern all."""
    stage = Stage()
    channel = stage.watch(EMERGENCIES, NOBODY)
    of_a, of_b = stage.client("a"), stage.client("b")
    stage.come(channel, [document(1, "a"), document(2, "c")])
    assert [one["id"] for one in told(of_a)] == ["i1"]
    assert told(of_b) == []
    assert stage.counted("writes") == 1
    stage.come(channel, [document(3), document(4, "b", news="0")])
    assert [[one["id"] for one in told(client)] for client in (of_a, of_b)] == [
        ["i3"],
        ["i3"],
    ]
    assert stage.counted("writes") == 3
    assert stage.counted("sent_bytes") > 0


def test_who_takes_nothing_falls_behind_in_the_documents() -> None:
    """As in a session."""
    stage = Stage()
    channel = stage.watch(EMERGENCIES, NOBODY)
    client = stage.client("a")
    stage.come(channel, [document(1)])
    told(client)
    socket_of(client).paused = True
    stage.come(channel, [document(2)])
    assert told(client) == []
    assert fallen(client, EMERGENCIES) == (FollowerState.BEHIND, "1-1")


def test_who_cannot_be_told_of_documents_keeps_them_from_nobody() -> None:
    """It is closed."""
    stage = Stage()
    channel = stage.watch(EMERGENCIES, NOBODY)
    bad, good = stage.client("a"), stage.client("a")
    socket_of(bad).failure = LookupError("x")
    stage.come(channel, [document(1)])
    assert (bad.is_closed, len(told(good))) == (True, 1)


# Emergencies overtake what followers have not had yet.


def emergency(offset: int, record: bytes = b"{}") -> Entry:
    """One among the records, after another entry."""
    return entry(f"1-{offset}", f"1-{offset - 1}", record, Kind.EMERGENCY)


def announced(client: Client) -> list[bytes]:
    """What waits to be announced to a client."""
    return list(client.announcements)


def test_emergencies_are_announced_to_who_is_behind() -> None:
    """By its wire; records and who is live are not concerned."""
    stage = Stage()
    channel = stage.watch()
    behind, packed = stage.client("a"), stage.client("a", wire=MSGPACK)
    live = stage.client("a")
    for client in (behind, packed):
        stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [*chain(10), emergency(11)])
    for client, wire in ((behind, JSON), (packed, MSGPACK)):
        frame = channel.encoder(wire).announcement(emergency(11))
        assert announced(client) == [frame]
    assert announced(live) == []
    assert stage.asked.woken == [behind, packed]


def test_an_announcement_is_made_once_for_all_of_a_wire() -> None:
    """The same bytes for each."""
    stage = Stage()
    channel = stage.watch()
    clients = [stage.client("a") for _ in range(2)]
    for client in clients:
        stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [emergency(11)])
    first, second = (announced(client) for client in clients)
    assert first[0] is second[0]


def test_who_waits_for_a_session_to_be_there_is_announced_nothing() -> None:
    """It gets all from the first entry on; others after it are announced to."""
    stage = Stage()
    channel = stage.watch()
    waiting, behind = stage.client("a"), stage.client("a")
    stage.followers.follow(waiting, channel, FollowerState.NOT_CREATED)
    stage.followers.follow(behind, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [emergency(11)])
    assert (len(announced(waiting)), len(announced(behind))) == (0, 1)


@pytest.mark.parametrize(("at", "count"), [(99, 0), (100, 0), (101, 1)])
def test_history_is_not_announced(at: int, count: int) -> None:
    """What was in the file before any tailer saw it is no news."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50), backlog_end=100))
    client = stage.client("a")
    assert client.followers["a"].pace is FollowerState.SKIPPING
    stage.delivery.announce(channel, [emergency(at)])
    assert len(announced(client)) == count


def test_what_cannot_be_announced_is_told_in_its_place() -> None:
    """Nobody is woken for nothing."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client("a", wire=MSGPACK)
    stage.followers.follow(client, channel, FollowerState.BEHIND)
    deep = b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    stage.delivery.announce(channel, [emergency(11, deep)])
    assert announced(client) == []
    assert not stage.asked.woken
