"""The bodies of HTTP answers, as models for the OpenAPI document.

Pure. Answers are not made from these models; tests check answers against them.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tailcast_gateway.http.core.problems import ProblemKind
from tailcast_gateway.protocol.client_messages import ErrorCode
from tailcast_gateway.protocol.message_parts import (
    AcknowledgementFields,
    Cursor,
    FeedState,
    GapFields,
    Link,
    Number,
    Reached,
    Record,
    RewindFields,
    Rewound,
    SessionFields,
    Size,
    UnixMs,
)
from tailcast_gateway.sessions.core.series import (
    DEFAULT_ROWS,
    MAX_CURVE_SESSIONS,
    MAX_DRAWN,
    MAX_ROWS,
)
from tailcast_streams.sources import SourceState


class _Body(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A JSON object."""


class SessionsBody(_Body, kw_only=True):
    """Sessions; `cursor` is `after` of the next page, `more` says if there may be one.

    `leftOut` sessions were not sorted, since so many others moved later.
    """

    sessions: list[SessionFields]
    cursor: str | None
    more: bool
    left_out: Size | UnsetType = UNSET


class RecordsBody(_Body, kw_only=True):
    """One page of records, with `gap` or `rewind` if it begins with one.

    Its `cursor` is `after` of the next page, its `prev` is `before` of the one before.
    """

    session_id: str
    data: list[Record]
    prev: Cursor
    cursor: Cursor
    more: bool
    reached: Reached | UnsetType = UNSET
    gap: GapFields | UnsetType = UNSET
    rewind: RewindFields | UnsetType = UNSET


class RecordBody(Struct):
    """One JSON object, as the producer wrote it."""


class RejectedLine(_Body, kw_only=True):
    """A rejected line: where it is in the file, and its first 4 KiB."""

    id: str
    reason: str
    offset: Size
    length: Size
    line: str


class RejectedBody(_Body, kw_only=True):
    """Rejected lines; `rejected` counts all that there were."""

    session_id: str
    data: list[RejectedLine]
    cursor: str
    more: bool
    rejected: Size


class EmergencyFields(_Body, kw_only=True):
    """An emergency: a record of a session, or a file of its own, which has `path`.

    `time` is that of the record, or when the file was written or the record first read;
    `step` that of the record, or the last one before it. `data` is null if it has more
    than 8 KiB, or is not there any more: `url` leads to it as long as it is stored.
    """

    id: str
    cursor: Cursor
    path: str | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    url: Link
    time: UnixMs
    step: Number | None
    severity: str | None
    data: Record | None
    rewound: Rewound | UnsetType = UNSET
    acknowledged: AcknowledgementFields | UnsetType = UNSET


class EmergenciesBody(_Body, kw_only=True):
    """Emergencies, the newest first; `cursor` is `after` of the next page.

    `behind` counts sessions of which lines were not looked through, as no indexer has
    read them; if there are any.
    """

    data: list[EmergencyFields]
    cursor: str | None
    more: bool
    behind: Size | UnsetType = UNSET


class AcknowledgedBody(EmergencyFields, kw_only=True):
    """The emergency, with who has acknowledged it, if anybody has."""


class CurveFields(_Body, kw_only=True):
    """One metric, column by column: an item for each row with finite values.

    `x` is where the last record of a row is, null before the first step or time;
    `nonfinite` has the place, the kind and the number of values that are not finite.
    """

    x: list[float | None]
    min: list[float]
    max: list[float]
    mean: list[float]
    count: list[Size]
    nonfinite: list[tuple[float | None, str, Size]]


class FallBack(_Body, kw_only=True):
    """Where a run fell back and went on from there: the first record behind it.

    `x` is its place on the axis, `step` its step, `before` the last one before it;
    `run` is the run that fell back, if the session has several.
    """

    x: float | None
    cursor: Cursor
    step: float
    before: float
    run: str | UnsetType = UNSET


class SeriesBody(_Body, kw_only=True):
    """Curves of some metrics, over `of` records up to `cursor`.

    `indexedTo` is null if no indexer has read the session; `unknown` are metrics that
    do not exist, `metricsLeftOut` counts the others if none was named. `bucket` is how
    many records the largest bucket has that was drawn, 1 for none. The latest gaps and
    fall-backs of the session are named, and what is left out of them is counted.
    """

    session_id: str
    x: Literal["step", "time", "record"]
    of: Size
    bucket: Size
    indexed_to: Cursor | None
    cursor: Cursor
    gaps: list[GapFields]
    gaps_left_out: Size | UnsetType = UNSET
    rewinds: list[FallBack]
    rewinds_left_out: Size | UnsetType = UNSET
    series: dict[str, CurveFields]
    unknown: list[str] | UnsetType = UNSET
    metrics_left_out: Size | UnsetType = UNSET


class NoSeriesBody(_Body, kw_only=True):
    """Why the curves of one session of several could not be drawn."""

    session_id: str
    code: ErrorCode | Literal["not_found"]
    message: str
    retry_after_ms: Size | UnsetType = UNSET


