"""Where a client begins, and what it is told of that."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tailcast_gateway.commands.subscribing import MAX_LARGE_SUBSCRIPTIONS
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.session_state import Head
from tests.gateway.commands.rig import Commanding, commanding, kinds
from tests.gateway.entries import cursor
from tests.gateway.sessions.rig import turns
from tests.gateway.stage import records, told
from tests.gateway.stored import store


async def test_one_session() -> None:
    """The answer says where delivery begins and where the session's ends are."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, 20)
        (answer,) = await rig.subscribe(rig.client(), sessionId="a", id=1)
        end = str(cursor("1-20"))
        assert (answer["type"], answer["id"]) == ("subscribed", 1)
        assert (answer["cursor"], answer["head"]) == (end, end)
        assert "recovered" not in answer


async def test_one_session_that_the_client_has_already() -> None:
    """It goes on where it is: what was appended meanwhile is still to come."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        client = rig.client()
        await rig.subscribe(client, sessionId="a")
        await store(rig.broker, "a", 20)
        (answer,) = await rig.subscribe(client, sessionId="a")
        assert answer["cursor"] == str(cursor("1-10"))
        rig.replica.feed.mark("a")
        await rig.replica.feed.read_dirty()
        assert records(told(client)) == [20]


async def test_one_session_that_is_not_there() -> None:
    """It is waited for."""
    async with commanding() as rig:
        client = rig.client()
        (answer,) = await rig.subscribe(client, sessionId="later")
        assert answer["cursor"] is None
        assert rig.replica.hub.channels["later"].is_awaited


async def test_a_cursor_that_is_proved_and_one_that_is_not() -> None:
    """The answer says whether nothing is missing."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, 20)
        for place, recovered in ((cursor("1-10"), True), (cursor("1-10", b"x"), False)):
            answer = (
                await rig.subscribe(
                    rig.client(), sessionId="a", cursors={"a": str(place)}
                )
            )[0]
            assert answer["recovered"] is recovered


async def test_a_step_in_a_session_without_steps() -> None:
    """It is refused, and nobody is subscribed."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, record=b"{}")
        client = rig.client()
        (error,) = await rig.subscribe(client, sessionId="a", **{"from": {"step": 3}})
        assert (error["code"], "has no steps" in error["message"]) == (
            "invalid_message", True,
        )  # fmt: skip  # one glance
        assert not client.subscription


async def test_a_session_that_came_and_was_not_read_yet() -> None:
    """The client is told of it as it is, and the feed reads it."""
    async with commanding() as rig:
        await rig.subscribe(rig.client(), sessionId="a")
        await store(rig.broker, "a", 10)
        client = rig.client()
        await rig.subscribe(client, sessionId="a")
        assert not rig.replica.hub.channels["a"].is_awaited
        await rig.replica.feed.read_dirty()
        assert rig.replica.hub.channels["a"].window.end == cursor("1-10")


async def test_several_sessions() -> None:
    """The answer first, then where each of them is, whether it is there or not."""
    async with commanding() as rig:
        for name in ("ab", "ac", "b"):
            await store(rig.broker, name, 10)
        client = rig.client()
        answer, places = await rig.subscribe(client, sessionIds=["a*", "later"])
        assert kinds([answer, places]) == ["subscribed", "positions"]
        end = str(cursor("1-10"))
        found = {name: at for name, at in places["cursors"].items() if name[0] != "!"}
        assert found == {"ab": end, "ac": end, "later": None}


async def test_a_session_that_cannot_be_read_among_several() -> None:
    """The client is told which, and gets the others."""
    async with commanding() as rig:
        for name in ("a", "b"):
            await store(rig.broker, name, 10)
        rig.broker.refused.add("a")
        client = rig.client()
        answers = await rig.subscribe(client, sessionIds=["a", "b"], id=9)
        assert kinds(answers) == ["subscribed", "error", "positions"]
        error = answers[1]
        assert (error["code"], error["id"]) == (
            "session_unavailable",
            9,
        )
        assert error["message"].startswith("a ")
        assert "b" in answers[2]["cursors"]


async def test_a_session_that_cannot_be_read_alone() -> None:
    """It is asked for again: nothing was subscribed."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        rig.broker.refused.add("a")
        client = rig.client()
        (error,) = await rig.subscribe(client, sessionId="a")
        assert (error["code"], error["sessionId"]) == ("session_unavailable", "a")
        assert error["retryAfterMs"] > 0
        assert not client.subscription


