"""Hints of changes, as the operating system gives them. The home of watchfiles.

Notifications save time and prove nothing: they overflow in silence, miss what other
machines write, and end with their directory. Only the listing is certain.
"""

# ruff: noqa: PTH116  # paths are texts, as in the tree

import asyncio
import os
from collections.abc import AsyncIterator, Sequence

from watchfiles import (
    awatch,  # pyright: ignore[reportUnknownVariableType]  # it also takes trio's Event
)

from tailcast_tailer.files.threads import Run
from tailcast_tailer.instruments import Instruments


# watchfiles: how long it collects, and between its looks; milliseconds.
DEBOUNCE_MS = 10
STEP_MS = 5
# Between attempts to get notifications, growing.
HINTS_RETRY_SECONDS = (1.0, 30.0)
ROOTS_LOOKED_AT_SECONDS = 1.0


class Hints:
    """What the operating system reports of some directories and files."""

    def __init__(
        self, watched: Sequence[str], *, instruments: Instruments, run: Run
    ) -> None:
        """Prepare; `run` runs blocking work in order, never two at once."""
        # Whole trees, and single files.
        self._watched = watched
        self._instruments = instruments
        self._run = run

    async def changes(self) -> AsyncIterator[set[str]]:
        """Paths that changed, as far as the operating system reports it; never ends."""
        retry_seconds = HINTS_RETRY_SECONDS[0]
        while True:
            identities = await self._run(self._identities)
            if not identities:
                await asyncio.sleep(ROOTS_LOOKED_AT_SECONDS)
                continue
            try:
                async for paths in self._watch(identities):
                    retry_seconds = HINTS_RETRY_SECONDS[0]
                    yield paths
            except Exception as error:  # noqa: BLE001  # Rust's errors have no base
                self._instruments.hints_failed(str(error))
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(HINTS_RETRY_SECONDS[1], retry_seconds * 2)

    async def _watch(self, identities: dict[str, object]) -> AsyncIterator[set[str]]:
        """Watch until a directory is another one than before."""
        stop = asyncio.Event()
        guard = asyncio.create_task(self._guard(identities, stop))
        try:
            async for changes in awatch(
                *identities,
                watch_filter=None,
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                stop_event=stop,
                force_polling=False,
                ignore_permission_denied=True,
            ):
                yield {path for _, path in changes}
            if guard.done():
                # Do not go on without the guard: raise what ended it.
                guard.result()
        finally:
            stop.set()
            guard.cancel()

    async def _guard(self, identities: dict[str, object], stop: asyncio.Event) -> None:
        # No notification says that another directory has the path.
        try:
            while await self._run(self._identities) == identities:  # noqa: ASYNC110  # as said above
                await asyncio.sleep(ROOTS_LOOKED_AT_SECONDS)
        finally:
            stop.set()

    def _identities(self) -> dict[str, object]:
        """What there is to watch now, and which directory each is."""
        identities: dict[str, object] = {}
        for path in self._watched:
            try:
                found = os.stat(path)
            except OSError:
                continue
            identities[path] = (found.st_dev, found.st_ino)
        return identities
