"""Why a WebSocket connection ends: the close table of the protocol, as values.

What lives here: number, words, occasion, and whether the client should come back. What
never does: deciding to close, or closing. Every close that the gateway sends is one of
these; the documentation's table is this one.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class ComeBack(Enum):
    """What a client that was closed should do."""

    # The connection ended as somebody wished, or would only end so again.
    NO = "no"
    # At once, from the cursors it holds.
    RESUME = "yes, resume"
    # After the delay that a message before the close has told.
    AFTER_DELAY = "yes, after the delay told"
    # With growing, jittered pauses.
    BACKING_OFF = "yes, backing off"
    # Once it has a token that is still valid.
    WITH_NEW_TOKEN = "yes, with a new token"  # noqa: S105  # no password


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One way to say goodbye."""

    # The number in the close frame.
    number: int
    # The words in the close frame; short enough to be sent whole.
    reason: str
    # On which occasion the connection ends so.
    sent_when: str
    # What the client should do then.
    come_back: ComeBack


NORMAL: Final = CloseCode(
    1000, "goodbye", "the client left, or its close is answered", ComeBack.NO
)
GOING_AWAY: Final = CloseCode(
    1001, "going away", "the client left its page", ComeBack.NO
)
BAD_FRAME: Final = CloseCode(
    1002, "bad frame", "the peer broke the WebSocket framing", ComeBack.NO
)
NO_CODE: Final = CloseCode(
    1005, "", "never sent: the peer closed without a code", ComeBack.NO
)
LOST: Final = CloseCode(
    1006, "", "never sent: the connection went without a close", ComeBack.BACKING_OFF
)
NOT_UTF8: Final = CloseCode(
    1007, "text is not UTF-8", "a text message was not UTF-8", ComeBack.NO
)
TOO_LARGE: Final = CloseCode(
    1009, "message too large", "a message was longer than allowed", ComeBack.NO
)
INTERNAL_ERROR: Final = CloseCode(
    1011, "internal error", "serving the connection failed", ComeBack.BACKING_OFF
)
DRAINING: Final = CloseCode(
    1012, "draining", "the replica shuts down", ComeBack.AFTER_DELAY
)
TOKEN_EXPIRED: Final = CloseCode(
    4001, "token expired", "the token's time is over", ComeBack.WITH_NEW_TOKEN
)
TOO_SLOW: Final = CloseCode(
    4008, "did not read", "the socket took no bytes for too long", ComeBack.RESUME
)
NO_PONG: Final = CloseCode(
    4012, "no pong", "a ping was not answered in time", ComeBack.RESUME
)
RATE_LIMITED: Final = CloseCode(
    4029, "rate limit", "too many commands, after warnings", ComeBack.AFTER_DELAY
)
PROTOCOL_ERROR: Final = CloseCode(
    4400, "protocol error", "invalid messages, after warnings", ComeBack.NO
)
NOT_AUTHENTICATED: Final = CloseCode(
    4401, "not authenticated", "no valid token in time", ComeBack.NO
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
    TOO_LARGE,
    INTERNAL_ERROR,
    DRAINING,
    TOKEN_EXPIRED,
    TOO_SLOW,
    NO_PONG,
    RATE_LIMITED,
    PROTOCOL_ERROR,
    NOT_AUTHENTICATED,
    TAKEN_OVER,
)

_BY_NUMBER: Final = {code.number: code for code in ALL_CLOSE_CODES}


def close_code(number: int) -> CloseCode | None:
    """The entry of a number that was seen on the wire, None if it is not ours."""
    return _BY_NUMBER.get(number)
