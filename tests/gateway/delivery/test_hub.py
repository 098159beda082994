"""Who is live in a session, where everybody is, and what comes of a new session."""

from tailcast_gateway.delivery.core.channel import (
    FollowerState,
)
from tailcast_gateway.delivery.core.encoding import SLICE_BYTES
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_gateway.views.view import PLAIN
from tailcast_streams.entries import ENTRY_OVERHEAD_BYTES, Kind
from tailcast_streams.keys import EMERGENCIES
from tests.gateway.delivery.looks import SLOW, live, names
from tests.gateway.entries import cursor, entry
from tests.gateway.stage import (
    BEGUN,
    NOBODY,
    Stage,
    records,
    rule,
    socket_of,
    told,
)


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


def test_a_frugal_hub_keeps_an_eighth() -> None:
    """Until there is memory again; then as much as before."""
    size = ENTRY_OVERHEAD_BYTES + len(b'{"o":10}')
    stage = Stage(total_window_bytes=8 * size)
    for name in "ab":
        stage.follow_on(stage.watch(name), 10)
    assert stage.hub.windows_bytes == 2 * size
    stage.hub.be_frugal(is_frugal=True)
    assert stage.hub.windows_bytes == size
    stage.hub.be_frugal(is_frugal=False)
    stage.follow_on(stage.watch("c"), 10)
    assert stage.hub.windows_bytes == 2 * size
