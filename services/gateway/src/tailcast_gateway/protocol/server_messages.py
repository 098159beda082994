"""The messages that the gateway sends, as models: what each has, and when it is sent.

Pure. Frames are made of stored bytes and not of these models. The documents of the
protocol are made of them, and tests check every received message against them. What
clients send is in `client_messages`.
"""

from typing import Annotated, Final, Literal, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from tailcast_gateway.protocol.client_messages import ErrorCode
from tailcast_gateway.protocol.message_parts import (
    AcknowledgementFields,
    Cursor,
    FeedState,
    Flag,
    GapFields,
    LatestValues,
    MessagePart,
    Milliseconds,
    Number,
    Owners,
    Reached,
    Record,
    RewindFields,
    Rewound,
    Sampled,
    SessionFields,
    Size,
    SnapshotFields,
    Status,
    Timestamp,
    Truncated,
    UnixMs,
)


class _Told(MessagePart, tag_field="type"):
    """A message."""


class _Answer(_Told):
    """A message that answers another one, and repeats its `id`."""

    id: str | int | UnsetType = UNSET


class Subscribed(_Answer, tag="subscribed", kw_only=True):
    """Says that a subscription is active.

    For one session it has `cursor`, where delivery starts, `head` and `oldest`.
    """

    session_id: str | UnsetType = UNSET
    session_ids: list[str] | UnsetType = UNSET
    message: Annotated[str, Meta(examples=["Subscribed to session_001"])]
    cursor: Cursor | UnsetType | None = UNSET
    head: Cursor | UnsetType | None = UNSET
    oldest: Cursor | UnsetType | None = UNSET
    exists: (
        Annotated[
            Literal[False],
            Meta(description="There is no such session yet; only if that is so."),
        ]
        | UnsetType
    ) = UNSET
    similar: (
        Annotated[
            list[str], Meta(description="At most three sessions of a similar name.")
        ]
        | UnsetType
    ) = UNSET
    repeated: (
        Annotated[
            Literal[True],
            Meta(
                description="Nothing was confirmed since delivery last began at this"
                " place: the client may have got the next records before."
            ),
        ]
        | UnsetType
    ) = UNSET
    recovered: (
        Annotated[
            bool,
            Meta(
                description="Whether nothing is missing between the requested place"
                " and `cursor`; absent until that is known."
            ),
        ]
        | UnsetType
    ) = UNSET
    connection_id: Annotated[
        str, Meta(description="What the gateway's log calls this connection.")
    ]


class Unsubscribed(_Answer, tag="unsubscribed", kw_only=True):
    """Answers `unsubscribe`."""

    session_id: str | UnsetType = UNSET
    session_ids: list[str] | UnsetType = UNSET


class Authenticated(_Answer, tag="authenticated", kw_only=True):
    """Answers `auth`: the token counts, until a time if it has an end."""

    expires_at: UnixMs | UnsetType = UNSET


class Expiring(_Told, tag="expiring", kw_only=True):
    """Says that the token ends soon; an `auth` with another one renews it."""

    expires_at: UnixMs


class Revoked(_Told, tag="revoked", kw_only=True):
    """Says that the client may not read a session any more: nothing of it follows."""

    session_id: str


