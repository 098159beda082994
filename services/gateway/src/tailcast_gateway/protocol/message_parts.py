"""The parts of server messages and of the bodies of HTTP answers, as models.

Pure. Here are values with their rules (a cursor, a time), and groups of fields that
several messages share. Whole messages are in `server_messages`.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field


CURSOR_PATTERN: Final = r"^(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})-[0-9a-f]{8}$"
Cursor = Annotated[
    str,
    Meta(
        pattern=CURSOR_PATTERN,
        description="A place in a session. It is opaque, but its first two numbers show"
        " the order of places.",
        examples=["1-2048-0a1b2c3d"],
    ),
]
Record = Annotated[
    dict[str, Any], Meta(description="One JSON object, as the producer wrote it.")
]
Timestamp = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        examples=["2025-12-18T01:30:00.000Z"],
    ),
]
UnixMs = Annotated[int, Meta(description="Milliseconds since 1970.")]
Milliseconds = Annotated[int, Meta(ge=0)]
Size = Annotated[int, Meta(ge=0)]
Number: TypeAlias = int | float
Reached = Annotated[
    Number,
    Meta(
        description="The highest step, or the latest time in milliseconds, of a run"
        " that has not reached the one that was asked for."
    ),
]
Status = Literal["running", "stalled", "ended"]
# New records arrive now; they may be late, or their tailer is silent; there is no
# connection to the broker, or it refuses or does not answer.
FeedState = Literal["fresh", "stale", "down"]
# A number, or the text that represents one that is not finite in strict JSON.
Value: TypeAlias = int | float | Literal["NaN", "Infinity", "-Infinity"]
Rate = Annotated[
    float, Meta(ge=0, description="Records a second, over the last ten seconds.")
]
IndexedTo = Annotated[
    Cursor,
    Meta(
        description="Up to where steps, times and metrics are true, if that is not the"
        " session's end; null if nothing is known of them yet."
    ),
]
TrimmedFigures = Annotated[
    Literal[True],
    Meta(
        description="Records are not in steps, times and metrics, since the stream had"
        " dropped them before they were indexed; `gaps` of the series tell which."
    ),
]
ApproximateTo = Annotated[
    Cursor,
    Meta(
        description="Up to where figures were worked out from the buckets of curves,"
        " since the file was cut back to records that the stream no longer had; `last`"
        " is null where that is not known."
    ),
]
TotalSteps = Annotated[
    int, Meta(ge=1, description="How many steps the run will have, as it says itself.")
]
EtaMs = Annotated[
    int, Meta(ge=0, description="How long it will take to have them, at its pace.")
]
GapReason = Literal["trimmed", "file_lost", "left_out", "unknown_cursor", "unreadable"]
RewindReason = Literal["truncated", "replaced", "resumed"]
# A field that is only present if it is true.
Flag = Literal[True]
Truncated = Annotated[
    Literal[True],
    Meta(
        description="The record would make the message too long. It is replaced by"
        ' `{"truncated": true, "url": …, "bytes": …}`: a link to the whole record.'
    ),
]
Link = Annotated[str, Meta(description="Relative to the address of the stream.")]
Text = Annotated[
    Size,
    Meta(description="Lines of text that were passed over; if there are any."),
]
PartialBytes = Annotated[
    Size,
    Meta(
        description="Bytes behind the last line that are no whole line, and rest; if"
        " there are any."
    ),
]
AbsentSince = Annotated[
    UnixMs, Meta(description="When its file was found gone; only while it is.")
]
Owners = Annotated[
    list[str],
    Meta(
        description="Tailers that see different files of one session, or whose waits."
    ),
]


class MessagePart(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A group of fields of messages."""


class Sampled(MessagePart):
    """Says that some records were left out."""

    of: Annotated[
        int,
        Meta(ge=1, description="How many records these represent, with themselves."),
    ]


class GapFields(MessagePart, kw_only=True):
    """The records between two places are not available any more."""

    from_: Cursor = field(name="from")
    to: Cursor
    reason: GapReason


class RewindFields(MessagePart, kw_only=True):
    """The file began anew; the next records are of the new generation.

    Or, if the reason is `resumed`, the run fell back to a checkpoint within its file.
    """

    cursor: Cursor
    generation: str
    reason: RewindReason
    step: Annotated[
        Number | None,
        Meta(description="The first step in the new file, or behind the fall-back."),
    ]
    complete: Annotated[
        bool, Meta(description="Whether the old generation was read to its end.")
    ]
    rotated: (
        Annotated[
            Flag,
            Meta(
                description="The file was rotated, and what was before lies in another "
                "one: the run goes on, unless its steps begin anew."
            ),
        ]
        | UnsetType
    ) = UNSET
    before: (
        Annotated[Number, Meta(description="The step from which the run fell back.")]
        | UnsetType
    ) = UNSET
    at: (
        Annotated[Cursor, Meta(description="The first record behind the fall-back.")]
        | UnsetType
    ) = UNSET
    run: (
        Annotated[str, Meta(description="Which run fell back, if there are several.")]
        | UnsetType
    ) = UNSET


