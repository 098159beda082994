"""The messages that clients may send, with their checks, and the error for a wrong one.

Pure. The messages are tagged structs. A message that does not fit raises
`InvalidMessage`, with the code and the text of the answer. What a message does is in
`commands`.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from tailcast_gateway.limits import Limit
from tailcast_gateway.protocol.limits import (
    DEFAULT_HISTORY,
    MAX_CLIENT_ID_CHARACTERS,
    MAX_EMERGENCIES,
    MAX_HISTORY,
    MAX_MESSAGE_BYTES,
    MAX_METRIC_CHARACTERS,
    MAX_METRICS,
    MAX_NOTE_CHARACTERS,
    MAX_POINTS,
    MAX_RATE,
    MAX_SESSION_ID_CHARACTERS,
    MAX_TOKEN_CHARACTERS,
    MAX_WHO_CHARACTERS,
    MIN_MESSAGE_BYTES,
    MIN_POINTS,
    MIN_RATE,
)
from tailcast_gateway.scheduling.time_limit import WaitedTooLong
from tailcast_streams.exceptions import BrokerFull, BrokerRefused
from tailcast_streams.nesting import TOO_DEEP, is_too_deep


# The `id` of a message, which each part of its answer repeats. Numbers are those that
# every wire can hold.
MessageID: TypeAlias = (
    Annotated[str, Meta(max_length=256)]
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | None
)

# The text for a message that is not an object, or has no known type.
INVALID_FORMAT = "Invalid message format"

INVALID_MESSAGE: Final = "invalid_message"
INVALID_CURSOR: Final = "invalid_cursor"
INVALID_FILTER: Final = "invalid_filter"
UNAUTHENTICATED: Final = "not_authenticated"
NOT_AUTHORIZED: Final = "not_authorized"
UNAVAILABLE: Final = "unavailable"
SESSION_UNAVAILABLE: Final = "session_unavailable"
TOO_MANY_SUBSCRIPTIONS: Final = "too_many_subscriptions"
TOO_MANY_CLIENTS: Final = "too_many_clients"
TOO_LARGE: Final = "too_large"
TOO_OFTEN: Final = "rate_limited"
FAILED: Final = "internal_error"

ErrorCode: TypeAlias = Literal[
    "invalid_message",
    "invalid_cursor",
    "invalid_filter",
    "not_authenticated",
    "not_authorized",
    "token_expired",
    "unavailable",
    "session_unavailable",
    "too_many_subscriptions",
    "too_many_clients",
    "too_large",
    "rate_limited",
    "internal_error",
    "closed",
]

# The value of `from` that asks for the stored cursors of a named client.
RESUME: Final = "resume"

SessionID = Annotated[str, Meta(min_length=1, max_length=MAX_SESSION_ID_CHARACTERS)]
ClientID = Annotated[str, Meta(min_length=1, max_length=MAX_CLIENT_ID_CHARACTERS)]
Metric = Annotated[str, Meta(min_length=1, max_length=MAX_METRIC_CHARACTERS)]
MaxMessage = Annotated[int, Meta(ge=MIN_MESSAGE_BYTES, le=MAX_MESSAGE_BYTES)]
Emergencies = Annotated[int, Meta(ge=0, le=MAX_EMERGENCIES)]
Who = Annotated[str, Meta(min_length=1, max_length=MAX_WHO_CHARACTERS)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class InvalidMessage(Exception):  # it is what the client sent
    """A message that is answered with an error."""

    def __init__(
        self,
        code: ErrorCode,
        text: str,
        id: MessageID = None,
        *,
        limit: Limit | None = None,
        retry_after_ms: int = 0,
    ) -> None:
        super().__init__(text)
        self.code: ErrorCode = code
        self.text = text
        # The `id` of the message, if it could be read.
        self.id = id
        # The limit that it is beyond, None if it is another mistake.
        self.limit = limit
        # After how long it may come again, 0 if that does not help.
        self.retry_after_ms = retry_after_ms


class _Message(Struct, rename="camel", tag_field="type"):
    """The fields that all messages may have."""

    # The types of the messages that answer it; an `error` may answer each.
    answered_by: ClassVar[tuple[str, ...]]

    id: MessageID = None
    strict: bool = False


class From(Struct, forbid_unknown_fields=True):
    """A start that needs a value; exactly one field is set."""

    cursor: str | UnsetType = UNSET
    last: Count | UnsetType = UNSET
    step: float | UnsetType = UNSET
    time: str | UnsetType = UNSET


class Subscribe(_Message, tag="subscribe"):
    """Asks for the records of sessions, and says where each begins."""

    answered_by: ClassVar = ("subscribed", "positions", "snapshot")

    session_id: SessionID | None = None
    session_ids: list[SessionID] | None = None
    add: bool = False
    # Whether another piece of this message follows, with more of its cursors.
    more: bool = False
    from_: (
        Annotated[str, Meta(examples=["now", "start", "resume"])] | From | UnsetType
    ) = msgspec.field(name="from", default=UNSET)
    replay: Count | None = None
    cursors: dict[str, str | None] | None = None
    at: Annotated[str, Meta(max_length=64)] | int | None = None
    # A condition or a tree of conditions; `views.filters` compiles it.
    where: Any | UnsetType = UNSET
    metrics: (
        Annotated[list[Metric], Meta(min_length=1, max_length=MAX_METRICS)] | UnsetType
    ) = UNSET
    index: bool = False
    # The most live records a second, and the most records of a replay.
    max_rate: Annotated[float, Meta(ge=MIN_RATE, le=MAX_RATE)] | UnsetType = UNSET
    max_points: Annotated[int, Meta(ge=MIN_POINTS, le=MAX_POINTS)] | UnsetType = UNSET
    snapshot: bool = False
    # Whether to tell when a metric first comes.
    new_metrics: bool = False
    # How many of the latest emergencies come first.
    emergencies: Emergencies | UnsetType = UNSET
    # The longest message that the client accepts, bytes; for the whole connection.
    max_message: MaxMessage | UnsetType = UNSET
    client_id: ClientID | UnsetType = UNSET
    ack: Literal["auto", "manual"] | UnsetType = UNSET


class Unsubscribe(_Message, tag="unsubscribe"):
    """Ends the subscription to the named sessions, or to all if none is named."""

    answered_by: ClassVar = ("unsubscribed",)

    session_id: SessionID | None = None
    session_ids: list[SessionID] | None = None


class Heartbeat(_Message, tag="heartbeat"):
    """Says that the client is there; `everyMs` asks for heartbeats (0 ends them)."""

    answered_by: ClassVar = ("heartbeat",)

    every_ms: Annotated[int, Meta(ge=0, le=86_400_000)] | None = None


class Ack(_Message, tag="ack", kw_only=True):
    """Says up to where the client has received a session, or the emergencies."""

    answered_by: ClassVar = ()

    session_id: SessionID | None = None
    cursor: str


class Auth(_Message, tag="auth", kw_only=True):
    """Says who the client is, first of all or again before its token is over."""

    answered_by: ClassVar = ("authenticated",)

    token: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN_CHARACTERS)]


class History(_Message, tag="history", kw_only=True):
    """Asks for one page of records, the latest without a cursor; live records go on."""

    answered_by: ClassVar = ("history",)

    session_id: SessionID
    before: str | None = None
    after: str | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_HISTORY)] = DEFAULT_HISTORY


class Sessions(_Message, tag="sessions"):
    """Asks for the list of sessions."""

    answered_by: ClassVar = ("sessions",)


class Snapshot(_Message, tag="snapshot"):
    """Asks for the latest values of the named sessions, or of all if none is named."""

    answered_by: ClassVar = ("snapshot",)

    session_id: SessionID | None = None
    session_ids: list[SessionID] | None = None
    metrics: (
        Annotated[list[Metric], Meta(min_length=1, max_length=MAX_METRICS)] | UnsetType
    ) = UNSET


# The messages that this gateway carries out.
Supported: TypeAlias = (
    Subscribe | Unsubscribe | Heartbeat | Ack | Auth | History | Sessions | Snapshot
)
SUPPORTED: Final[tuple[type[Supported], ...]] = get_args(Supported)
_decoder: msgspec.json.Decoder[Supported] = msgspec.json.Decoder(Supported)


class Acknowledging(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who has seen an emergency; the body of a request over HTTP."""

    who: Who
    note: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)] = ""


