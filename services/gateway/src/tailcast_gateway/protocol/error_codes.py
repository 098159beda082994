"""What the code of an `error` says of the message that it answers, as Markdown.

Pure. The manual's table is made of this.
"""

from collections.abc import Mapping
from typing import Final

from tailcast_gateway.protocol.client_messages import ErrorCode


# Each goes on from "the message".
ERROR_TEXTS: Final[Mapping[ErrorCode, str]] = {
    "invalid_message": (
        "is not a JSON object with a known `type`, or a field is wrong"
    ),
    "invalid_cursor": ("has a cursor that is none"),
    "invalid_filter": ("has a `where` that is none"),
    "too_many_subscriptions": (
        "asks for more sessions and patterns than `TAILCAST_MAX_SUBSCRIPTIONS`,"
        " for patterns that are too long (`TAILCAST_MAX_PATTERN_CHARACTERS`) or"
        " have too many wildcards (`TAILCAST_MAX_WILDCARDS`), all of a"
        " connection together, or for one form too many. With `retryAfterMs` the"
        " replica watches as many sessions as it may"
        " (`TAILCAST_MAX_WATCHED_SESSIONS`, `TAILCAST_MAX_UNBORN_SESSIONS`), and"
        " nothing is remembered: ask again then"
    ),
    "too_many_clients": (
        "has a new `clientId`, for which there is no room"
        " ([why](#clients-that-name-themselves)). Nothing is remembered: without"
        " `clientId` it is served"
    ),
    "too_large": ("asks for more than fits"),
    "rate_limited": (
        "is one too many for now, and was not carried out: send it again after"
        " `retryAfterMs` ([why](#how-much-a-client-may-send))"
    ),
    "not_authenticated": (
        "comes before the client has [said who it is](#who-may-read), or has a"
        " token that does not count"
    ),
    "not_authorized": (
        "names a session that the client's token does not allow, whether it"
        " exists or not; or has another subject's token"
    ),
    "token_expired": (
        "is none of yours: the token is over, and the connection is closed next"
    ),
    "unavailable": (
        "needs the broker, which is away, full, or refuses it, or has waited"
        " for its turns for 30 seconds, as many compute: `message` says which."
        " Nothing is remembered: ask again. Who does not repeat a `subscribe`"
        " within ten seconds is closed with 1013, since it would hear nothing"
    ),
    "session_unavailable": (
        "is about one session, `sessionId`, of which something cannot be read"
        " now, as another program wrote over it; all others are served. With"
        " `retryAfterMs` nothing is remembered: ask again then. Without it the"
        " session is part of a subscription: it is tried again, and begins where"
        " it was to begin. Who builds it anew has mostly done so within a minute"
    ),
    "internal_error": (
        "is none of yours; with `close`, serving this connection failed"
    ),
    "closed": (
        "is none of yours: the connection is closed next, with `close`, [see"
        " below](#closing)"
    ),
}
