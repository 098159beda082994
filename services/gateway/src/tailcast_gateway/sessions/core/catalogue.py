"""Sessions and rejected lines as clients see them, in both protocols.

Pure; times are arguments, of the broker's clock.
"""

from collections.abc import Mapping, Sequence

import msgspec

from tailcast_gateway.sessions.core.runs import (
    Known,
    ListedRun,
    SeenRun,
    active_ms,
    run_fields,
    status_of,
)
from tailcast_streams.entries import Rejection
from tailcast_streams.position import Cursor, digest
from tailcast_streams.rate import rate_at
from tailcast_streams.session_state import SessionState, Snapshot


def describe(
    session: str,
    listed: ListedRun,
    *,
    listed_ms: int,
    now_ms: int,
    owners: Sequence[str] = (),
) -> dict[str, object]:
    """One session, as `/api/sessions` lists it, with the tailers that contest it."""
    head, known = listed
    state = head.state
    since_ms = listed_ms if state is None else active_ms(state) or listed_ms
    status = status_of(known, since_ms, now_ms)
    return {
        "sessionId": session,
        "status": status,
        "records": 0 if state is None else state.records,
        "rejected": 0 if state is None else state.rejected,
        "firstStep": None if state is None else state.first_step,
        "lastStep": None if state is None else state.last_step,
        "firstTime": None if state is None else state.first_time_ms,
        "lastTime": None if state is None else state.last_time_ms,
        "lastActivity": (0 if state is None else _shown_activity(state)) or listed_ms,
        "rate": 0.0 if state is None else _rate(state, known, now_ms),
        "emergencies": 0 if state is None else state.emergencies,
        "oldest": None if head.oldest is None else str(head.oldest.cursor),
        "head": None if head.cursor is None else str(head.cursor),
        **run_fields(known, status=status, is_listed=True),
        **({} if state is None else _not_told(state)),
        **_contested(owners),
    }


def snapshot(
    session: str, seen: SeenRun | None, *, now_ms: int, owners: Sequence[str] = ()
) -> dict[str, object]:
    """A session's snapshot for clients; its fields are null if it does not exist."""
    if seen is None:
        return {"sessionId": session, "cursor": None, "data": None, "status": None}
    state, known = seen
    status = status_of(known, active_ms(state), now_ms)
    return {
        "sessionId": session,
        "cursor": None if state.cursor is None else str(state.cursor),
        "data": _value(state.latest),
        "metrics": _value(state.metrics),
        **_left_out(state.metrics_left_out),
        "steps": {"first": state.first_step, "last": state.last_step},
        "times": {"first": state.first_time_ms, "last": state.last_time_ms},
        "rate": _rate(state, known, now_ms),
        "status": status,
        "lastActivity": _shown_activity(state),
        "records": state.records,
        "rejected": state.rejected,
        "emergencies": _emergencies(session, state),
        **run_fields(known, status=status, is_listed=False),
        **_not_told(state),
        **_contested(owners),
    }


def size_bytes(seen: SeenRun) -> int:
    """The approximate length of a snapshot as a message."""
    state, (summary, described) = seen
    said = 0 if summary is None else len(summary.config)
    said += sum(map(_length, (*described.own, *described.shared)))
    said += len(described.notes or "")
    values = len(state.latest) + len(state.metrics) + len(state.latest_emergency)
    return values + said + 1_000


def _length(document: Mapping[str, object]) -> int:
    return len(msgspec.json.encode(document))


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


def _shown_activity(state: SessionState | Snapshot) -> int:
    """When its file was written last, as its tailer saw it."""
    return min(state.written_ms or state.updated_ms, state.updated_ms)


def _rate(state: SessionState | Snapshot, known: Known, now_ms: int) -> float:
    """Records per second, rounded to four digits; further ones would be noise."""
    since_ms = state.aged_from_ms
    rate = rate_at(state.rate, updated_ms=since_ms, now_ms=now_ms)
    if known.summary is not None:
        rate = known.summary.rate
    return float(f"{rate:.4g}")


def _value(text: bytes) -> msgspec.Raw | None:
    """Stored JSON as it was written; None if it is not JSON, as if written by hand."""
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(text)
