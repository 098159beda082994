"""Places that have to be found, and sessions that are not there."""

import asyncio

import pytest

from tailcast_gateway.delivery.core.channel import (
    FollowerState,
)
from tailcast_gateway.sessions.core.verdicts import (
    Verdict,
)
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING
from tests.gateway.delivery.chase import Chase, kinds, never
from tests.gateway.stage import (
    NOBODY,
    records,
    socket_of,
    told,
    written,
)


pytestmark = pytest.mark.usefixtures("prompt")


# Sessions that are not there.


async def test_who_asks_for_a_session_that_is_not_there_is_told_so() -> None:
    """After the answer: there is nothing to replay."""
    stage = Chase()
    stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": Begin.START})
    assert told(client) == []
    await stage.turns(1)
    assert told(client) == [{"type": "caught_up", "sessionId": "a", "cursor": None}]


async def test_who_comes_with_the_beginning_of_a_session_that_is_not_there() -> None:
    """As who asks for all of it; then it gets the first record, as news."""
    stage = Chase()
    channel = stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": BEGINNING_CURSOR})
    await stage.quiet()
    assert told(client) == [{"type": "caught_up", "sessionId": "a", "cursor": None}]
    await stage.broker.store("a", 10)
    stage.hub.created(channel, (await stage.broker.heads(["a"]))[0])
    stage.come(channel, await stage.broker.read_after("a", NOTHING.id, limit=10))
    await stage.quiet()
    messages = told(client)
    assert (kinds(messages), records(messages)) == (["telemetry"], [10])
    assert "replayed" not in messages[0]


async def test_who_asks_for_one_that_comes_meanwhile_is_told_before() -> None:
    """Not of one that it does not want any more."""
    stage = Chase()
    channel = stage.watch("a", NOBODY)
    first, second = (stage.client("a", starts={"a": Begin.START}) for _ in range(2))
    stage.subscribe(second, "b")
    await stage.broker.store("a", 10)
    stage.hub.created(channel, (await stage.broker.heads(["a"]))[0])
    stage.come(channel, await stage.broker.read_after("a", NOTHING.id, limit=10))
    await stage.quiet()
    assert kinds(told(first)) == ["caught_up", "telemetry"]
    assert told(second) == []


async def test_who_cannot_be_told_that_there_is_nothing_is_closed() -> None:
    """Nobody else is."""
    stage = Chase()
    stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": Begin.START})
    socket_of(client).failure = LookupError("x")
    await stage.turns(1)
    assert client.is_closed


# Look-ups.


async def test_a_place_is_looked_up_and_served() -> None:
    """As many records as were asked for."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.quiet()
    messages = told(client)
    assert records(messages) == [20, 30]
    assert kinds(messages) == ["telemetry", "caught_up"]


async def test_a_place_is_asked_for_again_when_the_broker_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not before a pause."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    stage.broker.failure = BrokerUnavailable("away")
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    failed = stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
    assert failed > 1
    stage.broker.failure = None
    await stage.quiet()
    assert records(told(client)) == [20, 30]
    never(monkeypatch)
    stage.broker.failure = BrokerUnavailable("away")
    failed = stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
    stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    assert (
        stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
        == failed + 1
    )
    for task in stage.tasks:
        task.cancel()


@pytest.mark.parametrize(
    ("what", "is_asked"),
    [
        ("closed", False),
        ("closed", True),
        ("found", False),
        ("found", True),
        ("gone", False),
        ("gone", True),
        ("other", True),
    ],
)
async def test_what_is_not_wanted_any_more_is_not_settled(
    what: str, *, is_asked: bool
) -> None:
    """Where its client has left, or wants another place, or has been told."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    follower = client.followers["a"]
    if is_asked:
        await stage.turns(1)
    if what == "closed":
        client.is_closed = True
    elif what == "other":
        follower.wanted = Last(1)
    elif what == "found":
        follower.state = FollowerState.BEHIND
    else:
        stage.followers.remove(follower)
    await stage.turns()
    assert follower.cursor == NOTHING
    assert written(client) == b""


async def test_a_verdict_on_another_life_of_a_session_is_void() -> None:
    """Who began that has it looked up anew."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns(1)
    channel.epoch += 1
    await stage.turns()
    assert client.followers["a"].state is FollowerState.LOOKING_UP


async def test_a_verdict_on_a_life_that_began_while_the_broker_was_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is good: it was asked for in it."""
    stage, is_back = Chase(), asyncio.Event()
    channel = await stage.stored(10, 20, 30)
    monkeypatch.setattr(stage.catch_up, "_pause_before_retry", is_back.wait)
    stage.broker.failure = BrokerUnavailable("away")
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    channel.epoch += 1
    stage.broker.failure = None
    is_back.set()
    await stage.quiet()
    assert records(told(client)) == [20, 30]


async def test_who_cannot_be_looked_up_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is nobody else's failure."""
    stage = Chase()
    await stage.stored(10)

    async def fail(*_: object, **__: object) -> Verdict:
        raise LookupError("x")

    monkeypatch.setattr(Reads, "place", fail)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.quiet()
    assert client.is_closed
