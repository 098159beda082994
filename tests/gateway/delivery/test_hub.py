"""Who is live in a session, where everybody is, and what comes of a new session."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tailcast_gateway.delivery.core.channel import (
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.delivery.core.encoding import SLICE_BYTES
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_gateway.views.sampling_budget import SamplingBudget
from tailcast_gateway.views.subscription import Begin, Last, Start, Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import ENTRY_OVERHEAD_BYTES, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tailcast_streams.session_state import Head
from tests.gateway.entries import chain, cursor, entry, head, id_of, marker
from tests.gateway.stage import (
    BEGUN,
    NOBODY,
    Stage,
    records,
    rule,
    socket_of,
    told,
    wants,
)


SLOW = View(max_rate=1.0)
# A session whose file had 100 bytes before any tailer saw it; 50 of them are read.
IN_HISTORY = head(chain(50), backlog_end=100)
# One of whose file all is read that was there before.
AFTER_HISTORY = head(chain(100), backlog_end=100)


def born(number: int, head: Head = BEGUN) -> Head:
    """A head of the session that was counted so."""
    assert head.state is not None
    return head._replace(state=replace(head.state, birth=Birth("0a1b2c3d", number)))


def live(stage: Stage, session: str = "a") -> set[Client]:
    """The clients that are live in a session."""
    audience = stage.hub.audience(stage.hub.channels[session])
    return {
        one for wires in audience.values() for some in wires.values() for one in some
    }


def at(client: Client, session: str = "a") -> tuple[FollowerState, Wanted | None]:
    """What a follower waits for, or is served."""
    follower = client.followers[session]
    return follower.pace, follower.wanted


def place(stage: Stage, client: Client, session: str = "a") -> Cursor | None:
    """Where a client is."""
    return stage.hub.channels[session].place_of(client)


def names(channels: Iterable[Any]) -> list[str]:
    """Which sessions these are."""
    return [channel.session for channel in channels]


# Who is live.


def test_who_wants_what_is_watched_is_live_in_it() -> None:
    """By its name or by a glob, and once only."""
    stage = Stage()
    stage.watch()
    stage.watch("b")
    by_name, by_glob, both = (
        stage.client("a"),
        stage.client("*"),
        stage.client("*", "a"),
    )
    stage.client("b")
    stage.client()
    assert live(stage) == {by_name, by_glob, both}
    assert list(stage.hub.clients_of("a")) == [by_name, both, by_glob]


def test_who_is_live_is_kept_by_form_and_wire() -> None:
    """As each gets other bytes."""
    stage = Stage()
    channel = stage.watch()
    plain, packed = stage.client("a"), stage.client("a", wire=MSGPACK)
    slow = stage.client(rule("a", view=SLOW))
    assert stage.hub.audience(channel) == {
        PLAIN: {JSON: [plain], MSGPACK: [packed]},
        SLOW: {JSON: [slow]},
    }


def test_who_is_live_is_found_once() -> None:
    """Until somebody comes, goes, or wants something else of the session."""
    stage = Stage()
    channel = stage.watch()
    stage.watch("b")
    client = stage.client("a")
    found = stage.hub.audience(channel)
    stage.client("b")
    assert stage.hub.audience(channel) is found
    other = stage.client("*")
    assert live(stage) == {client, other}
    stage.subscribe(other, "*", rule("a", is_included=False))
    assert live(stage) == {client}
    stage.subscribe(other, "*", rule("b", is_included=False))
    assert live(stage) == {client, other}
    stage.hub.leave(client)
    assert live(stage) == {other}
    stage.subscribe(other, "b")
    assert live(stage) == set()


def test_what_holds_back_records_for_nobody_is_let_go() -> None:
    """As soon as the last who wanted the view has left."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client(rule("a", view=SLOW))
    stage.client(rule("a", view=PLAIN))
    stage.follow_on(channel, 10)
    stage.follow_on(channel, 20)
    assert SLOW in channel.conflations
    stage.hub.leave(client)
    stage.hub.audience(channel)
    assert not channel.conflations


def test_who_leaves_is_known_nowhere() -> None:
    """And nothing is delivered to it any more."""
    stage = Stage()
    stage.watch(EMERGENCIES, NOBODY)
    channel = stage.watch()
    client = stage.client("a", "*")
    client.announcements.append(b"x")
    stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.hub.leave(client)
    assert client.is_closed
    assert not client.followers
    assert not client.announcements
    assert not client.subscription
    assert not stage.hub.subscribers
    assert not stage.hub.subscribers.broad
    assert not stage.hub.subscribers.named
    assert not stage.hub.is_watched("a")
    assert not stage.hub.is_watched(EMERGENCIES)


