"""Training jobs: they append lines to files, whole or in pieces, and remember them."""

import asyncio
import json
import random
from pathlib import Path


class Writer:
    """Appends numbered records to one file."""

    def __init__(
        self, path: Path, chance: random.Random, *, pause_seconds: float = 0.02
    ) -> None:
        """Prepare; `pause_seconds` is the mean time between two appends."""
        self.session = path.stem
        self._path = path
        self._chance = chance
        self._pause_seconds = pause_seconds
        # What stands in the file as whole lines, as clients should get it.
        self.records: list[dict[str, object]] = []
        # Whether the file ends within a line.
        self._rest = b""

    async def run(self, stopped: asyncio.Event) -> None:
        """Write at an uneven pace until stopped; then finish the last line."""
        while not stopped.is_set():
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
            self.records.append(record)
            lines.append(json.dumps(record).encode() + b"\n")
        text = b"".join(lines)
        cut = len(text)
        if self._chance.random() < 0.2:
            cut = self._chance.randrange(len(text))
        self._append(text[:cut])
        self._rest = text[cut:]

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
