"""How those who are not live come to be so, and are live again."""

import pytest

from tailcast_gateway.delivery.core.channel import (
    Channel,
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.views.subscription import Begin
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING
from tailcast_streams.session_state import Head
from tests.gateway.entries import chain, cursor, head, id_of, marker
from tests.gateway.stage import NOBODY, Stage, told


# A session whose file had 100 bytes before any tailer saw it; 50 of them are read.
IN_HISTORY = head(chain(50), backlog_end=100)


def follow(
    stage: Stage, channel: Channel, state: FollowerState = FollowerState.BEHIND
) -> Follower:
    """A client that is not live in a session."""
    return stage.followers.follow(stage.client("a"), channel, state)


def kept(follower: Follower) -> tuple[bool, bool, bool]:
    """Whether a follower is known, waits, and is to be served."""
    return (
        follower.is_current,
        follower in follower.channel.waiting,
        follower in follower.client.behind,
    )


def waits_for(follower: Follower) -> tuple[Wanted | None, float | None]:
    """For what a follower waits, and since when for a file that is too short."""
    return follower.wanted, follower.waiting_since


def test_who_follows_is_not_live() -> None:
    """And stands where it had got to."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client("a")
    assert stage.hub.audience(channel)
    follower = stage.followers.follow(
        client, channel, FollowerState.BEHIND, cursor=cursor("1-10")
    )
    assert not stage.hub.audience(channel)
    assert channel.followers == {client: follower}
    assert client.followers == {"a": follower}
    assert (follower.state, follower.cursor) == (FollowerState.BEHIND, cursor("1-10"))


def test_who_is_removed_is_live_again() -> None:
    """And known nowhere as a follower."""
    stage = Stage()
    channel = stage.watch()
    follower = follow(stage, channel)
    stage.followers.wait(follower, FollowerState.WAITING, cursor("1-50"))
    follower.client.behind[follower] = None
    assert not stage.hub.audience(channel)
    stage.followers.remove(follower)
    assert kept(follower) == (False, False, False)
    assert not channel.followers
    assert stage.hub.audience(channel)


def test_a_place_is_looked_up_by_who_serves() -> None:
    """Nothing is delivered meanwhile."""
    stage = Stage()
    follower = follow(stage, stage.watch())
    stage.followers.set_behind(follower, BEGINNING_CURSOR)
    stage.followers.wait(follower, FollowerState.WAITING, cursor("1-50"))
    stage.followers.look_up(follower, cursor("1-10"))
    assert follower.state is FollowerState.LOOKING_UP
    assert kept(follower) == (True, False, False)
    assert stage.asked.looked_up == [(follower, cursor("1-10"))]


def test_who_is_behind_is_served() -> None:
    """From its place on, and no longer waits."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50)))
    follower = follow(stage, channel)
    stage.followers.wait(follower, FollowerState.WAITING, cursor("1-70"))
    follower.waiting_since = 5.0
    stage.followers.set_behind(follower, cursor("1-20"))
    assert (follower.state, follower.cursor) == (FollowerState.BEHIND, cursor("1-20"))
    assert waits_for(follower) == (None, None)
    assert kept(follower) == (True, False, True)
    assert stage.asked.woken == [follower.client]
    assert not stage.asked.marked


def test_who_is_at_the_end_is_served_too() -> None:
    """Serving it is what makes it live."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=head(chain(50))))
    stage.followers.set_behind(follower, cursor("1-50"))
    assert kept(follower) == (True, False, True)
    assert not stage.asked.marked


@pytest.mark.parametrize("stored", [head(chain(50)), NOBODY])
def test_who_is_ahead_of_what_was_read_waits(stored: Head) -> None:
    """What follows comes through the window; the session is read on for that."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=stored))
    stage.followers.set_behind(follower, cursor("1-60"))
    assert (follower.state, follower.wanted) == (FollowerState.WAITING, cursor("1-60"))
    assert kept(follower) == (True, True, False)
    assert stage.asked.marked == ["a"]
    assert not stage.asked.woken


def test_a_session_that_is_not_there_is_waited_for() -> None:
    """Without being served, or looked up."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=NOBODY))
    stage.followers.set_behind(follower, NOTHING)
    assert follower.state is FollowerState.NOT_CREATED
    assert kept(follower) == (True, False, False)
    assert not stage.asked.woken


@pytest.mark.parametrize("is_replay", [True, False])
def test_a_replay_of_a_session_that_is_not_there_is_over(*, is_replay: bool) -> None:
    """Its client is told once that it has caught up; what comes is news."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=NOBODY))
    follower.is_replay = is_replay
    stage.followers.set_behind(follower, NOTHING)
    assert stage.asked.told_caught_up == ([follower] if is_replay else [])
    assert follower.is_replay is False


def test_the_beginning_of_a_session_that_is_there_is_served() -> None:
    """It does not wait for it to come into being."""
    stage = Stage()
    follower = follow(stage, stage.watch())
    stage.followers.set_behind(follower, NOTHING)
    assert follower.state is FollowerState.BEHIND


def test_who_goes_live_after_a_replay_is_told() -> None:
    """With the place from which on there is news."""
    stage = Stage()
    follower = follow(stage, stage.watch())
    follower.is_replay, follower.cursor = True, cursor("1-10")
    stage.followers.go_live(follower)
    assert not follower.is_current
    assert told(follower.client) == [
        {"type": "caught_up", "sessionId": "a", "cursor": str(cursor("1-10"))}
    ]


def test_who_goes_live_after_having_fallen_behind_is_told_nothing() -> None:
    """It goes on as ever."""
    stage = Stage()
    follower = follow(stage, stage.watch())
    stage.followers.go_live(follower)
    assert not follower.is_current
    assert told(follower.client) == []


@pytest.mark.parametrize(
    ("wanted", "end", "is_there"),
    [
        # A cursor is there by its ID ...
        (cursor("1-50"), "1-49", False),
        (cursor("1-50"), "1-50", True),
        (cursor("1-50"), "1-51", True),
        (cursor("1-50"), "2-10", True),
        # ... or by its offset, where generations were counted anew.
        (cursor("3-50"), "1-49", False),
        (cursor("3-50"), "1-50", True),
        # The end of history by its ID alone.
        (id_of("1-50"), "1-49", False),
        (id_of("1-50"), "1-50", True),
        (id_of("3-50"), "1-90", False),
        # A beginning is no place: it is looked up when something else says so.
        (Begin.START, "1-50", False),
    ],
)
def test_who_waits_is_looked_up_when_the_session_is_there(
    wanted: Wanted, end: str, *, is_there: bool
) -> None:
    """As soon as it has got so far, and not before."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=head([marker(end)])))
    stage.followers.wait(follower, FollowerState.WAITING, wanted)
    assert not stage.asked.looked_up
    stage.followers.recheck_waiting(follower.channel)
    assert stage.asked.wanted == ([wanted] if is_there else [])
    assert kept(follower) == (True, not is_there, False)


def test_who_skips_history_that_has_passed_does_not_wait() -> None:
    """It is looked up at once; else it waits."""
    stage = Stage()
    follower = follow(stage, stage.watch(head=IN_HISTORY))
    stage.followers.wait(follower, FollowerState.SKIPPING, id_of("1-100"))
    assert (follower.state, kept(follower)) == (
        FollowerState.SKIPPING,
        (True, True, False),
    )
    stage.followers.wait(follower, FollowerState.SKIPPING, id_of("1-50"))
    assert stage.asked.wanted == [id_of("1-50")]


def test_who_cannot_be_looked_up_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is closed, and the next one is looked up."""
    stage = Stage()
    channel = stage.watch()
    first, second = (follow(stage, channel) for _ in range(2))
    for one in (first, second):
        stage.followers.wait(one, FollowerState.WAITING, BEGINNING_CURSOR)
    look_up = stage.asked.look_up

    def fail(follower: Follower) -> None:
        if follower is first:
            raise LookupError("x")
        look_up(follower)

    monkeypatch.setattr(stage.asked, "look_up", fail)
    stage.followers.recheck_waiting(channel)
    assert [one.client.is_closed for one in (first, second)] == [True, False]
    assert stage.asked.looked_up == [(second, BEGINNING_CURSOR)]


# In another life of its session, one that has had nothing yet.


def anew(stage: Stage, channel: Channel, **fields: object) -> tuple[Follower, Client]:
    """One whose session has begun anew."""
    follower = follow(stage, channel, FollowerState.WAITING)
    channel.waiting[follower] = None
    for name, value in fields.items():
        setattr(follower, name, value)
    stage.followers.begin_anew(follower)
    return follower, follower.client


def test_anew_all_is_news() -> None:
    """It begins with the first entry, of which it is told nothing beforehand."""
    stage = Stage()
    follower, client = anew(stage, stage.watch())
    assert stage.asked.wanted == [NOTHING]
    assert kept(follower) == (True, False, False)
    assert told(client) == []


def test_anew_where_nothing_is_yet() -> None:
    """It waits until there is something, and for no place."""
    stage = Stage()
    follower, client = anew(stage, stage.watch(head=NOBODY))
    assert (follower.state, follower.wanted) == (FollowerState.NOT_CREATED, None)
    assert kept(follower) == (True, False, False)
    assert not follower.skips_history
    assert told(client) == []


def test_anew_who_skipped_history_is_told_that_its_place_is_no_more() -> None:
    """And still wants no history."""
    stage = Stage()
    follower, client = anew(stage, stage.watch(head=NOBODY), wanted=id_of("1-100"))
    assert (follower.state, follower.skips_history) == (FollowerState.NOT_CREATED, True)
    assert follower.wanted is None
    assert told(client) == [
        {"type": "caught_up", "sessionId": "a", "cursor": str(BEGINNING_CURSOR)}
    ]


def test_anew_history_passes_by() -> None:
    """While it is being read it is skipped, and looked up when it was."""
    stage = Stage()
    channel = stage.watch(head=IN_HISTORY)
    follower, client = anew(stage, channel, skips_history=True)
    assert (follower.state, follower.wanted) == (FollowerState.SKIPPING, id_of("1-100"))
    assert told(client) == []
    stage = Stage()
    channel = stage.watch(head=head(chain(100, 110), backlog_end=100))
    anew(stage, channel, skips_history=True)
    assert stage.asked.wanted == [id_of("1-100")]


def test_anew_history_is_wanted_or_there_is_none() -> None:
    """Then it begins with the first entry."""
    stage = Stage()
    anew(stage, stage.watch("a", IN_HISTORY))
    assert stage.asked.wanted == [NOTHING]
    stage = Stage()
    anew(stage, stage.watch(), skips_history=True)
    assert stage.asked.wanted == [NOTHING]