def test_what_is_wanted() -> None:
    """By any client, whether it is watched or not."""
    stage = Stage()
    stage.watch("a1")
    stage.watch("b")
    assert not stage.hub.is_watched("a1")
    client = stage.client("a*", "b", "c")
    for session, is_wanted in {"a2": True, "c": True, "c2": False}.items():
        assert stage.hub.is_wanted(session) is is_wanted
    assert stage.hub.is_watched("a1")
    assert stage.hub.is_watched("b")
    assert list(stage.hub.clients_of("unwatched")) == []
    stage.hub.leave(client)
    for session in ("a2", "c"):
        assert not stage.hub.is_wanted(session)


def test_a_message_to_all_who_want_a_session() -> None:
    """Whose socket fails is closed, and keeps it from no other."""
    stage = Stage()
    stage.watch()
    bad, good, other = stage.client("a"), stage.client("*"), stage.client("b")
    socket_of(bad).failure = LookupError("x")
    stage.hub.tell("a", {"type": "x"})
    assert (bad.is_closed, told(good), told(other)) == (True, [{"type": "x"}], [])


# Sessions.


def test_a_session_that_is_closed_is_not_watched() -> None:
    """And what was kept of it is let go."""
    stage = Stage()
    channel = stage.watch()
    stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10)
    assert stage.hub.windows_bytes == channel.window.size_bytes > 0
    assert stage.hub.is_still(channel, 0)
    assert stage.hub.watched == {"a": channel}
    stage.hub.close(channel)
    assert not stage.hub.is_still(channel, 0)
    assert (stage.hub.windows_bytes, stage.hub.recent) == (0, {})
    assert not stage.hub.watched
    assert not stage.hub.opened
    assert not channel.conflations
    assert stage.hub.closed == ["a"]


def test_a_session_is_still_the_same_until_it_is_begun_anew() -> None:
    """Or watched anew."""
    stage = Stage()
    channel = stage.watch()
    assert stage.hub.is_still(channel, 0)
    stage.hub.reset(channel, BEGUN)
    assert not stage.hub.is_still(channel, 0)
    assert stage.hub.is_still(channel, 1)
    stage.watch()
    assert not stage.hub.is_still(channel, 1)


def test_tailers_that_contest_a_session() -> None:
    """None where nobody said so."""
    stage = Stage()
    assert not stage.hub.owners_of("a")
    stage.hub.contested = {"a": ("x", "y")}
    assert stage.hub.owners_of("a") == ("x", "y")
    assert not stage.hub.owners_of("b")


def test_what_is_watched_is_measured() -> None:
    """Sessions, subscribers, and what the windows hold."""
    stage = Stage()
    channel = stage.watch()
    stage.client("a")
    stage.follow_on(channel, 10)
    stage.hub.measure()
    lines = stage.instruments.exposition().decode().splitlines()
    assert "tailcast_gateway_watched_sessions 1.0" in lines
    assert "tailcast_gateway_subscribers 1.0" in lines
    assert f"tailcast_gateway_window_bytes {stage.hub.windows_bytes:.1f}" in lines


# Entries.


def test_entries_go_to_the_live_and_into_the_window() -> None:
    """In which session entries came last, and when, is kept."""
    stage = Stage()
    first, second = stage.watch("a"), stage.watch("b")
    client = stage.client("a")
    stage.follow_on(first, 10, now=1.0)
    stage.follow_on(second, 10, now=2.0)
    assert names(stage.hub.recent) == ["a", "b"]
    stage.follow_on(first, 20, now=3.0)
    assert names(stage.hub.recent) == ["b", "a"]
    assert (first.changed_at, second.changed_at) == (3.0, 2.0)
    assert records(told(client)) == [10, 20]
    assert first.window.end == cursor("1-20")
    assert stage.hub.windows_bytes == first.window.size_bytes + second.window.size_bytes
    assert stage.counted("entries_read") == 3


def test_much_at_once_goes_in_pieces() -> None:
    """A socket that is full after one of them is given no more."""
    stage = Stage(window_bytes=10**7, total_window_bytes=10**8)
    channel = stage.watch()
    client = stage.client("a")
    big = b'{"x":"%s"}' % (b"x" * SLICE_BYTES)
    entries = [entry("1-10", "1-0", big), entry("1-20", "1-10", big)]
    stage.come(channel, entries)
    assert len(socket_of(client).written) == 2


