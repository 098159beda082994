"""A scheduler whose clock is moved by what is computed."""

import asyncio
from collections import Counter
from functools import partial

from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.scheduling.turns import Work, WorkKind


MS = 1_000_000


class Rig:
    """The scheduler, and who computes."""

    def __init__(self) -> None:
        self.cpu_ns = 0
        # What was used, by kind.
        self.used: Counter[str] = Counter()
        # What was computed, in order.
        self.done: list[str] = []
        self.scheduler = Scheduler(on_used=self.note, cpu_ns=lambda: self.cpu_ns)

    def note(self, kind: str, used_ns: int) -> None:
        self.used[kind] += used_ns

    def compute(self, name: str, ms: int = 1) -> None:
        self.cpu_ns += ms * MS
        self.done.append(name)

    async def work(self, name: str, pieces: int, ms: int = 1) -> str:
        """Compute in pieces."""
        for _ in range(pieces):
            self.compute(name, ms)
            await asyncio.sleep(0)
        return name

    def begin(
        self, name: str, pieces: int, ms: int = 1, account: Account | None = None
    ) -> "asyncio.Task[str]":
        """Work for a client of its own."""
        return self.task(partial(self.work, name, pieces, ms), account)

    def task(
        self, work: Work[str], account: Account | None = None
    ) -> "asyncio.Task[str]":
        """The same for other work."""
        return asyncio.create_task(
            self.scheduler.run(account or Account(), WorkKind.COMMAND, work)
        )

    async def passes(self, count: int) -> list[int]:
        """Count how much was computed in each of some passes of the loop."""
        used: list[int] = []
        for _ in range(count):
            before = self.cpu_ns
            await asyncio.sleep(0)
            used.append(self.cpu_ns - before)
        return used
