"""What follows from what was found of a place."""

from typing import Any

import pytest

from tailcast_gateway.delivery.catch_up import SHORT_FILE_SECONDS
from tailcast_gateway.delivery.core.channel import (
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.sessions.core.verdicts import (
    NoValues,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tests.gateway.delivery.chase import Chase, kinds
from tests.gateway.entries import chain, cursor, head, id_of
from tests.gateway.stage import (
    told,
)


pytestmark = pytest.mark.usefixtures("prompt")


# Verdicts.


def judged(
    verdict: Verdict,
    wanted: Wanted = NOTHING,
    *,
    at: Cursor = NOTHING,
    is_answered: bool = False,
) -> tuple[Chase, Follower, list[dict[str, Any]]]:
    """A follower about which there is a verdict, and what it was told of it."""
    stage = Chase()
    stage.followers.catch_up = stage.asked
    channel = stage.watch("a", head(chain(10, 20, 30)))
    client = stage.client("a")
    follower = stage.followers.follow(
        client, channel, FollowerState.LOOKING_UP, cursor=at
    )
    stage.followers.look_up(follower, wanted)
    if is_answered:
        stage.catch_up.settle_if_asked(follower, verdict)
    else:
        stage.catch_up.settle(follower, verdict)
    return stage, follower, told(client)


def test_it_goes_on_where_it_was() -> None:
    """Without a word."""
    verdict = Resume(cursor("1-20"), is_proved=True)
    _, follower, messages = judged(verdict, cursor("1-20"))
    assert (follower.state, follower.cursor) == (FollowerState.BEHIND, cursor("1-20"))
    assert messages == []


@pytest.mark.parametrize("place", [NOTHING, cursor("1-20")])
def test_it_hears_where_news_begins(place: Cursor) -> None:
    """When history has passed by, if there was any."""
    _, follower, messages = judged(Resume(place, is_proved=True), id_of("1-20"))
    assert follower.cursor == place
    assert messages == (
        []
        if place == NOTHING
        else [{"type": "caught_up", "sessionId": "a", "cursor": str(place)}]
    )


@pytest.mark.parametrize(
    ("now", "is_answered", "is_told"),
    [
        # Generations were counted anew: it has to know by which names places go.
        ("1-20", False, True),
        # The answer has said so.
        ("1-20", True, False),
        # The same place by the same name, and by a later one.
        ("3-20", False, False),
        ("4-20", False, False),
    ],
)
def test_it_hears_of_another_name_of_its_place(
    now: str, *, is_answered: bool, is_told: bool
) -> None:
    """Or it would take what follows for what it has had."""
    verdict = Resume(cursor(now), is_proved=True)
    _, _, messages = judged(verdict, cursor("3-20"), is_answered=is_answered)
    assert messages == (
        [{"type": "heartbeat", "timestamp": "now", "cursors": {"a": str(cursor(now))}}]
        if is_told
        else []
    )


def test_before_everything_is_no_other_name() -> None:
    """All comes again then, by names that are told with it."""
    _, _, messages = judged(Resume(NOTHING, is_proved=True), cursor("3-20"))
    assert messages == []


def test_it_begins_with_records_before_now() -> None:
    """Which no name was told of."""
    _, follower, messages = judged(Resume(cursor("1-10"), is_proved=True), Last(2))
    assert (follower.cursor, messages) == (cursor("1-10"), [])


@pytest.mark.parametrize(
    ("verdict", "wanted", "at", "since", "reason"),
    [
        (Trimmed(cursor("1-20")), cursor("1-5"), NOTHING, "1-5", "trimmed"),
        # What is looked up without a cursor stands where it was.
        (Trimmed(cursor("1-20")), Begin.START, cursor("1-7"), "1-7", "trimmed"),
        (
            Trimmed(cursor("1-20"), is_cursor_known=False),
            cursor("1-20"),
            NOTHING,
            "1-20",
            "unknown_cursor",
        ),
        (
            Trimmed(cursor("1-20"), since=cursor("1-10")),
            cursor("1-5"),
            NOTHING,
            "1-10",
            "trimmed",
        ),
    ],
)
def test_it_hears_of_what_cannot_be_had(
    verdict: Trimmed, wanted: Wanted, at: Cursor, since: str, reason: str
) -> None:
    """And goes on after that."""
    stage, follower, messages = judged(verdict, wanted, at=at)
    assert messages == [
        {
            "type": "gap",
            "sessionId": "a",
            "from": str(cursor(since)),
            "to": str(cursor("1-20")),
            "reason": reason,
        }
    ]
    assert follower.cursor == cursor("1-20")
    assert stage.counted("gaps") == 1


@pytest.mark.parametrize(
    ("before", "to", "is_told"),
    [
        ("1-10", "2-10", True),
        ("2-5", "2-10", False),
        # Who has had nothing yet has had no generation: the first is none anew.
        ("0-0", "1-10", False),
        ("0-0", "2-10", True),
    ],
)
def test_a_gap_with_the_beginning_of_a_generation_in_it(
    before: str, to: str, *, is_told: bool
) -> None:
    """It hears that there is another one."""
    _, _, messages = judged(Trimmed(cursor(to)), Cursor(id_of(before), 0))
    assert kinds(messages) == (["gap", "rewind"] if is_told else ["gap"])
    if is_told:
        assert messages[1]["cursor"] == str(cursor(to))
        assert messages[1]["generation"] == "2"


def test_another_file_is_under_the_name() -> None:
    """It begins with that one's beginning."""
    stage, follower, messages = judged(
        Replaced(Cursor(id_of("1-0"), 0)), cursor("1-99", b"other")
    )
    (rewind,) = messages
    assert (rewind["type"], rewind["reason"]) == ("rewind", "replaced")
    assert follower.cursor == BEGINNING_CURSOR
    assert stage.counted("rewinds") == 1


def test_a_session_of_several_without_steps() -> None:
    """Begins now, and its client hears that."""
    _, follower, messages = judged(NoValues("steps"), Begin.START)
    assert [(one["type"], one["code"]) for one in messages] == [
        ("error", "invalid_message")
    ]
    assert messages[0]["message"] == "a has no steps: it begins now"
    assert follower.cursor == cursor("1-30")


def test_a_place_that_is_answered_already_is_settled_once() -> None:
    """By whichever comes first."""
    stage, follower, _ = judged(Resume(cursor("1-20"), is_proved=True), cursor("1-20"))
    stage.catch_up.settle_if_asked(follower, Replaced(BEGINNING_CURSOR))
    assert told(follower.client) == []
    assert follower.cursor == cursor("1-20")


# Files that are too short.


def since(follower: Follower) -> float | None:
    """Since when it waits for its file to grow back."""
    return follower.waiting_since


def test_a_place_that_is_not_read_yet_is_waited_for() -> None:
    """However long that takes, as long as the file is long enough."""
    _, follower, messages = judged(Wait(is_file_long_enough=True), cursor("1-90"))
    assert (follower.state, follower.wanted) == (FollowerState.WAITING, cursor("1-90"))
    assert since(follower) is None
    assert messages == []


def test_a_file_that_is_too_short_is_waited_for_from_when_it_was_found_so() -> None:
    """Until it was long enough in between."""
    stage, follower, _ = judged(Wait(is_file_long_enough=False), cursor("1-90"))
    assert since(follower) == 1_000.0
    stage.now += 10.0
    stage.catch_up.settle(follower, Wait(is_file_long_enough=False))
    assert since(follower) == 1_000.0
    stage.catch_up.settle(follower, Wait(is_file_long_enough=True))
    assert since(follower) is None


async def test_a_file_that_stays_too_short_is_another_one() -> None:
    """After so long, and not before."""
    stage = Chase()
    channel = await stage.stored(10, 20, size=20)
    client = stage.client("a", starts={"a": cursor("1-90")})
    await stage.quiet()
    assert client.followers["a"].state is FollowerState.WAITING
    stage.now += SHORT_FILE_SECONDS - 1.0
    stage.hub.compared(channel)
    await stage.quiet()
    assert told(client) == []
    stage.now += 1.0
    stage.hub.compared(channel)
    await stage.quiet()
    assert kinds(told(client)) == ["rewind", "telemetry", "caught_up"]