def test_who_waits_is_looked_up_when_entries_have_come() -> None:
    """For the place that they reach."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client("a", starts={"a": cursor("1-20")})
    follower = client.followers["a"]
    stage.followers.wait(follower, FollowerState.WAITING, cursor("1-20"))
    stage.asked.looked_up.clear()
    stage.follow_on(channel, 10)
    assert not stage.asked.looked_up
    stage.follow_on(channel, 20)
    assert stage.asked.wanted == [cursor("1-20")]


def test_emergencies_are_announced_to_who_is_not_live() -> None:
    """Documents are not: each comes in its turn."""
    stage = Stage()
    for session in ("a", EMERGENCIES):
        channel = stage.watch(session, BEGUN)
        client = stage.client("a")
        stage.followers.follow(client, channel, FollowerState.BEHIND)
        end = str(channel.window.end.id)
        stage.come(channel, [entry("1-10", end, b"{}", Kind.EMERGENCY)])
        assert bool(client.announcements) is (session == "a")


def test_the_quietest_windows_are_emptied_first() -> None:
    """Where all of them hold too much; as many as it takes."""
    size = ENTRY_OVERHEAD_BYTES + len(b'{"o":10}')
    stage = Stage(total_window_bytes=3 * size)
    channels = [stage.watch(name) for name in "abc"]
    for channel in channels:
        stage.follow_on(channel, 10)
    assert stage.hub.windows_bytes == 3 * size
    stage.follow_on(channels[0], 20)
    assert [len(channel.window) for channel in channels] == [2, 0, 1]
    assert stage.hub.windows_bytes == 3 * size
    assert names(stage.hub.recent) == ["c", "a"]


def test_even_the_latest_window_is_emptied() -> None:
    """If it alone holds too much."""
    stage = Stage(total_window_bytes=10)
    channel = stage.watch()
    stage.follow_on(channel, 10)
    assert (stage.hub.windows_bytes, len(channel.window)) == (0, 0)
    assert not stage.hub.recent


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
    samplers = SamplingBudget(step_keys=["step"], time_keys=["time"])
    follower.sampler = samplers.begin(View(max_points=2), cursor("1-20"), id_of("1-50"))
    follow(waiting, channel, FollowerState.NOT_CREATED)
    wait(
        follow(skipping, channel, FollowerState.BEHIND),
        FollowerState.SKIPPING,
        id_of("1-90"),
    )
    stage.asked.looked_up.clear()
    stage.hub.reset(channel, head([marker("2-0")]))
    assert at(behind) == (FollowerState.LOOKING_UP, cursor("1-20"))
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


# Subscriptions.


def test_who_wants_a_session_from_now_is_live_at_once() -> None:
    """It is told nothing of it before something comes."""
    stage = Stage()
    stage.watch(head=head(chain(10)))
    client = stage.client("a")
    assert (live(stage), told(client)) == ({client}, [])


def test_where_delivery_begins() -> None:
    """As the command says for a session, else as the rule does."""
    stage = Stage()
    for session in "ab":
        stage.watch(session)
    client = stage.client(rule("*", Last(3)), starts={"b": Last(5)})
    assert at(client, "a") == (FollowerState.LOOKING_UP, Last(3))
    assert at(client, "b") == (FollowerState.LOOKING_UP, Last(5))
    assert all(one.is_replay for one in client.followers.values())


def test_a_replay_from_the_very_end_needs_no_look_up() -> None:
    """It is over as soon as it is served."""
    stage = Stage()
    stage.watch(head=head(chain(10)))
    client = stage.client("a", starts={"a": cursor("1-10")})
    assert at(client) == (FollowerState.BEHIND, None)
    assert client.followers["a"].is_replay
    assert client.followers["a"].cursor == cursor("1-10")
    assert not stage.asked.looked_up
    assert stage.asked.woken == [client]


def test_history_passes_by_who_wants_news() -> None:
    """Until it is read."""
    stage = Stage()
    stage.watch("a", IN_HISTORY)
    stage.watch("b", AFTER_HISTORY)
    client = stage.client("*")
    assert at(client) == (FollowerState.SKIPPING, id_of("1-100"))
    assert live(stage, "b") == {client}


def test_a_session_that_is_not_there_can_be_waited_for() -> None:
    """With a cursor it is looked up: it may have been forgotten."""
    stage = Stage()
    stage.watch("a", NOBODY)
    news, all_, back = (
        stage.client("a"),
        stage.client("a", starts={"a": Begin.START}),
        stage.client("a", starts={"a": cursor("1-10")}),
    )
    assert at(news) == at(all_) == (FollowerState.NOT_CREATED, None)
    assert news.followers["a"].skips_history
    assert not all_.followers["a"].skips_history
    assert stage.asked.told_caught_up == [all_.followers["a"]]
    assert at(back) == (FollowerState.LOOKING_UP, cursor("1-10"))


def test_what_it_had_goes_on_where_it_is() -> None:
    """Whatever else it wants now, by whatever rule."""
    stage = Stage()
    stage.watch("a")
    channel = stage.watch("b")
    client = stage.client("a", "b")
    follower = stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.subscribe(client, rule("*", Begin.START))
    assert client.followers == {"b": follower}
    assert live(stage, "a") == {client}


def test_what_it_had_begins_anew_where_the_command_says_so() -> None:
    """With a follower of its own."""
    stage = Stage()
    stage.watch()
    client = stage.client("a", starts={"a": Last(5)})
    before = client.followers["a"]
    stage.followers.set_behind(before, cursor("1-0", b""))
    stage.subscribe(client, "a", starts={"a": Last(7)})
    assert at(client) == (FollowerState.LOOKING_UP, Last(7))
    assert not before.is_current
    assert not client.behind


@pytest.mark.parametrize("is_other", [True, False])
def test_a_replay_in_another_form_is_reduced_anew(*, is_other: bool) -> None:
    """What the sampler before held back was not told; of the same view it goes on."""
    stage = Stage()
    channel = stage.watch()
    view = View(max_points=2)
    client = stage.client(rule("a", view=view))
    follower = stage.followers.follow(
        client, channel, FollowerState.BEHIND, cursor=cursor("1-50")
    )
    samplers = SamplingBudget(step_keys=["step"], time_keys=["time"])
    follower.sampler = samplers.begin(view, cursor("1-20"), id_of("1-50"))
    stage.subscribe(client, rule("a", view=PLAIN if is_other else view))
    assert (follower.sampler is None) is is_other
    assert follower.cursor == cursor("1-20" if is_other else "1-50")


def test_another_form_of_who_is_live() -> None:
    """It stays so, and gets what comes in the new form."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client("a")
    stage.hub.audience(channel)
    stage.subscribe(client, rule("a", view=SLOW))
    assert stage.hub.audience(channel) == {SLOW: {JSON: [client]}}


