"""An indexer on a broker: whatever happens, the index is the fold over the stream."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial

import pytest

from tailcast_index.fold import Index
from tailcast_index.rollups.layout import OPEN_FIELD
from tailcast_indexer.app import IndexerService
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import NO_INDEX, IndexWrite, needs_of
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.appending.retention import Retention
from tests.brokers import BrokerServer
from tests.indexer.rig import (
    append,
    check,
    fold_whole,
    is_behind,
    is_counted,
    metric,
    position,
    records,
    running,
    until_indexed,
)
from tests.tailer.harness import Broker, eventually


@pytest.fixture(params=["memory", "valkey", "redis"])
async def broker(
    request: pytest.FixtureRequest, own_brokers: Callable[[str], BrokerServer]
) -> AsyncIterator[Broker]:
    """An empty broker of each kind."""
    if request.param == "memory":
        yield MemoryBroker()
        return
    async with aclosing(RedisBroker(own_brokers(request.param).url)) as adapter:
        yield adapter


def ignore(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


async def is_read(service: IndexerService) -> bool:
    """Whether nothing is being read, nor waits for that."""
    return service._queue.is_idle and not service._queue.behind


def agree(_session: str) -> bool:
    """Take every session."""
    return True


async def test_what_is_there_is_indexed_and_what_comes(broker: Broker) -> None:
    """Sessions of before, of an older version too, and those that begin later."""
    await append(broker, "old", records(0, 700))
    async with running(broker) as service:
        await until_indexed(broker, "old")
        assert service.why_not_ready() == ""
        for start in range(0, 300, 100):
            await append(broker, "new {1}", records(start, 100))
        await append(broker, "old", records(700, 10))
        await until_indexed(broker, "old", "new {1}")
        await check(broker, "old")
        await check(broker, "new {1}")


async def test_a_new_session_is_read_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first record shows how it is read, and is in memory with the others."""
    asked: list[EntryID] = []
    many = broker.read_many_after

    async def read_many(
        after: Mapping[str, EntryID], *, limit: int
    ) -> Mapping[str, Sequence[Entry]]:
        asked.extend(after.values())
        return await many(after, limit=limit)

    await append(broker, "s", records(0, 10))
    monkeypatch.setattr(broker, "read_many_after", read_many)
    async with running(broker, audit_interval=60.0) as service:
        await until_indexed(broker, "s")
        assert asked.count(BEFORE_ALL) == 1
        assert metric(service, "made_anew_total") >= 1
    await check(broker, "s")


async def test_a_lost_hint_is_found_by_comparing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but speed depends on notifications."""
    async with running(broker) as service:
        await append(broker, "s", records(0, 10))
        await until_indexed(broker, "s")
        monkeypatch.setattr(service._listener, "_take", ignore)
        await append(broker, "s", records(10, 10))
        await append(broker, "t", records(0, 10))
        await until_indexed(broker, "s", "t")
        await check(broker, "s")


async def test_one_that_comes_back_goes_on(broker: Broker) -> None:
    """What is stored is read, and what is behind it, with a part of the curves."""
    for start in range(0, 10_000, 1_000):
        await append(broker, "s", records(start, 1_000))
    async with running(broker):
        await until_indexed(broker, "s")
    await append(broker, "s", records(10_000, 20))
    async with running(broker) as service:
        await until_indexed(broker, "s")
        assert 20 <= metric(service, "entries_total") < 5_000
        assert metric(service, "made_anew_total") == 0
    await check(broker, "s")


async def test_an_index_whose_curves_cannot_be_used_is_made_again(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody cut them by hand; it could not go on with them."""
    for start in range(0, 9_000, 1_000):
        await append(broker, "s", records(start, 1_000))
    async with running(broker):
        await until_indexed(broker, "s")
    await append(broker, "s", records(9_000, 20))

    def refuse(_index: Index, _chunks: object) -> None:
        raise ValueError("cut")

    monkeypatch.setattr(Index, "give", refuse)
    async with running(broker) as service:
        await until_indexed(broker, "s")
        assert metric(service, "made_anew_total") > 0
    await check(broker, "s")


