"""Sessions that lived their time, with a real broker and files; time is ours."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.indexers import Indexer
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import NOTHING_STORED
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.upkeep.expiry import Expiry
from tailcast_tailer.upkeep.presence import Presence
from tests.brokers import BrokerServer
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.single import AtOnce, Clock, Single


TTL = 400.0
OWNER = "host:test"


@pytest.fixture
async def adapter(broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter with keys of its own."""
    made = RedisBroker(broker.url, key_prefix=uuid.uuid4().hex)
    yield made
    await made.aclose()


class World:
    """A tailer of one file, its sessions' end, and a clock."""

    def __init__(self, adapter: RedisBroker, log_dir: Path, clock: Clock) -> None:
        self.adapter = adapter
        self.clock = clock
        # By how much the tailer's clock was set.
        self.set_by = 0.0
        self.directory = log_dir / "telemetry"
        self.path = session_path(log_dir, "a")
        self.restart()

    def restart(self, owner: str = OWNER) -> None:
        """A tailer that knows nothing yet."""
        self.unindexed: list[str] = []
        self.retention = Retention(
            self.adapter,
            session_bytes=2**40,
            total_bytes=2**40,
            on_unindexed=lambda _session, why, _size: self.unindexed.append(why),
        )
        self.tailer = Single(
            self.adapter, self.path, self.clock, owner=owner, session_ttl=TTL,
            retention=self.retention,
        )  # fmt: skip  # one glance
        presence = Presence(
            self.adapter,
            owner=owner,
            instruments=self.tailer.instruments,
            make_room=self.retention.make_room,
            on_back=lambda: None,
        )
        self.expiry = Expiry(
            self.adapter, presence, retention=self.retention, owner=owner,
            roots=[str(self.directory)], session_ttl=TTL,
            instruments=self.tailer.instruments, run=AtOnce(),
            clock=self.clock, wall_clock=self.wall_clock,
        )  # fmt: skip  # one glance

    def wall_clock(self) -> float:
        """What the tailer's machine shows."""
        return self.clock() + self.set_by

    async def write(self, *steps: int) -> None:
        """Lines at this time, taken in and listed."""
        append(self.path, lines(*steps))
        os.utime(self.path, (self.clock.now, self.clock.now))
        await self.tailer.settle()
        await self.adapter.touch({"a": self.tailer.follower.activity_ms})

    async def later(self, seconds: float) -> None:
        """Time passes; what lived its time is dealt with."""
        self.clock.now += seconds
        await self.expiry.look()

    @property
    def ended(self) -> float:
        """How many sessions were emptied or deleted."""
        return self.tailer.metric("expired")


@pytest.fixture
def world(adapter: RedisBroker, tmp_path: Path) -> World:
    """A world of the test's own."""
    return World(adapter, tmp_path, Clock())


async def test_b1_a_session_that_rests_is_emptied_once_and_goes_on(
    world: World,
) -> None:
    """Its keys stay, nothing is read again, and what is appended later follows on."""
    await world.write(1, 2)
    await world.later(TTL - 1)
    assert await records_of(world.adapter, "a") == texts(1, 2)

    await world.later(1)
    await world.later(1)

    assert await records_of(world.adapter, "a") == []
    assert world.ended == 1
    world.tailer.follower.reload_state()
    await world.tailer.settle()
    assert await records_of(world.adapter, "a") == []
    await world.write(3)
    await world.later(TTL - 1)
    assert await records_of(world.adapter, "a") == texts(3)
    assert list(await world.adapter.sessions()) == ["a"]


async def test_a_session_waits_for_its_index_as_long_again(world: World) -> None:
    """It is told as emptied when it is; that the index never comes is no reason."""
    await world.write(1, 2)
    indexer = Indexer("i", "0.1.0", 1, 0, 0, 0)
    await world.adapter.indexers.hold(indexer, seconds=50)
    await world.later(TTL)
    assert await records_of(world.adapter, "a") == texts(1, 2)
    assert world.ended == 0
    await world.later(TTL)
    assert await records_of(world.adapter, "a") == []
    assert world.ended == 1
    assert world.unindexed == ["age"]


async def test_a_clock_that_is_set_ends_no_life(world: World) -> None:
    """A session that was appended to here is as old as that, by the steady clock."""
    world.expiry.include(world.tailer.follower)
    await world.write(1, 2)
    world.set_by = 100 * TTL
    await world.later(TTL - 1)
    assert await records_of(world.adapter, "a") == texts(1, 2)
    await world.later(1)
    assert await records_of(world.adapter, "a") == []


