"""Progress of named clients on its way to the broker: in batches, bounded, tried again.

Nothing waits for it but who asks for it. What never lives here: what a client has
received, and who holds it.
"""

import asyncio
from collections.abc import Callable, Iterable

from gateway.acknowledgement import Holding
from gateway.instruments import Instruments
from telemetry_stream.client_cursors import ClientCursors, Saved
from telemetry_stream.exceptions import BrokerError


# Progress that is not urgent is saved so often.
SAVE_SECONDS = 1.0
# Cursors in one batch of saves, give or take one client's.
MAX_SAVED_CURSORS = 20_000
# Clients whose progress waits to be saved; with more, who waits longest goes without.
MAX_WAITING = 50_000
# What waits when the replica ends is given so long.
FINISH_SECONDS = 2.0


class Keeper:
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
            try:
                async with asyncio.timeout(SAVE_SECONDS):
                    await self._is_urgent.wait()
            except TimeoutError:
                pass
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
        flying = [one for one in holdings if one.has_progress(now)]
        saves = [holding.next_save(now) for holding in flying]
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
            raise
        for holding, outcome in zip(flying, outcomes, strict=True):
            self._saved(holding, outcome)
        self._instruments.progress_saved(
            clients=len(saves), cursors=sum(len(one.cursors) for one in saves)
        )

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
