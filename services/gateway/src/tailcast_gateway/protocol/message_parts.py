"""What server messages and the bodies of HTTP answers are made of, as models.

Pure. What lives here: values with their rules (a cursor, a time), and groups of fields
that several have. What never does: whole messages (`server_messages`).
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field


CURSOR_PATTERN: Final = r"^(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})-[0-9a-f]{8}$"
Cursor = Annotated[
    str,
    Meta(
        pattern=CURSOR_PATTERN,
        description="A place in a session: opaque, but for the order of its first two"
        " numbers.",
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
Status = Literal["running", "stalled", "ended"]
# A number, or how strict JSON writes one that is not finite.
Value: TypeAlias = int | float | Literal["NaN", "Infinity", "-Infinity"]
Rate = Annotated[float, Meta(ge=0, description="Records a second, lately.")]
GapReason = Literal["trimmed", "file_lost", "left_out", "unknown_cursor", "unreadable"]
RewindReason = Literal["truncated", "replaced"]
# Present only where it is true.
Flag = Literal[True]
Truncated = Annotated[
    Literal[True],
    Meta(
        description="The record would make the message too long. In its place stands"
        ' `{"truncated": true, "url": …, "bytes": …}`: where it is to be had, whole.'
    ),
]
Link = Annotated[str, Meta(description="Relative to the address of the stream.")]
Owners = Annotated[
    list[str],
    Meta(description="Tailers that see different files of one session."),
]


class MessagePart(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A part of messages."""


class Sampled(MessagePart):
    """Says that records stand for more than themselves."""

    of: Annotated[
        int,
        Meta(ge=1, description="Records that this frame's stand for, themselves too."),
    ]


class GapFields(MessagePart, kw_only=True):
    """Between two places nothing can be had any more."""

    from_: Cursor = field(name="from")
    to: Cursor
    reason: GapReason


class RewindFields(MessagePart, kw_only=True):
    """A file began anew; the records that follow are the new generation's."""

    cursor: Cursor
    generation: str
    reason: RewindReason
    step: Annotated[Number | None, Meta(description="The first step that it has.")]
    complete: Annotated[
        bool, Meta(description="Whether the old generation was read to its end.")
    ]


class SessionFields(MessagePart, kw_only=True):
    """One session, as lists of them show it."""

    session_id: str
    status: Status
    records: Size
    rejected: Annotated[Size, Meta(description="Lines that were no records.")]
    first_step: Number | None
    last_step: Number | None
    first_time: UnixMs | None
    last_time: UnixMs | None
    last_activity: UnixMs
    rate: Rate
    oldest: Cursor | None
    head: Cursor | None
    contested: Flag | UnsetType = UNSET
    owners: Owners | UnsetType = UNSET


class MetricFields(MessagePart, kw_only=True):
    """What the records of a session say of one metric; extremes over finite values."""

    last: Value
    min: Number | None
    max: Number | None
    mean: float | None
    count: Annotated[Size, Meta(description="Finite values.")]
    nonfinite: Size


class FirstAndLast(MessagePart, kw_only=True):
    """Steps or times between which the records lie."""

    first: Number | None
    last: Number | None


class LatestEmergency(MessagePart, kw_only=True):
    """An emergency of a session, with the ID that its message had."""

    id: str
    data: Record | None


class EmergenciesFields(MessagePart, kw_only=True):
    """The emergencies of a session."""

    count: Size
    latest: LatestEmergency | None


class LatestValues(MessagePart, kw_only=True):
    """What is known of a session that exists."""

    metrics: dict[str, MetricFields] | UnsetType | None = UNSET
    steps: FirstAndLast | UnsetType = UNSET
    times: FirstAndLast | UnsetType = UNSET
    rate: Rate | UnsetType = UNSET
    last_activity: UnixMs | UnsetType = UNSET
    records: Size | UnsetType = UNSET
    rejected: Size | UnsetType = UNSET
    emergencies: EmergenciesFields | UnsetType = UNSET
    truncated: (
        Annotated[
            Literal[True],
            Meta(
                description="It would make the message too long: `data`, `metrics` and"
                " the latest emergency are null, and to be had at `url`, whole."
            ),
        ]
        | UnsetType
    ) = UNSET
    url: Link | UnsetType = UNSET
    bytes: Size | UnsetType = UNSET
    contested: Flag | UnsetType = UNSET
    owners: Owners | UnsetType = UNSET


class SnapshotFields(LatestValues, kw_only=True):
    """The latest of one session: its last record, and what all say together."""

    session_id: str
    cursor: Cursor | None
    data: Record | None
    status: Status | None
