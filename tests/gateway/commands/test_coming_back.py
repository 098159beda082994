"""Clients that come back to a session that is watched: what is asked for them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tailcast_gateway.commands.subscribing import (
    MAX_LARGE_SUBSCRIPTIONS,
    OLDEST_SECONDS,
)
from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.sessions.feed import CANARY_SECONDS, LATE_CANARIES
from tailcast_streams.keys import EMERGENCIES
from tests.gateway.commands.rig import Commanding, Wire, commanding, kinds
from tests.gateway.entries import cursor
from tests.gateway.sessions.rig import turns
from tests.gateway.stage import records, told
from tests.gateway.stored import store


class Time:
    """A clock that tests set."""

    now = 1_000.0


@asynccontextmanager
async def watching(**options: Any) -> AsyncGenerator[tuple[Commanding, Time]]:
    """Somebody watches `a`, whose window has its last records, 20 to 40."""
    time = Time()
    async with commanding(clock=lambda: time.now, **options) as rig:
        rig.listen()
        await store(rig.broker, "a", 10)
        await rig.subscribe(rig.client(), sessionId="a")
        await rig.bring("a", 20, 30, 40)
        # So that it is known what its index says.
        await coming(rig, rig.client(), cursor("1-10"))
        yield rig, time


async def coming(
    rig: Commanding, client: Client, place: object, **fields: Any
) -> list[dict[str, Any]]:
    """A client comes back at a place; all that it is told, until it is live."""
    start = {"from": {"cursor": str(place)}}
    answers = await rig.subscribe(client, sessionId="a", **start, **fields)
    await turns()
    return [*answers, *told(client)]


async def test_nothing_is_asked_for_those_whose_places_the_window_proves() -> None:
    """However many they are: each is answered as if the broker had been asked."""
    async with watching() as (rig, _):
        asked = await coming(rig, rig.client(), cursor("1-20", b"other"))
        before = rig.broker.calls
        for offset in (10, 20, 30, 40) * 25:
            client = rig.client()
            place = cursor(f"1-{offset}")
            answer, *frames = await coming(rig, client, place, id=offset)
            left_out = {key: answer.pop(key) for key in ("cursor", "recovered", "id")}
            assert left_out == {"cursor": str(place), "recovered": True, "id": offset}
            assert answer.items() <= asked[0].items()
            assert records(frames) == list(range(offset + 10, 50, 10))
            assert kinds(frames)[-1] == "caught_up"
        assert rig.broker.calls == before


async def test_who_came_back_at_once_is_live() -> None:
    """What comes next follows what was sent, once."""
    async with watching() as (rig, _):
        client = rig.client()
        place = {"from": {"cursor": str(cursor("1-30"))}}
        await rig.subscribe(client, sessionId="a", **place)
        # Before it had its turn.
        await rig.bring("a", 50)
        await turns()
        assert records(told(client)) == [40, 50]
        await rig.bring("a", 60)
        assert records(told(client)) == [60]


async def test_the_oldest_entry_is_asked_for_anew_after_a_while() -> None:
    """Once for all who come, since retention goes on."""
    async with watching() as (rig, time):
        time.now += OLDEST_SECONDS + 1
        await rig.broker.trim("a", cursor("1-30").id)
        before = len(rig.broker.heads_of)
        (answer, *_), *others = await asyncio.gather(
            *(coming(rig, rig.client(), cursor("1-30")) for _ in range(100))
        )
        assert rig.broker.heads_of[before:] == [["a"]]
        assert answer["oldest"] == str(cursor("1-30"))
        assert all(answer == other[0] for other in others)


def back(rig: Commanding) -> tuple[Wire, Connection]:
    """A connection of a client that comes back, which has just said so."""
    wire = Wire()
    connection = rig.replica.take(wire)
    start = {"cursor": str(cursor("1-20"))}
    message = {"type": "subscribe", "sessionId": "a", "from": start}
    connection.message_received(json.dumps(message).encode(), binary=False)
    return wire, connection


async def test_who_comes_back_has_its_turn_like_others() -> None:
    """Thousands that come at once do not hold up what is live."""
    async with watching() as (rig, _):
        before = rig.broker.calls
        wire, connection = back(rig)
        connection.message_received(b'{"type":"heartbeat"}', binary=False)
        assert wire.written == []
        await turns()
        messages = told(connection.client)
        assert kinds(messages)[:2] == ["subscribed", "heartbeat"]
        assert records(messages) == [30, 40]
        assert rig.broker.calls == before


async def test_what_is_in_doubt_when_its_turn_comes_is_asked_for() -> None:
    """Nothing is done twice then."""
    async with watching() as (rig, _):
        before = rig.broker.calls
        _, connection = back(rig)
        rig.replica.feed.mark("a")
        await turns()
        assert rig.broker.calls > before
        messages = told(connection.client)
        assert kinds(messages).count("subscribed") == 1
        assert records(messages) == [30, 40]


async def test_who_is_gone_before_its_turn() -> None:
    """It is subscribed to nothing."""
    async with watching() as (rig, _):
        wire, connection = back(rig)
        connection.socket_closed(1006, "", ClosedBy.NOBODY)
        await turns()
        assert not connection.client.subscription
        assert wire.written == []


@pytest.mark.parametrize("why", ["trimmed", "other record", "before all", "ahead"])
async def test_a_place_that_the_window_does_not_prove_is_looked_up(why: str) -> None:
    """Nobody is let go on where something may be missing."""
    async with watching() as (rig, _):
        if why == "trimmed":
            rig.replica.hub.channels["a"].window.shrink(0)
        place = {
            "trimmed": cursor("1-20"),
            "other record": cursor("1-20", b"other"),
            "before all": "0-0-00000000",
            "ahead": cursor("1-50"),
        }[why]
        before = rig.broker.calls
        answer, *frames = await coming(rig, rig.client(), place)
        assert rig.broker.calls > before
        expected: dict[str, tuple[bool | None, list[int]]] = {
            "trimmed": (True, [30, 40]),
            "other record": (False, [10, 20, 30, 40]),
            "before all": (True, [10, 20, 30, 40]),
            "ahead": (None, []),
        }
        assert (answer.get("recovered"), records(frames)) == expected[why]


@pytest.mark.parametrize(
    "why", ["not heard", "no canary", "to be compared", "to be read", "failing"]
)
async def test_a_window_that_may_lack_something_is_not_relied_on(why: str) -> None:
    """The broker is asked, as for whoever comes first."""
    async with watching() as (rig, time):
        feed = rig.replica.feed
        match why:
            case "not heard":
                feed._hearing.end()
            case "no canary":
                feed.notified(feed._hearing.canary(time.now))
                time.now += LATE_CANARIES * CANARY_SECONDS + 0.1
                await coming(rig, rig.client(), cursor("1-10"))
            case "to be compared":
                feed.audit.hurry()
            case "to be read":
                feed.mark("a")
            case _:
                feed._failing.note("a")
        before = rig.broker.calls
        answer, *frames = await coming(rig, rig.client(), cursor("1-20"))
        assert rig.broker.calls > before
        assert (answer["recovered"], records(frames)) == (True, [30, 40])


async def test_a_window_that_is_being_read_is_not_relied_on() -> None:
    """What is read may be another life of the stream; if not, it is relied on again."""
    async with watching() as (rig, _):
        rig.broker.answers.clear()
        rig.replica.feed.mark("a")
        reading = asyncio.create_task(rig.replica.feed.read_dirty())
        await turns()
        client = rig.client()
        message = {"sessionId": "a", "from": {"cursor": str(cursor("1-20"))}}
        asked = asyncio.create_task(rig.subscribe(client, **message))
        await turns()
        assert not asked.done()
        rig.broker.answers.set()
        await reading
        assert (await asked)[0]["recovered"] is True
        before = rig.broker.calls
        await coming(rig, rig.client(), cursor("1-20"))
        assert rig.broker.calls == before


async def test_another_life_of_the_stream_that_is_not_known_yet() -> None:
    """Who has come to the window is told of it as who never was away."""
    async with watching() as (rig, _):
        stayed = rig.client()
        await coming(rig, stayed, cursor("1-20"))
        rig.broker.wipe()
        others = (11, 21, 31, 41)
        await store(rig.broker, "a", *others, incarnation="j")
        client = rig.client()
        _, *frames = await coming(rig, client, cursor("1-20"))
        assert records(frames) == [30, 40]
        await rig.replica.feed.audit.audit()
        await turns()
        frames = told(client)
        assert frames == told(stayed)
        assert kinds(frames)[0] == "rewind"
        assert records(frames) == [*others]


async def test_another_life_of_the_stream_is_asked_for() -> None:
    """As soon as that is known; what the window had proves nothing any more."""
    async with watching() as (rig, _):
        rig.broker.wipe()
        await store(rig.broker, "a", 11, 21, incarnation="j")
        await rig.replica.feed.audit.audit()
        before = rig.broker.calls
        answer, *frames = await coming(rig, rig.client(), cursor("1-20"))
        assert rig.broker.calls > before
        assert answer["recovered"] is False
        assert "rewind" in kinds(frames)


@pytest.mark.parametrize(
    "fields",
    [
        {"snapshot": True},
        {"emergencies": 3},
        {"clientId": "ada"},
        {"metrics": ["o"]},
    ],
    ids=["snapshot", "emergencies", "name", "steps"],
)
async def test_who_wants_more_than_records_is_asked_for(
    fields: dict[str, Any],
) -> None:
    """A snapshot, emergencies, what is stored of it, or where the steps are."""
    async with watching() as (rig, _):
        before = rig.broker.calls
        answers = await coming(rig, rig.client(), cursor("1-20"), **fields)
        assert answers[0]["type"] == "subscribed"
        assert rig.broker.calls > before


async def test_emergencies_that_nobody_wants_are_opened_first() -> None:
    """Each client gets them, so they have to be watched too."""
    async with watching() as (rig, _):
        rig.replica.hub.close(rig.replica.hub.channels[EMERGENCIES])
        answers = await coming(rig, rig.client(), cursor("1-20"))
        assert answers[0]["type"] == "subscribed"
        assert EMERGENCIES in rig.replica.hub.channels


async def test_what_cannot_be_carried_out_is_refused() -> None:
    """As ever: nothing is done before the message is found to be valid."""
    async with watching() as (rig, _):
        client = rig.client()
        (error,) = await coming(rig, client, "nonsense")
        assert error["code"] == "invalid_cursor"
        assert not client.subscription


async def test_many_sessions_whose_places_the_windows_prove() -> None:
    """One question for the number of the latest session, and none for each."""
    names = [f"run_{number}" for number in range(200)]
    async with commanding() as rig:
        for name in names:
            await store(rig.broker, name, 10)
        await rig.subscribe(rig.client(), sessionIds=names)
        for name in names:
            await rig.bring(name, 20)
        at = {name: str(cursor("1-10")) for name in names}
        await rig.subscribe(rig.client(), sessionIds=names, cursors=at)
        await turns(1_000)
        before = rig.broker.calls
        client = rig.client()
        frames = await rig.subscribe(client, sessionIds=names, cursors=at)
        await turns(1_000)
        frames += told(client)
        assert rig.broker.calls - before == 1
        assert records(frames) == [20] * len(names)


async def test_what_many_ask_for_in_one_turn_is_asked_once() -> None:
    """For all sessions: their number and their list, however many want them."""
    async with commanding() as rig:
        for name in ("a", "b"):
            await store(rig.broker, name, 10)
        await rig.subscribe(rig.client())
        before = rig.broker.calls
        clients = [rig.client() for _ in range(MAX_LARGE_SUBSCRIPTIONS)]
        for answer, *_ in await asyncio.gather(*map(rig.subscribe, clients)):
            assert answer["type"] == "subscribed"
        assert rig.broker.calls - before == 2
        # Who comes later asks anew: there may be more by then.
        await rig.subscribe(rig.client())
        assert rig.broker.calls - before == 4