async def test_a_clock_that_is_ahead_of_the_brokers_ends_no_life(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a tailer that began anew, and has seen nothing of it."""
    await world.write(1, 2)
    world.restart()
    now = 1_000_000.0

    async def now_ms() -> int:
        return int(now)

    monkeypatch.setattr(world.adapter, "now_ms", now_ms)
    world.set_by = 100 * TTL
    await world.later(TTL / 2)
    assert await records_of(world.adapter, "a") == texts(1, 2)
    now += 2 * TTL * 1_000
    await world.later(TTL)
    assert await records_of(world.adapter, "a") == []


async def test_b1_a_file_that_is_there_is_never_deleted_from_the_broker(
    world: World,
) -> None:
    """However long it rests: else it would be read again, or be gone."""
    await world.write(1)
    for _ in range(5):
        await world.later(TTL)
    state = await world.adapter.load("a")
    assert state is not None
    assert state.records == 1


async def test_b1_all_keys_go_once_the_file_is_absent_for_as_long(
    world: World,
) -> None:
    """Stream, state, rejected, the name in the list; whatever restarts meanwhile."""
    append(world.path, b"junk\n")
    await world.write(1)
    world.path.unlink()
    # Or, to a tailer that has just begun, the directory might be one without its mount.
    (world.directory / "other").touch()
    await world.later(TTL)
    world.restart()
    await world.later(TTL - 1)
    assert await world.adapter.load("a") is not None

    await world.later(1)

    assert await world.adapter.positions(["a"]) == [NOTHING_STORED]
    assert await world.adapter.sessions() == {}
    keys = world.adapter._keys
    assert await world.adapter._redis.exists(keys.rejected("a")) == 0
    # A new file of that name is a new session.
    world.path.write_bytes(lines(7))
    await world.tailer.settle()
    assert await records_of(world.adapter, "a") == texts(7)
    assert world.tailer.metric("healed_bytes") == 0


async def test_b1_absence_is_counted_anew_when_the_file_was_back(
    world: World,
) -> None:
    """Back as it was, or with more in it."""
    await world.write(1)
    kept = world.path.read_bytes()
    for write_more in (False, True):
        world.path.unlink()
        await world.later(TTL)
        world.path.write_bytes(kept)
        os.utime(world.path, (1.0, 1.0))
        if write_more:
            await world.write(2)
        await world.later(TTL - 1)
        world.path.unlink()
        await world.later(1)
        await world.later(TTL - 1)
        assert await world.adapter.load("a") is not None
        world.path.write_bytes(kept)
        os.utime(world.path, (1.0, 1.0))


@pytest.mark.parametrize("how", ["gone", "empty", "unreadable name"])
async def test_b1_what_cannot_be_seen_is_not_absent(world: World, how: str) -> None:
    """No directory, an empty mount point, a path that cannot be asked for."""
    await world.write(1)
    if how == "unreadable name":
        stored = (await world.adapter.positions(["a"]))[0]
        assert stored.incarnation
        name = world.adapter._keys.state("a")
        path = f"{world.directory}/\\udcff.jsonl"
        await world.adapter._redis.hset(name, "path", path)
    shutil.rmtree(world.directory)
    if how != "gone":
        world.directory.mkdir()
    world.restart()
    for _ in range(4):
        await world.later(TTL)
    state = await world.adapter.load("a")
    assert state is not None
    assert state.absent_since_ms == 0
    assert await records_of(world.adapter, "a") == []


async def test_b1_another_tailers_sessions_are_its_own(world: World) -> None:
    """While that one lives, and if its files are not below our directories."""
    await world.write(1)
    await world.adapter.hold_presence(OWNER, seconds=600)
    world.path.unlink()
    (world.directory / "other.jsonl").touch()
    world.restart(owner="other:test")
    for _ in range(4):
        await world.later(TTL)
    assert await records_of(world.adapter, "a") == texts(1)

    await world.adapter.hold_presence(OWNER, seconds=0.001)
    await eventually(lambda: _is_gone(world.adapter))
    await world.later(TTL)
    assert await records_of(world.adapter, "a") == []


async def _is_gone(adapter: RedisBroker) -> bool:
    return not await adapter.is_present(OWNER)


async def test_b1_a_running_tailer_ends_what_lived_its_time(
    adapter: RedisBroker, tmp_path: Path
) -> None:
    """The whole of it, from file to no key, with the file's absence noticed."""
    path, other = session_path(tmp_path, "a"), session_path(tmp_path, "b")
    now = 1_000_000.0
    for one in (path, other):
        one.write_bytes(lines(1))
        os.utime(one, (now, now))
    options: dict[str, Any] = {
        "session_ttl": 2.0, "audit_interval": 0.1, "wall_clock": lambda: now,
    }  # fmt: skip  # one glance
    async with running(adapter, tmp_path, **options) as tailer:
        await wait_for_records(adapter, "a", texts(1))

        async def is_listed() -> bool:
            return set(await adapter.sessions()) == {"a", "b"}

        await eventually(is_listed)
        path.unlink()
        now += 3.0

        async def is_noted() -> bool:
            # What was noted may have led to its deletion by now.
            state = await adapter.load("a")
            return state is None or state.absent_since_ms > 0

        await eventually(is_noted)
        now += 3.0

        async def is_deleted() -> bool:
            return list(await adapter.sessions()) == ["b"]

        await eventually(is_deleted)
        assert await adapter.positions(["a"]) == [NOTHING_STORED]
        state = await adapter.load("b")
        assert state is not None
        assert state.records == 1
        registry = tailer.instruments.registry

        async def are_counted() -> bool:
            name = "tailcast_tailer_expired_total"
            deleted = registry.get_sample_value(name, {"what": "deleted"})
            emptied = registry.get_sample_value(name, {"what": "emptied"})
            # The one that is deleted may have been emptied first.
            return deleted == 1 and emptied in {1, 2}

        await eventually(are_counted)
