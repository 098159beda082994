"""What is written into streams of a real broker, which may be edited or full."""

import pytest

from tailcast_streams.exceptions import BrokerFull
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


@pytest.mark.parametrize("proof", ["", "-", "two words", "a\tb", "64:00"])
async def test_fields_that_most_appends_write_may_say_anything(
    adapter: RedisBroker, broker: BrokerServer, prefix: str, proof: str
) -> None:
    """Also what cannot stand among the others; and what is not written stays."""
    fields = {"size": 40, "updated_ms": 7, "written_ms": 8, "last_digest": 9}
    await adapter.append(first_batch(record(30)))
    await append(adapter, record(40), offset=40, fields={**fields, "path": "a.jsonl"})

    await append(adapter, record(50), offset=50, fields={"marker_proof": proof})

    with broker.client() as client:
        state = client.hgetall(f"{prefix}:{{s}}:state")
    written = {**fields, "marker_proof": proof, "path": "a.jsonl", "incarnation": "i1"}
    expected = {name.encode(): str(value).encode() for name, value in written.items()}
    assert expected.items() <= state.items()


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


@pytest.mark.parametrize(
    "value", [b"\xff\x00{]", b"", b"007", b"1e3", b"9" * 30, b"-1"]
)
@pytest.mark.parametrize(
    "field", ["incarnation", "generation", "offset", "last_id", "last_rejected_id"]
)
async def test_what_cannot_be_read_is_compared_as_it_is_read(
    adapter: RedisBroker, broker: BrokerServer, prefix: str, field: str, value: bytes
) -> None:
    """Else a state with such a field could never be discarded, nor followed on from."""
    await adapter.append(first_batch(record(30)))
    with broker.client() as client:
        client.hset(f"{prefix}:{{s}}:state", field, value)
    seen = await position(adapter)
    assert not await adapter.discard("s", seen._replace(offset=31))
    assert await adapter.discard("s", seen)
    assert await adapter.load("s") is None


@pytest.mark.parametrize("kind", ["stream", "state", "rejected"])
async def test_a_spoiled_key_is_a_divergence(
    adapter: RedisBroker, broker: BrokerServer, prefix: str, kind: str
) -> None:
    """Another program wrote it: it is discarded with the rest of the session."""
    await adapter.append(first_batch(record(30)))
    await append(adapter, offset=40, rejections=(rejection(40),))
    batch = await follow_on(adapter, record(60), offset=60, rejections=(rejection(50),))
    with broker.client() as client:
        key = f"{prefix}:{{s}}:{kind}"
        client.delete(key)
        client.set(key, b"by hand")

    assert await adapter.append(batch) is Appended.DIVERGED
    seen = await position(adapter)
    assert seen.is_diverged is (kind != "rejected")
    assert (await adapter.ends(["s"]))[0].is_spoiled is (kind != "rejected")
    assert await adapter.discard("s", seen)
    assert await adapter.append(first_batch(record(30))) is Appended.DONE
