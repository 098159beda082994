"""Answers to clients, as their fields in order.

Pure. Here is what all answers share, and the answers that depend on the message alone.
"""

from collections.abc import Mapping
from typing import TypeAlias

from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.protocol.client_messages import MessageID, Unsubscribe
from tailcast_streams.position import NOTHING, Cursor


# A message to a client: its fields in order.
Message: TypeAlias = dict[str, object]


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


def heartbeat(
    *,
    timestamp: str,
    is_fresh: bool | None = None,
    id: MessageID = None,
    cursors: Mapping[str, str] | None = None,
    heads: Mapping[str, str] | None = None,
) -> Message:
    """A heartbeat, with positions if some have changed."""
    fields: Message = {"type": "heartbeat", "timestamp": timestamp}
    if is_fresh is not None:
        fields["feed"] = "fresh" if is_fresh else "stale"
    if cursors is not None:
        fields["cursors"] = cursors
    if heads is not None:
        fields["heads"] = heads
    return fields | with_id(id)
