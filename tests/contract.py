"""What the documents of the protocol say, held against what is really sent."""

from typing import Any

import msgspec

from gateway.server_messages import ServerMessage


def checked(message: dict[str, Any]) -> dict[str, Any]:
    """A message, which is as documented: no field more, and none of another type."""
    msgspec.convert(message, ServerMessage)
    return message
