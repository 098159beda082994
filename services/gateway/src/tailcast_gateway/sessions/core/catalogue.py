"""Sessions and rejected lines as clients see them, in both protocols.

Pure; times are arguments, of the broker's clock.
"""

from collections.abc import Sequence

import msgspec

from tailcast_gateway.sessions.core.activity import status_after
from tailcast_streams.entries import Rejection
from tailcast_streams.position import Cursor, digest
from tailcast_streams.rate import rate_at
from tailcast_streams.session_state import Head, SessionState, Snapshot


def describe(
    session: str,
    head: Head,
    *,
    active_ms: int,
    now_ms: int,
    owners: Sequence[str] = (),
) -> dict[str, object]:
    """One session, as `/api/sessions` lists it, with the tailers that contest it."""
    state = head.state
    since_ms = active_ms if state is None else state.aged_from_ms or active_ms
    return {
        "sessionId": session,
        "status": status_after(now_ms - since_ms),
        "records": 0 if state is None else state.records,
        "rejected": 0 if state is None else state.rejected,
        "firstStep": None if state is None else state.first_step,
        "lastStep": None if state is None else state.last_step,
        "firstTime": None if state is None else state.first_time_ms,
        "lastTime": None if state is None else state.last_time_ms,
        "lastActivity": max(active_ms, 0 if state is None else state.updated_ms),
        "rate": 0.0 if state is None else _rate(state.rate, state.aged_from_ms, now_ms),
        "oldest": None if head.oldest is None else str(head.oldest.cursor),
        "head": None if head.cursor is None else str(head.cursor),
        **({} if state is None else _not_told(state)),
        **_contested(owners),
    }


def snapshot(
    session: str, state: Snapshot | None, *, now_ms: int, owners: Sequence[str] = ()
) -> dict[str, object]:
    """A session's snapshot for clients; its fields are null if it does not exist."""
    if state is None:
        return {"sessionId": session, "cursor": None, "data": None, "status": None}
    idle_ms = now_ms - state.aged_from_ms
    return {
        "sessionId": session,
        "cursor": None if state.cursor is None else str(state.cursor),
        "data": _value(state.latest),
        "metrics": _value(state.metrics),
        **_left_out(state.metrics_left_out),
        "steps": {"first": state.first_step, "last": state.last_step},
        "times": {"first": state.first_time_ms, "last": state.last_time_ms},
        "rate": _rate(state.rate, state.aged_from_ms, now_ms),
        "status": status_after(idle_ms),
        "lastActivity": state.updated_ms,
        "records": state.records,
        "rejected": state.rejected,
        "emergencies": _emergencies(session, state),
        **_not_told(state),
        **_contested(owners),
    }


def size_bytes(state: Snapshot) -> int:
    """The approximate length of a snapshot as a message."""
    return len(state.latest) + len(state.metrics) + len(state.latest_emergency) + 500


def rejected(line: Rejection) -> dict[str, object]:
    """One rejected line, as `/api/rejected` lists it."""
    return {
        "id": str(line.id),
        "reason": line.reason,
        "offset": line.offset,
        "length": line.length,
        "line": line.head,
    }


def _not_told(state: SessionState | Snapshot) -> dict[str, object]:
    """What of its file is no record nor rejected, or that it is gone, if so."""
    told = {
        "text": state.text,
        "partialBytes": state.partial_bytes,
        "absentSince": state.gone_since_ms,
    }
    return {name: number for name, number in told.items() if number > 0}


def _left_out(metrics: int) -> dict[str, object]:
    return {"metricsLeftOut": metrics} if metrics else {}


def _contested(owners: Sequence[str]) -> dict[str, object]:
    return {"contested": True, "owners": list(owners)} if owners else {}


def _emergencies(session: str, state: Snapshot) -> dict[str, object]:
    if not state.latest_emergency:
        return {"count": state.emergencies, "latest": None}
    cursor = Cursor(state.latest_emergency_id, digest(state.latest_emergency))
    latest = {"id": f"{session}/{cursor}", "data": _value(state.latest_emergency)}
    return {"count": state.emergencies, "latest": latest}


def _rate(rate: float, since_ms: int, now_ms: int) -> float:
    """Records per second, rounded to four digits; further ones would be noise."""
    return float(f"{rate_at(rate, updated_ms=since_ms, now_ms=now_ms):.4g}")


def _value(text: bytes) -> msgspec.Raw | None:
    """Stored JSON as it was written; None if it is not JSON, as if written by hand."""
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(text)
