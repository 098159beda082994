"""Whether this tailer has looked at all its files before, in an earlier life.

With `TAILCAST_START_AT=end`, the tailer skips the lines that it finds at its first
start. Once all files of that start have a state, it leaves a note in the broker. After
a restart the note tells it that a file without a state was created since and is read
from its beginning. No clock is needed for that.
"""

import asyncio
from collections.abc import Callable

from tailcast_streams.broker import SessionWriter


# Seconds between two notes: the broker may lose one.
NOTE_SECONDS = 30.0


class StartNote:
    """The start note of one tailer."""

    def __init__(
        self, writer: SessionWriter, *, name: str, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._name = name
        self._clock = clock
        # Whether there was no note at the start; None before the broker was asked.
        self._is_first: bool | None = None
        # When the note was last written, by the steady clock.
        self._noted_at: float | None = None
        # Set once it was.
        self.written = asyncio.Event()

    @property
    def is_noted(self) -> bool:
        """Whether it was written by this tailer."""
        return self._noted_at is not None

    async def are_first(self) -> bool:
        """Whether this is the first start, so that every file is new to the tailer."""
        if self._is_first is None:
            self._is_first = not await self._writer.has_begun(self._name)
        return self._is_first

    async def note(self) -> None:
        """Write the note: all files of the start have a state, or nothing to skip."""
        now = self._clock()
        if self._noted_at is not None and now - self._noted_at < NOTE_SECONDS:
            return
        # Ask first: with the note written, this start would look like a later one.
        await self.are_first()
        await self._writer.note_begun(self._name)
        self._noted_at = now
        self.written.set()
