"""What is kept, held against the streams themselves on real brokers."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.app import Tailer
from tailcast_tailer.appending.retention import Retention, kept_bytes
from tests.brokers import BrokerServer
from tests.conformance.batches import (
    append,
    first_batch,
    follow_on,
    marker,
    position,
    record,
)
from tests.tailer.harness import Broker, eventually, running, session_path
from tests.tailer.test_full_broker import metric


MEBIBYTE = 1_048_576


@pytest.fixture
async def adapter(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter to a broker of the test's own."""
    made = RedisBroker(own_broker.url)
    yield made
    await made.aclose()


async def held(broker: Broker, session: str) -> int:
    """Bytes of the file of which the stream has the entries."""
    first = await broker.read_after(session, BEFORE_ALL, limit=1)
    last = await broker.read_before(session, None, limit=1)
    return last[0].id.offset - first[0].previous.offset if first and last else 0


async def _is_read(broker: Broker, session: str, path: Path) -> bool:
    return (await broker.positions([session]))[0].offset == path.stat().st_size


def small_lines(size: int) -> bytes:
    """So many bytes of lines of 28."""
    return b"".join(b'{"step":1%08d,"x":0.50}\n' % n for n in range(size // 28 + 1))


# What a broker trims in one call, and in several, those below say of either kind.
@pytest.mark.one_broker
async def test_b3_retention_keeps_what_it_says(
    adapter: RedisBroker, tmp_path: Path
) -> None:
    """A sixteenth of 8 MiB in small lines is more than a broker trims in one call."""
    budget = 8 * MEBIBYTE
    path = session_path(tmp_path, "a")
    path.write_bytes(small_lines(10 * MEBIBYTE))
    async with running(adapter, tmp_path, retention_bytes=budget) as tailer:
        await eventually(partial(_is_read, adapter, "a", path))
        most = budget + budget // 16 + MEBIBYTE
        await eventually(partial(_is_trimmed, adapter, tailer, most))
        kept = await held(adapter, "a")
        trimmed = metric(tailer, "trimmed_bytes")
    assert budget <= kept <= most
    assert kept + trimmed == path.stat().st_size


async def _is_trimmed(broker: Broker, tailer: Tailer, most: int) -> bool:
    """Whether so much is kept, and nothing is being trimmed any more."""
    kept = await held(broker, "a")
    return kept <= most and kept == metric(tailer, "kept_bytes")


async def _fill(broker: Broker, session: str, lines: int) -> None:
    """A session of so many lines of 30 bytes."""
    await broker.append(first_batch(session=session, offset=0))
    for start in range(1, lines + 1, 1_000):
        entries = [record(30 * n) for n in range(start, min(start + 1_000, lines + 1))]
        await append(broker, *entries, offset=entries[-1].offset, session=session)


async def _noted(broker: Broker, retention: Retention, lines: dict[str, int]) -> None:
    """Sessions of so many lines, the coldest first, as a tailer finds them."""
    for age, (session, count) in enumerate(lines.items()):
        await _fill(broker, session, count)
        stored = await position(broker, session)
        retention.note(session, stored, activity_ms=age)


async def test_b1_emptied_is_empty(adapter: RedisBroker) -> None:
    """A session that lived its time keeps nothing, however many entries it had."""
    retention = Retention(adapter, session_bytes=2**40, total_bytes=2**40)
    await _noted(adapter, retention, {"a": 25_000})

    await retention.empty("a", why="age")

    assert await held(adapter, "a") == 0


async def test_b2_a_full_broker_takes_of_the_coldest_all_it_has(
    adapter: RedisBroker,
) -> None:
    """A session counts as emptied only once it is; the live one is not touched."""
    trimmed: list[tuple[str, int]] = []
    retention = Retention(
        adapter,
        session_bytes=2**40,
        total_bytes=2**40,
        on_trimmed=lambda why, size: trimmed.append((why, size)),
    )
    await _noted(adapter, retention, {"cold": 40_000, "live": 1_000})

    for _ in range(10):
        await retention.make_room()

    left = await held(adapter, "cold")
    assert sum(size for _, size in trimmed) == 30 * 40_000 - left
    assert left < 30 * 16_000
    assert await held(adapter, "live") == 30 * 1_000


async def test_b2_a_tenth_that_is_less_than_a_piece_gives_way_all_the_same(
    adapter: RedisBroker,
) -> None:
    """Brokers give back whole pieces: what asks for less asks for more, or all."""
    retention = Retention(adapter, session_bytes=2**40, total_bytes=2**40)
    await _noted(adapter, retention, {"a": 300})

    before = await held(adapter, "a")
    await retention.make_room()
    between = await held(adapter, "a")
    for _ in range(5):
        await retention.make_room()

    assert between < before
    assert await held(adapter, "a") == 0


async def test_what_is_taken_for_more_than_it_is_costs_nobody_an_entry() -> None:
    """After a restart sizes are guesses: they are measured before anything is cut."""
    broker = MemoryBroker()
    retention = Retention(broker, session_bytes=300_000, total_bytes=400_000)
    await _noted(broker, retention, {"old": 5_000, "older": 5_000, "live": 1_000})
    # Kept of it is a tenth, which nobody here knows.
    for session in ("old", "older"):
        await broker.trim(session, EntryID(1, 30 * 4_500 + 1))

    stored = await position(broker, "live")
    await retention.after_append(
        "live", stored, generation_start=0, added=200_000, activity_ms=9
    )

    assert [await held(broker, one) for one in ("old", "older")] == [15_000] * 2


async def test_what_was_guessed_is_measured() -> None:
    """Of a file that was written anew, and of one beyond its budget; not of others."""
    broker = MemoryBroker()
    retention = Retention(broker, session_bytes=1_000, total_bytes=2**40)
    await broker.append(first_batch(record(30), record(60), offset=60, session="cut"))
    batch = await follow_on(broker, marker(30), record(70), offset=70, session="cut")
    await broker.append(replace(batch, generation=2))
    lines = {"cut": 70, "long": 40 * 30, "short": 30}
    for session in ("long", "short"):
        await _fill(broker, session, lines[session] // 30)
    await broker.trim("long", EntryID(1, 30 * 30 + 1))
    for session in lines:
        stored = await position(broker, session)
        retention.note(session, stored, activity_ms=1)
    assert retention.total == 2_000 + 40 * 30 + 30

    await retention.measure()

    assert retention.total == (60 + 40) + 10 * 30 + 30
    retention.forget("cut")
    assert retention.total == 10 * 30 + 30
    await retention.measure()
    assert retention.total == 10 * 30 + 30


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ((1, 0), 180), ((1, 31), 150), ((2, 30), 120), ((2, 31), 120), ((2, 101), 50),
        ((3, 50), 50), ((3, 51), 0),
    ],
)  # fmt: skip  # one glance
async def test_what_is_kept_counts_over_generations(
    before: tuple[int, int], kept: int
) -> None:
    """What a rewrite kept at its front is there once; markers hold nothing."""
    broker = MemoryBroker()
    await broker.append(first_batch(record(30), record(60), offset=60))
    for generation, start, end in ((2, 30, 100), (3, 0, 50)):
        batch = await follow_on(broker, marker(start), record(end), offset=end)
        await broker.append(replace(batch, generation=generation))
    last_id = (await position(broker)).last_id

    trimmed = await broker.trim("s", EntryID(*before))

    assert await kept_bytes(broker, "s", last_id, trimmed.oldest) == kept
