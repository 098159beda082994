"""Saves the progress of named clients in the broker: in bounded batches, with retries.

Delivery does not wait for it. What a client has received is found out in `holding`, and
which connection holds it in `holders`.
"""

import asyncio
from collections.abc import Callable, Iterable

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.resume.core.holding import Holding
from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.client_cursors import ClientCursors, Save, Saved
from tailcast_streams.exceptions import BrokerError


# The pause between two saves of progress that is not urgent.
SAVE_SECONDS = 1.0
# How many cursors one batch of saves has, plus or minus those of one client.
MAX_SAVED_CURSORS = 20_000
# How many clients may wait for a save; beyond that the one that waits longest is left
# out.
MAX_WAITING = 50_000
# How long the last saves may take when the replica ends.
FINISH_SECONDS = 2.0


class Saver:
    """Saves the progress of holdings."""

    def __init__(
        self,
        clients: ClientCursors,
        *,
        on_refused: Callable[[Holding], None],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._clients = clients
        # Called with a holding that has lost its client.
        self._on_refused = on_refused
        self._clock = clock
        self._instruments = instruments
        # Holdings whose progress is to be saved, the one that waits longest first. Some
        # are of closed connections.
        self._waiting: dict[Holding, None] = {}
        # Only one save runs at a time.
        self._saving = asyncio.Lock()
        # Set if a save should not wait for `SAVE_SECONDS`.
        self._is_urgent = asyncio.Event()

    def wait(self, holding: Holding, *, is_urgent: bool = False) -> None:
        """Let a holding's progress be saved soon."""
        self._waiting[holding] = None
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._instruments.progress_lost(1)
        if is_urgent:
            self._is_urgent.set()

    def forget(self, holding: Holding) -> None:
        """Do not save the progress of a holding any more."""
        self._waiting.pop(holding, None)

    async def run(self) -> None:
        """Save waiting progress until cancelled, whatever the broker does."""
        while True:
            await wait_or_timeout(self._is_urgent, SAVE_SECONDS)
            self._is_urgent.clear()
            try:
                await self.save_waiting()
            except BrokerError:
                # The next save tries again, with the progress up to then.
                await asyncio.sleep(SAVE_SECONDS)

    async def save_waiting(self) -> None:
        """Save a batch of the waiting holdings. Raises BrokerError."""
        batch: list[Holding] = []
        async with self._saving:
            size = 0
            for holding in self._waiting:
                if size >= MAX_SAVED_CURSORS:
                    break
                batch.append(holding)
                size += holding.size
            await self._save_batch(batch)

    async def finish(self) -> None:
        """Save what still waits as the replica ends, if there is time."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                while self._waiting:
                    await self.save_waiting()
        except (BrokerError, TimeoutError):
            self._instruments.progress_lost(len(self._waiting))

    async def save(self, holdings: list[Holding]) -> None:
        """Save the progress of these holdings now. Raises BrokerError."""
        async with self._saving:
            await self._save_batch(holdings)

    async def _save_batch(self, holdings: Iterable[Holding]) -> None:
        now = self._clock()
        for holding in holdings:
            self._waiting.pop(holding, None)
        found = [(one, self._next_save(one, now)) for one in holdings]
        flying = [holding for holding, save in found if save is not None]
        saves = [save for _, save in found if save is not None]
        if not saves:
            return
        try:
            outcomes = await self._clients.save(saves)
        except BaseException as error:
            for holding in flying:
                holding.failed()
                self.wait(holding)
            if isinstance(error, BrokerError):
                self._instruments.progress_failed(len(flying))
                self._instruments.broker_failed("save", error)
            if isinstance(error, BrokerError) or not isinstance(error, Exception):
                raise
            await self._save_apart(flying, error)
            return
        for holding, outcome in zip(flying, outcomes, strict=True):
            try:
                self._saved(holding, outcome)
            except Exception as error:  # noqa: BLE001  # the others are saved
                self._lost(holding, error)
        self._instruments.progress_saved(
            clients=len(saves), cursors=sum(len(one.cursors) for one in saves)
        )

    async def _save_apart(self, holdings: list[Holding], error: Exception) -> None:
        """Save holdings one by one, to find the one over which saving fails."""
        if len(holdings) == 1:
            self.forget(holdings[0])
            self._lost(holdings[0], error)
            return
        for holding in holdings:
            await self._save_batch([holding])

    def _next_save(self, holding: Holding, now: float) -> Save | None:
        try:
            return holding.next_save(now) if holding.has_progress(now) else None
        except Exception as error:  # noqa: BLE001  # as above
            self._lost(holding, error)
            return None

    def _lost(self, holding: Holding, error: Exception) -> None:
        """Note progress that cannot be saved; its client gets records again."""
        self._instruments.defect("client", holding.client_id, error)
        self._instruments.progress_lost(1)

    def _saved(self, holding: Holding, outcome: Saved) -> None:
        if outcome is Saved.REFUSED:
            self._instruments.progress_refused()
            self._on_refused(holding)
        elif outcome is Saved.FAILED:
            self._instruments.progress_failed(1)
            holding.failed()
            self.wait(holding)
        else:
            holding.saved(outcome)
