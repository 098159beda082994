"""Where a session begins in its file, and what is stored of it then.

At the file's first line; or behind the last one that is there, where only news are
wanted. A file that has not changed for long does not begin at all.
"""

import secrets
from functools import partial
from typing import NamedTuple

from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import StoredPosition
from tailcast_tailer.appending.appender import Stored, marker
from tailcast_tailer.core.lifetime import DAY_SECONDS
from tailcast_tailer.core.proofs import LONGEST_NEWLINE
from tailcast_tailer.files.looks import Backlog, Look, Source
from tailcast_tailer.files.portions import Place
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.fates import Trouble


_NAME_IT = "it is followed once it changes, or if it is named: tailcast up FILE"


class End(NamedTuple):
    """The end of the lines that are there."""

    place: Place
    # Whether the file came while no tailer looked: all of it is new.
    is_new: bool

    @property
    def entries(self) -> list[NewEntry]:
        """What says that the lines before it were left out."""
        offset = self.place.offset
        ends = (EntryID(1, 0), EntryID(1, offset))
        details = {"from": str(ends[0]), "to": str(ends[1]), "reason": "left_out"}
        return [marker(0), NewEntry(offset, Kind.GAP, b"", details)]


class Beginning:
    """The beginning of one session."""

    def __init__(
        self,
        session: str,
        file: SessionFile,
        run: Run,
        context: FollowerContext,
        *,
        was_there_at_start: bool,
    ) -> None:
        self._session = session
        self._file = file
        self._run = run
        self._context = context
        self._was_there_at_start = was_there_at_start
        # Where the first generation begins, again after the broker lost everything;
        # None while the end of the lines that are there is still to be found.
        is_late = context.starts_at_end and was_there_at_start
        self._offset: int | None = None if is_late else 0
        # How far the file was read before the broker ceased to keep its session.
        self._read: StoredPosition | None = None

    @property
    def is_at_end(self) -> bool:
        """Whether what was there first is left out."""
        return self._offset != 0

    def was_read(self, position: StoredPosition) -> None:
        """It was read so far before the broker ceased to keep its session."""
        self._read = position

    def is_whole(self) -> None:
        """Nothing is left out."""
        self._offset = 0

    async def end(self) -> End | None:
        """The end of the lines that are there; None if there are none."""
        offset = self._offset
        is_new = offset is None and not await self._context.start_note.are_first()
        if offset is None:
            offset = await self._run(self._file.last_line_end)
        place = await self._run(partial(self._file.place_at, offset))
        self._offset = 0 if place is None else offset
        return None if place is None or offset == 0 else End(place, is_new)

    def is_too_old(self, look: Look) -> bool:
        """Whether the file has not changed for longer than sessions live."""
        age = self._context.wall_clock() - look.glimpse.mtime_ns / 1e9
        is_too_old = age > self._context.session_ttl
        if is_too_old:
            days = age / DAY_SECONDS
            self._context.instruments.file_is_old(self._session, days=days)
            reason = f"unchanged for {days:.0f} days, longer than TAILCAST_SESSION_TTL"
            self._context.fates.troubled(
                self._session, self._file.path, Trouble.OLD, reason, _NAME_IT
            )
        else:
            self._context.fates.fine(self._session, self._file.path, Trouble.OLD)
        return is_too_old

    def begun(self, stored: Stored, look: Look, *, was_known: bool) -> Stored:
        """What is stored of a session that begins: its first incarnation, or anew."""
        is_history = self._was_there_at_start or was_known or self._read is not None
        backlog = self._file.backlog
        if backlog is None or look.source is Source.PATH:
            is_same = self._read is not None and self._read.generation == 1
            end = self._read.offset if self._read and is_same else _end_of_lines(look)
            backlog = Backlog(0, end)
        return stored._replace(
            position=stored.position._replace(
                incarnation=secrets.token_hex(8), generation=1
            ),
            backlog_end=backlog.end if is_history else 0,
            backlog_generation=backlog.files if is_history else 0,
        )


def _end_of_lines(look: Look) -> int:
    """Where its lines end, the last one's newline counted if that is still to come."""
    portion = look.portion
    is_ended = portion is not None and not (portion.has_more or portion.held_bytes)
    return look.glimpse.size + (0 if is_ended else LONGEST_NEWLINE)
