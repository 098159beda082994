"""Whether the broker answers, and which indexers are there to share the sessions.

Says again and again that this one is there, which is also the probe: when any call
fails, all tasks wait here until that can be said again. Retries back off with jitter.
"""

import asyncio
import random
from collections.abc import Callable

from tailcast_indexer.instruments import Instruments
from tailcast_service.build import read_build
from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnwilling,
)
from tailcast_streams.indexers import Indexer, indexer_of


# Between attempts while the broker is away: first, and at most, seconds.
BROKER_RETRY_SECONDS = (0.05, 2.0)
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
        # Set while the broker answers.
        self._is_up = asyncio.Event()
        # Set when a call failed, so that the next attempt is at once.
        self._was_lost = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether the latest that is known of the broker is that it answers."""
        return self._is_up.is_set()

    def keeps(self, session: str) -> bool:
        """Whether this indexer keeps a session."""
        return len(self._names) == 1 or indexer_of(session, self._names) == self._name

    def lost(self, error: BrokerError, what: str) -> None:
        """A call failed; `what` is the session or the task that made it."""
        if isinstance(error, BrokerFull):
            self._instruments.broker_is_full()
        elif is_of_one(error):
            # Perhaps this alone; the next attempt tells if it is all.
            self._instruments.broker_refused(error, what)
        else:
            self._instruments.broker_lost(error)
            self._is_up.clear()
            self._was_lost.set()

    async def wait_until_up(self) -> None:
        """Wait while the broker is away."""
        await self._is_up.wait()

    async def run(self) -> None:
        """Keep the presence until cancelled."""
        retry_seconds = BROKER_RETRY_SECONDS[0]
        while True:
            self._was_lost.clear()
            try:
                names = await self._hold()
            except BrokerFull:
                # It answers. Who is there is as it was.
                self._instruments.broker_is_full()
                names = self._names
            except BrokerError as error:
                self._instruments.broker_lost(error)
                self._is_up.clear()
                await asyncio.sleep(retry_seconds * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
                retry_seconds = min(BROKER_RETRY_SECONDS[1], retry_seconds * 2)
                continue
            retry_seconds = BROKER_RETRY_SECONDS[0]
            self._note(names)
            await wait_or_timeout(self._was_lost, self._seconds / TIMES)

    async def _hold(self) -> tuple[str, ...]:
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
        present = await self._reader.indexers.hold(indexer, seconds=self._seconds)
        # A broker that was emptied, or restored, may have another one, or none.
        await self._reader.settle_installation()
        self._instruments.broker_has_room()
        return tuple(one.name for one in present)

    def _note(self, names: tuple[str, ...]) -> None:
        was_up = self._is_up.is_set()
        changed, self._names = names != self._names, names
        if not was_up:
            self._instruments.broker_answers()
        if changed:
            self._instruments.sharing(len(names))
        self._is_up.set()
        if changed or not was_up:
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
