"""How long a session is kept: what becomes of one that has not changed for long.

Pure; times are Unix milliseconds and come in as arguments. First the stream is emptied
while its state stays, so that nothing is read again; all is deleted only once the file
has been absent for as long.
"""

from enum import Enum

from tailcast_streams.session_state import SessionState


DAY_SECONDS = 86_400.0


class ExpiryAction(Enum):
    """What becomes of a session."""

    # It is young.
    KEEP = "keep"
    # Its stream is trimmed to nothing; so it is in what follows.
    EMPTY = "empty"
    # The state says since when the file is absent ...
    NOTE_ABSENCE = "note absence"
    # ... or, it is back, no longer does.
    FORGET_ABSENCE = "forget absence"
    # Stream, state and rejected are deleted.
    DELETE = "delete"


def changed_ms(state: SessionState, activity_ms: int) -> int:
    """When a session changed last: its file, or what is stored of it.

    A file may come with an old modification time.
    """
    return max(activity_ms, state.updated_ms)


def judge_expiry(
    state: SessionState,
    activity_ms: int,
    *,
    is_absent: bool | None,
    now_ms: int,
    ttl_ms: float,
) -> ExpiryAction:
    """Decide what becomes of a session.

    Args:
        activity_ms: when its file changed last.
        is_absent: whether nothing has the file's path; None if that cannot be told.
        ttl_ms: how long sessions live.
    """
    changed = changed_ms(state, activity_ms)
    if now_ms - changed < ttl_ms:
        return ExpiryAction.KEEP
    if is_absent is None:
        return ExpiryAction.EMPTY
    if not is_absent:
        return (
            ExpiryAction.FORGET_ABSENCE if state.absent_since_ms else ExpiryAction.EMPTY
        )
    if state.absent_since_ms <= changed:
        # Noted before the last append, if at all: it was there meanwhile.
        return ExpiryAction.NOTE_ABSENCE
    return (
        ExpiryAction.DELETE
        if now_ms - state.absent_since_ms >= ttl_ms
        else ExpiryAction.EMPTY
    )
