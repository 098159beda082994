"""Listens to the feed: which sessions have new entries. Hints may be lost."""

from collections.abc import Callable, Sequence
from time import monotonic

from tailcast_indexer.core.queue import Queue
from tailcast_indexer.instruments import Instruments
from tailcast_indexer.link import Link
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.notification import parse_moved
from tailcast_streams.pushes import Push


class Listener:
    """The one subscription of an indexer."""

    def __init__(
        self,
        reader: SessionReader,
        link: Link,
        queue: Queue,
        *,
        instruments: Instruments,
        gather_seconds: float,
        wake: Callable[[], None],
        on_listening: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            reader: the broker.
            link: knows which sessions are ours.
            queue: gets those that are to be read.
            instruments: is told what is lost.
            gather_seconds: for how long hints are gathered before they are taken.
            wake: is called for each hint.
            on_listening: is called when hints come again.
        """
        self._reader = reader
        self._link = link
        self._queue = queue
        self._instruments = instruments
        self._gather_seconds = gather_seconds
        self._wake = wake
        self._on_listening = on_listening
        # Whether hints come.
        self.is_listening = False

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            await self._link.wait_until_up()
            try:
                await self._listen()
            except BrokerError as error:
                self._instruments.hints_lost()
                self._link.lost(error, "notifications")
            finally:
                self.is_listening = False

    async def _listen(self) -> None:
        hints = self._reader.notifications(
            self._heard, gather_seconds=self._gather_seconds
        )
        async with hints as line:
            self.is_listening = True
            # What moved before is not told.
            self._on_listening()
            await line.lost

    def _heard(self, texts: Sequence[str | Push]) -> None:
        for text in texts:
            # (It watches nothing: what is pushed is for those who show it at once.)
            if isinstance(text, str):
                self._take(text)

    def _take(self, text: str) -> None:
        moved = parse_moved(text)
        # Names that begin with "!" are of no session.
        if moved is None or not moved.session or moved.session.startswith("!"):
            return
        if self._link.keeps(moved.session):
            self._queue.moved(moved.session, monotonic(), written_ms=moved.written_ms)
            self._wake()
