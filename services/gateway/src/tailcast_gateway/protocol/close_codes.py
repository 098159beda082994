"""Why a WebSocket connection ends: the close codes of the protocol, as values.

Pure. Each close code has a number, a reason, an occasion, whether the client should
come back, and a message that is sent before the close. Every close that the gateway
sends is one of these, and the table in the documentation has them all. Proxies and
libraries hide codes, change them and send their own. So a client should go by the
message, and only codes that no one else sends tell it to stay away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple


class ComeBack(Enum):
    """What a client should do after a close."""

    # Stay away: it would be closed again.
    NO = "no"
    # Come back at once, with its cursors.
    RESUME = "yes, resume"
    # Come back after the delay in the message before the close.
    AFTER_DELAY = "yes, after the delay told"
    # Come back with growing pauses that vary by chance.
    BACKING_OFF = "yes, backing off"
    # Come back with a valid token.
    WITH_NEW_TOKEN = "yes, with a new token"  # noqa: S105  # no password


class ClosedBy(Enum):
    """Which side closed a connection; the close code alone does not show it."""

    GATEWAY = "gateway"
    # Clients may send any close code; libraries send 1011 for a late pong.
    CLIENT = "client"
    # It ended without a close frame.
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One way in which a connection is closed."""

    # The number in the close frame.
    number: int
    # The reason in the close frame; short enough to be sent whole.
    reason: str
    # On which occasion it is sent.
    sent_when: str
    # What the client should do afterwards.
    come_back: ComeBack
    # The code of the `error` message before the close.
    error: str = "closed"


class Advice(NamedTuple):
    """What whoever runs a gateway should know of some closes, as Markdown."""

    codes: tuple[CloseCode, ...]
    # What happened when connections end so.
    happened: str
    # What to do about that.
    mend: str


NORMAL: Final = CloseCode(
    1000, "goodbye", "the client's own close is answered", ComeBack.BACKING_OFF
)
GOING_AWAY: Final = CloseCode(
    1001, "", "never sent: a proxy restarts, a page is left", ComeBack.BACKING_OFF
)
BAD_FRAME: Final = CloseCode(
    1002, "bad frame", "the peer broke the WebSocket framing", ComeBack.BACKING_OFF
)
NO_CODE: Final = CloseCode(
    1005, "", "never sent: a close without a code", ComeBack.BACKING_OFF
)
LOST: Final = CloseCode(
    1006, "", "never sent: the connection went without a close", ComeBack.BACKING_OFF
)
NOT_UTF8: Final = CloseCode(
    1007, "text is not UTF-8", "a text message was not UTF-8", ComeBack.BACKING_OFF
)
FRAME_TOO_LARGE: Final = CloseCode(
    1009,
    "message too large",
    "a message was longer than allowed",
    ComeBack.BACKING_OFF,
)
INTERNAL_ERROR: Final = CloseCode(
    1011,
    "internal error",
    "serving the connection failed",
    ComeBack.BACKING_OFF,
    error="internal_error",
)
DRAINING: Final = CloseCode(
    1012, "draining", "the replica shuts down", ComeBack.AFTER_DELAY
)
NOT_SERVED: Final = CloseCode(
    1013,
    "not served",
    "a `subscribe` was `unavailable` and did not come again",
    ComeBack.BACKING_OFF,
)
TOKEN_EXPIRED: Final = CloseCode(
    4001,
    "token expired",
    "the token's time is over",
    ComeBack.WITH_NEW_TOKEN,
    error="token_expired",
)
TOO_SLOW: Final = CloseCode(
    4008, "did not read", "the socket took no bytes for too long", ComeBack.RESUME
)
NO_PONG: Final = CloseCode(
    4012, "no pong", "a ping was not answered in time", ComeBack.RESUME
)
RATE_LIMITED: Final = CloseCode(
    4029,
    "rate limit",
    "too many messages or pings, after warnings",
    ComeBack.AFTER_DELAY,
)
PROTOCOL_ERROR: Final = CloseCode(
    4400, "protocol error", "invalid messages, after warnings", ComeBack.NO
)
NOT_AUTHENTICATED: Final = CloseCode(
    4401,
    "not authenticated",
    "no valid token in time",
    ComeBack.NO,
    error="not_authenticated",
)
TAKEN_OVER: Final = CloseCode(
    4409, "taken over", "another connection took this client ID", ComeBack.NO
)

ALL_CLOSE_CODES: Final[tuple[CloseCode, ...]] = (
    NORMAL,
    GOING_AWAY,
    BAD_FRAME,
    NO_CODE,
    LOST,
    NOT_UTF8,
    FRAME_TOO_LARGE,
    INTERNAL_ERROR,
    DRAINING,
    NOT_SERVED,
    TOKEN_EXPIRED,
    TOO_SLOW,
    NO_PONG,
    RATE_LIMITED,
    PROTOCOL_ERROR,
    NOT_AUTHENTICATED,
    TAKEN_OVER,
)

