"""Whether what is stored of an index fits the stream that it is of. Pure."""

from enum import Enum

from tailcast_index.fold import Index
from tailcast_index.fold.stored import at_text
from tailcast_index.meaning import Rules
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.session_state import StoredEnd


class Verdict(Enum):
    """What an audit finds."""

    # The index has all that the stream has.
    FINE = "fine"
    # The stream has, or may have, what the index has not.
    BEHIND = "behind"
    # There is an index, and no session.
    ORPHAN = "orphan"


def judge(at: str, end: StoredEnd, rules: Rules) -> Verdict:
    """Compare the `at` of a stored index with the end of its session.

    Args:
        at: up to where the index is true; "" without one.
        end: where the session ends.
        rules: how steps and times are named.
    """
    if is_gone(end):
        return Verdict.ORPHAN if at else Verdict.FINE
    if not end.incarnation or at == at_text(end.incarnation, end.cursor, rules):
        # A state that is missing comes back, or its session goes.
        return Verdict.FINE
    return Verdict.BEHIND


def is_gone(end: StoredEnd) -> bool:
    """Whether nothing is stored of a session."""
    is_there = bool(end.incarnation) or end.cursor.id != BEFORE_ALL
    return not is_there and end.stream_last_id == BEFORE_ALL


def contradicts(index: Index, end: StoredEnd) -> bool:
    """Whether an index is of another stream than this, or of one that went on."""
    cursor = index.cursor
    return (
        index.incarnation != end.incarnation
        or cursor.id > end.cursor.id
        or (cursor.id == end.cursor.id and cursor.digest != end.cursor.digest)
    )
