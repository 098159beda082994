"""Reads the address of a WebSocket: who the client is, and what it wants by default.

Pure. Nothing in an address is a reason to refuse a client: it may be one that cannot be
changed, or somebody else's parameter. What is not understood is said to it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from tailcast_gateway.commands.core.defaults import Defaults
from tailcast_gateway.commands.core.plan import start_of
from tailcast_gateway.http.core.parameters import (
    emergencies_in,
    from_in,
    max_message_in,
    metrics_in,
    only_session,
)
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    RESUME,
    InvalidMessage,
    Subscribe,
    parse,
)
from tailcast_gateway.protocol.limits import MAX_CLIENT_ID_CHARACTERS
from tailcast_streams.position import Cursor


_KNOWN = ("clientId", "emergencies", "from", "maxMessage", "metrics", "sessionId")
# How many complaints are said, and how much of a name.
_MOST_SAID = 5
_NAME_CHARACTERS = 64


class Address(NamedTuple):
    """What the address of a WebSocket says."""

    name: str | None
    max_message: int | None
    defaults: Defaults
    # What is not understood, in words for people; "" if all is.
    wrong: str


def read_address(query: Iterable[tuple[str, str]]) -> Address:
    """Read the parameters of an address, in their order."""
    given: dict[str, list[str]] = {}
    for key, value in query:
        given.setdefault(key, []).append(value)
    wrong: list[str] = []

    def read(*keys: str) -> Subscribe:
        """A `subscribe` with what these parameters say; without what is wrong."""
        try:
            return _read({key: given[key] for key in keys if key in given})
        except InvalidMessage as error:
            wrong.append(f"{keys[0]}: {error.text.removeprefix('Invalid message: ')}")
            return Subscribe()

    name = read("clientId").client_id
    session = read("sessionId").session_id
    start = read("from", *(["sessionId"] if session is not None else [])).from_
    if start == RESUME and name is UNSET:
        wrong.append("from: resume needs a clientId")
        start = UNSET
    metrics = read("metrics").metrics
    emergencies = read("emergencies").emergencies
    longest = read("maxMessage").max_message
    wrong += [
        f"{key[:_NAME_CHARACTERS]}: unknown" for key in given if key not in _KNOWN
    ]
    return Address(
        name if isinstance(name, str) else None,
        longest if isinstance(longest, int) else None,
        Defaults(session, start, metrics, emergencies),
        _said(wrong),
    )


def _read(given: Mapping[str, list[str]]) -> Subscribe:
    fields: dict[str, object] = {"type": "subscribe"}
    for key, values in given.items():
        fields[key] = _value(key, values)
    message = parse(msgspec.json.encode(fields))
    assert isinstance(message, Subscribe)  # noqa: S101  # by its type
    if isinstance(start_of(message), Cursor) and message.session_id is None:
        text = "one cursor fits one session: name its sessionId"
        raise InvalidMessage(INVALID_MESSAGE, text)
    return message


def _value(key: str, values: list[str]) -> object:
    if key == "metrics":
        return metrics_in(values)
    if key == "sessionId":
        return only_session(values)
    if len(values) > 1:
        raise InvalidMessage(INVALID_MESSAGE, "it is there more than once")
    if key == "from":
        return _start_in(values[0])
    if key == "maxMessage":
        return max_message_in(values[0])
    if key == "emergencies":
        return emergencies_in(values[0])
    if not 0 < len(values[0]) <= MAX_CLIENT_ID_CHARACTERS:
        text = f"it has 1 to {MAX_CLIENT_ID_CHARACTERS} characters"
        raise InvalidMessage(INVALID_MESSAGE, text)
    return values[0]


def _start_in(text: str) -> object:
    try:
        return from_in(text)
    except InvalidMessage:
        text = "it is one of start, now, resume, last:N, step:N, time:T, cursor:C"
        raise InvalidMessage(INVALID_MESSAGE, text) from None


def _said(wrong: list[str]) -> str:
    if not wrong:
        return ""
    more = len(wrong) - _MOST_SAID
    text = "; ".join(wrong[:_MOST_SAID]) + (f"; and {more} more" if more > 0 else "")
    return f"Invalid address: {text}"
