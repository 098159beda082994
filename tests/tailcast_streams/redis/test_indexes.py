"""Indexes in a real broker, which may be full, forget scripts, or be edited by hand."""

import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from tailcast.embedded import find_program
from tailcast_streams.exceptions import (
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
    BrokerUnwilling,
    KeySpoiled,
)
from tailcast_streams.indexes import (
    LEVELS,
    NO_INDEX,
    IndexWrite,
    Place,
    WholeIndex,
    Written,
)
from tailcast_streams.keys import Keys
from tailcast_streams.position import EntryID
from tailcast_streams.redis import indexes
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.redis.connection import ask
from tests.accounts import add_account
from tests.brokers import BrokerServer, ProcessBroker
from tests.conformance.batches import first_batch, position, record


WHOLE = IndexWrite(
    session="s",
    expected="",
    at="i1 1-20 00000000 1",
    fields={"step_key": b"step"},
    metrics={"phi": b"[1]"},
    places=[Place(EntryID(1, 20), 1, 5, 1_000), Place(EntryID(1, 30), 2, 7.5, None)],
    chunks={(level, "0:1"): b"x" for level in LEVELS},
)
NEXT = replace(WHOLE, expected=WHOLE.at, at="i1 1-30 00000000 1", begins=True)
# Each follows on from the one before it.
WRITES = [
    WHOLE,
    replace(NEXT, begins=False, keep_records=1, dropped=[(32, "0:1")], chunks={}),
    replace(NEXT, expected=NEXT.at, at="i1 1-40 00000000 1", keep_records=1),
    replace(NEXT, expected="i1 1-40 00000000 1", at="i1 1-50 00000000 1"),
]
# What a broker needs for itself.
SLACK_BYTES = 1_000_000


async def dump(adapter: RedisBroker, session: str = "s") -> dict[bytes, Any]:
    """All keys of a session as they are stored."""
    redis: Any = adapter._redis
    pattern = adapter._keys.index(session).removesuffix("index") + "*"
    found = sorted(await redis.keys(pattern))
    return {key: await redis.dump(key) for key in found}