# What to do about each, in the order in which the manual has them.
ALL_ADVICE: Final = (
    Advice(
        (NORMAL, GOING_AWAY, NO_CODE),
        "the client left, or a proxy closed all it had (Caddy's reload: 1001;"
        " JupyterHub: 1005)",
        "nothing: clients come back, backing off",
    ),
    Advice(
        (BAD_FRAME, NOT_UTF8),
        "it broke the framing, or sent text that is not UTF-8",
        "mend the client, or the proxy in between",
    ),
    Advice(
        (LOST,),
        "the connection went without a goodbye",
        "many at once: the balancer or the network. One after the other at"
        " equal age: a proxy's idle time-out",
    ),
    Advice(
        (FRAME_TOO_LARGE,),
        "its message was above `TAILCAST_MAX_MESSAGE_BYTES`",
        "mend the client; `cursors` of thousands of sessions go [in"
        " pieces](protocol.md#many-sessions)",
    ),
    Advice(
        (INTERNAL_ERROR,),
        "by `gateway`: serving it failed; others are not concerned. By"
        " `client`: its library gave up waiting for a pong (Python's"
        " `websockets`: `keepalive ping timeout`)",
        "by `gateway`: report it, with the log: `defect` says why, and with"
        " `TAILCAST_LOG_LEVEL=debug` where. By `client`: its machine or the"
        " network was held up",
    ),
    Advice(
        (DRAINING,),
        "the gateway shuts down",
        "nothing: clients come back after the delay told",
    ),
    Advice(
        (NOT_SERVED,),
        "the broker was away when it subscribed, and it did not subscribe again"
        " within ten seconds",
        "[the broker is lost](#the-broker-is-lost); it comes back by itself. A"
        " client that asks again when it is told to is not closed",
    ),
    Advice(
        (TOO_SLOW,),
        "its socket took no bytes for `TAILCAST_SLOW_TIMEOUT`",
        "a stopped tab or script; it resumes when it reads",
    ),
    Advice(
        (NO_PONG,),
        "no answer to a ping",
        "a sleeping laptop, a dead network; many: `TAILCAST_PONG_TIMEOUT` is"
        " too short for the way",
    ),
    Advice(
        (TAKEN_OVER,),
        "another connection took its client ID",
        "two scripts share one `clientId`: give each its own",
    ),
    Advice(
        (TOKEN_EXPIRED,),
        "its token was over",
        "a new token; `expiring` says so a minute before",
    ),
    Advice(
        (NOT_AUTHENTICATED,),
        "it did not say who it is, or its token does not count",
        "see [the log](#a-token-does-not-count) for why",
    ),
    Advice(
        (RATE_LIMITED,),
        "it sent more than `TAILCAST_COMMAND_RATE` or"
        " `TAILCAST_MAX_CONTROL_FRAMES` for a while, and went on when it was"
        " told so",
        "mend the client; `beyond a limit` in the log says which. One that"
        " serves many people needs a higher limit",
    ),
    Advice(
        (PROTOCOL_ERROR,),
        "it sent more than `TAILCAST_MAX_INVALID_MESSAGES`",
        "mend the client: each was answered with what is wrong",
    ),
)

_BY_NUMBER: Final = {code.number: code for code in ALL_CLOSE_CODES}

# After how long to come back: the shortest delay, and the most that chance adds.
_DELAYS_MS: Final[Mapping[ComeBack, tuple[int, int]]] = {
    ComeBack.RESUME: (100, 900),
    ComeBack.AFTER_DELAY: (100, 900),
    # Many tokens may end together, as those of one lesson.
    ComeBack.WITH_NEW_TOKEN: (100, 6_000),
    ComeBack.BACKING_OFF: (1_000, 4_000),
}


def close_code(number: int) -> CloseCode | None:
    """The close code with a number, None if it is not one of ours."""
    return _BY_NUMBER.get(number)


def counted_as(number: int) -> str:
    """The label under which a close code is counted in metrics.

    A client may send any of thousands of numbers, and each would be a time series.
    """
    return str(number) if number in _BY_NUMBER else "other"


def last_words(code: CloseCode, *, chance: float) -> dict[str, object]:
    """The message before a close; without a delay if the client should stay away.

    `chance`, from 0 to 1, varies the delays of clients that are closed together.
    """
    delay = _DELAYS_MS.get(code.come_back)
    delay_ms = None if delay is None else int(delay[0] + chance * delay[1])
    if code is RATE_LIMITED:
        # At once it would only have as much again.
        delay_ms = 10_000 + int(chance * 5_000)
    if code is DRAINING:
        return {"type": "draining", "reconnectAfterMs": delay_ms}
    fields: dict[str, object] = {
        "type": "error",
        "code": code.error,
        "message": f"{code.reason}: {code.sent_when}",
        "close": code.number,
    }
    return fields if delay_ms is None else {**fields, "retryAfterMs": delay_ms}