class SeriesQueryBody(_Body, kw_only=True):
    """The curves of several sessions that are asked for; `from` and `to` as in `x`."""

    session_ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_CURVE_SESSIONS)]
    metrics: (
        Annotated[list[str], Meta(min_length=1, max_length=MAX_DRAWN)] | UnsetType
    ) = UNSET
    points: Annotated[int, Meta(ge=1, le=MAX_ROWS)] = DEFAULT_ROWS
    x: Literal["step", "time", "record"] = "step"
    from_: float | str | UnsetType = field(default=UNSET, name="from")
    to: float | str | UnsetType = UNSET


class CatalogueMetric(_Body, kw_only=True):
    """What is known of one metric; null where it had none, or none that is known."""

    name: str
    kind: Literal["int", "float"]
    count: Size
    nonfinite: Size
    min: float | None
    max: float | None
    mean: float | None
    first_step: float | None
    last_step: float | None
    last: float | str | None


class MetricsBody(_Body, kw_only=True):
    """A page of the metrics of a session, by name; `of` counts all that were meant.

    `cursor` is `after` of the next page; `leftOut` counts those without statistics.
    Up to `approximateTo` they were worked out from the buckets of curves.
    """

    session_id: str
    of: Size
    indexed_to: Cursor | None
    data: list[CatalogueMetric]
    cursor: str
    more: bool
    left_out: Size
    approximate_to: Cursor | UnsetType = UNSET


class SourceFields(_Body, kw_only=True):
    """A path, what became of it, why, and what changes it."""

    path: str
    state: SourceState
    session_id: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    mend: str | UnsetType = UNSET
    tailer: str


class SourceCounts(Struct, forbid_unknown_fields=True, kw_only=True):
    """Paths by what became of them."""

    followed: Size
    waiting: Size
    refused: Size
    left_out: Size


class RootFields(_Body, kw_only=True):
    """A path that a tailer was told to watch, and how many files it found there.

    Where nothing of it is followed: why, and what changes that.
    """

    path: str
    patterns: list[str]
    files: Size
    reason: str | UnsetType = UNSET
    mend: str | UnsetType = UNSET


class TailerFields(_Body, kw_only=True):
    """What one tailer knows: all its paths by state, and how many it lists.

    `lookedAt` is when it looked for files last, null before it did.
    """

    name: str
    counts: SourceCounts
    listed: Size
    looked_at: UnixMs | None
    roots: list[RootFields]


class SourcesBody(_Body, kw_only=True):
    """Paths below what tailers watch, with the numbers of all.

    With `reason` and `mend` where nothing is followed.
    """

    counts: SourceCounts
    reason: str | UnsetType = UNSET
    mend: str | UnsetType = UNSET
    data: list[SourceFields]
    cursor: str | None
    more: bool
    tailers: list[TailerFields]


class ProblemFields(_Body, kw_only=True):
    """What is wrong, about what, and what mends it, in words for people.

    Without `about` it is about the gateway itself.
    """

    kind: ProblemKind
    about: str | UnsetType = UNSET
    reason: str
    mend: str | UnsetType = UNSET


class LimitFields(_Body, kw_only=True):
    """What one replica takes at most.

    `connections`, and `subscriptions` of each; `messageBytes` of a message with more
    than one record, `recordBytes` of one; `listedPaths` of a tailer.
    """

    connections: Size
    subscriptions: Size
    message_bytes: Size
    record_bytes: Size
    listed_paths: Size


class IndexerFields(_Body, kw_only=True):
    """How far one indexer is.

    It keeps `sessions` in memory; `behind` of them have entries that are in no index,
    the oldest for `lagMs`.
    """

    name: str
    version: str
    since: UnixMs
    sessions: Size
    behind: Size
    lag_ms: Size


class StatusBody(_Body, kw_only=True):
    """Who serves, what is watched, and what is wrong, the gravest first.

    `tailers` is null while the broker does not answer, `indexers` until it did, and
    `indexLagMs` if there are none; `more` says that there are further problems.
    """

    version: str
    revision: str
    replica: str
    feed: FeedState
    lag_ms: Size
    index_lag_ms: Size | None
    tailers: list[TailerFields] | None
    indexers: list[IndexerFields] | None
    limits: LimitFields
    problems: list[ProblemFields]
    more: bool


class LifeBody(_Body, kw_only=True):
    """Whether the replica is alive, with its version."""

    status: Literal["alive", "not alive"]
    reason: str | UnsetType = UNSET
    version: str
    # The commit from which it was built, or `unknown`.
    revision: str


class ReadinessBody(_Body, kw_only=True):
    """Whether the replica is ready, and why not."""

    status: Literal["ready", "not ready"]
    reason: str | UnsetType = UNSET


class ErrorBody(_Body, kw_only=True):
    """Why a request could not be answered."""

    code: ErrorCode | Literal["not_found", "not_authorized"]
    message: str
    retry_after_ms: Size | UnsetType = UNSET
