"""Lists, counts and claims in a real broker, which may forget, or be edited."""

from typing import Any

import pytest

from tailcast_streams.births import UNCOUNTED
from tailcast_streams.claims import Claim
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (r'["s", "\ud800"]', '["one", "t"]'),
        (r'["\ud800", "two"]', '["one", "t"]'),
        ('["s", "two"]', r'["\ud800", "t"]'),
        ('["s", "two"]', "[" * 100_000),
        ("[" * 100_000, '["one", "t"]'),
        ('["s", ["two"]]', '["one", "t"]'),
        ('["s", "two"]', "by hand"),
        (b"\xff", b"\xff"),
    ],
    ids=range(8),
)
async def test_a_claim_that_somebody_wrote_is_none(
    adapter: RedisBroker,
    broker: BrokerServer,
    prefix: str,
    field: bytes | str,
    text: bytes | str,
) -> None:
    """Whatever it is: all tailers and gateways read all claims, again and again."""
    claim = Claim("s", "three", "one", "t1")
    await adapter.claims.ask(claim)
    client = broker.client()
    client.hset(f"{prefix}:{{claims}}", field, text)
    client.close()

    assert await adapter.claims.read() == [claim]


async def test_numbers_that_the_broker_forgot_are_not_given_again(
    own_adapter: RedisBroker,
) -> None:
    """Its last second, or everything: then the count has another name too."""
    await own_adapter.bear("a", activity_ms=1)
    forgotten = await own_adapter.bear("b", activity_ms=1)
    key = own_adapter._keys.births
    await own_adapter._redis.hset(key, "number", str(forgotten.number - 1_000))
    again = await own_adapter.bear("c", activity_ms=1)
    assert again.counter == forgotten.counter
    assert again.number > forgotten.number

    await own_adapter._redis.flushall()
    anew = await own_adapter.bear("c", activity_ms=1)
    assert anew.counter != again.counter


async def test_a_count_goes_on_where_the_clock_is_behind(
    own_adapter: RedisBroker,
) -> None:
    """It was set back by hours: numbers rise all the same."""
    before = await own_adapter.bear("a", activity_ms=1)
    ahead = before.number + 7_200_000_000
    await own_adapter._redis.hset(own_adapter._keys.births, "number", str(ahead))
    born = [(await own_adapter.bear("b", activity_ms=1)).number for _ in range(3)]
    assert born == [ahead + 1, ahead + 2, ahead + 3]


@pytest.mark.parametrize("written", [{"number": "5"}, {"counter": "x", "number": "y"}])
async def test_a_count_that_somebody_edited(
    own_adapter: RedisBroker, written: dict[Any, Any]
) -> None:
    """Of no count: then all may be new."""
    await own_adapter._redis.hset(own_adapter._keys.births, mapping=written)
    assert await own_adapter.births() == UNCOUNTED


async def test_what_is_no_time_is_no_session(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Somebody wrote it into the list by hand; the others are there all the same."""
    await adapter.touch({"a": 1_766_021_400_000})
    scores = {"up": "inf", "down": "-inf", "far": 1e300}
    with broker.client() as client:
        client.zadd(f"{prefix}:sessions", scores)
    listed = {"a": 1_766_021_400_000}
    assert await adapter.sessions() == listed
    assert await adapter.latest_sessions(2) == listed
    assert await adapter.activity([*scores, "a"]) == listed
