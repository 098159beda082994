"""What all calls of the broker in memory share: the stored values, and failures."""

import asyncio
import math
import time

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.memory.listening import MemoryListener
from tailcast_streams.memory.stored import Stored
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.pushes import Push
from tailcast_streams.session_state import NOTHING_STORED, StoredPosition


class MemoryCalls:
    """Holds the stored values; each part of `MemoryBroker` adds calls to it."""

    def __init__(self) -> None:
        self._stored = Stored()
        # Those who listen to the channel.
        self._listeners: set[MemoryListener] = set()
        # While this is set every call raises it, as if the broker were away.
        self.failure: BrokerError | None = None

    async def _reachable(self) -> None:
        """Begin a call; other tasks may run here, as with a real broker."""
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure

    async def _position(self, session: str) -> StoredPosition:
        await self._reachable()
        if self._stored.taken_out.get(session, math.inf) <= time.monotonic():
            del self._stored.taken_out[session]
            self._stored.states.pop(session, None)
            self._stored.streams.pop(session, None)
        stream = self._stored.streams.get(session)
        last_id = BEFORE_ALL if stream is None else stream.last_id
        state = self._stored.states.get(session)
        known = NOTHING_STORED if state is None else state.position
        return known._replace(stream_last_id=last_id)

    def _wake(self, said: str | Push) -> None:
        for listener in self._listeners:
            listener.hear(said)


def now_ms() -> int:
    """The broker's clock, Unix milliseconds."""
    return time.time_ns() // 1_000_000