class Positions(_Answer, tag="positions", kw_only=True):
    """Says where delivery of several sessions starts; follows their `subscribed`."""

    cursors: dict[str, Cursor | None]
    at: Annotated[str, Meta(description="Opaque: for `at` of a later `subscribe`.")]
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
    """An emergency: a record of a session, or a whole file.

    A whole-file emergency has its place in `cursors`, and a `sessionId` only if it
    names one.
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
            Meta(description="It overtakes records, and is sent again in its place."),
        ]
        | UnsetType
    ) = UNSET
    cursors: dict[str, Cursor] | UnsetType = UNSET
    truncated: Truncated | UnsetType = UNSET
    time: (
        Annotated[
            UnixMs,
            Meta(
                description="When it was: only of those that `emergencies` asked for,"
                " which have no `cursor`."
            ),
        ]
        | UnsetType
    ) = UNSET
    step: Number | UnsetType | None = UNSET
    rewound: Rewound | UnsetType = UNSET
    acknowledged: AcknowledgementFields | UnsetType = UNSET


class Acknowledged(_Told, tag="acknowledged", kw_only=True):
    """Somebody has acknowledged an emergency; null if that was taken back."""

    id: str
    session_id: str | UnsetType = UNSET
    acknowledged: AcknowledgementFields | None


class Gap(GapFields, tag_field="type", tag="gap", kw_only=True):
    """The records between two places are not available; delivery goes on after them."""

    session_id: str


class Rewind(RewindFields, tag_field="type", tag="rewind", kw_only=True):
    """The file began anew, or the run fell back to a checkpoint (`resumed`)."""

    session_id: str


class Metrics(_Told, tag="metric", kw_only=True):
    """Metrics have come; told to those who asked for `newMetrics`."""

    session_id: str
    names: list[str]
    of: Annotated[Size, Meta(description="How many the session has now.")]
    names_left_out: Size | UnsetType = UNSET


class CaughtUp(_Told, tag="caught_up", kw_only=True):
    """All stored records of a session have been sent; new records follow."""

    session_id: str
    cursor: Cursor | None
    reached: Reached | UnsetType = UNSET


class HeartbeatAnswer(_Answer, tag="heartbeat", kw_only=True):
    """Says that the server is there; unasked ones have the places that have changed."""

    timestamp: Timestamp
    feed: (
        Annotated[
            FeedState,
            Meta(description="Whether new records arrive at this server now."),
        ]
        | UnsetType
    ) = UNSET
    lag_ms: (
        Annotated[
            int, Meta(ge=0, description="How late new records are that arrive now.")
        ]
        | UnsetType
    ) = UNSET
    index_lag_ms: (
        Annotated[
            Annotated[int, Meta(ge=0)] | None,
            Meta(description="How far indexes are behind; null: no indexer is there."),
        ]
        | UnsetType
    ) = UNSET
    replica: (
        Annotated[str, Meta(description="The name of the server's replica.")]
        | UnsetType
    ) = UNSET
    cursors: dict[str, Cursor] | UnsetType = UNSET
    heads: dict[str, Cursor] | UnsetType = UNSET


class Error(_Answer, tag="error", kw_only=True):
    """A message could not be carried out, or the connection will be closed.

    With `close` the connection is closed next, with this code: then the client may come
    back after `retryAfterMs`, and should not come back without it.
    """

    code: ErrorCode
    message: str
    session_id: Annotated[
        str | UnsetType, Meta(description="Of which session it is alone.")
    ] = UNSET
    close: Annotated[int, Meta(ge=1_000, le=4_999)] | UnsetType = UNSET
    retry_after_ms: Milliseconds | UnsetType = UNSET


class HistoryPage(_Answer, tag="history", kw_only=True):
    """One page of a session's records, with `gap` or `rewind` if it begins with one."""

    session_id: str
    data: list[Record]
    prev: Cursor
    cursor: Cursor
    more: Annotated[
        bool, Meta(description="Whether there is more in the requested direction.")
    ]
    gap: GapFields | UnsetType = UNSET
    rewind: RewindFields | UnsetType = UNSET
    truncated: Truncated | UnsetType = UNSET


class SnapshotAnswer(LatestValues, tag_field="type", tag="snapshot", kw_only=True):
    """The latest values of one session, or of several in `snapshots`.

    For a session that does not exist, `cursor`, `data` and `status` are null.
    """

    id: str | int | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    cursor: Cursor | UnsetType | None = UNSET
    data: Record | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    snapshots: list[SnapshotFields] | UnsetType = UNSET
    more: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Check that it has all fields of one session, or a list."""
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
    """A session changed its status, or was edited; for all or wildcards subscribed to.

    One that was `edited` has what is said of it now: `tags`, `notes` and `pinned`.
    """

    session_id: str
    event: Literal["started", "stalled", "resumed", "ended", "edited"]
    status: Status
    last_activity: UnixMs
    head: Cursor | None
    tags: list[str] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET


class Contested(_Told, tag="contested", kw_only=True):
    """Several tailers see different files of a session; without owners it is over.

    With one owner its file is written anew too often, and what it holds now waits.
    """

    session_id: str
    owners: Owners


class Draining(_Told, tag="draining", kw_only=True):
    """The server shuts down and will close this connection."""

    reconnect_after_ms: Milliseconds


class Closing(_Told, tag="closing", kw_only=True):
    """The last message: the client's final cursors, from which it can go on."""

    cursors: dict[str, Cursor | None]
    more: bool


ServerMessage: TypeAlias = (
    Subscribed
    | Unsubscribed
    | Authenticated
    | Expiring
    | Revoked
    | Positions
    | Telemetry
    | Emergency
    | Acknowledged
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
    | Metrics
    | Draining
    | Closing
)
SERVER_MESSAGES: Final[tuple[type[Struct], ...]] = get_args(ServerMessage)