def test_what_it_does_not_want_any_more_is_dropped() -> None:
    """Live or not."""
    stage = Stage()
    channel = stage.watch("a")
    stage.watch("b")
    client = stage.client("a", "b")
    stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.subscribe(client, "c")
    assert not client.followers
    assert not (stage.hub.is_watched("a"))
    assert not (stage.hub.is_watched("b"))
    assert (live(stage, "a"), live(stage, "b")) == (set(), set())


def test_a_subscription_to_nothing_is_none() -> None:
    """Its client is no subscriber, and has a place nowhere."""
    stage = Stage()
    stage.watch(EMERGENCIES, NOBODY)
    stage.watch()
    client = stage.client("*")
    stage.subscribe(client)
    assert not stage.hub.subscribers
    assert not stage.hub.subscribers.broad
    assert dict(stage.hub.places(client)) == {}


# Whole-file emergencies.


def test_who_wants_anything_gets_documents_from_now_on() -> None:
    """Whatever the rule says of sessions; until it wants nothing."""
    stage = Stage()
    stage.watch(EMERGENCIES, head(chain(1)))
    client, other = stage.client(rule("a", Begin.START)), stage.client("*")
    stage.client()
    assert list(stage.hub.clients_of(EMERGENCIES)) == [client, other]
    assert live(stage, EMERGENCIES) == {client, other}
    stage.subscribe(client)
    assert live(stage, EMERGENCIES) == {other}


def test_documents_begin_where_the_command_says() -> None:
    """And go on there while anything is wanted."""
    stage = Stage()
    stage.watch(EMERGENCIES, head(chain(1, 2)))
    client = stage.client("a", starts={EMERGENCIES: cursor("1-1")})
    assert at(client, EMERGENCIES) == (FollowerState.LOOKING_UP, cursor("1-1"))
    stage.subscribe(client, "b")
    assert at(client, EMERGENCIES) == (FollowerState.LOOKING_UP, cursor("1-1"))


def test_documents_are_never_waited_for() -> None:
    """They are there though there is none yet."""
    stage = Stage()
    stage.watch(EMERGENCIES, NOBODY)
    client = stage.client("a")
    assert live(stage, EMERGENCIES) == {client}


