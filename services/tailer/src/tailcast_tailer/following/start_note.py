"""Whether this tailer has looked at all its files before, in an earlier life.

With `TAILCAST_START_AT=end` what is in files first seen is left out. Once all files
that were there have a state, the broker keeps a note of it; in a later life a file that
has no state then came since, and is new. That is an order of events, not of clocks.
"""

from collections.abc import Callable

from tailcast_streams.broker import SessionWriter


# How often it is noted again, since the broker may forget.
NOTE_SECONDS = 30.0


class StartNote:
    """The note of one tailer: its owner, and which files it is to look at."""

    def __init__(
        self, writer: SessionWriter, *, name: str, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._name = name
        self._clock = clock
        # Whether there was no note when this life began; None before it was asked.
        self._is_first: bool | None = None
        # When it was noted last.
        self._noted_at: float | None = None

    async def are_first(self) -> bool:
        """Whether all files that are there are seen for the first time."""
        if self._is_first is None:
            self._is_first = not await self._writer.has_begun(self._name)
        return self._is_first

    async def note(self) -> None:
        """All files that were there have a state, or nothing to leave out."""
        now = self._clock()
        if self._noted_at is not None and now - self._noted_at < NOTE_SECONDS:
            return
        # Asked before it is noted, or this life would look like a later one.
        await self.are_first()
        await self._writer.note_begun(self._name)
        self._noted_at = now
