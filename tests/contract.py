"""What the documents of the protocol say, held against what is really sent."""

from typing import Any

import msgspec

from tailcast_gateway.protocol.limits import MAX_MESSAGE_BYTES, SEVERAL_BYTES
from tailcast_gateway.protocol.server_messages import ServerMessage


# The fields of messages that may have several records or items.
_ITEMS = ("data", "cursors", "heads", "sessions", "snapshots", "sessionIds")


def checked(
    message: dict[str, Any], size: int, *, max_message: int | None = None
) -> dict[str, Any]:
    """A message, which is as documented: no field more, and none of another type.

    And no longer: several records or items in it have less room than one.

    Args:
        message: what it says.
        size: its bytes, before they were compressed; of an event, all of it.
        max_message: what its client asked for.
    """
    msgspec.convert(message, ServerMessage)
    allowed = (max_message or SEVERAL_BYTES, max_message or MAX_MESSAGE_BYTES)
    has_several = any(_count(message, name) > 1 for name in _ITEMS)
    assert size <= allowed[0 if has_several else 1], (size, str(message)[:500])
    return message


def _count(message: dict[str, Any], name: str) -> int:
    """How many records or items a field has; an object is one."""
    value = message.get(name) or ()
    is_record = name == "data" and message["type"] in {"emergency", "snapshot"}
    return 1 if is_record else len(value)