class FileFields(MessagePart, kw_only=True):
    """What is said of a session's file beside its records, where it is so."""

    text: Text | UnsetType = UNSET
    partial_bytes: PartialBytes | UnsetType = UNSET
    absent_since: AbsentSince | UnsetType = UNSET
    contested: Flag | UnsetType = UNSET
    owners: Owners | UnsetType = UNSET
    unavailable: (
        Annotated[Flag, Meta(description="It cannot be read now, and others can.")]
        | UnsetType
    ) = UNSET


class Spark(MessagePart, kw_only=True):
    """The course of the main metric: its values at records that lie evenly apart.

    The last one is the latest; null where it had no finite value yet. `last` is the
    latest value also if it is not finite, and null if it is not known.
    """

    metric: str
    values: Annotated[list[Number | None], Meta(max_length=32)]
    last: Value | None


class RunFields(FileFields, kw_only=True):
    """What is said of a session besides its records, where something is."""

    name: str | UnsetType = UNSET
    project: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    pinned: Flag | UnsetType = UNSET
    config: (
        Annotated[
            dict[str, Any] | None, Meta(description="What the run was started with.")
        ]
        | UnsetType
    ) = UNSET
    config_bytes: (
        Annotated[Size, Meta(description="How long `config` is, if that is left out.")]
        | UnsetType
    ) = UNSET
    not_told: (
        Annotated[
            dict[str, str],
            Meta(description="Documents beside the file that are not read, and why."),
        ]
        | UnsetType
    ) = UNSET


class SessionFields(RunFields, kw_only=True):
    """One session in a list of sessions."""

    session_id: str
    status: Status
    records: Size
    rejected: Annotated[Size, Meta(description="Lines that are not records.")]
    first_step: Number | None
    last_step: Number | None
    first_time: UnixMs | None
    last_time: UnixMs | None
    last_activity: UnixMs
    rate: Rate | None
    indexed_to: IndexedTo | UnsetType | None = UNSET
    trimmed: TrimmedFigures | UnsetType = UNSET
    approximate_to: ApproximateTo | UnsetType = UNSET
    emergencies: Size
    oldest: Cursor | None
    head: Cursor | None
    total_steps: TotalSteps | None
    eta_ms: EtaMs | None
    spark: Spark | None


class MetricFields(MessagePart, kw_only=True):
    """The statistics of one metric of a session, over its finite values."""

    last: Value | None
    min: Number | None
    max: Number | None
    mean: float | None
    count: Annotated[Size, Meta(description="The number of finite values.")]
    nonfinite: Size


class FirstAndLast(MessagePart, kw_only=True):
    """The first and the last step or time of the records."""

    first: Number | None
    last: Number | None


class AcknowledgementFields(MessagePart, kw_only=True):
    """Who has seen an emergency, and when by the broker's clock."""

    who: str
    note: str
    at: UnixMs


Rewound = Annotated[
    Literal[True],
    Meta(description="Its line is not in the file any more, which began anew."),
]


class LatestEmergency(MessagePart, kw_only=True):
    """An emergency of a session, with the ID of its message."""

    id: str
    data: Record | None


class EmergenciesFields(MessagePart, kw_only=True):
    """The emergencies of a session."""

    count: Size
    latest: LatestEmergency | None


class LatestValues(RunFields, kw_only=True):
    """The values of a session that exists."""

    metrics: dict[str, MetricFields] | UnsetType | None = UNSET
    metrics_left_out: (
        Annotated[
            Size,
            Meta(
                description="How many metrics are not in `metrics`, if there are any."
            ),
        ]
        | UnsetType
    ) = UNSET
    unknown: (
        Annotated[
            list[str], Meta(description="Asked for, and of no metric of the session.")
        ]
        | UnsetType
    ) = UNSET
    steps: FirstAndLast | UnsetType = UNSET
    times: FirstAndLast | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    indexed_to: IndexedTo | UnsetType | None = UNSET
    trimmed: TrimmedFigures | UnsetType = UNSET
    approximate_to: ApproximateTo | UnsetType = UNSET
    last_activity: UnixMs | UnsetType = UNSET
    records: Size | UnsetType = UNSET
    rejected: Size | UnsetType = UNSET
    emergencies: EmergenciesFields | UnsetType = UNSET
    total_steps: TotalSteps | UnsetType | None = UNSET
    eta_ms: EtaMs | UnsetType | None = UNSET
    spark: Spark | UnsetType | None = UNSET
    truncated: (
        Annotated[
            Literal[True],
            Meta(
                description="It would make the message too long: `data`, `metrics`,"
                " `config` and the latest emergency are null; `url` links to the whole"
                " of it."
            ),
        ]
        | UnsetType
    ) = UNSET
    url: Link | UnsetType = UNSET
    bytes: Size | UnsetType = UNSET


class SnapshotFields(LatestValues, kw_only=True):
    """A snapshot of one session: its last record, and values over all records."""

    session_id: str
    cursor: Cursor | None
    data: Record | None
    status: Status | None
