"""What drives a contender: the writer of its stream, and its clients."""

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import CLIENT_CORE, pin
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    StoredPosition,
)


RECORD = (
    b'{"timestamp":"2025-12-18T01:30:00.000Z","step":%d,"telemetry":{"phi":0.72,'
    b'"kappa_eff":64.2,"regime":"geometric","basin_distance":0.15,"recursion_depth":5,'
    b'"breakdown_pct":0.0,"coherence_drift":0.05,"emergency":false},"sent_ns":%d}'
)


class Writer:
    """Appends records to one session as the tailer does, with the time in each."""

    def __init__(self, broker: RedisBroker, session: str) -> None:
        self._broker = broker
        self.session = session
        # Where its stream ends.
        self._expected = NOTHING_STORED
        # Records so far.
        self.count = 0

    async def append(self, records: int) -> None:
        """Append so many records at once."""
        position = self._expected
        offset = position.offset
        entries = [] if self.count else [NewEntry(0, Kind.MARKER, b"")]
        for _ in range(records):
            line = RECORD % (self.count, time.monotonic_ns())
            offset += len(line) + 1
            entries.append(NewEntry(offset, Kind.RECORD, line))
            self.count += 1
        answer = await self._broker.append(Batch(
            session=self.session, expected=position, incarnation="x", generation=1,
            offset=offset, entries=entries, fields={},
        ))  # fmt: skip  # one glance
        assert answer is Appended.DONE, answer
        id = EntryID(1, offset)
        self._expected = StoredPosition("x", 1, offset, id, BEFORE_ALL, id)

    async def append_evenly(self, per_second: float, size: int, seconds: float) -> int:
        """Append batches at a rate for so long; how many records they had."""
        loop = asyncio.get_running_loop()
        begin, before, number = loop.time(), self.count, 0
        while number < per_second * seconds:
            await asyncio.sleep(begin + number / per_second - loop.time())
            await self.append(size)
            number += 1
        return self.count - before


class Clients:
    """The C program that is all clients of one contender, see `clients.c`."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._process.pid
        pin(self.pid, CLIENT_CORE)

    def order(self, line: str) -> Any:
        """Give one command; its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    async def open(self, port: int, path: str, count: int, first: str) -> float:
        """Make connections; seconds until all were there."""
        before = self.order("report")["open"]
        self.order(f"open {port} {path} {count} {first}")
        while (report := self.order("report"))["open"] < before + count:
            assert not report["failures"], "connections were refused"
            await asyncio.sleep(0.01)
        seconds: float = report["opening_s"]
        return seconds

    async def wait_for(self, records: int, seconds: float) -> dict[str, float]:
        """Until they had so many records in all, or for so long."""
        line = f"wait {records} {seconds * 1e3:.0f}"
        report: dict[str, float] = await asyncio.to_thread(self.order, line)
        return report

    def close(self) -> None:
        """End them all."""
        self._process.kill()
        self._process.communicate()
