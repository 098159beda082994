"""How much streams keep is said right again by a tailer that began anew."""

from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.app import Tailer
from tailcast_tailer.upkeep import sizes
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    running,
    session_path,
    wait_for_records,
)
from tests.tailer.test_full_broker import metric


LINES = [b'{"step":%d}' % step for step in range(100, 200)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are no second apart."""
    monkeypatch.setattr(sizes, "LOOK_SECONDS", 0.01)


async def rewritten(broker: MemoryBroker, log_dir: Path) -> int:
    """A session whose file was cut and grew; how many bytes its stream has of it."""
    path = session_path(log_dir, "s")
    append(path, b"\n".join((*LINES, b"")))
    async with running(broker, log_dir):
        await wait_for_records(broker, "s", LINES)
        path.write_bytes(b"\n".join((*LINES[:50], b'{"step":0}', b"")))
        await wait_for_records(broker, "s", [*LINES, b'{"step":0}'])
    entries = await entries_of(broker, "s")
    assert entries[-1].id.generation == 2
    return sum(one.id.offset - one.previous.offset for one in entries if one.record)


async def says(tailer: Tailer, kept: int) -> bool:
    """Whether it says that streams keep so many bytes."""
    return metric(tailer, "kept_bytes") == kept


async def test_what_was_written_anew_is_measured_after_a_restart(
    tmp_path: Path,
) -> None:
    """Both generations are in the stream, which is more than the file has."""
    broker = MemoryBroker()
    kept = await rewritten(broker, tmp_path)

    async with running(broker, tmp_path) as tailer:
        await eventually(lambda: says(tailer, kept))


async def test_a_broker_that_is_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be measured is measured later."""
    broker = MemoryBroker()
    kept = await rewritten(broker, tmp_path)
    read_after, failures = broker.read_after, iter(range(3))

    async def fails_at_first(*asked: Any, **more: Any) -> Any:
        if next(failures, None) is not None:
            raise BrokerUnavailable("away")
        return await read_after(*asked, **more)

    monkeypatch.setattr(broker, "read_after", fails_at_first)
    async with running(broker, tmp_path) as tailer:
        await eventually(lambda: says(tailer, kept))
    assert next(failures, None) is None