async def test_its_end_writes_what_it_has(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the next second, and says that it is gone."""
    async with running(broker) as service:
        await append(broker, "s", records(0, 10))
        await until_indexed(broker, "s")
        # Whoever reads it once more would fold what is folded here.
        await eventually(partial(is_read, service))
        # As if it had folded some, and its next write were not due.
        monkeypatch.setattr(service._queue, "moved", ignore)
        await append(broker, "s", records(10, 10))
        held = service._shelf.get("s")
        assert held is not None
        entries = await broker.read_after("s", held.index.reads_after, limit=99)
        held.index.fold(entries, now_ms=await broker.now_ms())
        held.is_dirty = True
    assert await broker.indexers.present() == []
    await check(broker, "s")


async def test_a_rewrite_is_followed(broker: Broker) -> None:
    """What is gone of the file is gone of the figures."""
    async with running(broker):
        await append(broker, "s", records(0, 300))
        await until_indexed(broker, "s")
        entries = await broker.read_after("s", EntryID(1, 0), limit=100)
        await append(broker, "s", records(100, 50), keep=entries[-1].id.offset)
        await until_indexed(broker, "s")
        await check(broker, "s")
        await append(broker, "s", records(0, 5), keep=0)
        await until_indexed(broker, "s")
    await check(broker, "s")


async def test_a_session_that_begins_anew_has_another_index(broker: Broker) -> None:
    """Deleted by its tailer, and read again with other lines."""
    async with running(broker):
        await append(broker, "s", records(0, 300))
        await until_indexed(broker, "s")
        assert await broker.discard("s", await position(broker, "s"))
        assert await broker.indexes.load(["s"]) == [NO_INDEX]
        await append(broker, "s", records(50, 20), incarnation="i2")
        await until_indexed(broker, "s")
        await check(broker, "s")


async def test_an_index_that_somebody_deleted_is_made_again(broker: Broker) -> None:
    """Though the session rests, and it is in memory."""
    async with running(broker):
        await append(broker, "s", records(0, 300))
        await until_indexed(broker, "s")
        await broker.indexes.discard("s")
        await until_indexed(broker, "s")
        await check(broker, "s")


async def test_an_index_by_other_rules_is_made_again(broker: Broker) -> None:
    """By those keys that are set now."""
    lines = [b'{"step":%d,"iter":%d,"loss":1}' % (n, 2 * n) for n in range(50)]
    await append(broker, "s", lines)
    async with running(broker, step_keys=("iter",)):

        async def is_by_others() -> bool:
            return (await broker.indexes.ats(["s"])) != [""]

        await eventually(is_by_others)
    before = await broker.indexes.ats(["s"])
    async with running(broker):

        async def is_made_again() -> bool:
            return (await broker.indexes.ats(["s"])) != before

        await eventually(is_made_again)
    await check(broker, "s")


async def test_what_nobody_of_us_wrote_is_made_again(broker: Broker) -> None:
    """An `at` ahead of the stream, of another life, or no index at all."""
    await append(broker, "s", records(0, 30))
    end = (await broker.ends(["s"]))[0]
    for at in (
        f"{end.incarnation} 9-9 00000000 1.00000000",
        f"other {end.cursor.id} {end.cursor.digest:08x} 1.00000000",
        f"{end.incarnation} {end.cursor.id} 00000000 1.00000000",
        "by hand",
    ):
        await broker.indexes.discard("s")
        write = IndexWrite(
            session="s", expected="", at=at, metrics={"none": b"[]"},
            fields={"records": b"9"},
        )  # fmt: skip  # one argument a line would hide what they are
        await broker.indexes.write([write])
        async with running(broker):
            await until_indexed(broker, "s")
            await check(broker, "s")


async def test_an_index_of_no_session_is_deleted(broker: Broker) -> None:
    """An older tailer left it when it deleted the session."""
    write = IndexWrite(session="gone", expected="", at="i1 1-30 00000000 1.0")
    await broker.indexes.write([write])
    await broker.touch({"gone": await broker.now_ms()})
    async with running(broker) as service:

        async def is_deleted() -> bool:
            return await broker.indexes.load(["gone"]) == [NO_INDEX]

        await eventually(is_deleted)
        await eventually(lambda: is_counted(service, "orphans_total", 1))


async def test_trimmed_streams_are_indexed_from_where_they_begin(
    broker: Broker,
) -> None:
    """And one of which nothing is left is looked at once."""
    for session in ("part", "none"):
        await append(broker, session, records(0, 3_000))
    oldest = (await broker.read_after("part", EntryID(1, 0), limit=2_000))[-1]
    await broker.trim("part", oldest.id)
    await broker.trim("none", EntryID(2, 0))
    async with running(broker) as service:
        await until_indexed(broker, "part")
        await eventually(lambda: is_behind(service, 0))
        assert await broker.indexes.load(["none"]) == [NO_INDEX]
    stored = await check(broker, "part")
    assert b"trimmed" in stored.fields["gaps"]


@pytest.mark.parametrize("kept_bytes", [1, 100_000])
async def test_memory_is_bounded(broker: Broker, kept_bytes: int) -> None:
    """Indexes that were not used for longest are dropped, and read again."""
    names = [f"run_{number}" for number in range(60)]
    for name in names:
        await append(broker, name, records(0, 10))
    async with running(broker, kept_bytes=kept_bytes) as service:
        await until_indexed(broker, *names)
        await eventually(lambda: is_behind(service, 0))
        assert service._shelf.cost_bytes <= kept_bytes
        assert metric(service, "evicted_total") > 0
        for name in names[:9]:
            await append(broker, name, records(10, 10))
        await until_indexed(broker, *names)
    for name in names[:10]:
        await check(broker, name)


async def test_two_at_once_agree(broker: Broker) -> None:
    """They share the sessions; when one goes, the other has all."""
    names = [f"run_{number}" for number in range(20)]
    async with running(broker, name="two") as two:
        async with running(broker, name="one") as one:
            await eventually(lambda: are_sharing(one, two))
            for start in range(0, 200, 50):
                for name in names:
                    await append(broker, name, records(start, 50))
            await until_indexed(broker, *names)
            assert metric(one, "entries_total") > 0
            assert metric(two, "entries_total") > 0
        for name in names:
            await append(broker, name, records(200, 5))
        await until_indexed(broker, *names)
    for name in names:
        await check(broker, name)


async def are_sharing(*services: IndexerService) -> bool:
    """Whether they know each other."""
    return all(metric(one, "sharing") == len(services) for one in services)


async def test_two_that_do_not_know_each_other_do_no_harm(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes all sessions: of two writes one is refused, and read anew."""
    async with running(broker, name="one") as one, running(broker, name="two") as two:
        await eventually(lambda: are_sharing(one, two))
        for service in (one, two):
            monkeypatch.setattr(service._link, "keeps", agree)
            service._audit.see_all()
        for start in range(0, 2_000, 100):
            await append(broker, "s", records(start, 100))
            await until_indexed(broker, "s")
        conflicts = metric(one, "conflicts_total") + metric(two, "conflicts_total")
        assert conflicts > 0
    await check(broker, "s")


async def test_what_retention_takes_is_in_the_index(broker: Broker) -> None:
    """Whoever goes on knows the whole run, though the stream has its end alone."""
    retention = Retention(broker, session_bytes=150_000, total_bytes=2**40)
    whole = MemoryBroker()
    for start in range(0, 8_000, 2_000):
        async with running(broker):
            for first in range(start, start + 2_000, 400):
                before = (await position(broker, "s")).offset
                for one in (broker, whole):
                    await append(one, "s", records(first, 400))
                after = await position(broker, "s")
                await retention.after_append(
                    "s", after, generation_start=0, added=after.offset - before,
                    activity_ms=1,
                )  # fmt: skip  # one name a line would hide what they are
                await until_indexed(broker, "s")
    (oldest,) = await broker.read_after("s", BEFORE_ALL, limit=1)
    assert oldest.previous.offset > (await position(broker, "s")).offset // 2
    (stored,) = await broker.indexes.load(["s"])
    at, fields, metrics, chunks = await fold_whole(whole, "s")
    assert "gaps" not in stored.fields
    assert (stored.at, stored.fields["records"]) == (at, fields["records"])
    assert await broker.indexes.metrics("s", None) == metrics
    chunks = {name: text for name, text in chunks.items() if name[1] != OPEN_FIELD}
    assert await broker.indexes.chunks("s", list(chunks)) == list(chunks.values())


async def test_a_file_that_is_cut_back_to_what_was_trimmed(broker: Broker) -> None:
    """Curves and figures of what is left stay, also over the end of an indexer."""
    lines = records(0, 3_000)
    await append(broker, "s", lines)
    entries = await broker.read_after("s", BEFORE_ALL, limit=5_000)

    async def is_all_stored() -> bool:
        (stored,) = await broker.indexes.load(["s"])
        needs = needs_of(stored)
        return needs is not None and needs.after == entries[-1].id

    async with running(broker):
        await eventually(is_all_stored)
    await broker.trim("s", entries[-10].id)
    kept = entries[1_000].id
    over = [(32, "2:0"), (32, "4:0"), (32, "4:")]
    assert None not in await broker.indexes.chunks("s", over)

    await append(broker, "s", records(1_000, 30), keep=kept.offset)
    async with running(broker) as service:
        await until_indexed(broker, "s")
        assert metric(service, "made_anew_total") == 1
    await append(broker, "s", records(1_030, 70))
    async with running(broker) as service:
        await until_indexed(broker, "s")
        assert metric(service, "made_anew_total") == 0

    (stored,) = await broker.indexes.load(["s"])
    assert stored.fields["records"] == b"%d" % (993 + 100)
    assert stored.fields["steps"] == b"[0,1099,1099]"
    assert json.loads(stored.fields["approximate"]) == str(entries[993].id)
    assert json.loads(stored.fields["gaps"]) == [
        1, [[str(entries[993].id), str(kept), "trimmed"]],
    ]  # fmt: skip  # one glance
    metrics = await broker.indexes.metrics("s", None)
    assert set(metrics) == {"phi", "late_0", "late_1", "late_2"}
    phi = json.loads(metrics["phi"])
    values = [step % 7 for step in (*range(993), *range(1_000, 1_100))]
    assert phi == [0, "int", 1_099 % 7, 0, 6, sum(values), len(values), 0, 0, 1_099]
    place = await broker.indexes.place_before("s", step=2_999)
    assert place is not None
    assert (place.step, place.records) == (992, 993)
    assert await broker.indexes.chunks("s", over) == [None] * 3


async def test_what_a_full_broker_takes_is_named(broker: Broker) -> None:
    """The index says from where on it is true of the records that went before it."""
    retention = Retention(broker, session_bytes=2**40, total_bytes=2**40)
    await append(broker, "s", records(0, 1_000))
    stored = await position(broker, "s")
    retention.note("s", stored, activity_ms=1)
    for _ in range(3):
        await retention.make_room()
    (oldest,) = await broker.read_after("s", BEFORE_ALL, limit=1)
    async with running(broker):
        await until_indexed(broker, "s")
    (index,) = await broker.indexes.load(["s"])
    assert json.loads(index.fields["gaps"]) == [
        1, [["0-0", str(oldest.previous), "trimmed"]],
    ]  # fmt: skip  # one glance
