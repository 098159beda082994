"""Refuses requests that call the gateway by a name that is not its own.

It is asked before every route, whatever is requested and in whichever way.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from tailcast_gateway.connections.core.handshakes import Answer, json_answer
from tailcast_gateway.http.core.hosts import AllowedHosts, host_in
from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE


HOST_NOT_ALLOWED: Final = "host_not_allowed"
_MAX_CHARACTERS: Final = 253


class HostCheck:
    """The check of one gateway."""

    def __init__(
        self, allowed: AllowedHosts, *, on_refused: Callable[[str], None]
    ) -> None:
        """`on_refused` is called with each host that is not allowed."""
        self._allowed = allowed
        self._on_refused = on_refused

    def refuse(self, hosts: Sequence[str], accepted: Sequence[str]) -> Answer | None:
        """The answer to a request that is refused; None if it may go on.

        Args:
            hosts: the values of `Host`.
            accepted: the values of `Accept`.
        """
        host = host_in(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            told = "a request names its host, once: the header `Host` is wrong"
            return json_answer(HTTPStatus.BAD_REQUEST, INVALID_MESSAGE, told)
        if host in self._allowed:
            return None
        self._on_refused(host)
        told = (
            f"this gateway is not known as {host[:_MAX_CHARACTERS]}: if that is a name"
            " of it, add it to TAILCAST_ALLOWED_HOSTS"
        )
        # A browser shows the answer to an address that was typed.
        if any("text/html" in value for value in accepted):
            return Answer(HTTPStatus.MISDIRECTED_REQUEST, f"{told}\n")
        return json_answer(HTTPStatus.MISDIRECTED_REQUEST, HOST_NOT_ALLOWED, told)
