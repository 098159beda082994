"""What live clients are given: the same to all who get the same, and when."""

import pytest

from tailcast_gateway.delivery.core.channel import Client, FollowerState
from tailcast_gateway.protocol.wires import MSGPACK
from tailcast_gateway.views.filters import Filter, parse_filter
from tailcast_gateway.views.view import FILTERED_AT_ONCE, View
from tailcast_streams.entries import UNREADABLE_GAP, Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR
from tests.gateway.delivery.looks import broken, fallen
from tests.gateway.entries import chain, entry
from tests.gateway.stage import (
    NOBODY,
    Stage,
    records,
    rule,
    socket_of,
    told,
    written,
)


# A view that fails, and one that has the records after the first.
BROKEN = View(where=Filter("broken", broken))
LATER = View(where=parse_filter({"metric": "o", "op": "gt", "value": 10}))


def filtering(nodes: int) -> View:
    """A view whose filter costs so much for each record, and lets all through."""
    return View(where=Filter("key", lambda _: True, nodes))


def document(offset: int, session: str = "", news: str = "1") -> Entry:
    """A whole-file emergency."""
    details = {"session": session, "id": f"i{offset}", "path": "p", "news": news}
    previous = f"1-{offset - 1}" if offset > 1 else "0-0"
    return entry(f"1-{offset}", previous, b"{}", Kind.EMERGENCY, details)


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


def test_what_another_program_wrote_is_counted() -> None:
    """Each entry that is no record once, however many clients are told the gap."""
    stage = Stage()
    channel = stage.watch()
    clients = [stage.client("a"), stage.client("a")]
    gap = entry("1-10", "1-0", b"", Kind.GAP)._replace(details=UNREADABLE_GAP)
    stage.come(channel, [gap, *chain(20, previous="1-10")])
    assert [told(one)[0]["type"] for one in clients] == ["gap", "gap"]
    exposition = stage.instruments.exposition().decode()
    assert "tailcast_gateway_unreadable_entries_total 1.0" in exposition


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


def test_filters_that_take_too_long_for_one_step() -> None:
    """Whose clients are served in their turns; those with cheaper ones get it now."""
    stage = Stage()
    channel = stage.watch()
    dear = stage.client(rule("a", view=filtering(FILTERED_AT_ONCE // 2)))
    cheap = stage.client(rule("a", view=filtering(1)))
    plain = stage.client("a")
    stage.follow_on(channel, 10, 20)
    assert [records(told(one)) for one in (plain, cheap, dear)] == [[10, 20]] * 2 + [[]]
    assert fallen(dear) == (FollowerState.BEHIND, "1-0")
    assert stage.asked.woken == [dear]
    # What it is behind of is not filtered again for it.
    stage.follow_on(channel, 30)
    assert records(told(cheap)) == [30]
    assert stage.asked.woken == [dear]


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
