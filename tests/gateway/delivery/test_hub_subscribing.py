"""Where delivery begins to who subscribes, and where clients are."""

import pytest

from tailcast_gateway.delivery.core.channel import (
    Client,
    FollowerState,
)
from tailcast_gateway.protocol.wires import JSON
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.views.subscription import Begin, Last, Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tests.gateway.delivery.looks import (
    AFTER_HISTORY,
    IN_HISTORY,
    SLOW,
    at,
    live,
    names,
)
from tests.gateway.entries import chain, cursor, head, id_of
from tests.gateway.stage import (
    NOBODY,
    Stage,
    rule,
    told,
    wants,
)


def place(stage: Stage, client: Client, session: str = "a") -> Cursor | None:
    """Where a client is."""
    return stage.hub.channels[session].place_of(client)


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


@pytest.mark.parametrize(
    ("wanted", "is_proved"),
    [
        (cursor("1-20"), True),
        (cursor("1-20", b"other"), False),
        (cursor("1-15"), False),
        (NOTHING, False),
    ],
    ids=["in the window", "another digest", "no entry", "the beginning"],
)
def test_a_place_that_the_window_proves_needs_no_look_up(
    wanted: Cursor, is_proved: bool
) -> None:
    """It is served from there; any other place is looked up first."""
    stage = Stage()
    channel = stage.watch()
    stage.follow_on(channel, 10, 20, 30)
    client = stage.client("a", starts={"a": wanted})
    (follower,) = channel.followers.values()
    state = FollowerState.BEHIND if is_proved else FollowerState.LOOKING_UP
    assert follower.state is state
    assert stage.asked.wanted == ([] if is_proved else [wanted])
    assert place(stage, client) == wanted


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
    """From where the client is; of the same view it goes on."""
    stage = Stage()
    channel = stage.watch()
    view = View(max_points=2)
    client = stage.client(rule("a", view=view))
    follower = stage.followers.follow(
        client, channel, FollowerState.BEHIND, cursor=cursor("1-50")
    )
    follower.sample = Sample((), cursor("1-90"))
    stage.subscribe(client, rule("a", view=PLAIN if is_other else view))
    assert (follower.sample is None) is is_other
    assert follower.cursor == cursor("1-50")


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
    """With the documents first; without what is being looked up, but a beginning."""
    stage = Stage()
    stage.watch("a")
    stage.watch("b", head(chain(10)))
    stage.watch("c")
    stage.watch(EMERGENCIES, NOBODY)
    by_glob = stage.client("*", rule("c", is_included=False))
    assert list(stage.hub.places(by_glob)) == [
        (EMERGENCIES, NOTHING),
        ("a", BEGINNING_CURSOR),
        ("b", cursor("1-10")),
    ]
    stage.watch("d", head(chain(10)))
    by_name = stage.client(
        "a", "b", "d", "unwatched", starts={"a": Begin.START, "d": Last(2)}
    )
    assert list(stage.hub.places(by_name)) == [
        (EMERGENCIES, NOTHING),
        ("a", NOTHING),
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
