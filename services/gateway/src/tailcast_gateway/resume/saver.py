"""Progress of named clients on its way to the broker: in batches, bounded, tried again.

Nothing waits for it but who asks for it. What never lives here: what a client has
received, and who holds it.
"""

import asyncio
from collections.abc import Callable, Iterable

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.resume.core.holding import Holding
from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.client_cursors import ClientCursors, Save, Saved
from tailcast_streams.exceptions import BrokerError


# Progress that is not urgent is saved so often.
SAVE_SECONDS = 1.0
# Cursors in one batch of saves, give or take one client's.
MAX_SAVED_CURSORS = 20_000
# Clients whose progress waits to be saved; with more, who waits longest goes without.
MAX_WAITING = 50_000
# What waits when the replica ends is given so long.
FINISH_SECONDS = 2.0


class Saver:
    """Saves what holdings have."""

    # Is told of a holding that has lost its client; set once, by who makes both.
    on_refused: Callable[[Holding], None]

    def __init__(
        self,
        clients: ClientCursors,
        *,
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._instruments = instruments
        # Holdings whose progress is to be saved, the one that waits longest first;
        # also of connections that are gone.
        self._waiting: dict[Holding, None] = {}
        # One save at a time.
        self._saving = asyncio.Lock()
        # Somebody should not wait for `SAVE_SECONDS`.
        self._is_urgent = asyncio.Event()

    def wait(self, holding: Holding, *, is_urgent: bool = False) -> None:
        """Have a holding's progress saved soon."""
        self._waiting[holding] = None
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._instruments.progress_lost(1)
        if is_urgent:
            self._is_urgent.set()

    def forget(self, holding: Holding) -> None:
        """What a holding has is not worth saving any more."""
        self._waiting.pop(holding, None)

    async def run(self) -> None:
        """Save what waits until cancelled, whatever the broker does."""
        while True:
            await wait_or_timeout(self._is_urgent, SAVE_SECONDS)
            self._is_urgent.clear()
            try:
                await self.save_waiting()
            except BrokerError:
                # It is tried again, with what has come by then.
                await asyncio.sleep(SAVE_SECONDS)

    async def save_waiting(self) -> None:
        """Save a batch of what waits. Raises BrokerError."""
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
        """The replica ends: save what still waits, if the broker takes it in time."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                while self._waiting:
                    await self.save_waiting()
        except (BrokerError, TimeoutError):
            self._instruments.progress_lost(len(self._waiting))

    async def save(self, holdings: list[Holding]) -> None:
        """Save what these have, at once. Raises BrokerError."""
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
            except Exception as error:  # noqa: BLE001  # the others' is saved
                self._lost(holding, error)
        self._instruments.progress_saved(
            clients=len(saves), cursors=sum(len(one.cursors) for one in saves)
        )

    async def _save_apart(self, holdings: list[Holding], error: Exception) -> None:
        """Saving these failed by a defect: find the one over which it does."""
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
        """What one has cannot be saved: it comes again to its client."""
        self._instruments.defect("client", holding.client_id, error)
        self._instruments.progress_lost(1)

    def _saved(self, holding: Holding, outcome: Saved) -> None:
        if outcome is Saved.REFUSED:
            self._instruments.progress_refused()
            self.on_refused(holding)
        elif outcome is Saved.FAILED:
            self._instruments.progress_failed(1)
            holding.failed()
            self.wait(holding)
        else:
            holding.saved(outcome)
