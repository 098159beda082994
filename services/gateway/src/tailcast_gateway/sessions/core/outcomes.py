"""What follows from a verdict: where delivery goes on, and what a client is told.

Pure. Live delivery and pages of history go on at the same place and tell the same. What
never lives here: how a verdict is reached, and the bytes of what is told.
"""

from collections.abc import Sequence
from typing import assert_never

from tailcast_gateway.protocol import breaks
from tailcast_gateway.protocol.breaks import Break, shown
from tailcast_gateway.sessions.core.verdicts import (
    NoValues,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_streams.position import Cursor


def goes_on_after(verdict: Verdict) -> Cursor | None:
    """The place after which delivery goes on; None while that is not known."""
    match verdict:
        case Resume(cursor=place) | Trimmed(to=place) | Replaced(marker=place):
            return place
        case Wait() | NoValues():
            return None
        case _:
            assert_never(verdict)


def breaks_of(verdict: Verdict, cursor: Cursor) -> Sequence[Break]:
    """The gaps and rewinds that a client is told, in order.

    Args:
        verdict: the verdict on the client's place.
        cursor: the last place that the client had.
    """
    match verdict:
        case Trimmed():
            return _trimmed(verdict, verdict.since or cursor)
        case Replaced():
            return [Break("rewind", breaks.rewind(shown(verdict.marker), "replaced"))]
        case Resume() | Wait() | NoValues():
            return []
        case _:
            assert_never(verdict)


def reached_by(verdict: Verdict) -> dict[str, object]:
    """How far a run is that has not reached what was asked for, as fields."""
    if isinstance(verdict, Resume) and verdict.reached is not None:
        return {"reached": verdict.reached}
    return {}


def _trimmed(verdict: Trimmed, since: Cursor) -> Sequence[Break]:
    to = verdict.to
    reason = "trimmed" if verdict.is_cursor_known else "unknown_cursor"
    gap = Break("gap", breaks.gap(since, to, reason))
    if to.id.generation <= max(1, since.id.generation):
        return [gap]
    # A generation began within the gap.
    return [gap, Break("rewind", breaks.rewind(to, "truncated"))]
