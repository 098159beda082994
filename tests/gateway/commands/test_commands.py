"""What clients ask for, carried out, and what they are answered where it cannot be."""

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.limits import Quotas
from tailcast_gateway.views.grant import Grant
from tailcast_streams.position import BEGINNING_CURSOR
from tests.gateway.commands.rig import Commanding, commanding, kinds, message_of
from tests.gateway.entries import cursor
from tests.gateway.sessions.rig import until
from tests.gateway.stage import Socket, records, told
from tests.gateway.stored import store


async def test_a_subscription_while_the_broker_is_away() -> None:
    """It has to be asked for again, and whoever serves the client is told so."""
    async with commanding() as rig:
        client = rig.client()
        with rig.broker.away():
            unserved = await rig.commands.subscribe(
                client, message_of("subscribe", id=4)
            )
        assert unserved.is_passing
        assert (unserved.error["code"], unserved.error["id"]) == ("unavailable", 4)
        assert 1_000 <= unserved.error["retryAfterMs"] <= 2_000
        assert not client.subscription
        assert rig.counted('tailcast_gateway_unavailable_total{to="subscribe"} 1.0')


async def test_a_subscription_that_cannot_be() -> None:
    """Asking again would not help, and what the client had stays."""
    async with commanding(quotas=Quotas(subscriptions=1)) as rig:
        client = rig.client()
        await rig.subscribe(client, sessionId="a")
        unserved = await rig.commands.subscribe(
            client, message_of("subscribe", sessionIds=["b", "c"], id=4)
        )
        assert not unserved.is_passing
        assert unserved.error["code"] == "too_many_subscriptions"
        assert client.subscription.literals() == ["a"]


async def test_more_sessions_than_a_replica_watches() -> None:
    """Nothing is remembered, and there is room when others have left."""
    async with commanding(quotas=Quotas(watched_sessions=2)) as rig:
        client = rig.client()
        await rig.subscribe(client, sessionId="a")
        unserved = await rig.commands.subscribe(
            client, message_of("subscribe", sessionIds=["b", "c"], id=4)
        )
        assert unserved.is_passing
        assert unserved.error["code"] == "too_many_subscriptions"
        assert 4_500 <= unserved.error["retryAfterMs"] <= 9_000
        assert client.subscription.literals() == ["a"]
        assert rig.counted(
            'tailcast_gateway_limited_total{limit="watched_sessions"} 1.0'
        )
        await rig.subscribe(client, sessionIds=["b"])
        assert client.subscription.literals() == ["b"]


async def test_a_grant_of_more_sessions_than_a_replica_watches() -> None:
    """The client keeps what it had, and is told when to come again."""
    async with commanding(quotas=Quotas(watched_sessions=1)) as rig:
        client = Client(Socket(), grant=Grant("ada", globs=("a",)))
        await rig.subscribe(client, sessionIds=["a", "b"])
        message = message_of("auth", token="another")
        assert not await rig.commands.renew(client, Grant("ada"), message)
        answer = told(client)[-1]
        assert (answer["code"], answer["retryAfterMs"] > 0) == (
            "too_many_subscriptions",
            True,
        )
        assert client.grant.globs == ("a",)


async def test_more_patterns_than_there_may_be() -> None:
    """In a subscription, in what is left out of it, and in what is asked."""
    async with commanding(quotas=Quotas(pattern_characters=4, wildcards=3)) as rig:
        client = rig.client()
        await rig.subscribe(client, sessionIds=["a*", "b*"])
        assert client.subscription.matches("a1")
        rig.commands.unsubscribe(client, message_of("unsubscribe", sessionIds=["ab*"]))
        assert told(client)[-1]["code"] == "too_many_subscriptions"
        assert client.subscription.matches("ab1")
        for pattern in ("abcd*", "****"):
            answers = await rig.ask(client, "snapshot", sessionIds=[pattern])
            assert answers[-1]["code"] == "too_many_subscriptions"
        for limit, count in (("pattern_characters", 2), ("wildcards", 1)):
            assert rig.counted(
                f'tailcast_gateway_limited_total{{limit="{limit}"}} {count}.0'
            )


async def test_unsubscribing() -> None:
    """What is left is left, and the answer says what went."""
    async with commanding() as rig:
        client = rig.client()
        await rig.subscribe(client, sessionIds=["a", "b"])
        rig.commands.unsubscribe(client, message_of("unsubscribe", sessionId="a", id=1))
        (answer,) = told(client)
        assert (answer["type"], answer["sessionId"]) == ("unsubscribed", "a")
        assert client.subscription.literals() == ["b"]
        rig.commands.unsubscribe(client, message_of("unsubscribe"))
        assert kinds(told(client)) == ["unsubscribed"]
        assert not client.subscription