# Near the end of what was just read.


def test_who_begins_at_a_place_is_served_from_there() -> None:
    """Whatever it was before."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50)))
    client = stage.client("a", starts={"a": Last(3)})
    before = client.followers["a"]
    stage.followers.set_behind(before, cursor("1-20"))
    found = stage.hub.begin_at(client, channel, head(chain(50)), cursor("1-50"))
    assert found == cursor("1-50")
    assert at(client) == (FollowerState.BEHIND, None)
    assert client.followers["a"].cursor == cursor("1-50")
    assert not before.is_current
    assert list(client.behind) == [client.followers["a"]]
    assert not client.followers["a"].is_replay


@pytest.mark.parametrize(("offset", "skips"), [(99, True), (100, False)])
def test_who_begins_in_history_skips_it(offset: int, *, skips: bool) -> None:
    """Up to its end."""
    stage = Stage()
    channel = stage.watch("a", IN_HISTORY)
    client = stage.client("b")
    stage.hub.begin_at(client, channel, IN_HISTORY, cursor(f"1-{offset}"))
    assert at(client) == (
        (FollowerState.SKIPPING, id_of("1-100"))
        if skips
        else (FollowerState.WAITING, cursor("1-100"))
    )


# Where clients are.


def test_the_place_of_who_is_live_is_the_end() -> None:
    """Before a record that waits for its interval."""
    stage = Stage()
    channel = stage.watch()
    quick, slow = stage.client("a"), stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10)
    assert place(stage, quick) == place(stage, slow) == cursor("1-10")
    stage.follow_on(channel, 20)
    assert (place(stage, quick), place(stage, slow)) == (
        cursor("1-20"),
        cursor("1-10"),
    )
    channel.window.shrink(0)
    assert place(stage, slow) == cursor("1-20")


def test_the_place_of_who_is_not_live() -> None:
    """What it has had, or will have had; none while that is being looked up."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50), backlog_end=100))
    back, beginning = (
        stage.client("a", starts={"a": cursor("1-10")}),
        stage.client("a", starts={"a": Begin.START}),
    )
    skipping, waiting, behind = (stage.client("a") for _ in range(3))
    stage.followers.set_behind(
        stage.followers.follow(waiting, channel, FollowerState.BEHIND), cursor("1-70")
    )
    stage.followers.set_behind(
        stage.followers.follow(behind, channel, FollowerState.BEHIND), cursor("1-20")
    )
    assert place(stage, back) == cursor("1-10")
    assert place(stage, beginning) is None
    assert place(stage, skipping) == cursor("1-50")
    assert place(stage, waiting) == cursor("1-70")
    assert place(stage, behind) == cursor("1-20")


def test_places_are_those_of_what_is_wanted_and_known() -> None:
    """With the documents first; without what is being looked up."""
    stage = Stage()
    stage.watch("a")
    stage.watch("b", head(chain(10)))
    stage.watch("c")
    stage.watch(EMERGENCIES, NOBODY)
    by_glob = stage.client("*", rule("c", is_included=False))
    by_name = stage.client("a", "b", "unwatched", starts={"a": Begin.START})
    assert list(stage.hub.places(by_glob)) == [
        (EMERGENCIES, NOTHING),
        ("a", BEGINNING_CURSOR),
        ("b", cursor("1-10")),
    ]
    assert list(stage.hub.places(by_name)) == [
        (EMERGENCIES, NOTHING),
        ("b", cursor("1-10")),
    ]
    assert list(stage.hub.places(stage.client())) == []


def test_sessions_that_a_subscription_wants() -> None:
    """Of those that are watched, without the documents."""
    stage = Stage()
    for session in ("a1", "a2", "b", EMERGENCIES):
        stage.watch(session, NOBODY)
    matching = stage.hub.matching
    assert names(matching(wants("a*"))) == ["a1", "a2"]
    assert names(matching(wants("b", "unwatched"))) == ["b"]
    assert names(matching(wants("*", rule("a1", is_included=False)))) == ["a2", "b"]
    assert names(matching(Subscription())) == []


def test_a_place_that_was_found_is_not_looked_up_again() -> None:
    """Whoever found it settles it, in the same step."""
    stage = Stage()
    stage.watch()
    client = stage.client()
    elsewhere = cursor("1-7")
    stage.hub.subscribe(client, wants("a"), {"a": elsewhere}, found=["a"])
    assert at(client) == (FollowerState.LOOKING_UP, elsewhere)
    assert stage.asked.looked_up == []
