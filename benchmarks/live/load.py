"""Training runs that write: files, each of which grows by so many lines a second."""

import random
import threading
import time
from pathlib import Path
from typing import Self

import msgspec


# Unix seconds of the first record of a run that is made up.
TIME = 1_795_800_000


def line(step: int, metrics: int, chance: random.Random, *, at: float) -> bytes:
    """A record without its newline: 140 bytes with 3 metrics, 3.2 kB with 100."""
    values = {f"layer_{number}/w": chance.random() for number in range(metrics)}
    return msgspec.json.encode({"step": step, "timestamp": at, **values})


# How many lines each file has before: what a run is like is learnt from its first ones.
LINES_BEFORE = 500


class Runs:
    """Files that grow line by line, evenly; a context manager."""

    def __init__(
        self, paths: list[Path], *, metrics: int, rate: float, is_stamped: bool = False
    ) -> None:
        """Grow files.

        Args:
            paths: the files.
            metrics: how many each line has.
            rate: that of one file, lines a second; 0 if they are to rest.
            is_stamped: whether each line says when it was written, as the clients of
                `benchmarks.gateway` read it.
        """
        self._is_stamped = is_stamped
        self._files = [path.open("ab", buffering=0) for path in paths]
        self._metrics = metrics
        self._pause = 1 / (rate * len(paths)) if rate else threading.TIMEOUT_MAX
        self._thread = threading.Thread(target=self._write)
        self._has_ended = threading.Event()
        # What was written.
        self.lines = 0
        self.bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        self._thread.join()
        for file in self._files:
            file.close()

    def _write(self) -> None:
        chance = random.Random(self._metrics)
        count, began = len(self._files), time.monotonic()
        for file in self._files:
            before = [
                line(step, self._metrics, chance, at=time.time() - LINES_BEFORE + step)
                for step in range(LINES_BEFORE)
            ]
            file.write(b"\n".join((*before, b"")))
        while not self._has_ended.wait(
            began + self.lines * self._pause - time.monotonic()
        ):
            step, number = divmod(self.lines, count)
            text = line(LINES_BEFORE + step, self._metrics, chance, at=time.time())
            if self._is_stamped:
                text = b'%b,"sent_ns":%d}' % (text[:-1], time.monotonic_ns())
            self.bytes += self._files[number].write(text + b"\n")
            self.lines += 1


class Flood:
    """One file that grows by thousands of lines a second; a context manager."""

    def __init__(self, path: Path, *, metrics: int, rate: int) -> None:
        self._file = path.open("ab", buffering=0)
        self._metrics = metrics
        self._rate = rate
        self._thread = threading.Thread(target=self._write)
        self._has_ended = threading.Event()
        # How many bytes it has.
        self.bytes = self._file.tell()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        self._thread.join()
        self._file.close()

    def _write(self) -> None:
        # What a file repeats but for its steps: making each line would take as long as
        # what is measured.
        chance = random.Random(self._metrics)
        some = [line(0, self._metrics, chance, at=TIME) for _ in range(100)]
        rests = [text.partition(b",")[2] for text in some]
        began, lines = time.monotonic(), 0
        while not self._has_ended.wait(0.01):
            due = int((time.monotonic() - began) * self._rate)
            batch = [
                b'{"step":%d,%b\n' % (step, rests[step % len(rests)])
                for step in range(lines, due)
            ]
            self.bytes += self._file.write(b"".join(batch))
            lines = due
