"""Reads the parameters of HTTP requests: places, limits, names in paths.

Pure. A query is turned into the `subscribe` that would ask for the same. So its values
have the same meaning and the same checks as over a WebSocket.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from tailcast_gateway.commands.core.plan import Plan, plan_subscribe
from tailcast_gateway.limits import DEFAULT_QUOTAS
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    InvalidMessage,
    Subscribe,
    parse,
)
from tailcast_gateway.protocol.event_places import MAX_EVENT_SESSIONS, EventPlaces
from tailcast_gateway.protocol.limits import (
    MAX_EMERGENCIES,
    MAX_MESSAGE_BYTES,
    MAX_METRIC_CHARACTERS,
    MAX_METRICS,
    MIN_MESSAGE_BYTES,
)
from tailcast_gateway.sessions.core.emergency_list import WantedEmergencies
from tailcast_gateway.views.globs import has_wildcards, literal
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_gateway.views.view import View, Views
from tailcast_streams.record import time_ms_of


# The values of `from` in a query: a word, or `name:value`.
_WORDS = ("start", "now", "resume")
_NUMBERS = ("last", "step")
_TEXTS = ("time", "cursor")


class ParsedQuery(NamedTuple):
    """A `subscribe` for one session, and what it means."""

    message: Subscribe
    plan: Plan
    # Whether the page before the place is asked for, instead of the one after it.
    is_backward: bool = False

    @property
    def view(self) -> View:
        """The view that the query asks for."""
        return self.plan.added.rules[0].view


def parsed_query(
    session: str | Sequence[str],
    views: Views,
    *,
    start: str | None = None,
    after: str | None = None,
    before: str | None = None,
    where: str | None = None,
    metrics: Sequence[str] = (),
    max_message: int | None = None,
    emergencies: int | None = None,
    places: EventPlaces | None = None,
) -> ParsedQuery:
    """The subscription that a query asks for. Raises InvalidMessage.

    Args:
        session: the session ID, or several of them.
        views: makes the view that `where` and `metrics` ask for.
        start: the parameter `from`.
        after: a cursor; it takes precedence over `start`.
        before: a cursor to read backward from; it takes precedence too.
        where: a condition, as JSON.
        metrics: each parameter `metrics`.
        max_message: the longest message that the client accepts, bytes.
        emergencies: how many emergencies come first.
        places: where the reader is in several sessions.
    """
    if after is not None and before is not None:
        raise InvalidMessage(INVALID_MESSAGE, "after and before exclude each other")
    fields: dict[str, object] = {"type": "subscribe"}
    if isinstance(session, str):
        fields["sessionId"] = session
    else:
        fields["sessionIds"] = [literal(name) for name in session]
    if places is not None and places.at:
        fields |= {"cursors": places.cursors, "at": places.at}
    if start is not None:
        fields["from"] = from_in(start)
    cursor = after if before is None else before
    if cursor is not None:
        fields["from"] = {"cursor": cursor}
    if where is not None:
        fields["where"] = _json(where)
    if metrics:
        fields["metrics"] = metrics_in(metrics)
    if max_message is not None:
        fields["maxMessage"] = max_message
    if emergencies is not None:
        fields["emergencies"] = emergencies
    message = parse(msgspec.json.encode(fields))
    assert isinstance(message, Subscribe)  # noqa: S101  # by its type
    plan = plan_subscribe(message, Subscription(), views, DEFAULT_QUOTAS)
    return ParsedQuery(message, plan, is_backward=before is not None)


def session_in(raw_path: bytes, *, before: str) -> str | None:
    """The session in a path that ends in `/` and this word; None if it does not.

    A slash in the session ID may be written as `%2F`. So a session whose ID ends in the
    word can be named without ambiguity.
    """
    _, _, rest = raw_path.partition(b"/api/sessions/")
    name, slash, last = rest.rpartition(b"/")
    if not slash or last != before.encode():
        return None
    return unquote_to_bytes(name).decode(errors="replace")


def only_session(names: Sequence[str]) -> str:
    """The one session that a query names. Raises InvalidMessage."""
    if len(names) != 1 or not names[0]:
        text = "name one session, as in ?sessionId=session_001"
        raise InvalidMessage(INVALID_MESSAGE, text)
    return names[0]


def sessions_of_events(names: Sequence[str]) -> list[str]:
    """The sessions of one event stream, each once. Raises InvalidMessage."""
    sessions = list(dict.fromkeys(names))
    if not 0 < len(sessions) <= MAX_EVENT_SESSIONS or not all(sessions):
        text = (
            "name a session, as in ?sessionId=session_001, or up to"
            f" {MAX_EVENT_SESSIONS} of them, each in a parameter of its own"
        )
        raise InvalidMessage(INVALID_MESSAGE, text)
    return sessions


def max_message_in(text: str | None) -> int | None:
    """The longest message that an address asks for. Raises InvalidMessage."""
    if text is None:
        return None
    digits = (
        text.isascii() and text.isdigit() and len(text) <= len(str(MAX_MESSAGE_BYTES))
    )
    if not digits or not MIN_MESSAGE_BYTES <= int(text) <= MAX_MESSAGE_BYTES:
        error = f"maxMessage is from {MIN_MESSAGE_BYTES} to {MAX_MESSAGE_BYTES} bytes"
        raise InvalidMessage(INVALID_MESSAGE, error)
    return int(text)


def emergencies_in(text: str) -> int:
    """How many emergencies an address asks for. Raises InvalidMessage."""
    digits = (
        text.isascii() and text.isdigit() and len(text) <= len(str(MAX_EMERGENCIES))
    )
    if not digits or int(text) > MAX_EMERGENCIES:
        error = f"emergencies is from 0 to {MAX_EMERGENCIES}"
        raise InvalidMessage(INVALID_MESSAGE, error)
    return int(text)


def from_in(text: str) -> str | Mapping[str, object]:
    """The value of `from` that a parameter stands for. Raises InvalidMessage."""
    name, colon, value = text.partition(":")
    if not colon and name in _WORDS:
        return name
    if colon and name in _TEXTS:
        return {name: _time_text(value) if name == "time" else value}
    if colon and name in _NUMBERS:
        return {name: _json(value)}
    raise InvalidMessage(
        INVALID_MESSAGE,
        "from is one of start, now, last:N, step:N, time:T, cursor:C",
    )


def emergencies_wanted(
    sessions: Sequence[str],
    *,
    severities: Sequence[str],
    since: str | None,
    until: str | None,
    acknowledged: bool | None,
    rewound: bool | None,
) -> WantedEmergencies:
    """Which emergencies parameters ask for. Raises InvalidMessage."""
    subscription = None
    if sessions:
        subscription = Subscription(
            [
                Rule(text, has_wildcards(text), True, Begin.NOW)  # a field
                for text in sessions
            ]
        )
    return WantedEmergencies(
        sessions=subscription,
        severities=frozenset(severities),
        since_ms=place_in("since", since, is_time=True),
        until_ms=place_in("until", until, is_time=True),
        acknowledged=acknowledged,
        rewound=rewound,
    )


def place_in(name: str, text: str | None, *, is_time: bool) -> float | None:
    """Where a parameter is on an axis. Raises InvalidMessage.

    Args:
        name: the parameter's name.
        text: its value; None without it.
        is_time: whether it may be the text of a time.
    """
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        if math.isfinite(number := float(text)):
            return number
    if is_time and (time_ms := time_ms_of(_time_text(text))) is not None:
        return time_ms
    kind = "a number" if not is_time else "Unix milliseconds, or a time"
    raise InvalidMessage(INVALID_MESSAGE, f"{name}: {kind}, not {text[:64]!r}")


def _time_text(text: str) -> str:
    """A time as it was meant: its last blank is the `+` of a zone.

    That is how a `+` arrives that was not written as `%2B`.
    """
    if " " not in text or time_ms_of(text) is not None:
        return text
    return "+".join(text.rsplit(" ", 1))


def metrics_in(texts: Sequence[str]) -> list[str]:
    """The metrics that parameters name.

    Of several each is one name. One alone may be a list: in JSON, or of names with
    commas between them. The latter may as well be a single name with commas in it.
    """
    if len(texts) > 1:
        return list(texts)
    (text,) = texts
    if text.startswith("["):
        with contextlib.suppress(msgspec.MsgspecError, UnicodeError):
            return msgspec.json.decode(text, type=list[str])
    names = [name for name in text.split(",") if name]
    is_name = 0 < len(names) < MAX_METRICS and len(text) <= MAX_METRIC_CHARACTERS
    return [*names, text] if is_name and names != [text] else names


def names_in(texts: Sequence[str] | None) -> list[str] | None:
    """The metrics that parameters name, none of them with a comma if they are a list.

    Returns None without any. Raises InvalidMessage if they are too many, or if one has
    no characters or too many.
    """
    if texts is None:
        return None
    names = metrics_in(texts)
    if len(texts) == 1 and len(names) > 1:
        names = [name for name in names if name != texts[0]]
    if not 0 < len(names) <= MAX_METRICS:
        raise InvalidMessage(INVALID_MESSAGE, f"metrics: name 1 to {MAX_METRICS}")
    if not all(0 < len(name) <= MAX_METRIC_CHARACTERS for name in names):
        error = f"metrics: a name has 1 to {MAX_METRIC_CHARACTERS:,} characters"
        raise InvalidMessage(INVALID_MESSAGE, error)
    return names


def _json(text: str) -> object:
    try:
        msgspec.json.decode(text)
        return msgspec.Raw(text.encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        error = f"not JSON: {text[:64]!r}"
        raise InvalidMessage(INVALID_MESSAGE, error) from None
