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
    approximate_to,
    counts_of,
    run_fields,
    status_of,
)
from tailcast_gateway.sessions.core.told import SeenSession
from tailcast_streams.entries import Rejection
from tailcast_streams.session_state import SessionState


_look_through = msgspec.json.Decoder(msgspec.Raw).decode


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
    first_step, last_step, first_time, last_time = _spans(known)
    counts = counts_of(known, state)
    return {
        "sessionId": session,
        "status": status,
        "records": counts.records,
        "rejected": 0 if state is None else state.rejected,
        "firstStep": first_step,
        "lastStep": last_step,
        "firstTime": first_time,
        "lastTime": last_time,
        "lastActivity": (0 if state is None else _shown_activity(state)) or listed_ms,
        "rate": _rate(known),
        "emergencies": counts.emergencies,
        "oldest": None if head.oldest is None else str(head.oldest.cursor),
        "head": None if head.cursor is None else str(head.cursor),
        **_how_far(known),
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
    found, known = seen
    state = found.state
    status = status_of(known, active_ms(state), now_ms)
    first_step, last_step, first_time, last_time = _spans(known)
    counts = counts_of(known, state)
    return {
        "sessionId": session,
        "cursor": None if found.cursor is None else str(found.cursor),
        "data": _value(found.latest),
        "metrics": msgspec.Raw(found.metrics),
        **_left_out(found.metrics_left_out),
        **({"unknown": list(found.unknown)} if found.unknown else {}),
        "steps": {"first": first_step, "last": last_step},
        "times": {"first": first_time, "last": last_time},
        "rate": _rate(known),
        "status": status,
        "lastActivity": _shown_activity(state),
        "records": counts.records,
        "rejected": state.rejected,
        "emergencies": _emergencies(session, found, counts.emergencies),
        **_how_far(known),
        **run_fields(known, status=status, is_listed=False),
        **_not_told(state),
        **_contested(owners),
    }


def size_bytes(seen: SeenRun) -> int:
    """The approximate length of a snapshot as a message."""
    found, known = seen
    summary, described = known.summary, known.described
    said = 0 if summary is None else len(summary.config)
    said += sum(map(_length, (*described.own, *described.shared)))
    said += len(described.notes or "")
    values = len(found.latest) + len(found.metrics) + len(found.latest_emergency)
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


def _not_told(state: SessionState) -> dict[str, object]:
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


def _emergencies(session: str, found: SeenSession, count: int) -> dict[str, object]:
    if not found.latest_emergency:
        return {"count": count, "latest": None}
    id = f"{session}/{found.emergency_cursor}"
    return {
        "count": count,
        "latest": {"id": id, "data": _value(found.latest_emergency)},
    }


def _spans(known: Known) -> tuple[float | None, ...]:
    """The first and the highest step, and the first and latest time, in order."""
    if known.summary is None:
        return None, None, None, None
    steps, times = known.summary.steps, known.summary.times
    return steps.first, steps.highest, _whole(times.first), _whole(times.highest)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _how_far(known: Known) -> dict[str, object]:
    """How far steps, times and metrics are true, unless that is of all records."""
    if known.summary is None:
        return {"indexedTo": None}
    to = known.indexed_to
    return {
        **({} if to is None else {"indexedTo": str(to)}),
        **({"trimmed": True} if known.is_trimmed else {}),
        **approximate_to(known.summary),
    }


def _shown_activity(state: SessionState) -> int:
    """When its file was written last, as its tailer saw it."""
    return min(state.written_ms or state.updated_ms, state.updated_ms)


def _rate(known: Known) -> float | None:
    """Records per second, rounded to four digits; further ones would be noise."""
    rate = known.rate
    return None if rate is None else float(f"{rate:.4g}")


def _value(text: bytes) -> msgspec.Raw | None:
    """Stored JSON as it was written; None if it is not JSON, as if written by hand.

    It is looked through and not made into values, which takes seven times as long.
    """
    try:
        text.decode()
        _look_through(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(text)
