"""A cluster that trains: ranks of many nodes, of which more and more write."""

import os
import random
import threading
import time
from pathlib import Path
from typing import Self

from benchmarks.live.load import line


# Ranks of a node, each with a file of its own, and how often each writes a line.
RANKS, RATE = 8, 10
LINES_PER_NODE = RANKS * RATE
METRICS = 100
# How many lines each file has before.
LINES_BEFORE = 4
# How often those that are due are written.
TICK_SECONDS = 0.005
# Lines that are made up: their steps and times differ, their values come again.
TEXTS = 64


class Cluster:
    """Files of all ranks; those of the first nodes grow. A context manager."""

    def __init__(self, directory: Path, nodes: int) -> None:
        chance = random.Random(nodes)
        texts = [line(0, METRICS, chance, at=0.0) for _ in range(TEXTS)]
        self._rests = [text.partition(b',"layer_0')[2] for text in texts]
        self.sessions = [
            f"n{node:03}-r{rank}" for node in range(nodes) for rank in range(RANKS)
        ]
        self._files = [
            os.open(directory / f"{name}.jsonl", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
            for name in self.sessions
        ]
        self.sizes = [0] * len(self._files)
        # How many nodes write, and lines that were written.
        self.writing = 0
        self.lines = 0
        self._thread = threading.Thread(target=self._write)
        self._has_ended = threading.Event()

    def __enter__(self) -> Self:
        for number in range(len(self._files)):
            self._append(number, range(LINES_BEFORE))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        self._thread.join()
        for file in self._files:
            os.close(file)

    def _append(self, number: int, steps: range) -> None:
        now = time.time()
        written = b"".join(
            b'{"step":%d,"timestamp":%.3f,"sent_ns":%d,"layer_0%b\n'
            % (step, now, time.monotonic_ns(), self._rests[(step + number) % TEXTS])
            for step in steps
        )
        self.sizes[number] += os.write(self._files[number], written)

    def _write(self) -> None:
        """Let each rank write its lines evenly; no two ranks at quite the same time."""
        began, steps = time.monotonic(), [LINES_BEFORE] * len(self._files)
        due_before = 0
        while not self._has_ended.wait(TICK_SECONDS):
            # Time in lines of one rank, in as many parts as there are ranks.
            due = int((time.monotonic() - began) * RATE * len(self._files))
            # What is later than by one line is left out: it is counted as not offered.
            due_before = max(due_before, due - len(self._files))
            writing = self.writing * RANKS
            for at in range(due_before, due):
                # Neighbours in time are of different nodes.
                number = at % len(self._files)
                if number < writing:
                    self._append(number, range(steps[number], steps[number] + 1))
                    steps[number] += 1
                    self.lines += 1
            due_before = due
