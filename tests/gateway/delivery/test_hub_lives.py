"""Sessions that come later, that were waited for, and that begin anew."""

import pytest

from tailcast_gateway.delivery.core.channel import (
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.views.subscription import Begin, Last, Start
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import NOTHING, Cursor
from tailcast_streams.session_state import Head
from tests.gateway.delivery.looks import AFTER_HISTORY, IN_HISTORY, SLOW, at, live
from tests.gateway.entries import chain, cursor, head, id_of, marker
from tests.gateway.stage import (
    BEGUN,
    NOBODY,
    Stage,
    rule,
    told,
)


def born(number: int, head: Head = BEGUN) -> Head:
    """A head of the session that was counted so."""
    assert head.state is not None
    return head._replace(state=head.state._replace(birth=Birth("0a1b2c3d", number)))


# Sessions that come later.


def test_a_session_that_came_later_is_delivered_from_its_beginning() -> None:
    """Without a word about a replay: all of it is news."""
    stage = Stage()
    stage.watch(EMERGENCIES, NOBODY)
    client = stage.client("*", births=Birth("0a1b2c3d", 5))
    channel = stage.watch("a", born(6, head(chain(10, 20))))
    assert at(client) == (FollowerState.BEHIND, None)
    assert client.followers["a"].cursor == NOTHING
    assert not client.followers["a"].is_replay
    assert stage.hub.opened == {stage.hub.channels[EMERGENCIES]: False, channel: True}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (Begin.NOW, None),
        (Begin.START, (FollowerState.LOOKING_UP, Begin.START)),
        (Last(5), (FollowerState.LOOKING_UP, Last(5))),
    ],
)
def test_a_session_that_was_there_begins_as_the_rule_says(
    start: Start, expected: tuple[FollowerState, Start] | None
) -> None:
    """Though the list of sessions did not have it."""
    stage = Stage()
    client = stage.client(rule("*", start), births=Birth("0a1b2c3d", 5))
    channel = stage.watch("a", born(5))
    assert stage.hub.opened == {channel: False}
    if expected is None:
        assert live(stage) == {client}
    else:
        assert at(client) == expected
        assert client.followers["a"].is_replay


def test_a_session_that_could_not_be_read_begins_where_it_was_to() -> None:
    """Once it can, unless it is not wanted any more."""
    stage = Stage()
    client, other = stage.client("a"), stage.client("a")
    for one in (client, other):
        one.later_starts["a"] = Last(5)
    stage.subscribe(client, "*")
    stage.subscribe(other, "b")
    stage.subscribe(other, "*")
    stage.watch("a")
    assert at(client) == (FollowerState.LOOKING_UP, Last(5))
    assert at(other) == (FollowerState.BEHIND, None)
    assert not client.later_starts


def test_a_session_without_a_number_may_have_come_later() -> None:
    """One that version 0.1 began; nothing of it is passed over."""
    stage = Stage()
    client = stage.client("*", births=Birth("0a1b2c3d", 5))
    channel = stage.watch("a", head(chain(10)))
    assert at(client) == (FollowerState.BEHIND, None)
    assert stage.hub.opened[channel]


def test_what_a_client_knows_of_births_is_kept() -> None:
    """Until it looks what there is again."""
    stage = Stage()
    client = stage.client("*", births=Birth("0a1b2c3d", 5))
    stage.subscribe(client, "*", "b")
    assert client.births == Birth("0a1b2c3d", 5)
    stage.subscribe(client, "*", births=Birth("0a1b2c3d", 9))
    assert client.births == Birth("0a1b2c3d", 9)
    assert stage.client("*").births == UNCOUNTED


