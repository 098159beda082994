"""What a replica knows of a session that is watched: its window, and the stream's life.

Pure. What never lives here: who watches it.
"""

from tailcast_gateway.sessions.core.verdicts import news_begins_after
from tailcast_gateway.sessions.core.window import Window
from tailcast_streams.births import Birth
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import NOTHING, EntryID
from tailcast_streams.session_state import Head


# What a record weighs of which nothing is known.
_USUAL_RECORD_BYTES = 1_024.0


class Watched:
    """A session that at least one client of this replica watches."""

    __slots__ = (
        "active_at",
        "active_ms",
        "birth",
        "changed_at",
        "epoch",
        "history_end",
        "incarnation",
        "is_documents",
        "is_unwatched",
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
        # The life of the stream that the window is of; "" while there is none.
        self.incarnation = ""
        # Its number in the count of sessions, None before it has begun.
        self.birth: Birth | None = None
        # The last place that is history, None if everything is news.
        self.history_end: EntryID | None = None
        # Counts how often the window was begun anew: what was read before is void.
        self.epoch = 0
        # Who appends to it, "" where nobody is known; and when somebody last did, Unix
        # milliseconds: to be shown.
        self.owner = ""
        self.active_ms = 0
        # The same in monotonic seconds, None before it was asked for.
        self.active_at: float | None = None
        # When entries last came, monotonic seconds.
        self.changed_at = 0.0
        # The mean size of recent entries, which says how many make a page.
        self.record_bytes = _record_bytes(head)
        # Nobody watched it when the last audit looked.
        self.is_unwatched = False
        self.note_state(head)

    @property
    def is_empty(self) -> bool:
        """Whether there is no entry yet."""
        return self.window.end == NOTHING

    @property
    def is_awaited(self) -> bool:
        """Whether it has to come into being; the documents are always there."""
        return self.is_empty and not (self.incarnation or self.is_documents)

    def note_state(self, head: Head) -> None:
        """Take what the state says of the stream's life."""
        state = head.state
        self.incarnation = "" if state is None else state.position.incarnation
        self.birth = None if state is None else state.birth
        if state is not None:
            self.owner = state.owner
            self.active_ms = max(self.active_ms, state.updated_ms)
        self.history_end = news_begins_after(state)

    def is_in_history(self) -> bool:
        """Whether the window's end still lies before what is news."""
        return self.history_end is not None and self.window.end.id < self.history_end


def _record_bytes(head: Head) -> float:
    """What a record of the session weighs, as far as its ends say it."""
    newest = 0 if head.newest is None else len(head.newest.record)
    state = head.state
    mean = state.size / state.records if state is not None and state.records else 0
    return max(_USUAL_RECORD_BYTES, newest, mean)
