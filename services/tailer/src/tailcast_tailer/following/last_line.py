"""What stands behind a file's last newline: when it is taken, and that it is told.

A line that is whole without its newline is taken once the file has rested. Anything
else is held back, and its size noted with the session. A file whose last line went on
after it was taken is not trusted again.
"""

from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.core.resting import Rest, rested_at, resting
from tailcast_tailer.files.looks import Look, Rested
from tailcast_tailer.files.portions import Portion
from tailcast_tailer.following.context import FollowerContext


class LastLine:
    """The last line of one file, while no newline ends it."""

    def __init__(self, session: str, context: FollowerContext) -> None:
        self._session = session
        self._context = context
        # What is held back, and since when; None while nothing is.
        self._rest: Rest | None = None
        # How the file looked when it was asked for that line.
        self._asked: Rested = None
        # Whether a line that was taken so went on.
        self._went_on = False

    @property
    def rested_at(self) -> float | None:
        """When it has rested, steady seconds; None while nothing is to come of it."""
        return rested_at(self._rest, is_network=self._context.is_network)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held back."""
        return self._rest is None

    def ask(self) -> Rested:
        """How the file must look for its last line to be taken; None: it is not."""
        due = self.rested_at
        has_rested = due is not None and due <= self._context.clock()
        self._asked = None
        if has_rested and self._rest is not None:
            self._asked = (self._rest.size, self._rest.mtime_ns)
        return None if self._went_on else self._asked

    def went_on(self) -> None:
        """Other bytes than its newline follow a line that was taken."""
        self._went_on = True

    async def note(self, stored: Stored, look: Look, portion: Portion) -> Stored | None:
        """Note what is held back now; what is stored then, None if that is not known.

        It is written down once it has rested, or is gone.
        """
        glimpse = look.glimpse
        if portion.lines and portion.place.offset > glimpse.size:
            self._context.instruments.line_unended(self._session)
        now = self._context.clock()
        seen = Rest(portion.held_bytes, glimpse.size, glimpse.mtime_ns, now)
        rest = self._rest = resting(self._rest, seen)
        was_asked = self._asked == (glimpse.size, glimpse.mtime_ns)
        if rest is not None and not rest.is_settled:
            if not was_asked:
                return stored
            self._rest = rest._replace(is_settled=True)
        is_noted = portion.held_bytes == stored.partial_bytes
        if is_noted or not stored.position.incarnation:
            return stored
        return await self._write(stored, portion.held_bytes)

    async def _write(self, stored: Stored, held_bytes: int) -> Stored | None:
        position = stored.position
        batch = Batch(
            session=self._session,
            expected=position,
            incarnation=position.incarnation,
            generation=position.generation,
            offset=position.offset,
            entries=(),
            fields={"partial_bytes": held_bytes},
        )
        if await self._context.writer.append(batch) is not Appended.DONE:
            return None
        self._context.instruments.bytes_held_back(self._session, held_bytes)
        return stored._replace(partial_bytes=held_bytes)
