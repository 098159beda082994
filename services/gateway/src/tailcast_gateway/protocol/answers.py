"""Answers to clients, as their fields in order.

Pure. Here is what all answers share, and the answers that depend on the message alone.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.protocol.client_messages import Auth, MessageID, Unsubscribe
from tailcast_gateway.protocol.message_parts import FeedState
from tailcast_streams.position import NOTHING, Cursor


# A message to a client: its fields in order.
Message: TypeAlias = dict[str, object]


class Pulse(NamedTuple):
    """How the feed of a client's sessions is."""

    feed: FeedState
    # How late new records are that arrive now, milliseconds.
    lag_ms: int
    # How far the indexes are behind, milliseconds; None if no indexer is there.
    index_lag_ms: int | None = None


def with_id(id: MessageID) -> Message:
    """The fields that an answer takes from its message: the `id`, if there is one."""
    return {} if id is None else {"id": id}


def text_of(cursor: Cursor | None) -> str | None:
    """A cursor as text, None before the first entry."""
    return None if cursor is None or cursor == NOTHING else str(shown(cursor))


def unsubscribed(message: Unsubscribe) -> Message:
    """The answer to an `unsubscribe`."""
    fields: Message = {"type": "unsubscribed"}
    if message.session_id is not None:
        fields["sessionId"] = message.session_id
    if message.session_ids is not None:
        fields["sessionIds"] = message.session_ids
    return fields | with_id(message.id)


def authenticated(message: Auth, ends_at: float | None) -> Message:
    """The answer to an `auth`; `ends_at` in Unix seconds, None for never."""
    fields: Message = {"type": "authenticated"}
    if ends_at is not None:
        fields["expiresAt"] = int(ends_at * 1_000)
    return fields | with_id(message.id)


def heartbeat(
    *,
    timestamp: str,
    pulse: Pulse | None = None,
    replica: str = "",
    id: MessageID = None,
    cursors: Mapping[str, str] | None = None,
    heads: Mapping[str, str] | None = None,
) -> Message:
    """A heartbeat, with how the feed is, and positions if some have changed."""
    fields: Message = {"type": "heartbeat", "timestamp": timestamp}
    if pulse is not None:
        fields |= {"feed": pulse.feed, "lagMs": pulse.lag_ms}
        fields["indexLagMs"] = pulse.index_lag_ms
    if replica:
        fields["replica"] = replica
    if cursors is not None:
        fields["cursors"] = cursors
    if heads is not None:
        fields["heads"] = heads
    return fields | with_id(id)
