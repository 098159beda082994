"""What is known of a session's run: what its records say, and what is said of it.

Pure.
"""

from typing import Final, NamedTuple

from tailcast_gateway.protocol.message_parts import Status
from tailcast_gateway.sessions.core.descriptions import (
    NOT_DESCRIBED,
    Described,
    told_of,
)
from tailcast_gateway.sessions.core.doubles import as_double
from tailcast_gateway.sessions.core.told import SeenSession
from tailcast_index.fold import TRIMMED, Sparkline, Summary, status_after
from tailcast_index.meaning import Choice
from tailcast_streams.position import Cursor
from tailcast_streams.session_state import Head, SessionState


class Known(NamedTuple):
    """What is known of one run."""

    # None if it has no index that fits, and is too long to be read for an answer.
    summary: Summary | None = None
    described: Described = NOT_DESCRIBED
    # Up to where the summary is true, None if that is the session's end.
    indexed_to: Cursor | None = None
    # Whether it is known when the records came.
    knows_arrivals: bool = True

    @property
    def rate(self) -> float | None:
        """Records per second; None if that is not known."""
        if self.summary is None or self.indexed_to is not None:
            return None
        is_known = self.knows_arrivals or self.summary.times.highest is not None
        return self.summary.rate if is_known else None

    @property
    def is_trimmed(self) -> bool:
        """Whether the stream had lost records before they were read for this."""
        summary = self.summary
        return summary is not None and any(g.reason == TRIMMED for g in summary.gaps)


class Counts(NamedTuple):
    """How many records a session has, and how many emergencies are among them."""

    records: int = 0
    emergencies: int = 0


def counts_of(known: Known, state: SessionState | None) -> Counts:
    """What the file has now, as far as that is known.

    The state counts whatever has come. That is the same until a file is written anew,
    and true of the session's end; of the lines that went then only the index knows.
    """
    if state is None:
        return Counts()
    if known.summary is None or state.position.generation <= 1:
        return Counts(state.records, state.emergencies)
    return Counts(known.summary.records, known.summary.emergencies)


NOTHING_KNOWN: Final = Known()


class ListedRun(NamedTuple):
    """A session for a list."""

    head: Head
    known: Known = NOTHING_KNOWN


class SeenRun(NamedTuple):
    """A session with all that a snapshot shows."""

    snapshot: SeenSession
    known: Known = NOTHING_KNOWN


def approximate_to(summary: Summary) -> dict[str, str]:
    """Up to where figures were worked out from roll-ups, if any were."""
    to = summary.approximate_to
    return {} if to is None else {"approximateTo": str(Cursor(to, 0))}


def active_ms(state: SessionState) -> int:
    """When its file was written last, by the broker's clock, Unix milliseconds.

    How old the file was when it was read is told by the tailer's clock, and when that
    was by the broker's: so clocks that differ do not matter.
    """
    age_ms = state.updated_ms - state.written_ms if state.written_ms else 0
    return max(0, state.aged_from_ms - max(0, age_ms))


def status_of(known: Known, since_ms: int, now_ms: int) -> Status:
    """Whether a run goes on, by its own pauses."""
    cadence_ms = 0 if known.summary is None else known.summary.cadence_ms
    return status_after(max(0, now_ms - since_ms), cadence_ms)


def _told_spark(spark: Sparkline) -> dict[str, object]:
    return {
        "metric": spark.metric,
        "values": [*map(as_double, spark.values)],
        "last": as_double(spark.last),
    }


def run_fields(known: Known, *, status: Status, is_listed: bool) -> dict[str, object]:
    """The fields of a session that tell of its run, in lists and snapshots alike."""
    summary, described = known.summary, known.described
    spark = None if summary is None else summary.spark
    if summary is None:
        total, eta_ms, config = described.total_steps(Choice()), None, b""
    else:
        total, eta_ms, config = summary.total_steps, summary.eta_ms, summary.config
    return {
        "totalSteps": total,
        "etaMs": None if status == "ended" else eta_ms,
        "spark": spark and _told_spark(spark),
        **told_of(described, config, is_listed=is_listed),
    }