async def test_unsubscribing_from_more_than_there_may_be() -> None:
    """It is refused, and nothing is left out."""
    async with commanding(quotas=Quotas(subscriptions=2)) as rig:
        client = rig.client()
        await rig.subscribe(client)
        for name in "abc":
            rig.commands.unsubscribe(client, message_of("unsubscribe", sessionId=name))
        assert kinds(told(client))[-1] == "error"
        assert client.subscription.matches("c")


async def test_a_heartbeat_that_is_asked_for() -> None:
    """It says whether what is appended gets here."""
    async with commanding(wall_clock_ms=lambda: 1_500) as rig:
        client = rig.client()
        rig.commands.heartbeat(client, message_of("heartbeat", id="h"))
        (answer,) = told(client)
        assert (answer["id"], answer["feed"]) == ("h", "down")
        assert answer["timestamp"] == "1970-01-01T00:00:01.500Z"


async def test_a_heartbeat_that_comes_by_itself() -> None:
    """It has the places that changed since a time, of the client's sessions alone."""
    now = 1_000.0
    async with commanding(clock=lambda: now) as rig:
        client = rig.client()
        for name in ("a", "b", "c"):
            await store(rig.broker, name, 10)
        await rig.subscribe(client, sessionIds=["a", "b"])
        await rig.subscribe(rig.client(), sessionId="c")
        for name in ("a", "b", "c"):
            await store(rig.broker, name, 20)
            now += 10
            rig.replica.feed.mark(name)
            await rig.replica.feed.read_dirty()
        told(client)
        rig.commands.beat(client, since=1_015)
        (beat,) = told(client)
        end = str(cursor("1-20"))
        assert (beat["cursors"], beat["heads"]) == ({"b": end}, {"b": end})
        rig.commands.beat(client, since=0)
        (beat,) = told(client)
        assert beat["heads"] == {"a": end, "b": end}


async def test_an_acknowledgement_without_a_name() -> None:
    """Nothing is kept of that client: it is told so."""
    async with commanding() as rig:
        client = rig.client()
        await store(rig.broker, "a", 10)
        await rig.subscribe(client, sessionId="a")
        (error,) = await rig.acknowledge(client, cursor=str(cursor("1-10")), id=2)
        assert (error["code"], error["id"]) == ("invalid_message", 2)
        assert "clientId" in error["message"]


async def caught_up(rig: Commanding) -> Client:
    """A named client that acknowledges by itself, and was sent a session."""
    client = rig.client()
    await store(rig.broker, "a", 10, 20, 30)
    await rig.subscribe(
        client,
        clientId="me",
        ack="manual",
        sessionId="a",
        cursors={"a": str(BEGINNING_CURSOR)},
    )
    await until(lambda: "a" not in client.followers)
    assert records(told(client)) == [10, 20, 30]
    return client


async def test_an_acknowledgement_of_what_was_sent() -> None:
    """It is answered by nothing; an earlier one that comes late changes nothing."""
    async with commanding() as rig:
        client = await caught_up(rig)
        for place in ("1-20", "1-10"):
            assert await rig.acknowledge(client, cursor=str(cursor(place))) == []
        await rig.replica.saver.save_waiting()
        kept = await rig.broker.clients.take("me", "other")
        assert kept.cursors["a"] == cursor("1-20")


async def test_an_acknowledgement_of_what_was_not_sent() -> None:
    """It is refused: what is beyond, and another record in a place that was sent."""
    async with commanding() as rig:
        client = await caught_up(rig)
        for place in (cursor("1-99"), cursor("1-20", b"other")):
            (error,) = await rig.acknowledge(client, cursor=str(place), id=6)
            assert (error["code"], error["id"]) == ("invalid_cursor", 6)


async def test_an_acknowledgement_while_the_broker_is_away() -> None:
    """Where it has to be looked up, the client is told to say it again."""
    async with commanding() as rig:
        client = await caught_up(rig)
        with rig.broker.away():
            (error,) = await rig.acknowledge(client, cursor=str(cursor("1-20")))
        assert error["code"] == "unavailable"
        assert rig.counted('tailcast_gateway_unavailable_total{to="ack"} 1.0')
