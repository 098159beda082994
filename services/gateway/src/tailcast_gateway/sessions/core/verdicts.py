"""What becomes of a cursor that was looked up: go on, wait, tell a gap or a rewind.

Pure. A cursor is looked up, not trusted: its ID orders and finds, its digest proves.
The callers ask the broker and bring the answers; the verdict is a
function of these alone.
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

    # The place that was asked for, by the ID that it has now.
    cursor: Cursor
    # Whether it was proved that nothing is missing.
    is_proved: bool


class Trimmed(NamedTuple):
    """What lies between cannot be had any more: `gap`, and on after it."""

    # The last place that is lost.
    to: Cursor
    # False: nothing lies between, but what would prove the cursor is gone as well.
    is_cursor_known: bool = True
    # Where the lost part begins, None for where the client stands.
    since: Cursor | None = None


class Replaced(NamedTuple):
    """Another file is under this name: `rewind`, and on from its beginning."""

    # The current generation's marker.
    marker: Cursor


class Wait(NamedTuple):
    """The tailer has not read so far yet; it may be reading anew."""

    # False if the file itself was shorter when it was last seen: it may be growing
    # back, or be another one. That is waited for, but not for ever.
    is_file_long_enough: bool


class NoValues(NamedTuple):
    """A place was asked for by step or time, and no record of the session has one."""

    # What it has none of: `steps` or `times`.
    what: str

    def __str__(self) -> str:
        return f"has no {self.what}"


Verdict: TypeAlias = Resume | Trimmed | Replaced | Wait | NoValues


class Answers(NamedTuple):
    """What the broker said, the head first."""

    head: Head
    # The entry with the cursor's own ID.
    at_id: Entry | None
    # The entry at the cursor's offset in the current generation.
    in_current: Entry | None
    # False for the whole-file emergencies, which have no state.
    has_states: bool = True


def current_twin(cursor: Cursor, head: Head) -> EntryID | None:
    """Where the cursor's entry is now if generations were counted anew, else None.

    Only a generation that is not there yet proves that they were: a cursor of an
    earlier one is an earlier place, and what came after it must not be passed over.
    """
    if head.state is None:
        return None
    generation = head.state.position.generation
    if cursor.id.generation <= generation:
        return None
    return EntryID(generation, cursor.id.offset)


def judge(cursor: Cursor, answers: Answers, *, has_waited: bool = False) -> Verdict:
    """Say what becomes of a cursor.

    Args:
        cursor: a client's, or `NOTHING` for one that had nothing yet.
        answers: what the broker has, read after the head.
        has_waited: it was waited long enough for a file that is too short.
    """
    head = answers.head
    if cursor.id in (BEFORE_ALL, BEGINNING):
        return _from_beginning(head)
    for entry in (answers.at_id, answers.in_current):
        if entry is not None:
            digest = entry.cursor.digest
            # A place from a gap has no digest: it orders and never proved anything.
            if cursor.digest in (digest, 0):
                return Resume(entry.cursor, is_proved=cursor.digest == digest)
    if cursor == head.cursor:
        return Resume(cursor, is_proved=True)
    if head.state is None:
        return _without_state(cursor, answers, has_waited=has_waited)
    if answers.at_id is None and _was_trimmed(cursor, head):
        return _after_trim(cursor, head)
    return _absent(cursor, head.state, has_waited=has_waited)


def _from_beginning(head: Head) -> Verdict:
    """The beginning is always a good place; it may have been trimmed."""
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
    """A broker that forgot, or the documents, which have no state."""
    oldest = answers.head.oldest
    if oldest is None or answers.has_states:
        return Wait(is_file_long_enough=True)
    if cursor.id <= oldest.previous:
        return _after_trim(cursor, answers.head)
    newest = answers.head.newest
    if not has_waited and newest is not None and newest.id < cursor.id:
        # A broker that lost its latest: the tailer adds them again, with these IDs.
        return Wait(is_file_long_enough=False)
    # The documents were counted anew: all of them once more, by their IDs no news.
    return Replaced(Cursor(oldest.previous, 0))


def _was_trimmed(cursor: Cursor, head: Head) -> bool:
    assert head.state is not None  # noqa: S101  # asked only with a state
    if head.oldest is not None:
        # Between an entry and its predecessor there never was another one.
        return cursor.id <= head.oldest.previous
    return cursor.id < head.state.position.last_id


def _after_trim(cursor: Cursor, head: Head) -> Verdict:
    if head.oldest is None:
        assert head.cursor is not None  # noqa: S101  # something was trimmed
        return Trimmed(head.cursor)
    if head.oldest.previous == cursor.id:
        if cursor.digest:
            return Trimmed(Cursor(cursor.id, 0), is_cursor_known=False)
        # It came from a gap, or a trimmed beginning, and never proved anything.
        return Resume(cursor, is_proved=False)
    return Trimmed(Cursor(head.oldest.previous, 0))


def _absent(cursor: Cursor, state: SessionState, *, has_waited: bool) -> Verdict:
    """Not there and not trimmed: the tailer has passed that place, or not yet."""
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
    """Whether the broker forgot nothing between two looks at a session."""
    if head.state is None or later.state is None:
        return head.state is later.state
    before, after = head.state.position, later.state.position
    return before.incarnation == after.incarnation and before.last_id <= after.last_id


def jump_target(head: Head) -> EntryID | None:
    """Where to go on when retention overtook a reader: a tenth into what is kept.

    At the very oldest it would be overtaken again at once. None where the ends are of
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
    """The last place that is history, None if everything is news.

    Bytes that were in the file before any tailer saw it are history; they are always
    of the first generation of the broker's incarnation.
    """
    if state is None or not state.backlog_end:
        return None
    return EntryID(1, state.backlog_end)
