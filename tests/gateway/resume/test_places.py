"""Where a client is in its sessions, as it is noted."""

import pytest

from tailcast_gateway.delivery.core.channel import Client, FollowerState
from tailcast_gateway.resume.core.places import Places
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_gateway.views.view import View
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tests.gateway.entries import chain, cursor, head
from tests.gateway.stage import NOBODY, Stage, rule, wants


SLOW = View(max_rate=1.0)


class Noted(Stage):
    """A stage whose documents are watched."""

    def __init__(self) -> None:
        super().__init__()
        self.watch(EMERGENCIES, NOBODY)
        self.places = Places(self.hub)

    def changes(
        self, client: Client, since: float | None, *lagging: str, now: float = 9.0
    ) -> tuple[dict[str, Cursor], dict[str, Cursor | None]]:
        """What is to be noted, the shared part and the client's own."""
        return self.places.changes(client, since=since, lagging=lagging, now=now)


def behind(stage: Stage, client: Client, session: str, at: Cursor) -> None:
    """Have a client be behind in a session."""
    channel = stage.hub.channels[session]
    stage.followers.follow(client, channel, FollowerState.BEHIND, cursor=at)


def test_what_was_sent() -> None:
    """Nothing of what is not wanted, or not watched."""
    stage = Noted()
    stage.watch("a", head(chain(10)))
    stage.watch("b")
    client = stage.client("a", "c")
    delivered = stage.places.delivered
    assert delivered(client, "a") == cursor("1-10")
    assert delivered(client, "b") is None
    assert delivered(client, "c") is None
    assert delivered(client, EMERGENCIES) == NOTHING
    assert delivered(stage.client(), EMERGENCIES) is None


def test_a_session_that_does_not_exist_has_no_place() -> None:
    """Whoever makes up names has nothing stored for them."""
    stage = Noted()
    stage.watch("made up", NOBODY)
    client = stage.client("made up")
    channel = stage.hub.channels["made up"]
    stage.followers.follow(client, channel, FollowerState.NOT_CREATED)
    assert stage.places.places(client, wants("made up"))["made up"] is None


def test_the_places_of_a_client() -> None:
    """Those where it is not live first; before everything is the beginning."""
    stage = Noted()
    for session in "abc":
        stage.watch(session, head(chain(10)))
    client = stage.client("*", starts={"b": cursor("1-5")})
    places = stage.places.places(client, wants("a", "b"))
    assert list(places.items()) == [
        ("b", cursor("1-5")),
        (EMERGENCIES, BEGINNING_CURSOR),
        ("a", cursor("1-10")),
    ]


@pytest.mark.parametrize(
    ("start", "place"), [(Begin.START, BEGINNING_CURSOR), (Last(5), None)]
)
def test_a_place_that_is_being_looked_up(
    start: Begin | Last, place: Cursor | None
) -> None:
    """Is not known, except for the beginning."""
    stage = Noted()
    stage.watch("a", head(chain(10)))
    client = stage.client("a", starts={"a": start})
    assert stage.places.places(client, wants("a"))["a"] == place


def test_a_place_in_a_replay_that_is_reduced() -> None:
    """Is not known: between what is sent there are records that are not."""
    stage = Noted()
    stage.watch("a", head(chain(10)))
    client = stage.client("a")
    behind(stage, client, "a", cursor("1-5"))
    assert stage.places.places(client, wants("a"))["a"] == cursor("1-5")
    client.followers["a"].sample = Sample((), cursor("1-10"))
    assert stage.places.places(client, wants("a"))["a"] is None


def slowed(stage: Stage) -> Client:
    """A client for which a record of `a` waits, after one that it was given."""
    channel = stage.watch("a")
    client = stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10, now=1.0)
    stage.follow_on(channel, 20, now=1.25)
    return client


def test_a_place_before_a_record_that_waits() -> None:
    """Where that is known."""
    stage = Noted()
    client = slowed(stage)
    assert stage.places.places(client, wants("a"))["a"] == cursor("1-10")
    stage.hub.channels["a"].window.shrink(0)
    assert stage.places.places(client, wants("a"))["a"] is None


def test_who_is_live_shares_what_changed() -> None:
    """It is collected once for all who are noted at a time."""
    stage = Noted()
    first, second = stage.watch("a"), stage.watch("b")
    one, other = stage.client("*"), stage.client("?")
    stage.follow_on(first, 10, now=1.0)
    stage.follow_on(second, 20, now=2.0)
    shared, own = stage.changes(one, 2.0)
    assert (shared, own) == ({"b": cursor("1-20")}, {})
    assert stage.changes(other, 2.0)[0] is shared
    assert stage.changes(one, 1.0)[0] == {"a": cursor("1-10"), "b": cursor("1-20")}


