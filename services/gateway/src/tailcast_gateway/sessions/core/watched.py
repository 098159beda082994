"""What a replica knows of a watched session: its window, and the life of its stream.

Pure. It does not know which clients watch the session.
"""

from tailcast_gateway.sessions.core.verdicts import news_begins_after
from tailcast_gateway.sessions.core.window import Window
from tailcast_streams.births import Birth
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Head


# The size of a record as long as nothing is known of it.
_USUAL_RECORD_BYTES = 1_024.0


class Watched:
    """A session that at least one client of this replica watches."""

    __slots__ = (
        "active_at",
        "active_ms",
        "behind_at",
        "birth",
        "changed_at",
        "epoch",
        "history_end",
        "incarnation",
        "is_documents",
        "is_unwatched",
        "oldest",
        "oldest_at",
        "owner",
        "record_bytes",
        "session",
        "window",
    )

    def __init__(self, session: str, head: Head, *, window_bytes: int) -> None:
        self.session = session
        # Whether these are the whole-file emergencies, which each client sees in part.
        self.is_documents = session == EMERGENCIES
        # Recent entries; live clients are at its end.
        self.window = Window(head.cursor or NOTHING, max_bytes=window_bytes)
        # The incarnation of the window's stream; "" while there is none.
        self.incarnation = ""
        # The number that it got when it was created, None before that.
        self.birth: Birth | None = None
        # The last place that is history, None if all records are new.
        self.history_end: EntryID | None = None
        # How often the window was emptied by a reset; earlier reads are void.
        self.epoch = 0
        # The tailer that appends to it, "" if unknown, and when it last did, Unix
        # milliseconds, as clients see it.
        self.owner = ""
        self.active_ms = 0
        # The same in monotonic seconds, None before it was read.
        self.active_at: float | None = None
        # When entries last came, monotonic seconds.
        self.changed_at = 0.0
        # The oldest entry that is stored, and when that was read, monotonic seconds;
        # both None if that is not known.
        self.oldest: Cursor | None = None
        self.oldest_at: float | None = None
        # The mean size of recent entries, which decides how many make a page.
        self.record_bytes = _record_bytes(head)
        # At the last audit: where the window ended and where the stored session did, if
        # that was further on; else None.
        self.behind_at: tuple[Cursor, Cursor] | None = None
        # Whether no client watched it at the last audit.
        self.is_unwatched = False
        self.note_state(head)

    @property
    def is_empty(self) -> bool:
        """Whether there is no entry yet."""
        return self.window.end == NOTHING

    @property
    def is_awaited(self) -> bool:
        """Whether it is not created yet; whole-file emergencies always exist."""
        return self.is_empty and not (self.incarnation or self.is_documents)

    def note_state(self, head: Head) -> None:
        """Take the incarnation, creation and history from the session's state."""
        state = head.state
        self.incarnation = "" if state is None else state.position.incarnation
        self.birth = None if state is None else state.birth
        if state is not None:
            self.owner = state.owner
            self.active_ms = max(self.active_ms, state.updated_ms)
        self.history_end = news_begins_after(state)
        self.oldest = self.oldest_at = None

    def proves(self, place: Cursor) -> bool:
        """Whether the window has the entry at a place, and all that follows it.

        It never does that for the beginning, from which some may have been trimmed.
        """
        return place != NOTHING and self.window.proves(place)

    def note_oldest(self, head: Head, now: float) -> None:
        """Take the oldest entry that is stored, as it was at a time."""
        if head.oldest is not None:
            self.oldest, self.oldest_at = head.oldest.cursor, now

    def oldest_since(self, since: float) -> Cursor | None:
        """The oldest entry that is stored; None if it was not read since a time."""
        if self.oldest_at is None or self.oldest_at < since:
            return None
        return self.oldest

    def is_in_history(self) -> bool:
        """Whether the window's end is still within history."""
        return self.history_end is not None and self.window.end.id < self.history_end


def _record_bytes(head: Head) -> float:
    """The size of a record, estimated from the newest one and the mean."""
    newest = 0 if head.newest is None else len(head.newest.record)
    state = head.state
    mean = state.size / state.records if state is not None and state.records else 0
    return max(_USUAL_RECORD_BYTES, newest, mean)