@pytest.mark.parametrize("fields", [{"sessionId": "a"}, {}])
async def test_a_client_that_goes_while_it_is_subscribed(
    fields: dict[str, str],
) -> None:
    """It is told nothing, and nothing is kept of it."""
    async with commanding() as rig:
        client = rig.client()
        with rig.broker.silent():
            asking = asyncio.ensure_future(rig.subscribe(client, **fields))
            await turns()
            client.is_closed = True
        assert await asking == []
        assert not client.subscription


async def test_emergencies_that_nobody_wanted_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are closed while somebody subscribes to one session: he has them anew."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        await rig.replica.feed.open([EMERGENCIES])
        audit = rig.replica.feed.audit
        audit._close_unwatched()
        heads, watched = rig.broker.heads, rig.replica.hub.channels
        closed: list[bool] = []

        async def heads_at_last(sessions: Sequence[str]) -> list[Head]:
            if "a" in watched and not closed:
                audit._close_unwatched()
                closed.append(EMERGENCIES not in watched and "a" in watched)
            return await heads(sessions)

        monkeypatch.setattr(rig.broker, "heads", heads_at_last)
        (answer,) = await rig.subscribe(rig.client(), sessionId="a")
        assert answer["cursor"] == str(cursor("1-10"))
        assert closed == [True]
        assert EMERGENCIES in watched


async def _wait_for_turns(rig: Commanding, count: int) -> "list[asyncio.Task[Any]]":
    """Clients of which as many as may are being subscribed, and others wait."""
    tasks: list[asyncio.Task[Any]] = []
    for _ in range(count):
        client = rig.client()
        asking = rig.subscribe(client, sessionIds=["a*", "b"])
        tasks.append(asyncio.ensure_future(asking))
        await turns()
    return tasks


async def test_so_many_large_subscriptions_at_once() -> None:
    """The others wait for their turn; one session needs none."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        await rig.subscribe(rig.client(), sessionId="a")
        with rig.broker.silent():
            tasks = await _wait_for_turns(rig, MAX_LARGE_SUBSCRIPTIONS + 2)
            one = asyncio.ensure_future(rig.subscribe(rig.client(), sessionId="c"))
            await turns()
            waiting = rig.replica.commands._subscribing._turns
            assert not waiting.free
        for answers in await asyncio.gather(*tasks, one):
            assert answers[0]["type"] == "subscribed"
        assert waiting.free == MAX_LARGE_SUBSCRIPTIONS


async def test_who_waits_for_a_turn_while_the_broker_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Finding that out once is enough: the others are told without asking it again."""
    now = 1_000.0
    async with commanding(clock=lambda: now) as rig:
        await rig.subscribe(rig.client(), sessionId="b")
        feed = rig.replica.feed
        feed.notified(f"!canary:{feed._hearing._replica}:1")
        now += 60
        assert not feed.is_answered
        calls = 0
        births = rig.broker.births

        async def unanswered() -> Any:
            nonlocal calls
            calls += 1
            await rig.broker.answers.wait()
            rig.broker._stored.births = await births()
            raise TimeoutError

        monkeypatch.setattr(rig.broker, "births", unanswered)
        with rig.broker.silent():
            tasks = await _wait_for_turns(rig, MAX_LARGE_SUBSCRIPTIONS + 6)
        for answers in await asyncio.gather(*tasks):
            assert [one["code"] for one in answers] == ["unavailable"]
        assert calls == MAX_LARGE_SUBSCRIPTIONS
