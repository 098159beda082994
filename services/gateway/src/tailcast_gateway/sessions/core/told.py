"""A session as it is at a cursor: what a snapshot of it shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.sessions.core.doubles import as_double
from tailcast_index.fold import Metric, Summary
from tailcast_streams.entries import Entry
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID, digest
from tailcast_streams.session_state import Head, SessionState


# How many metrics a snapshot shows, in the order in which they first came.
SHOWN_METRICS = 1_000


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session as it is at a cursor: all of it belongs together."""

    state: SessionState
    # Of a client that has all entries; None before the first one.
    cursor: Cursor | None
    # The statistics of the first metrics, a JSON object, and how many others there are.
    metrics: bytes
    metrics_left_out: int
    # The latest record; b"" without one, or if the stream no longer has it.
    latest: bytes
    # The latest emergency, likewise, and its entry.
    latest_emergency: bytes
    latest_emergency_id: EntryID = BEFORE_ALL
    # Metrics that were asked for and do not exist.
    unknown: Sequence[str] = ()

    @property
    def emergency_cursor(self) -> Cursor:
        """Where the latest emergency is, if there is one."""
        return Cursor(self.latest_emergency_id, digest(self.latest_emergency))


def end_of(state: SessionState) -> Cursor | None:
    """The cursor of a client that has all that a state tells of."""
    last_id = state.position.last_id
    return None if last_id == BEFORE_ALL else Cursor(last_id, state.last_digest)


def shown_metrics(metrics: Sequence[Metric]) -> bytes:
    """The statistics of the first metrics as clients get them, a JSON object."""
    return msgspec.json.encode(
        {
            one.name: {
                "last": as_double(one.last),
                "min": as_double(one.min),
                "max": as_double(one.max),
                "mean": one.mean,
                "count": one.count,
                "nonfinite": one.nonfinite,
            }
            for one in metrics[:SHOWN_METRICS]
        }
    )


class ShownRecords:
    """Which records a snapshot shows, and what of them is known without a read."""

    def __init__(self, head: Head, summary: Summary | None) -> None:
        """`summary` is None if it is not true of the session's end."""
        assert head.state is not None  # noqa: S101  # the caller looked
        self._newest = head.newest
        self._summary = summary
        self._end = head.state.position.last_id
        # The entry of the latest emergency; `BEFORE_ALL` for none.
        self.emergency_id = head.state.latest_emergency_id
        if summary is not None and head.state.position.generation > 1:
            # The state may name one in a line that went when the file was written anew.
            self.emergency_id = next(reversed(summary.emergency_ids), BEFORE_ALL)

    @property
    def latest(self) -> bytes | EntryID | None:
        """The latest record, or its entry; None if any of the last ones may be it."""
        newest, summary = self._newest, self._summary
        if newest is not None and newest.id == self._end and is_record(newest):
            return newest.record
        if summary is not None:
            return summary.latest or summary.latest_id
        return None

    @property
    def emergency(self) -> bytes | EntryID:
        """The latest emergency, or which entry it is; `BEFORE_ALL` for none."""
        newest, summary, id = self._newest, self._summary, self.emergency_id
        if newest is not None and newest.id == id:
            return newest.record
        if summary is not None and summary.emergency_ids[-1:] == (id,):
            return summary.latest_emergency or id
        return id

    def latest_of(self, entries: Sequence[Entry]) -> bytes:
        """The latest record among the last entries, the newest first; b"" without."""
        found = (one for one in entries if one.id <= self._end and is_record(one))
        newest = next(found, None)
        return b"" if newest is None else newest.record
