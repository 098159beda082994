"""Whether what was read of a file is still there, where something suggests otherwise.

Each look proves a file's first bytes, and those before the place up to which it was
read. What lies between is held against the stored entries, since that costs as much as
reading it all: only if the file was changed without growing, or another file took its
path; and at most for a part of the time.
"""

from functools import partial

from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.files.file_system import CannotBeSeen, Glimpse, glimpse
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.rewrites import is_as_stored, new_file


# A file is compared so long after it was seen to have changed: that may not be over.
REST_SECONDS = 2.0
# The pause after a comparison is at least so many times as long as that took.
PAUSE_SHARE = 10.0


class Middle:
    """The part of one session's file that looks do not prove."""

    def __init__(
        self, session: str, file: SessionFile, run: Run, context: FollowerContext
    ) -> None:
        self._session = session
        self._file = file
        self._run = run
        self._context = context
        # What the file showed when it was read, or compared, last.
        self._known: Glimpse | None = None
        # When it is to be compared, steady seconds; None: there is no reason.
        self.due_at: float | None = None
        # Before this time it is not compared again.
        self._not_before = 0.0

    def seen(self, shown: Glimpse) -> None:
        """Take what the path shows of a file whose proofs hold."""
        known, self._known = self._known, shown
        if known is None or self._file.has_parts:
            return
        was_replaced = shown.identity != known.identity
        # (Who appends makes it grow, as well.)
        was_changed = shown.size == known.size and shown.mtime_ns != known.mtime_ns
        if was_replaced or was_changed:
            self.ask()

    def begun(self, shown: Glimpse) -> None:
        """A generation began with this file."""
        self._known, self.due_at = shown, None

    async def is_other(self, stored: Stored, *, awaits_newline: bool) -> bool:
        """Compare it, if it is time; whether it is not as it is stored.

        Args:
            stored: what is believed to be stored.
            awaits_newline: whether the newline of its last line is still to come.
        """
        started_at = self._context.clock()
        if self.due_at is None or started_at < self.due_at:
            return False
        before, self.due_at = self._known, None
        file = new_file(self._file, self._run)
        is_same = await is_as_stored(
            self._context.writer,
            self._session,
            stored,
            file,
            awaits_newline=awaits_newline,
        )
        now = self._context.clock()
        self._not_before = now + PAUSE_SHARE * (now - started_at)
        if not is_same and await self._run(partial(_shows, self._file.path)) != before:
            # It was changed meanwhile: the next look says how.
            self.ask()
            return False
        self._context.instruments.middle_compared(self._session, is_same=is_same)
        return not is_same

    def ask(self) -> None:
        """Have it compared once it has rested."""
        if self.due_at is None:
            rested_at = self._context.clock() + REST_SECONDS
            self.due_at = max(rested_at, self._not_before)


def _shows(path: str) -> Glimpse | None:
    """What a path shows; None if nothing. Blocking."""
    try:
        return glimpse(path, reopen=True)
    except CannotBeSeen:
        return None
