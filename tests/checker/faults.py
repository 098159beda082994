"""What goes wrong, or is done on purpose, while clients follow."""

import asyncio
import random
from typing import Protocol

from tests.checker.outages import Stack


class Plan(Protocol):
    """What is done to a stack during a run."""

    # What was done, for the report.
    done: list[str]
    # What should not have happened while it was done.
    complaints: list[str]

    async def run(self) -> None:
        """Do it all, and leave everything running."""
        ...


class Faults:
    """Breaks parts of a stack by chance, one after the other, and mends each again."""

    def __init__(
        self, stack: Stack, chance: random.Random, *, seconds: float, pauses: float = 1
    ) -> None:
        """Prepare; `pauses` is the mean time between two outages, in seconds."""
        self._stack = stack
        self._chance = chance
        self._seconds = seconds
        self._pauses = pauses
        self.done: list[str] = []
        self.complaints: list[str] = []

    async def run(self) -> None:
        """Break something every now and then; wipe the broker once."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        was_wiped = False
        while (left := end - loop.time()) > 0:
            pause = self._chance.uniform(0.3, 1.7) * self._pauses
            await asyncio.sleep(min(left, pause))
            if not was_wiped and len(self.done) >= 3:
                was_wiped = True
                self.done.append("wipe broker")
                await asyncio.to_thread(self._stack.wipe)
            else:
                await self._break_something()

    async def _break_something(self) -> None:
        outage = self._chance.choice(self._chance.choice(self._stack.outages()))
        self.done.append(outage.name)
        await asyncio.to_thread(outage.begin)
        try:
            await asyncio.sleep(self._chance.choice(self._stack.outage_seconds))
        finally:
            await asyncio.to_thread(outage.end)


class RollingRestart:
    """Restarts all gateways, one after the other, as an operator would."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.done: list[str] = []
        self.complaints: list[str] = []

    async def run(self) -> None:
        """Each is ready again before the next one ends."""
        for gateway in self._stack.restartable():
            self.done.append(f"restart {gateway.name}")
            exit_code = await asyncio.to_thread(gateway.stop)
            if exit_code != 0:
                self.complaints.append(f"{gateway.name} ended with {exit_code}")
            await asyncio.to_thread(gateway.start)


class GatewayKills:
    """Kills one gateway after the other, so that its clients all come back at once."""

    def __init__(
        self, stack: Stack, chance: random.Random, *, seconds: float, pause: float
    ) -> None:
        """Prepare; `pause` is how long all are there between two kills, seconds."""
        self._stack = stack
        self._chance = chance
        self._seconds = seconds
        self._pause = pause
        self.done: list[str] = []
        self.complaints: list[str] = []

    async def run(self) -> None:
        """Each is ready again before the next one is killed."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        while loop.time() < end:
            await asyncio.sleep(self._pause)
            gateway = self._chance.choice(self._stack.restartable())
            self.done.append(f"kill {gateway.name}")
            await asyncio.to_thread(gateway.kill)
            await asyncio.to_thread(gateway.start)