async def test_plain_text_is_what_an_operator_sees(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Fields and members as documented."""
    await adapter.indexes.write([WHOLE])

    with broker.client() as client:
        assert client.hgetall(f"{prefix}:{{s}}:index") == {
            b"at": b"i1 1-20 00000000 1",
            b"step_key": b"step",
        }
        assert client.hgetall(f"{prefix}:{{s}}:metrics") == {b"phi": b"[1]"}
        assert client.zrange(f"{prefix}:{{s}}:places", 0, -1, withscores=True) == [
            (b"0000000000000001 1-20 5 1000", 5),
            (b"0000000000000002 1-30 7.5 -", 7.5),
        ]
        assert client.zrange(f"{prefix}:{{s}}:places:time", 0, -1) == [
            b"0000000000000001 1-20 5 1000"
        ]
        assert client.hgetall(f"{prefix}:{{s}}:rollup:256") == {b"0:1": b"x"}


async def test_a_full_broker_writes_nothing(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Not even what deletes before it writes."""
    await own_adapter.indexes.write([WHOLE])
    before = await dump(own_adapter)
    with own_broker.client() as client:
        client.config_set("maxmemory", 1)

        for write in (replace(WHOLE, session="other"), WRITES[1], NEXT):
            with pytest.raises(BrokerFull):
                await own_adapter.indexes.write([write])

        assert await dump(own_adapter) == before
        client.config_set("maxmemory", 0)
    assert await own_adapter.indexes.write([NEXT]) == [Written.DONE]


async def test_what_fills_a_broker_is_written_whole(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Memory that runs out half-way does not end a write that has begun."""
    many = {f"m{number}": b"x" * 1_000 for number in range(5_000)}
    with own_broker.client() as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used + SLACK_BYTES)
        write = replace(WHOLE, metrics=many)

        try:
            written = await own_adapter.indexes.write([write])
        except BrokerFull:
            written = []

        client.config_set("maxmemory", 0)
    metrics = await own_adapter.indexes.metrics("s", None)
    assert metrics == (many if written == [Written.DONE] else {})


async def test_a_replica_is_not_written_to(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """It says what it is, and its index is read."""
    await own_adapter.indexes.write([WHOLE])
    with own_broker.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")

        with pytest.raises(BrokerUnwilling, match="READONLY"):
            await own_adapter.indexes.write([NEXT])

        assert (await own_adapter.indexes.load(["s"]))[0].at == WHOLE.at
        client.execute_command("REPLICAOF", "NO", "ONE")
    assert await own_adapter.indexes.write([NEXT]) == [Written.DONE]


@pytest.mark.parametrize("number", range(len(Keys("").of_index("s"))))
async def test_a_foreign_key_hurts_its_session_alone(
    adapter: RedisBroker, number: int
) -> None:
    """It is not written over; nothing is, until it is gone."""
    key = adapter._keys.of_index("s")[number]
    await adapter.indexes.write([WHOLE])
    await adapter._redis.delete(key)
    await adapter._redis.set(key, "by hand")
    before = await dump(adapter)

    for write in WRITES:
        other = replace(write, session="other")
        assert await adapter.indexes.write([write, other]) == [
            Written.FOREIGN,
            Written.DONE,
        ]

    assert await dump(adapter) == before
    found = await adapter.indexes.load(["s", "other"])
    assert [index.at for index in found] == [
        "" if number == 0 else WHOLE.at,
        WRITES[-1].at,
    ]
    await adapter._redis.delete(key)
    last = replace(NEXT, expected=found[0].at)
    assert await adapter.indexes.write([last]) == [Written.DONE]


@pytest.mark.parametrize("writes", [1, 2, None])
async def test_an_index_has_its_own_metrics_whoever_writes_meanwhile(
    adapter: RedisBroker, monkeypatch: pytest.MonkeyPatch, writes: int | None
) -> None:
    """Another write comes between both as often as that; else it is given up."""
    await adapter.indexes.write([WHOLE])
    count = 0

    async def one_by_one(redis: Any, commands: Sequence[Any]) -> list[Any]:
        nonlocal count
        replies = await ask(redis, commands[:1])
        if writes is None or count < writes:
            stored, count = await adapter._redis.hget(commands[0][1], "at"), count + 1
            assert isinstance(stored, bytes)
            write = replace(
                WHOLE, expected=stored.decode(), at=f"{count}",
                metrics={"phi": b"[%d]" % (count + 1)},
            )  # fmt: skip  # one glance
            [command] = [adapter.indexes._command(write)]
            assert await ask(redis, [command]) == [b"done"]
        return replies + await ask(redis, commands[1:])

    monkeypatch.setattr(indexes, "ask", one_by_one)
    if writes is None:
        with pytest.raises(BrokerUnavailable, match="all the time"):
            await adapter.indexes.whole(["s"], ["phi"])
        assert count == indexes.WHOLE_TRIES
        return
    ((stored, metrics),) = await adapter.indexes.whole(["s"], ["phi"])
    assert (stored.at, metrics) == (f"{writes}", {"phi": b"[%d]" % (writes + 1)})


async def test_a_write_names_no_key_that_it_does_not_change(
    adapter: RedisBroker,
) -> None:
    """Mostly it changes two of eleven; that another one is foreign is seen later."""
    await adapter.indexes.write([WHOLE])
    keys = adapter._keys
    for key in (keys.places("s"), keys.rollup("s", 2_048)):
        await adapter._redis.delete(key)
        await adapter._redis.set(key, "by hand")
    figures = replace(WHOLE, expected=WHOLE.at, at="2", places=(), chunks={})
    places = replace(figures, expected="2", at="3", places=WHOLE.places)
    chunks = replace(figures, expected="2", at="3", chunks={(2_048, "0:1"): b"x"})

    answers = await adapter.indexes.write([figures, places, chunks])
    assert answers == [Written.DONE, Written.FOREIGN, Written.FOREIGN]
    await adapter._redis.delete(keys.places("s"))
    fine = replace(figures, expected="2", at="3", dropped=[(256, "0:1")])
    assert await adapter.indexes.write([chunks, fine, places]) == [
        Written.FOREIGN, Written.DONE, Written.CONFLICT,
    ]  # fmt: skip  # one for each
    assert await adapter.indexes.chunks("s", [(32, "0:1"), (256, "0:1")]) == [
        b"x",
        None,
    ]


async def test_what_is_read_of_a_foreign_key_is_refused(adapter: RedisBroker) -> None:
    """With what to do about it."""
    read = adapter.indexes
    for key in adapter._keys.of_index("s"):
        await adapter._redis.set(key, "by hand")
    for call in (
        read.metrics("s", None),
        read.metrics("s", ["phi"]),
        read.place_before("s", step=1),
        read.chunks("s", [(32, "0:")]),
    ):
        with pytest.raises(KeySpoiled, match="set another prefix"):
            await call
    assert await read.load(["s"]) == [NO_INDEX]
    assert await read.whole(["s"], None) == [WholeIndex()]
    assert await read.ats(["s"]) == [""]
    assert await read.some(["s"], ["records"]) == [NO_INDEX]
    await read.discard("s")
    assert await dump(adapter) == {}


async def test_a_broker_that_forgot_the_script_writes_each_once(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """It is loaded again, and what was not written is sent again."""
    writes = [replace(WHOLE, session=name) for name in ("a", "b")]
    await own_adapter.indexes.write(writes[:1])
    with own_broker.client() as client:
        client.script_flush()

    written = await own_adapter.indexes.write(writes)

    assert written == [Written.CONFLICT, Written.DONE]


@pytest.mark.parametrize(
    "denied", ["hset", "hdel", "zadd", "zrem", "zrevrange", "del", "type", "hget"]
)
async def test_who_may_not_do_all_of_it_does_nothing(
    own_adapter: RedisBroker, own_broker: BrokerServer, denied: str
) -> None:
    """A script does not roll back."""
    await own_adapter.indexes.write([WHOLE])
    before = await dump(own_adapter)
    url = add_account(own_broker, "less", f"~* &* +@all -{denied}")
    async with aclosing(RedisBroker(url)) as less:
        for write in (WRITES[1], NEXT):
            with pytest.raises(BrokerRefused, match="docs/operations.md"):
                await less.indexes.write([write])
    assert await dump(own_adapter) == before


async def test_errors_of_reads_are_translated(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """An account that may read no hash."""
    url = add_account(own_broker, "less", "~* &* +@all -hgetall")
    async with aclosing(RedisBroker(url)) as less:
        with pytest.raises(BrokerRefused, match="account"):
            await less.indexes.load(["s"])


@pytest.fixture
def cluster() -> Iterator[ProcessBroker]:
    """A node that has all slots, and refuses what would touch two."""
    options = ("--cluster-enabled", "yes")
    with ProcessBroker(find_program(), tcp=True, options=options) as node:
        with node.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
            asked: Any = client
            while "state:ok" not in str(asked.execute_command("CLUSTER", "INFO")):
                time.sleep(0.01)
        yield node


async def test_all_keys_of_an_index_are_declared_and_in_one_slot(
    cluster: ProcessBroker,
) -> None:
    """So that a cluster takes the scripts."""
    async with aclosing(RedisBroker(cluster.url)) as adapter:
        await adapter.append(first_batch(record(30)))
        for write in WRITES:
            assert await adapter.indexes.write([write]) == [Written.DONE]
        assert await adapter.discard("s", await position(adapter))
        assert await dump(adapter) == {}
