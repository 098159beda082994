"""Whoever listens to a broker in memory; it is told a turn of the loop later."""

import asyncio
from collections.abc import Callable, Sequence

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.pushes import Push


class MemoryListener:
    """Hands on together what was said since it last did."""

    def __init__(
        self, on_heard: Callable[[Sequence[str | Push]], None], gather_seconds: float
    ) -> None:
        self._on_heard = on_heard
        self._gather_seconds = gather_seconds
        self._loop = asyncio.get_running_loop()
        # Has the error when nothing more is heard.
        self.lost: asyncio.Future[None] = self._loop.create_future()
        # What was said, and what will hand it on.
        self._said: list[str | Push] = []
        self._call: asyncio.Handle | None = None
        # The sessions whose pushes are wanted.
        self._watched: set[str] = set()
        # When it may next be handed on, by the loop's clock.
        self._earliest = 0.0

    def watch(self, session: str) -> None:
        """Hear the pushes of a session."""
        self._watched.add(session)

    def unwatch(self, session: str) -> None:
        """Hear them no more."""
        self._watched.discard(session)

    def hear(self, said: str | Push) -> None:
        """Note something that was said."""
        if isinstance(said, Push) and said.session not in self._watched:
            return
        self._said.append(said)
        if self._call is None:
            self._call = self._loop.call_at(
                max(self._earliest, self._loop.time()), self._hand_on
            )

    def drop(self, error: BrokerError) -> None:
        """Hear nothing more."""
        if not self.lost.done():
            self.lost.set_exception(error)

    def end(self) -> None:
        """Listen no more."""
        if not self.lost.cancel() and not self.lost.cancelled():
            # Nobody asks any more.
            self.lost.exception()
        if self._call is not None:
            self._call.cancel()

    def _hand_on(self) -> None:
        self._call = None
        if self.lost.done():
            return
        said, self._said = self._said, []
        self._earliest = self._loop.time() + self._gather_seconds
        try:
            self._on_heard(said)
        except Exception as error:  # noqa: BLE001  # it is that of whoever listens
            self.lost.set_exception(error)
