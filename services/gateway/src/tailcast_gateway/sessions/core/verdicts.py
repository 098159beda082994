"""The verdict on a cursor: go on there, wait, or tell the client a gap or a rewind.

Pure. A cursor of a client is not trusted but looked up: its ID finds the entry, and its
digest proves that the entry is the same. The callers ask the broker; the verdict
depends on its answers alone.
"""

from typing import NamedTuple, TypeAlias

from tailcast_streams.entries import Entry
from tailcast_streams.position import (
    BEFORE_ALL,
    BEGINNING,
    BEGINNING_CURSOR,
    NOTHING,
    Cursor,
    EntryID,
)
from tailcast_streams.session_state import Head, SessionState


class Resume(NamedTuple):
    """Delivery goes on after this place."""

    # The requested place, with its present ID.
    cursor: Cursor
    # Whether it is proved that nothing is missing.
    is_proved: bool
    # How far the run is in steps or times, if it has not reached the one that was asked
    # for, and delivery goes on after the last record.
    reached: float | None = None


class Trimmed(NamedTuple):
    """The records up to a place are lost: send a `gap` and go on after it."""

    # The last place that is lost.
    to: Cursor
    # False if no record is lost, but the entry that would prove the cursor is gone.
    is_cursor_known: bool = True
    # Where the lost part begins, None for the client's own cursor.
    since: Cursor | None = None


class Replaced(NamedTuple):
    """Another file has this name: send a `rewind` and go on from its beginning."""

    # The current generation's marker.
    marker: Cursor


class Wait(NamedTuple):
    """The tailer has not read that far; perhaps it reads the file again."""

    # False if the file itself was shorter when it was last seen. It may grow back, or
    # be another file; that is decided after some time.
    is_file_long_enough: bool


class NoValues(NamedTuple):
    """The client asked for a step or a time, and no record of the session has one."""

    # What the session lacks: `steps` or `times`.
    what: str

    def __str__(self) -> str:
        return f"has no {self.what}"


Verdict: TypeAlias = Resume | Trimmed | Replaced | Wait | NoValues


class Answers(NamedTuple):
    """The broker's answers; the head was read first."""

    head: Head
    # The entry with the cursor's own ID.
    at_id: Entry | None
    # The entry at the cursor's offset in the current generation.
    in_current: Entry | None
    # The first entry after the cursor, where there are older ones too and none at it.
    following: Entry | None = None
    # False for the whole-file emergencies, which have no state.
    has_states: bool = True


def current_twin(cursor: Cursor, head: Head) -> EntryID | None:
    """The present ID of a cursor's entry if generations were renumbered, else None.

    They were renumbered only if the cursor's generation does not exist yet. A cursor of
    an earlier generation is an earlier place, and the records after it must not be
    left out.
    """
    if head.state is None:
        return None
    generation = head.state.position.generation
    if cursor.id.generation <= generation:
        return None
    return EntryID(generation, cursor.id.offset)


def is_within(cursor: Cursor, head: Head) -> bool:
    """Whether a cursor's ID is between those of the oldest and the newest entry."""
    if head.oldest is None or head.newest is None:
        return False
    return head.oldest.id < cursor.id < head.newest.id


def judge(cursor: Cursor, answers: Answers, *, has_waited: bool = False) -> Verdict:
    """Decide the verdict on a cursor.

    Args:
        cursor: a client's cursor, or `NOTHING` if it has received nothing yet.
        answers: the broker's answers.
        has_waited: whether a file that is too short has had its time to grow.
    """
    head = answers.head
    if cursor.id in (BEFORE_ALL, BEGINNING):
        return _from_beginning(head)
    for entry in (answers.at_id, answers.in_current):
        if entry is not None:
            digest = entry.cursor.digest
            # A cursor from a gap has no digest, so it cannot be proved.
            if cursor.digest in (digest, 0):
                if _ends_early(entry, head):
                    return _after_trim(cursor, head, None)
                return Resume(entry.cursor, is_proved=cursor.digest == digest)
    if cursor == head.cursor:
        return Resume(cursor, is_proved=True)
    if head.state is None:
        return _without_state(cursor, answers, has_waited=has_waited)
    following = _following(cursor, answers)
    if answers.at_id is None and _was_stored(cursor, head, following):
        return _after_trim(cursor, head, following)
    return _absent(cursor, head.state, has_waited=has_waited)


