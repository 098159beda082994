"""Training jobs: they append lines to files, whole or in pieces, and remember them.

Some are taken up at a checkpoint now and then: they cut their file back, and go on.
"""

import asyncio
import json
import os
import random
from bisect import bisect_right
from pathlib import Path


class Writer:
    """Appends numbered records to one file."""

    def __init__(
        self,
        path: Path,
        chance: random.Random,
        *,
        pause_seconds: float = 0.02,
        cuts: float = 0.0,
    ) -> None:
        """Prepare.

        Args:
            path: its file.
            chance: what decides.
            pause_seconds: the mean time between two appends.
            cuts: how likely it is that the file is cut before one of them.
        """
        self.session = path.stem
        self._path = path
        self._chance = chance
        self._pause_seconds = pause_seconds
        self._cuts = cuts
        # What stands in the file as whole lines, as clients should get it.
        self.records: list[dict[str, object]] = []
        # Where the line of each ends.
        self._ends: list[int] = []
        # How often the file was cut.
        self.cuts = 0
        # Whether the file ends within a line.
        self._rest = b""

    async def run(self, stopped: asyncio.Event) -> None:
        """Write at an uneven pace until stopped; then finish the last line."""
        while not stopped.is_set():
            if self._chance.random() < self._cuts:
                self._cut()
            self._write(self._chance.choice((1, 1, 1, 2, 5, 200)))
            pause = self._chance.expovariate(1 / self._pause_seconds)
            try:
                await asyncio.wait_for(stopped.wait(), pause)
            except TimeoutError:
                continue
        self._append(b"")

    def _write(self, count: int) -> None:
        lines: list[bytes] = []
        for _ in range(count):
            record = self._record(len(self.records))
            line = json.dumps(record).encode() + b"\n"
            self.records.append(record)
            self._ends.append((self._ends or [0])[-1] + len(line))
            lines.append(line)
        text = b"".join(lines)
        cut = len(text)
        if self._chance.random() < 0.2:
            cut = self._chance.randrange(len(text))
        self._append(text[:cut])
        self._rest = text[cut:]

    def _cut(self) -> None:
        """Cut the file behind some line of its later half, or where it ends."""
        whole = (self._ends or [0])[-1] - len(self._rest)
        most = bisect_right(self._ends, whole)
        kept = self._chance.randint(most // 2, most)
        if kept:
            os.truncate(self._path, self._ends[kept - 1])
            del self.records[kept:], self._ends[kept:]
            self._rest = b""
            self.cuts += 1

    def _append(self, text: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(self._rest + text)
        self._rest = b""

    def _record(self, number: int) -> dict[str, object]:
        record: dict[str, object] = {
            "step": number,
            "session": self.session,
            "telemetry": {"loss": round(self._chance.random(), 6)},
            "pad": "é" * self._chance.randrange(100),
        }
        if self._chance.random() < 0.01:
            record["emergency"] = {"reason": "drill", "value": number}
        return record
