"""What HTTP clients are told about sessions: the shapes, from what the broker keeps.

Pure; time comes in.
"""

from collections.abc import Mapping, Sequence

import msgspec

from telemetry_stream.broker import Entry, Head, Kind
from telemetry_stream.position import Cursor


# Without a record for so long a session stalls, and for so long it has ended.
STALLED_MS = 60_000
ENDED_MS = 600_000

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100


def describe(
    session: str, head: Head, *, active_ms: int, now_ms: int
) -> dict[str, object]:
    """One session, as `/api/sessions` lists it."""
    state = head.state
    last_ms = max(active_ms, 0 if state is None else state.updated_ms)
    return {
        "sessionId": session,
        "status": status(now_ms - last_ms),
        "records": 0 if state is None else state.records,
        "rejected": 0 if state is None else state.rejected,
        "firstStep": None if state is None else state.first_step,
        "lastStep": None if state is None else state.last_step,
        "firstTime": None if state is None else state.first_time_ms,
        "lastTime": None if state is None else state.last_time_ms,
        "lastActivity": last_ms,
        "oldest": None if head.oldest is None else str(head.oldest.cursor),
        "head": None if head.cursor is None else str(head.cursor),
    }


def status(idle_ms: int) -> str:
    """`running`, `stalled` or `ended`, by how long nothing has come."""
    if idle_ms < STALLED_MS:
        return "running"
    return "stalled" if idle_ms < ENDED_MS else "ended"


def page(
    session: str,
    entries: Sequence[Entry],
    *,
    after: Cursor,
    limit: int,
    size_bytes: int,
    told: Mapping[str, object],
) -> bytes:
    """A page of records as JSON; entries may be more than the limit.

    What is `told` beside them says what became of the cursor that was asked for.
    """
    kept: list[Entry] = []
    size = 0
    for entry in entries[:limit]:
        kept.append(entry)
        size += len(entry.record)
        if size >= size_bytes:
            break
    records = [
        entry.record for entry in kept if entry.kind in (Kind.RECORD, Kind.EMERGENCY)
    ]
    cursor = kept[-1].cursor if kept else after
    more = len(kept) < len(entries)
    start = msgspec.json.encode({"sessionId": session, **told})[:-1]
    return b'%b,"data":[%b],"cursor":"%b","more":%b}' % (
        start,
        b",".join(records),
        str(cursor).encode(),
        b"true" if more else b"false",
    )