@pytest.mark.parametrize(
    ("start", "head", "expected"),
    [
        # History passes by where news is wanted ...
        (Begin.NOW, IN_HISTORY, (FollowerState.SKIPPING, id_of("1-100"))),
        # ... and what has come after it is news.
        (Begin.NOW, AFTER_HISTORY, (FollowerState.LOOKING_UP, id_of("1-100"))),
        (Begin.START, IN_HISTORY, (FollowerState.BEHIND, None)),
        (Begin.START, AFTER_HISTORY, (FollowerState.BEHIND, None)),
    ],
)
def test_history_of_a_session_that_came_later(
    start: Start, head: Head, expected: tuple[FollowerState, Wanted | None]
) -> None:
    """Is delivered to those who want all."""
    stage = Stage()
    client = stage.client(rule("*", start))
    stage.watch("a", head)
    assert at(client) == expected
    assert client.followers["a"].cursor == NOTHING


@pytest.mark.parametrize("start", [Begin.NOW, Begin.START])
def test_a_session_that_is_not_there_yet(start: Start) -> None:
    """Who wants news will skip what is history when it comes."""
    stage = Stage()
    client = stage.client(rule("a", start))
    channel = stage.watch("a", NOBODY)
    assert at(client) == (FollowerState.NOT_CREATED, None)
    assert client.followers["a"].skips_history is (start is Begin.NOW)
    assert stage.hub.opened[channel]
    assert not stage.asked.told_caught_up


def test_who_cannot_begin_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is closed."""
    stage = Stage()
    bad, good = (stage.client(rule("*", Begin.START)) for _ in range(2))
    wake = stage.asked.wake

    def fail(client: Client) -> None:
        if client is bad:
            raise LookupError("x")
        wake(client)

    monkeypatch.setattr(stage.asked, "wake", fail)
    stage.watch()
    assert (bad.is_closed, good.is_closed) == (True, False)
    assert at(good) == (FollowerState.BEHIND, None)


# Sessions that were waited for.


def test_a_session_that_was_waited_for_is_read_from_its_beginning() -> None:
    """By all who waited for it; who is not waiting for that is not moved."""
    stage = Stage()
    channel = stage.watch("a", NOBODY)
    replays, news = stage.client(rule("a", Begin.START)), stage.client("a")
    other = stage.client("a", starts={"a": cursor("1-50")})
    assert stage.asked.told_caught_up == [replays.followers["a"]]
    stage.hub.created(channel, head(backlog_end=100, last="1-50"))
    assert channel.incarnation == "i"
    assert at(replays) == (FollowerState.BEHIND, None)
    assert not replays.followers["a"].is_replay
    assert at(news) == (FollowerState.SKIPPING, id_of("1-100"))
    assert at(other) == (FollowerState.LOOKING_UP, cursor("1-50"))


def test_a_session_that_was_waited_for_and_has_no_history() -> None:
    """Who wants news gets all of it."""
    stage = Stage()
    channel = stage.watch("a", NOBODY)
    client = stage.client("a")
    stage.hub.created(channel, BEGUN)
    assert at(client) == (FollowerState.BEHIND, None)


def test_who_cannot_be_served_when_a_session_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is closed, and keeps no other waiting."""
    stage = Stage()
    channel = stage.watch("a", NOBODY)
    bad, good = stage.client("a"), stage.client("a")
    wake = stage.asked.wake

    def fail(client: Client) -> None:
        if client is bad:
            raise LookupError("x")
        wake(client)

    monkeypatch.setattr(stage.asked, "wake", fail)
    stage.hub.created(channel, BEGUN)
    assert (bad.is_closed, at(good)) == (True, (FollowerState.BEHIND, None))


def test_entries_of_a_session_that_nobody_said_was_there() -> None:
    """Who begins near its end is what tells that it is."""
    stage = Stage()
    channel = stage.watch("a", NOBODY)
    waiting, client = stage.client("a"), stage.client("b")
    found = stage.hub.begin_at(client, channel, head(chain(10)), cursor("1-10"))
    assert found == cursor("1-10")
    assert at(waiting) == (FollowerState.BEHIND, None)
    # What is read lies beyond the window: it waits until that has come.
    assert at(client) == (FollowerState.WAITING, cursor("1-10"))
    assert stage.asked.marked == ["a"]


# Sessions that begin anew.


