"""Whether the broker answers, and which indexers are there to share the sessions.

Says again and again that this one is there, which is also the probe: when any call
fails, all tasks wait here until that can be said again.
"""

import asyncio
from collections.abc import Callable

from tailcast_indexer.instruments import Instruments
from tailcast_service.broker_link import BrokerLink
from tailcast_service.build import read_build
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnwilling,
)
from tailcast_streams.indexers import Indexer, indexer_of


# How many times it says so before others take it to be gone.
TIMES = 3
# How long the last call may take, seconds.
WITHDRAW_SECONDS = 1.0


class Link:
    """Keeps the presence, and lets tasks wait while the broker does not answer."""

    def __init__(
        self,
        reader: SessionReader,
        *,
        name: str,
        presence_seconds: float,
        instruments: Instruments,
        on_changed: Callable[[], None],
    ) -> None:
        """`on_changed` is called when others came or went, or the broker is back."""
        self._reader = reader
        self._name = name
        self._seconds = presence_seconds
        self._instruments = instruments
        self._on_changed = on_changed
        # Those that share the sessions, this one among them.
        self._names: tuple[str, ...] = (name,)
        # When it began, by the broker's clock; 0 until that was asked.
        self._since_ms = 0
        self._link = BrokerLink(
            self._hold,
            errors=BrokerError,
            failed=self._lost,
            seconds=presence_seconds / TIMES,
            news=instruments.broker,
            on_back=on_changed,
        )

    @property
    def is_up(self) -> bool:
        """Whether the latest that is known of the broker is that it answers."""
        return self._link.is_up

    def keeps(self, session: str) -> bool:
        """Whether this indexer keeps a session."""
        return len(self._names) == 1 or indexer_of(session, self._names) == self._name

    def lost(self, error: BrokerError, what: str) -> None:
        """A call failed; `what` is the session or the task that made it."""
        if isinstance(error, BrokerFull):
            self._instruments.broker.full()
        elif is_of_one(error):
            # Perhaps this alone; the next attempt tells if it is all.
            self._instruments.broker.refused(error, what)
        else:
            self._lost(error)

    def _lost(self, error: BrokerError) -> None:
        """A call failed that would fail for every session."""
        self._instruments.broker.lost(error)
        self._link.lost()

    async def wait_until_up(self) -> None:
        """Wait while the broker is away."""
        await self._link.wait_until_up()

    async def run(self) -> None:
        """Keep the presence until cancelled."""
        await self._link.run()

    async def _hold(self) -> None:
        if not self._since_ms:
            self._since_ms = await self._reader.now_ms()
        condition = self._instruments.condition()
        indexer = Indexer(
            self._name,
            read_build().version,
            self._since_ms,
            condition.sessions,
            condition.behind,
            int(condition.lag_seconds * 1_000),
        )
        try:
            present = await self._reader.indexers.hold(indexer, seconds=self._seconds)
            # A broker that was emptied, or restored, may have another one, or none.
            await self._reader.settle_installation()
        except BrokerFull:
            # It answers. Who is there is as it was.
            self._instruments.broker.full()
            return
        self._instruments.broker.has_room()
        self._note(tuple(one.name for one in present))

    def _note(self, names: tuple[str, ...]) -> None:
        if names != self._names:
            self._names = names
            self._instruments.sharing(len(names))
            self._on_changed()

    async def withdraw(self) -> None:
        """Let others take its sessions at once."""
        try:
            async with asyncio.timeout(WITHDRAW_SECONDS):
                await self._reader.indexers.withdraw(self._name)
        except (BrokerError, TimeoutError):
            return


def is_of_one(error: BrokerError) -> bool:
    """Whether an error may be of one session alone."""
    return isinstance(error, BrokerRefused) and not isinstance(error, BrokerUnwilling)
