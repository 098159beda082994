"""What reads sessions, over a broker in memory and the watchers of a stage."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tailcast_gateway.delivery.core.channel import Channel
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tests.gateway.stage import Stage
from tests.gateway.stored import AskedBroker, store
from tests.patience import PATIENCE_SECONDS


class Sessions(Stage):
    """A stage over a broker in memory, its clocks, and short tasks."""

    def __init__(self, **sizes: int) -> None:
        super().__init__(**sizes)
        self.broker = AskedBroker()
        # Monotonic seconds.
        self.now = 1_000.0
        self.broker_clock = BrokerClock(
            self.broker,
            clock=lambda: self.now,
            wall_clock_ms=lambda: 5_000,
            instruments=self.instruments,
        )
        self.tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a short task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def quiet(self) -> None:
        """Wait until no short task is left."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    async def stored(self, session: str, *offsets: int, **fields: Any) -> Channel:
        """A watched session that was read up to its end."""
        await store(self.broker, session, *offsets, **fields)
        (head,) = await self.broker.heads([session])
        self.broker.heads_of.clear()
        return self.watch(session, head)


async def turns(count: int = 50) -> None:
    """Give the loop so many turns: enough for all that waits for no time."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that needs no time to come about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0)


async def within(
    loop: Callable[[], Awaitable[None]], holds: Callable[[], bool]
) -> None:
    """Run what runs for ever, until something holds."""
    running = asyncio.ensure_future(loop())
    try:
        await until(holds)
    finally:
        running.cancel()
        await asyncio.wait([running])
