"""An indexer, a broker with sessions in it, and an oracle for what it should write."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_index.rollups.layout import OPEN_FIELD
from tailcast_indexer.app import IndexerService
from tailcast_indexer.options import Options
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.indexes import Chunk, StoredIndex
from tailcast_streams.position import BEFORE_ALL, Cursor, digest
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    StoredPosition,
)
from tests.tailer.harness import Broker, entries_of, eventually


RULES = Rules(STEP_KEYS, TIME_KEYS)
# What depends on when the entries were folded and written, and not on them alone.
BY_TIME = (
    "activity", "arrivals", "chooser", "latest", "latest_emergency", "needs", "pace",
    "resume", "rollups",
)  # fmt: skip  # one name a line would hide what they are
LINE_BYTES = 30


def records(first: int, count: int) -> list[bytes]:
    """Records of a run that goes on, with a metric that comes late and one text."""
    return [
        json.dumps(
            {
                "step": step,
                "timestamp": 1_700_000_000 + step,
                "telemetry": {"phi": step % 7, f"late_{step // 500}": step / 3},
                "note": "é",
            }
        ).encode()
        for step in range(first, first + count)
    ]


async def append(
    broker: Broker,
    session: str,
    lines: Sequence[bytes],
    *,
    keep: int | None = None,
    incarnation: str = "i1",
) -> None:
    """Append as a tailer does; `keep` bytes of the file, and begin a generation."""
    stored = (await broker.positions([session]))[0]
    last_digest = 0
    if stored == NOTHING_STORED:
        stored, generation, offset = NOTHING_STORED, 1, 0
        entries = [NewEntry(0, Kind.MARKER, b"")]
    else:
        incarnation, generation, offset = stored[:3]
        entries = []
        if keep is not None:
            generation, offset = generation + 1, keep
            entries = [NewEntry(keep, Kind.MARKER, b"", {"reason": "truncated"})]
    for line in lines:
        offset += len(line) + 1
        is_alarm = b'"emergency"' in line
        kind = Kind.EMERGENCY if is_alarm else Kind.RECORD
        entries.append(NewEntry(offset, kind, line))
        last_digest = digest(line)
    await broker.touch({session: await broker.now_ms()})
    batch = Batch(
        session=session,
        expected=stored,
        incarnation=incarnation,
        generation=generation,
        offset=offset,
        entries=entries,
        fields={"last_digest": last_digest},
        written_ms=1,
    )
    assert await broker.append(batch) is Appended.DONE


async def position(broker: Broker, session: str) -> StoredPosition:
    """How far a session is."""
    return (await broker.positions([session]))[0]


@asynccontextmanager
async def running(broker: Broker, **options: Any) -> AsyncGenerator[IndexerService]:
    """An indexer that runs while the context lasts, impatient enough for tests."""
    impatient: dict[str, Any] = {
        "write_interval": 0.05, "audit_interval": 0.1, "presence_seconds": 1.0,
    }  # fmt: skip  # one name a line would hide what they are
    service = IndexerService(broker, Options(**impatient | options))
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() or task.exception() is None, task.exception()


async def until_indexed(broker: Broker, *sessions: str) -> None:
    """Until the stored indexes are those of all that the streams have."""

    async def are_there() -> bool:
        ends = await broker.ends(sessions)
        stored = await broker.indexes.ats(sessions)
        return all(
            at.startswith(f"{end.incarnation} {end.cursor.id} {end.cursor.digest:08x} ")
            for at, end in zip(stored, ends, strict=True)
        )

    await eventually(are_there)


async def check(broker: Broker, session: str) -> StoredIndex:
    """That the stored index is the fold over the stream; returns it."""
    (stored,) = await broker.indexes.load([session])
    metrics = await broker.indexes.metrics(session, None)
    expected = await fold_whole(broker, session)
    found = {**stored.fields}
    for name in BY_TIME:
        found.pop(name, None)
    assert stored.at == expected[0]
    assert found == expected[1]
    assert metrics == expected[2]
    chunks = {name: text for name, text in expected[3].items() if name[1] != OPEN_FIELD}
    found_chunks = await broker.indexes.chunks(session, list(chunks))
    assert found_chunks == list(chunks.values())
    return stored


async def fold_whole(
    broker: Broker, session: str
) -> tuple[str, dict[str, bytes], dict[str, bytes], dict[Chunk, bytes]]:
    """What is stored once all entries of a stream were folded in one go."""
    (end,) = await broker.ends([session])
    index = Index(session, incarnation=end.incarnation, rules=RULES)
    entries = await entries_of(broker, session)
    while True:
        left = [entry for entry in entries if entry.id > index.reads_after]
        index.fold(left, now_ms=await broker.now_ms())
        if index.stale is None:
            break
        index.restart(entries[0])
    write = index.take_changes()
    assert write is not None
    fields = {
        name: value for name, value in write.fields.items() if name not in BY_TIME
    }
    return write.at, fields, dict(write.metrics), dict(write.chunks)


def metric(service: IndexerService, name: str) -> float:
    """The value of a metric of an indexer; the sum over its labels."""
    return sum(
        sample.value
        for family in service.instruments.registry.collect()
        for sample in family.samples
        if sample.name == f"tailcast_indexer_{name}"
    )


__all__ = [
    "BEFORE_ALL",
    "Cursor",
    "append",
    "check",
    "metric",
    "position",
    "records",
    "running",
    "until_indexed",
]


async def is_counted(service: IndexerService, name: str, count: float) -> bool:
    """Whether a counter has come so far."""
    return metric(service, name) >= count


async def is_ready(service: IndexerService) -> bool:
    """Whether nothing is missing."""
    return not service.why_not_ready()


async def is_behind(service: IndexerService, sessions: float) -> bool:
    """Whether so many sessions are behind."""
    return service._condition().behind == sessions