def test_what_changed_is_collected_anew_at_another_time() -> None:
    """What came meanwhile is in it."""
    stage = Noted()
    channel = stage.watch("a")
    client = stage.client("*")
    stage.follow_on(channel, 10, now=1.0)
    assert stage.changes(client, 1.0, now=1.5)[0] == {"a": cursor("1-10")}
    stage.follow_on(channel, 20, now=2.0)
    assert stage.changes(client, 1.0, now=1.5)[0] == {"a": cursor("1-10")}
    assert stage.changes(client, 1.0, now=2.5)[0] == {"a": cursor("1-20")}


def test_what_changed_of_nothing_that_is_wanted() -> None:
    """Is noted for nobody else."""
    stage = Noted()
    channel = stage.watch("a")
    by_glob, by_name = stage.client("b*"), stage.client("b")
    stage.follow_on(channel, 10, now=1.0)
    assert stage.changes(by_glob, 1.0) == stage.changes(by_name, 1.0) == ({}, {})


def test_who_named_sessions_has_what_changed_of_these() -> None:
    """And of the documents."""
    stage = Noted()
    first, second = stage.watch("a"), stage.watch("b")
    client = stage.client("a", "b", "unwatched")
    stage.follow_on(first, 10, now=1.0)
    stage.follow_on(second, 20, now=2.0)
    assert stage.changes(client, 2.0) == ({}, {"b": cursor("1-20")})
    assert stage.changes(client, None) == (
        {},
        {
            EMERGENCIES: BEGINNING_CURSOR,
            "a": cursor("1-10"),
            "b": cursor("1-20"),
        },
    )


def test_who_has_no_subscription_has_nothing_to_note() -> None:
    """Not even of the documents."""
    stage = Noted()
    stage.come(stage.hub.channels[EMERGENCIES], chain(1, previous="0-0"), now=1.0)
    assert stage.changes(stage.client(), 1.0) == ({}, {})


def test_where_it_is_not_live_is_noted_whether_that_changed_or_not() -> None:
    """By its own place; as is what it asks for itself."""
    stage = Noted()
    for session in "abc":
        stage.watch(session, head(chain(10)))
    client = stage.client("a", "b")
    behind(stage, client, "a", cursor("1-5"))
    assert stage.changes(client, 5.0) == ({}, {"a": cursor("1-5")})
    assert stage.changes(client, 5.0, "b", "c", "unwatched") == (
        {},
        {"a": cursor("1-5"), "b": cursor("1-10")},
    )
    assert stage.changes(client, None)[1]["a"] == cursor("1-5")


def test_a_record_that_waits_is_noted() -> None:
    """By who is in that view of the session."""
    stage = Noted()
    client = slowed(stage)
    others = stage.client("a"), stage.client(rule("a", view=View(max_rate=1.0)))
    stage.client(rule("b", view=SLOW))
    assert stage.places.lagging(client) == ["a"]
    for other in others:
        assert stage.places.lagging(other) == []
    stage.delivery.flush(9.0)
    assert stage.places.lagging(client) == []


def test_who_is_behind_has_more_to_come() -> None:
    """Not who is live, or waits for a session, or has history pass by."""
    stage = Noted()
    stage.watch("a", head(chain(10)))
    stage.watch("b", head(chain(50), backlog_end=100))
    stage.watch("c", NOBODY)
    client = stage.client("a", "b", "c")
    assert set(client.followers) == {"b", "c"}
    assert not stage.places.has_more(client)
    behind(stage, client, "a", cursor("1-10"))
    assert not stage.places.has_more(client)
    behind(stage, client, "a", cursor("1-5"))
    assert stage.places.has_more(client)


def test_who_is_looked_up_may_have_more_to_come() -> None:
    """As long as its place is not known."""
    stage = Noted()
    stage.watch("a", head(chain(10)))
    assert stage.places.has_more(stage.client("a", starts={"a": Last(5)}))


def test_who_has_not_had_the_first_record_has_more_to_come() -> None:
    """Though it has been told nothing of the session yet."""
    stage = Noted()
    channel = stage.watch("a", NOBODY)
    client = stage.client(rule("a", Begin.START))
    stage.hub.created(channel, head([]))
    stage.follow_on(channel, 10)
    assert client.followers["a"].state is FollowerState.BEHIND
    assert stage.places.has_more(client)
