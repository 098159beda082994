"""What only a real broker does: forget scripts, run full, go away, be edited."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tailcast_streams.births import UNCOUNTED
from tailcast_streams.claims import Claim
from tailcast_streams.exceptions import BrokerFull, BrokerRefused, BrokerUnavailable
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Appended
from tests.brokers import BrokerServer
from tests.conformance.batches import (
    append,
    first_batch,
    follow_on,
    position,
    record,
    rejection,
)


@pytest.fixture
def prefix() -> str:
    """Keys of this test alone."""
    return uuid.uuid4().hex


@pytest.fixture
async def adapter(broker: BrokerServer, prefix: str) -> AsyncIterator[RedisBroker]:
    """An adapter over a broker that others use too."""
    adapter = RedisBroker(broker.url, key_prefix=prefix)
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def own_adapter(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter over a broker that the test may break."""
    adapter = RedisBroker(own_broker.url)
    yield adapter
    await adapter.aclose()


async def test_plain_text_is_what_an_operator_sees(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Fields and IDs as documented."""
    await adapter.append(first_batch(record(30, b'{"step":1}')))
    await append(
        adapter, offset=40, rejections=(rejection(40),), fields={"path": "a.jsonl"}
    )

    client = broker.client()
    stream = client.xrange(f"{prefix}:{{s}}:stream")
    state = client.hgetall(f"{prefix}:{{s}}:state")
    rejected = client.xrange(f"{prefix}:{{s}}:rejected")
    client.close()

    assert stream == [
        (b"1-0", {b"k": b"w", b"p": b"0-0"}),
        (b"1-30", {b"r": b'{"step":1}', b"p": b"1-0"}),
    ]
    assert state[b"offset"] == b"40"
    assert state[b"path"] == b"a.jsonl"
    assert rejected == [
        (
            b"1-40",
            {b"why": b"not JSON", b"offset": b"35", b"length": b"4", b"line": b"junk"},
        )
    ]


async def test_a_full_batch_goes_in_one_call(adapter: RedisBroker) -> None:
    """A thousand entries, an offset above 2^32."""
    start = 2**33
    entries = [record(start + 30 * i, b"{}") for i in range(1, 1_001)]

    assert await adapter.append(first_batch(*entries, offset=start)) is Appended.DONE

    last = (await adapter.read_before("s", None, limit=1))[0]
    assert last.id == EntryID(1, start + 30_000)


async def test_a_foreign_entry_is_a_divergence(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """A stream that somebody wrote to by hand fits no state."""
    await adapter.append(first_batch(record(30)))
    batch = await follow_on(adapter, record(60), offset=60)
    client = broker.client()
    client.xadd(f"{prefix}:{{s}}:stream", {"by": "hand"})
    client.close()

    assert await adapter.append(batch) is Appended.DIVERGED
    assert (await position(adapter)).is_diverged
    foreign = (await adapter.read_before("s", None, limit=1))[0]
    assert foreign.previous == BEFORE_ALL


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


@pytest.mark.parametrize("lost", ["stream", "state"])
async def test_a_lost_key_is_a_divergence(
    adapter: RedisBroker, broker: BrokerServer, prefix: str, lost: str
) -> None:
    """Whichever of the two is gone; the state alone says that it is no beginning."""
    await adapter.append(first_batch(record(30)))
    batch = await follow_on(adapter, record(60), offset=60)
    client = broker.client()
    client.delete(f"{prefix}:{{s}}:{lost}")
    client.close()

    assert await adapter.append(batch) is Appended.DIVERGED
    state = await adapter.load("s")
    assert state is not None
    assert state.position.is_diverged
    assert await adapter.discard("s", state.position)
    assert await adapter.append(first_batch(record(30))) is Appended.DONE


async def test_rejections_that_survived_alone_are_a_divergence(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Nothing is half written: the entry before the rejection neither."""
    await adapter.append(first_batch(record(30)))
    await append(adapter, offset=40, rejections=(rejection(40),))
    client = broker.client()
    client.delete(f"{prefix}:{{s}}:stream", f"{prefix}:{{s}}:state")
    client.close()
    begin = first_batch(record(30), offset=40)
    with_rejection = await follow_on(
        adapter, *begin.entries, offset=40, rejections=(rejection(35),)
    )

    assert await adapter.append(with_rejection) is Appended.DIVERGED
    assert await adapter.read_after("s", BEFORE_ALL, limit=10) == []
    assert await adapter.discard("s", await position(adapter))
    assert await adapter.append(with_rejection) is Appended.DONE


async def test_a_broker_that_forgot_its_scripts_gets_them_again(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Scripts are not part of what a broker keeps over a restart."""
    await own_adapter.append(first_batch(record(30)))
    client = own_broker.client()
    client.script_flush()

    assert (await position(own_adapter)).offset == 30
    client.script_flush()
    await append(own_adapter, record(60), offset=60)
    client.close()


async def test_b2_a_full_broker_writes_nothing_and_trims(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """`BrokerFull` leaves stream and state as they were; trimming still works."""
    await own_adapter.append(first_batch(record(30, b'{"a":"' + b"x" * 9_000 + b'"}')))
    client = own_broker.client()
    client.config_set("maxmemory", 1)
    batch = await follow_on(own_adapter, record(60), offset=60)

    with pytest.raises(BrokerFull):
        await own_adapter.append(batch)

    assert (await position(own_adapter)).offset == 30
    await own_adapter.trim("s", EntryID(1, 31))
    client.config_set("maxmemory", 0)
    client.close()
    assert await own_adapter.append(batch) is Appended.DONE


async def test_a_broker_that_is_away_is_unavailable(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Nothing is retried below; once it is back, calls work again."""
    await own_adapter.append(first_batch(record(30)))
    own_broker.stop()

    with pytest.raises(BrokerUnavailable):
        await own_adapter.load("s")

    own_broker.start()
    assert (await position(own_adapter)).offset == 30


async def test_a_reply_lost_with_the_broker_is_unavailable_once(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """A restart between two calls costs one error, not a silent repetition."""
    await own_adapter.append(first_batch(record(30)))
    own_broker.restart()

    with pytest.raises(BrokerUnavailable):
        await own_adapter.load("s")
    assert (await position(own_adapter)).offset == 30


async def test_a_broker_that_came_back_is_there_for_everybody(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Of the connections that died with it none is handed out."""
    appends = (
        own_adapter.append(first_batch(record(30), session=f"s{n}")) for n in range(8)
    )
    await asyncio.gather(*appends)
    await asyncio.to_thread(own_broker.restart)

    states = await asyncio.gather(*(own_adapter.load(f"s{n}") for n in range(8)))
    assert None not in states


async def test_listeners_are_told_that_they_were_cut_off(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """A lost connection ends the iteration; it is not made anew in silence."""
    async with own_adapter.notifications() as payloads:
        own_broker.kill()
        with pytest.raises(BrokerUnavailable):
            async with asyncio.timeout(10):
                await anext(payloads)
    own_broker.start()


async def test_a_listener_may_wait_longer_than_a_command(
    adapter: RedisBroker, monkeypatch: pytest.MonkeyPatch, broker: BrokerServer
) -> None:
    """The time-out for replies does not end a silent feed."""
    monkeypatch.setattr("tailcast_streams.redis.connection.REPLY_TIMEOUT", 0.05)
    impatient = RedisBroker(broker.url, key_prefix=adapter._keys.prefix)
    try:
        async with impatient.notifications() as payloads:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(payloads)
    finally:
        await impatient.aclose()


async def test_two_databases_of_one_server(own_broker: BrokerServer) -> None:
    """The channel is the server's; each hears its own, and counts the other's."""
    one, other = RedisBroker(own_broker.url), RedisBroker(f"{own_broker.url}?db=1")
    foreign: list[None] = []
    try:
        async with (
            one.notifications(on_foreign=lambda: foreign.append(None)) as payloads,
            asyncio.timeout(10),
        ):
            await other.append(first_batch(record(30), session="theirs"))
            await other.clients.take("board", "elsewhere")
            await other.notify("!canary")
            await one.append(first_batch(record(30), session="ours"))
            assert await anext(payloads) == "0 ours"
    finally:
        await one.aclose()
        await other.aclose()
    assert len(foreign) == 3


async def test_what_version_0_1_says_is_heard(adapter: RedisBroker) -> None:
    """It names no installation: a hint like any other."""
    async with adapter.notifications() as payloads, asyncio.timeout(10):
        await adapter._redis.publish(adapter._keys.feed, "5 a session")
        assert await anext(payloads) == "5 a session"


async def test_an_emptied_broker_is_given_the_id_that_is_known(
    own_broker: BrokerServer,
) -> None:
    """By whoever settles first; who began meanwhile takes it over."""
    old, late = RedisBroker(own_broker.url), RedisBroker(own_broker.url)
    try:
        await old.settle_installation()
        own_broker.client().flushall()
        await old.settle_installation()
        async with late.notifications() as payloads, asyncio.timeout(10):
            await old.notify("!canary")
            assert await anext(payloads) == "!canary"
    finally:
        await old.aclose()
        await late.aclose()


@pytest.mark.parametrize("left", [b"", b"0011223344556677", b"by hand"])
async def test_who_finds_another_id_takes_it(
    own_broker: BrokerServer, left: bytes
) -> None:
    """A broker that was restored, or edited: one round of settling agrees."""
    one, other = RedisBroker(own_broker.url), RedisBroker(own_broker.url)
    client = own_broker.client()
    try:
        await one.settle_installation()
        client.set("telemetry:installation", left)
        async with other.notifications() as payloads, asyncio.timeout(10):
            await one.settle_installation()
            await one.notify("!canary")
            assert await anext(payloads) == "!canary"
        stored = client.get("telemetry:installation")
        assert stored == left or len(left) != 16
    finally:
        await one.aclose()
        await other.aclose()


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


async def test_an_id_that_cannot_be_written(own_adapter: RedisBroker) -> None:
    """Nothing is said under no name: the broker's own words come back."""
    await own_adapter._redis.config_set("maxmemory", 1)
    with pytest.raises(BrokerFull):
        await own_adapter.notify("!canary")
    await own_adapter._redis.config_set("maxmemory", 0)
    await own_adapter.notify("!canary")
    await own_adapter._redis.config_set("maxmemory", 1)
    # It is there: nothing has to be written.
    await own_adapter.settle_installation()


@pytest.mark.parametrize(
    "url", ["http://localhost", "localhost:6379", "redis://user:secret@host:x/0", ""]
)
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    """The message names what is understood and keeps secrets."""
    with pytest.raises(BrokerRefused) as refused:
        RedisBroker(url)
    assert "secret" not in str(refused.value)


async def test_a_key_of_another_type_is_refused(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Nothing that waiting mends: the broker's own words are kept."""
    client = broker.client()
    client.set(f"{prefix}:{{s}}:state", "by hand")
    client.close()

    with pytest.raises(BrokerRefused, match="wrong kind"):
        await adapter.load("s")


@pytest.fixture
def broker_without_password(own_brokers: Callable[[str], BrokerServer]) -> BrokerServer:
    """A broker that asks for a password."""
    server = own_brokers("valkey")
    client = server.client()
    client.config_set("requirepass", "secret")
    client.close()
    return server


async def test_a_missing_password_is_refused(
    broker_without_password: BrokerServer,
) -> None:
    """Waiting would not help."""
    adapter = RedisBroker(broker_without_password.url)
    with pytest.raises(BrokerRefused):
        await adapter.load("s")
    await adapter.aclose()


async def test_what_is_no_time_is_no_session(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Somebody wrote it into the list by hand; the others are there all the same."""
    await adapter.touch({"a": 1_766_021_400_000})
    scores = {"up": "inf", "down": "-inf", "far": 1e300}
    with broker.client() as client:
        client.zadd(f"{prefix}:sessions", scores)
    assert await adapter.sessions() == {"a": 1_766_021_400_000}
