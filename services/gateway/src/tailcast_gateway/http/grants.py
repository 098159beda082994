"""What whoever sends a request may read, as the request has it.

It is put there before the request is routed.
"""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import Scope

from tailcast_gateway.sessions.granted import Granted


_SCOPE: Final = "tailcast.granted"


def grant_to(scope: Scope, granted: Granted) -> None:
    """Say what a request may read."""
    scope[_SCOPE] = granted


def granted_to(connection: HTTPConnection) -> Granted:
    """What a request may read."""
    granted: Granted = connection.scope[_SCOPE]
    return granted
