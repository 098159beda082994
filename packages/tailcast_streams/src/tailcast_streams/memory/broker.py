"""The broker in this process's memory: both ports, for tests and for readers.

It does in Python what `append.lua` and Redis do; the conformance suite tests both. In
addition to the ports it can forget (`checkpoint`, `roll_back`, `wipe`) and fail on
demand, so that tests can do that.
"""

import copy
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from tailcast_streams.broker import Notified, OnHeard
from tailcast_streams.descriptions import Description
from tailcast_streams.exceptions import BrokerError, BrokerUnavailable
from tailcast_streams.memory.appends import MemoryAppends
from tailcast_streams.memory.calls import now_ms
from tailcast_streams.memory.claims import MemoryClaims
from tailcast_streams.memory.client_cursors import MemoryClientCursors
from tailcast_streams.memory.descriptions import MemoryDescriptions
from tailcast_streams.memory.emergencies import MemoryEmergencies
from tailcast_streams.memory.entries import MemoryEntries
from tailcast_streams.memory.indexers import MemoryIndexers
from tailcast_streams.memory.indexes import MemoryIndexes
from tailcast_streams.memory.listening import MemoryListener
from tailcast_streams.memory.listing import MemoryListing
from tailcast_streams.memory.sources import MemorySources
from tailcast_streams.memory.states import MemoryStates
from tailcast_streams.memory.stored import Stored


class MemoryBroker(MemoryAppends, MemoryEntries, MemoryStates, MemoryListing):
    """`SessionWriter` and `SessionReader` in memory."""

    def __init__(self) -> None:
        super().__init__()
        # The claims of tailers.
        self.claims = MemoryClaims(
            lambda: self._stored.claims, reachable=self._reachable
        )
        # What is said of sessions besides their records.
        self.descriptions = MemoryDescriptions(
            self._descriptions_now,
            incarnation_of=self._incarnation_of,
            reachable=self._reachable,
            wake=self._wake,
        )
        # The emergencies that are kept.
        self.emergencies = MemoryEmergencies(
            lambda: self._stored.emergencies,
            reachable=self._reachable,
            now_ms=now_ms,
        )
        # The indexers that are there.
        self.indexers = MemoryIndexers(
            lambda: self._stored.indexers, reachable=self._reachable
        )
        # What the records of sessions mean.
        self.indexes = MemoryIndexes(
            lambda: self._stored.indexes, reachable=self._reachable
        )
        # The paths that tailers watch.
        self.sources = MemorySources(
            lambda: self._stored.sources, reachable=self._reachable
        )
        # The cursors of named clients.
        self.clients = MemoryClientCursors(
            lambda: self._stored.clients, reachable=self._reachable, wake=self._wake
        )

    def _descriptions_now(self) -> dict[str, Description]:
        stored, now = self._stored, time.monotonic()
        for session, end in list(stored.edits_end.items()):
            if end <= now:
                del stored.edits_end[session]
                stored.descriptions.pop(session, None)
        return stored.descriptions

    def _incarnation_of(self, session: str) -> str:
        state = self._stored.states.get(session)
        if state is None or session in self._stored.taken_out:
            return ""
        return state.position.incarnation

    # In addition to the ports: what can happen to a broker.

    def checkpoint(self) -> Stored:
        """A copy of all that is stored now, for `roll_back`."""
        return copy.deepcopy(self._stored)

    def roll_back(self, checkpoint: Stored) -> None:
        """Go back to a checkpoint; listeners lose their connection."""
        self._stored = copy.deepcopy(checkpoint)
        self.drop_listeners()

    def wipe(self) -> None:
        """Forget everything; listeners lose their connection."""
        self.roll_back(Stored())

    def drop_listeners(self, error: BrokerError | None = None) -> None:
        """End every `notifications`, as a lost connection does."""
        for listener in self._listeners:
            listener.drop(error or BrokerUnavailable("dropped"))

    # Calls that concern no session.

    async def settle_installation(self) -> None:
        await self._reachable()

    async def now_ms(self) -> int:
        await self._reachable()
        return now_ms()

    @asynccontextmanager
    async def notifications(
        self,
        on_heard: OnHeard,
        *,
        on_foreign: Callable[[], None] | None = None,
        on_refused: Callable[[BrokerError], None] = lambda _: None,
        gather_seconds: float = 0.0,
    ) -> AsyncGenerator[Notified]:
        del on_foreign, on_refused  # there are no others here, and no accounts
        await self._reachable()
        listener = MemoryListener(on_heard, gather_seconds)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            listener.end()

    async def notify(self, payload: str) -> None:
        await self._reachable()
        self._wake(payload)

    async def aclose(self) -> None:
        """Nothing to close."""