def test_anew_who_was_live_is_looked_up_where_it_was() -> None:
    """And nothing of the window before is kept."""
    stage = Stage()
    channel = stage.watch()
    client, slow = stage.client("a"), stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10)
    stage.hub.reset(channel, head([marker("2-0")], backlog_end=7))
    for one in (client, slow):
        assert at(one) == (FollowerState.LOOKING_UP, cursor("1-10"))
        assert one.followers["a"].cursor == cursor("1-10")
    assert (channel.epoch, channel.history_end) == (1, id_of("1-7"))
    assert channel.window.end == Cursor(id_of("2-0"), 0)
    assert stage.hub.windows_bytes == 0
    assert not channel.conflations
    assert stage.counted("window_resets") == 1


def test_anew_what_is_stored_may_be_nothing() -> None:
    """The window is then before the first entry."""
    stage = Stage()
    channel = stage.watch()
    stage.hub.reset(channel, NOBODY)
    assert channel.window.end == NOTHING


def test_anew_who_was_not_live_is_looked_up() -> None:
    """For what it wanted, or else for where it was; who waited for a session, waits."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50)))
    behind, looking = stage.client("a"), stage.client("a", starts={"a": Last(5)})
    waiting, skipping = stage.client("a"), stage.client("a")
    follow, wait = stage.followers.follow, stage.followers.wait
    follower = follow(behind, channel, FollowerState.BEHIND, cursor=cursor("1-50"))
    follower.sample = Sample((), cursor("1-90"))
    follow(waiting, channel, FollowerState.NOT_CREATED)
    wait(
        follow(skipping, channel, FollowerState.BEHIND),
        FollowerState.SKIPPING,
        id_of("1-90"),
    )
    stage.asked.looked_up.clear()
    stage.hub.reset(channel, head([marker("2-0")]))
    assert at(behind) == (FollowerState.LOOKING_UP, cursor("1-50"))
    assert follower.sample is None
    assert at(looking) == (FollowerState.LOOKING_UP, Last(5))
    assert at(waiting) == (FollowerState.LOOKING_UP, NOTHING)
    assert at(skipping) == (FollowerState.LOOKING_UP, NOTHING)
    # It was told where news begins, and that is no more.
    assert [one["type"] for one in told(skipping)] == ["caught_up"]
    assert len(stage.asked.looked_up) == 4


@pytest.mark.parametrize("is_live", [True, False])
def test_anew_who_cannot_be_looked_up_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch, *, is_live: bool
) -> None:
    """It is closed."""
    stage = Stage()
    channel = stage.watch()
    bad, good = stage.client("a"), stage.client("a")
    if not is_live:
        for client in (bad, good):
            stage.followers.follow(client, channel, FollowerState.BEHIND)
    look_up = stage.asked.look_up

    def fail(follower: Follower) -> None:
        if follower.client is bad:
            raise LookupError("x")
        look_up(follower)

    monkeypatch.setattr(stage.asked, "look_up", fail)
    stage.hub.reset(channel, BEGUN)
    assert (bad.is_closed, good.is_closed) == (True, False)
    assert [one.client for one, _ in stage.asked.looked_up] == [good]


def test_who_waits_is_looked_up_again_when_a_session_was_compared() -> None:
    """What it waits for may have become another place; history that passes has not."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50)))
    waiting, skipping, bad = (stage.client("a") for _ in range(3))
    for client in (bad, waiting):
        follower = stage.followers.follow(client, channel, FollowerState.BEHIND)
        stage.followers.wait(follower, FollowerState.WAITING, cursor("1-90"))
    follower = stage.followers.follow(skipping, channel, FollowerState.BEHIND)
    stage.followers.wait(follower, FollowerState.SKIPPING, id_of("1-90"))
    stage.watch("b")
    assert list(stage.hub.waited_for()) == ["a"]
    stage.hub.compared(channel)
    assert stage.asked.wanted == [cursor("1-90")] * 2
    assert at(skipping)[0] is FollowerState.SKIPPING
