"""The messages that clients are sent, as models: what each carries, and when.

Pure. Frames are spliced from stored bytes and not made of these; the documents of the
protocol are, and every message that a test receives is checked against them. What never
lives here: making messages, and what clients send (`client_messages`).
"""

from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tailcast_gateway.protocol.client_messages import ErrorCode


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


class _Part(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A part of messages."""


class _Told(_Part, tag_field="type"):
    """A message."""


class _Answer(_Told):
    """A message that answers one, and repeats its `id`."""

    id: str | int | UnsetType = UNSET


class Sampled(_Part):
    """Says that records stand for more than themselves."""

    of: Annotated[
        int,
        Meta(ge=1, description="Records that this frame's stand for, themselves too."),
    ]


class GapFields(_Part, kw_only=True):
    """Between two places nothing can be had any more."""

    from_: Cursor = field(name="from")
    to: Cursor
    reason: GapReason


class RewindFields(_Part, kw_only=True):
    """A file began anew; the records that follow are the new generation's."""

    cursor: Cursor
    generation: str
    reason: RewindReason
    step: Annotated[Number | None, Meta(description="The first step that it has.")]
    complete: Annotated[
        bool, Meta(description="Whether the old generation was read to its end.")
    ]


class SessionFields(_Part, kw_only=True):
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


class MetricFields(_Part, kw_only=True):
    """What the records of a session say of one metric; extremes over finite values."""

    last: Value
    min: Number | None
    max: Number | None
    mean: float | None
    count: Annotated[Size, Meta(description="Finite values.")]
    nonfinite: Size


class FirstAndLast(_Part, kw_only=True):
    """Steps or times between which the records lie."""

    first: Number | None
    last: Number | None


class LatestEmergency(_Part, kw_only=True):
    """An emergency of a session, with the ID that its message had."""

    id: str
    data: Record | None


class EmergenciesFields(_Part, kw_only=True):
    """The emergencies of a session."""

    count: Size
    latest: LatestEmergency | None


class _Values(_Part, kw_only=True):
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


class SnapshotFields(_Values, kw_only=True):
    """The latest of one session: its last record, and what all say together."""

    session_id: str
    cursor: Cursor | None
    data: Record | None
    status: Status | None


class Subscribed(_Answer, tag="subscribed", kw_only=True):
    """A subscription is active.

    For one session with `cursor`, where delivery starts, `head` and `oldest`.
    """

    session_id: str | UnsetType = UNSET
    session_ids: list[str] | UnsetType = UNSET
    message: Annotated[str, Meta(examples=["Subscribed to session_001"])]
    cursor: Cursor | UnsetType | None = UNSET
    head: Cursor | UnsetType | None = UNSET
    oldest: Cursor | UnsetType | None = UNSET
    repeated: (
        Annotated[
            Literal[True],
            Meta(
                description="Nothing was confirmed since delivery began at the same"
                " place the last time: what follows may have come before."
            ),
        ]
        | UnsetType
    ) = UNSET
    recovered: (
        Annotated[
            bool,
            Meta(
                description="Whether nothing is missing between the place that was"
                " asked for and `cursor`; absent until that is known."
            ),
        ]
        | UnsetType
    ) = UNSET


class Unsubscribed(_Answer, tag="unsubscribed", kw_only=True):
    """Answers `unsubscribe`."""

    session_id: str | UnsetType = UNSET
    session_ids: list[str] | UnsetType = UNSET


class Positions(_Answer, tag="positions", kw_only=True):
    """Where each of several sessions starts; follows their `subscribed`."""

    cursors: dict[str, Cursor | None]
    at: Annotated[str, Meta(description="Opaque: for `at` of a later subscribe")]
    more: bool


class Telemetry(_Told, tag="telemetry", kw_only=True):
    """Records of one session, in file order."""

    session_id: str
    data: list[Record]
    cursor: Cursor
    prev: Cursor | UnsetType = UNSET
    replayed: Flag | UnsetType = UNSET
    sampled: Sampled | UnsetType = UNSET
    steps: list[Number | None] | UnsetType = UNSET
    times: list[UnixMs | None] | UnsetType = UNSET
    truncated: Truncated | UnsetType = UNSET


class Emergency(_Told, tag="emergency", kw_only=True):
    """An emergency, in its place in a session, or that came as a whole file.

    The latter has its place in `cursors`, and a `sessionId` only if it names one.
    """

    session_id: str | UnsetType = UNSET
    data: Record
    id: str
    cursor: Cursor | UnsetType = UNSET
    prev: Cursor | UnsetType = UNSET
    replayed: Flag | UnsetType = UNSET
    early: (
        Annotated[
            Literal[True],
            Meta(description="It overtakes records, and comes again in its place."),
        ]
        | UnsetType
    ) = UNSET
    cursors: dict[str, Cursor] | UnsetType = UNSET
    truncated: Truncated | UnsetType = UNSET


class Gap(GapFields, tag_field="type", tag="gap", kw_only=True):
    """Between two places nothing can be had any more; delivery goes on after it."""

    session_id: str


class Rewind(RewindFields, tag_field="type", tag="rewind", kw_only=True):
    """The file began anew; the records that follow are the new generation's."""

    session_id: str


class CaughtUp(_Told, tag="caught_up", kw_only=True):
    """What was stored of a session has been sent; what follows is news."""

    session_id: str
    cursor: Cursor | None


class HeartbeatAnswer(_Answer, tag="heartbeat", kw_only=True):
    """The server is here; unasked, with the places that changed since the last one."""

    timestamp: Timestamp
    feed: (
        Annotated[
            Literal["fresh", "stale"],
            Meta(description="Whether what is written gets to this server now."),
        ]
        | UnsetType
    ) = UNSET
    cursors: dict[str, Cursor] | UnsetType = UNSET
    heads: dict[str, Cursor] | UnsetType = UNSET


class Error(_Answer, tag="error", kw_only=True):
    """A message could not be carried out; the connection lives, but for `close`.

    That is the code by which it is closed next. With `retryAfterMs` the client may come
    back then, without it should not.
    """

    code: ErrorCode
    message: str
    close: Annotated[int, Meta(ge=1_000, le=4_999)] | UnsetType = UNSET
    retry_after_ms: Milliseconds | UnsetType = UNSET


class HistoryPage(_Answer, tag="history", kw_only=True):
    """One page of a session's records; `gap` or `rewind` where it begins with one."""

    session_id: str
    data: list[Record]
    prev: Cursor
    cursor: Cursor
    more: Annotated[
        bool, Meta(description="Whether there is more in the direction asked for.")
    ]
    gap: GapFields | UnsetType = UNSET
    rewind: RewindFields | UnsetType = UNSET
    truncated: Truncated | UnsetType = UNSET


class SnapshotAnswer(_Values, tag_field="type", tag="snapshot", kw_only=True):
    """The latest values of one session, or of several in `snapshots`.

    Of a session that is not there `cursor`, `data` and `status` are null.
    """

    id: str | int | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    cursor: Cursor | UnsetType | None = UNSET
    data: Record | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    snapshots: list[SnapshotFields] | UnsetType = UNSET
    more: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """One session's fields are all there, or a list is."""
        one = (self.session_id, self.cursor, self.data, self.status)
        several = (self.snapshots, self.more)
        has_one = [field is not UNSET for field in one]
        has_list = [field is not UNSET for field in several]
        if not (
            (all(has_one) and not any(has_list)) or (all(has_list) and not any(has_one))
        ):
            raise ValueError("a snapshot is of one session or has `snapshots`")


class SessionList(_Answer, tag="sessions", kw_only=True):
    """The list of sessions, the latest first; `more` if another message follows."""

    sessions: list[SessionFields]
    more: bool


class SessionEvent(_Told, tag="session", kw_only=True):
    """What became of a session; to those subscribed to all or by wildcards."""

    session_id: str
    event: Literal["started", "stalled", "resumed", "ended"]
    status: Status
    last_activity: UnixMs
    head: Cursor | None


class Contested(_Told, tag="contested", kw_only=True):
    """Several tailers see different files of a session; no owners: not any more."""

    session_id: str
    owners: Owners


class Draining(_Told, tag="draining", kw_only=True):
    """The server shuts down and will close this connection."""

    reconnect_after_ms: Milliseconds


class Closing(_Told, tag="closing", kw_only=True):
    """The last word: what this client has been sent, for where it goes on."""

    cursors: dict[str, Cursor | None]
    more: bool


ServerMessage: TypeAlias = (
    Subscribed
    | Unsubscribed
    | Positions
    | Telemetry
    | Emergency
    | Gap
    | Rewind
    | CaughtUp
    | HeartbeatAnswer
    | Error
    | HistoryPage
    | SessionList
    | SnapshotAnswer
    | SessionEvent
    | Contested
    | Draining
    | Closing
)
SERVER_MESSAGES: Final[tuple[type[Struct], ...]] = get_args(ServerMessage)