_decode_acknowledging: Final = msgspec.json.Decoder(Acknowledging).decode


def read_acknowledging(body: bytes) -> Acknowledging:
    """Read who has seen an emergency. Raises InvalidMessage."""
    try:
        return _decode_acknowledging(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage(INVALID_MESSAGE, f"Invalid body: {error}") from None


class _Envelope(Struct):
    """The fields of an invalid message that its error answer needs."""

    type: str
    id: MessageID = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode

_TYPES: Final = frozenset(kind.__struct_config__.tag for kind in SUPPORTED)


def parse(data: bytes) -> Supported:
    """Read one message.

    Raises:
        InvalidMessage: the message is invalid; the error's text is for the client.
    """
    if is_too_deep(data):
        raise _invalid(data, TOO_DEEP)
    try:
        message = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _invalid(data, str(error)) from None
    if message.strict:
        _refuse_unknown_fields(data, message)
    return _checked(message)


def error_message(
    code: ErrorCode,
    text: str,
    *,
    id: MessageID = None,
    session: str = "",
    retry_after_ms: int = 0,
) -> dict[str, object]:
    """An `error`; `id`, `sessionId` and `retryAfterMs` only if they are given."""
    fields: dict[str, object] = {"type": "error", "code": code, "message": text}
    if session:
        fields["sessionId"] = session
    if id is not None:
        fields["id"] = id
    if retry_after_ms:
        fields["retryAfterMs"] = retry_after_ms
    return fields


def not_allowed(session: str, id: MessageID) -> InvalidMessage:
    """The error for a session the client may not read, whether it exists or not."""
    return InvalidMessage(NOT_AUTHORIZED, f"Not authorized: {session}", id)


def why_unavailable(error: Exception) -> str:
    """The text for a client whose message failed because of the broker.

    The broker's own text is for operators; it is in the log.
    """
    if isinstance(error, BrokerRefused):
        code = f" ({error.code})" if error.code else ""
        return f"The broker refuses this{code}: whoever runs the server must mend it"
    if isinstance(error, BrokerFull):
        return "The broker is full now"
    if isinstance(error, WaitedTooLong):
        return f"Not in time: {error}"
    return "The broker cannot be reached now"


def _checked(message: Supported) -> Supported:
    if isinstance(message, Subscribe):
        _check_subscribe(message)
    if isinstance(message, Subscribe | Unsubscribe | Snapshot):
        _check_names(message)
    if isinstance(message, History):
        _check_history(message)
    return message


def _invalid(data: bytes, why: str) -> InvalidMessage:
    """The error for an invalid message; it says what is wrong if its type is known."""
    try:
        envelope = _decode_envelope(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return InvalidMessage(INVALID_MESSAGE, INVALID_FORMAT)
    if envelope.type not in _TYPES:
        return InvalidMessage(INVALID_MESSAGE, INVALID_FORMAT, envelope.id)
    return InvalidMessage(INVALID_MESSAGE, f"Invalid message: {why}", envelope.id)


def _refuse_unknown_fields(data: bytes, message: _Message) -> None:
    known = {*type(message).__struct_encode_fields__, "type"}
    if unknown := sorted(_decode_object(data).keys() - known):
        text = f"Unknown field: {unknown[0][:64]}"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)


def _check_subscribe(message: Subscribe) -> None:
    start = message.from_
    if start is UNSET:
        return
    if message.replay is not None:
        text = "Invalid message: from and replay exclude each other"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    if isinstance(start, str):
        _check_named_start(start, message.id)
    else:
        _check_start(start, message.id)


def _check_named_start(start: str, id: MessageID) -> None:
    if start not in {"now", "start", RESUME}:
        text = f"Invalid message: from cannot be {start[:64]!r}"
        raise InvalidMessage(INVALID_MESSAGE, text, id)


def _check_start(start: From, id: MessageID) -> None:
    given = [
        name for name in start.__struct_fields__ if getattr(start, name) is not UNSET
    ]
    if len(given) != 1:
        text = "Invalid message: from takes one of cursor, last, step, time"
        raise InvalidMessage(INVALID_MESSAGE, text, id)


def _check_history(message: History) -> None:
    if message.before is not None and message.after is not None:
        text = "Invalid message: before and after exclude each other"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    _check_name(message.session_id, message.id)


def _check_name(name: str, id: MessageID) -> None:
    if name.startswith("!"):
        text = 'Invalid message: no session ID begins with "!"'
        raise InvalidMessage(INVALID_MESSAGE, text, id)


def _check_names(message: Subscribe | Unsubscribe | Snapshot) -> None:
    names = [*(message.session_ids or ())]
    if message.session_id is not None:
        names.append(message.session_id)
    if message.session_ids is not None and not names:
        text = "Invalid message: sessionIds is empty"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    for name in names:
        _check_name(name, message.id)
