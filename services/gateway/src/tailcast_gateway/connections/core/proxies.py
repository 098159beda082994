"""Who really asks, where proxies stand between them and the gateway.

Pure. Anybody can write a header: so only what a proxy says that is trusted counts. Each
proxy adds whom it was asked by at the end of `X-Forwarded-For`; so it is read from the
right, and the first address that is no trusted proxy is who asks.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final


Peer = tuple[str, int] | None

# How many addresses are remembered with the verdict about them.
_MOST_KNOWN: Final = 4_096
_SECURE: Final = frozenset({"https", "wss"})
_PLAIN: Final = frozenset({"http", "ws"})
# An address, or one of IPv6 in brackets; a port may follow.
_PLACE: Final = re.compile(r"(?:\[([^\]]+)\]|([^:]+))(?::([0-9]{1,5}))?")


class Proxies:
    """The proxies that are trusted."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Trust what comes from these addresses and networks (`10.0.0.0/8`).

        Raises:
            ValueError: one of these is neither.
        """
        self._networks = [ipaddress.ip_network(one, strict=False) for one in networks]
        # What has been looked up; few addresses ask again and again.
        self._known: dict[str, bool] = {}

    def asker(
        self, peer: Peer, forwarded: Sequence[str], protocols: Sequence[str]
    ) -> tuple[Peer, bool | None]:
        """Who asks, and whether over TLS; None if no proxy says that.

        Args:
            peer: the address that the connection came from.
            forwarded: the values of `X-Forwarded-For`.
            protocols: the values of `X-Forwarded-Proto`.
        """
        if not self.has(peer):
            return peer, None
        protocol = protocols[-1].strip().lower() if protocols else ""
        is_secure = protocol in _SECURE if protocol in _SECURE | _PLAIN else None
        for text in reversed(",".join(forwarded).split(",")):
            found = _place_in(text.strip())
            if found is None:
                # What is further left was written by whoever wrote this.
                break
            peer = found
            if not self.trusts(found[0]):
                break
        return peer, is_secure

    def has(self, peer: Peer) -> bool:
        """Whether a connection comes from one of them."""
        return bool(self._networks) and peer is not None and self.trusts(peer[0])

    def trusts(self, host: str) -> bool:
        """Whether what comes from an address is of a trusted proxy."""
        if (known := self._known.get(host)) is not None:
            return known
        address = _address_in(host)
        is_trusted = address is not None and any(
            address in network for network in self._networks
        )
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[host] = is_trusted
        return is_trusted


def _place_in(text: str) -> tuple[str, int] | None:
    address = _address_in(text)
    if address is not None:
        return str(address), 0
    match = _PLACE.fullmatch(text)
    address = None if match is None else _address_in(match[1] or match[2])
    if match is None or address is None:
        return None
    return str(address), int(match[3] or 0)


def _address_in(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
