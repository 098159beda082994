"""IDs of connections and requests, by which their lines in the log are found.

A WebSocket keeps the ID of its handshake. An event stream has that of its request.
"""

import secrets
from collections.abc import MutableMapping
from typing import Any, Final


# The header in which each answer over HTTP has the ID: many servers and proxies call it
# so, and no standard names one.
ID_HEADER: Final = "X-Request-Id"
# Where a request has it.
_SCOPE: Final = "tailcast.id"


def new_id() -> str:
    """An ID, of twelve characters."""
    return secrets.token_hex(6)


def name_request(scope: MutableMapping[str, Any]) -> str:
    """Give a request its ID."""
    id = scope[_SCOPE] = new_id()
    return id


def id_of(scope: MutableMapping[str, Any]) -> str:
    """The ID of a request."""
    id: str = scope[_SCOPE]
    return id