def _from_beginning(head: Head) -> Verdict:
    """The verdict on the beginning, which always exists but may have been trimmed."""
    if head.oldest is None:
        end = head.cursor
        if end is None:
            return Resume(NOTHING, is_proved=True)
        is_empty = end == BEGINNING_CURSOR
        return Resume(end, is_proved=True) if is_empty else Trimmed(end)
    if head.oldest.previous == BEFORE_ALL:
        return Resume(NOTHING, is_proved=True)
    if head.oldest.previous == BEGINNING:
        return Resume(BEGINNING_CURSOR, is_proved=True)
    return Trimmed(Cursor(head.oldest.previous, 0))


def _without_state(cursor: Cursor, answers: Answers, *, has_waited: bool) -> Verdict:
    """The verdict if there is no state: it was lost, or these are the emergencies."""
    oldest = answers.head.oldest
    if oldest is None or answers.has_states:
        return Wait(is_file_long_enough=True)
    following = _following(cursor, answers)
    if following is not None and cursor.id <= following.previous:
        return _after_trim(cursor, answers.head, following)
    newest = answers.head.newest
    if not has_waited and newest is not None and newest.id < cursor.id:
        # The broker lost its latest entries; the tailer adds them again with these IDs.
        return Wait(is_file_long_enough=False)
    # The emergencies were renumbered: send all again; clients know them by their IDs.
    return Replaced(Cursor(oldest.previous, 0))


def _ends_early(entry: Entry, head: Head) -> bool:
    """Whether an entry is the newest stored one, and those after it were deleted."""
    end = head.cursor or NOTHING
    return head.newest is not None and entry.id == head.newest.id < end.id


def _following(cursor: Cursor, answers: Answers) -> Entry | None:
    """The first entry after a cursor that has none at it."""
    oldest = answers.head.oldest
    if oldest is not None and oldest.id > cursor.id:
        return oldest
    return answers.following


def _was_stored(cursor: Cursor, head: Head, following: Entry | None) -> bool:
    """Whether there may have been an entry that is gone: trimmed, or deleted."""
    if following is not None:
        # There never was an entry between an entry and its predecessor.
        return cursor.id <= following.previous
    end = head.cursor
    is_last = head.newest is None or head.newest.id < cursor.id
    return is_last and end is not None and cursor.id < end.id


def _after_trim(cursor: Cursor, head: Head, following: Entry | None) -> Verdict:
    if following is None:
        assert head.cursor is not None  # noqa: S101  # something was stored
        return Trimmed(head.cursor)
    if following.previous == cursor.id:
        if cursor.digest:
            return Trimmed(Cursor(cursor.id, 0), is_cursor_known=False)
        # The cursor is from a gap or a trimmed beginning, so it cannot be proved.
        return Resume(cursor, is_proved=False)
    return Trimmed(Cursor(following.previous, 0))


def _absent(cursor: Cursor, state: SessionState, *, has_waited: bool) -> Verdict:
    """The verdict on an entry that is missing and was not trimmed."""
    position = state.position
    is_ahead = (
        cursor.id.offset > position.offset
        and cursor.id.generation >= position.generation
    )
    if is_ahead:
        is_long_enough = state.size >= cursor.id.offset
        if is_long_enough or not has_waited:
            return Wait(is_file_long_enough=is_long_enough)
    return Replaced(Cursor(EntryID(position.generation, state.generation_start), 0))


def is_same_life(head: Head, later: Head) -> bool:
    """Whether the broker has lost nothing between two reads of a session's head."""
    if head.state is None or later.state is None:
        return head.state is later.state
    before, after = head.state.position, later.state.position
    return before.incarnation == after.incarnation and before.last_id <= after.last_id


def jump_target(head: Head) -> EntryID | None:
    """Where a reader goes on that retention has overtaken: a tenth into the stream.

    At the oldest entry it would be overtaken again at once. None if the two ends are of
    different generations, whose offsets cannot be compared.
    """
    if head.oldest is None or head.newest is None:
        return None
    oldest, newest = head.oldest.id, head.newest.id
    if oldest.generation != newest.generation:
        return None
    return EntryID(
        oldest.generation, oldest.offset + (newest.offset - oldest.offset) // 10
    )


def news_begins_after(state: SessionState | None) -> EntryID | None:
    """The last place that is history, None if all records are new.

    History is what was in the file before any tailer saw it, and what was rotated away
    from it. It is all in the first generations of an incarnation.
    """
    if state is None or not state.backlog_end:
        return None
    return EntryID(state.backlog_generation or 1, state.backlog_end)
