"""What goes wrong, chosen by chance: kills, pauses, a wipe."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.checker.stack import ProcessStack, Service


Fault = Callable[[], Awaitable[None]]


class Faults:
    """Breaks parts of a stack one after the other and mends each again."""

    def __init__(self, stack: ProcessStack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        # What was done, for the report.
        self.done: list[str] = []

    async def run(self, stopped: asyncio.Event) -> None:
        """Break something every second or so until stopped; wipe the broker once."""
        wiped = False
        while not stopped.is_set():
            await asyncio.sleep(self._chance.uniform(0.3, 1.5))
            if not wiped and len(self.done) >= 3:
                wiped = True
                await self._wipe()
                continue
            await self._chance.choice(self._faults())()

    def _faults(self) -> list[Fault]:
        services: list[Service] = [self._stack.tailer, *self._stack.gateways]
        service = self._chance.choice(services)
        return [
            lambda: self._kill(self._stack.tailer),
            lambda: self._kill(service),
            lambda: self._pause(service),
            self._kill_broker,
            self._pause_broker,
        ]

    async def _kill(self, service: Service) -> None:
        self.done.append(f"kill {service.name}")
        service.kill()
        await self._while_it_is_away()
        service.start()

    async def _pause(self, service: Service) -> None:
        self.done.append(f"pause {service.name}")
        service.pause()
        await self._while_it_is_away()
        service.resume()

    async def _kill_broker(self) -> None:
        self.done.append("kill broker")
        await asyncio.to_thread(self._stack.broker.kill)
        await self._while_it_is_away()
        await asyncio.to_thread(self._stack.broker.start)

    async def _pause_broker(self) -> None:
        self.done.append("pause broker")
        self._stack.broker.pause()
        await self._while_it_is_away()
        self._stack.broker.resume()

    async def _wipe(self) -> None:
        self.done.append("wipe broker")
        await asyncio.to_thread(self._stack.broker.wipe)

    async def _while_it_is_away(self) -> None:
        await asyncio.sleep(self._chance.choice((0.0, 0.1, 0.5, 2.0)))
