"""The rule about the names by which a gateway may be called.

Pure. Who owns a name can let it mean any address, another one each time that a browser
asks (DNS rebinding): the name's pages are then of the same origin as whatever answers
there, on this machine or in this network. So a request must call the gateway by a name
that is its own. Nobody can give away an address, so each of these is allowed.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NamedTuple


EVERY_HOST: Final = "*"
_BELOW: Final = "*."
# A name or an address of IPv4, or one of IPv6 in brackets; a port may follow.
_PLACE: Final = re.compile(r"(?:([a-z0-9_.-]+)|\[([0-9a-f:.]+)\])(?::([0-9]{0,5}))?")


class Authority(NamedTuple):
    """A host and a port, as `Host` headers and origins have them."""

    # In lower case, without the dot that a whole name may end with.
    host: str
    # None if it is not said.
    port: int | None


def authority_in(text: str) -> Authority | None:
    """The host and the port of a text; None if that is neither name nor address."""
    match = _PLACE.fullmatch(text.lower())
    host = "" if match is None else (match[1] or match[2]).removesuffix(".")
    if match is None or not host:
        return None
    return Authority(host, int(match[3]) if match[3] else None)


def host_in(text: str) -> str | None:
    """The name or address in a `Host` header, without its port; None if it has none."""
    authority = authority_in(text)
    return None if authority is None else authority.host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address_in(host)
    return address is not None and address.is_loopback


class AllowedHosts:
    """The hosts by which a gateway may be called."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Allow these besides loopback and addresses.

        `*.example.org` are all names below that one, and `*` are all there are. A port
        has no meaning.
        """
        # All that are named, without a port.
        self._names: set[str] = set()
        # The ends of names that may begin with anything.
        self._ends: tuple[str, ...] = ()
        # Whether each host is allowed.
        self._has_all = False
        for name in names:
            host = host_in(name.removeprefix(_BELOW))
            if name == EVERY_HOST:
                self._has_all = True
            elif host is not None and name.startswith(_BELOW):
                self._ends += (f".{host}",)
            elif host is not None:
                self._names.add(host)

    def __contains__(self, host: str) -> bool:
        """Whether a host is allowed, as `host_in` gives it."""
        if self._has_all or host in self._names or host.endswith(self._ends):
            return True
        return is_loopback(host) or _address_in(host) is not None


def _address_in(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
