"""Who opens how many connections, and how fast: bounds for each address.

Pure; times are arguments, monotonic seconds. Whoever has an address of IPv6 has a whole
network of them: so addresses of the same /64 count as one.
"""

import ipaddress
from typing import Final, NamedTuple

from tailcast_gateway.connections.core.token_bucket import TokenBucket, TokenRate
from tailcast_gateway.limits import (
    CONNECTION_RATE,
    CONNECTIONS_PER_ADDRESS,
    Limit,
    Quotas,
)
from tailcast_gateway.scheduling.core.fair_queue import Group


# How many are remembered; beyond that those without a connection are forgotten.
MAX_NETWORKS: Final = 65_536
# How many connections beyond the bound are told so; what is more is closed at once.
TOLD: Final = 64


class Network:
    """An address, or a network of them."""

    __slots__ = ("bucket", "clients", "name", "open")

    def __init__(self, name: str, rate: TokenRate, now: float) -> None:
        self.name = name
        # How many connections it has.
        self.open = 0
        # What is left of the rate of new ones.
        self.bucket = TokenBucket(rate, now)
        # What its clients have together.
        self.clients = Group()


class Visit(NamedTuple):
    """One connection, and whether there may be so many."""

    network: Network
    # The limit that it is beyond, None if it is welcome.
    limit: Limit | None = None
    # In how many seconds there may be room, if that is known.
    wait: float = 0.0
    # Whether it is not even told so.
    is_far_beyond: bool = False


class Addresses:
    """The connections of each address."""

    def __init__(self, quotas: Quotas) -> None:
        self._most = quotas.connections_per_address
        self._rate = TokenRate(quotas.connection_rate, quotas.connection_burst)
        # By name, those that came last at the end.
        self._networks: dict[str, Network] = {}

    def enter(self, address: str, now: float) -> Visit:
        """Count a new connection, welcome or not; call `leave` when it has ended."""
        name = network_of(address)
        network = self._networks.pop(name, None) or Network(name, self._rate, now)
        self._networks[name] = network
        self._forget_some()
        network.open += 1
        if network.open > self._most:
            is_far_beyond = network.open > self._most + TOLD
            return Visit(network, CONNECTIONS_PER_ADDRESS, is_far_beyond=is_far_beyond)
        if wait := network.bucket.take(1.0, now):
            return Visit(network, CONNECTION_RATE, wait)
        return Visit(network)

    def leave(self, visit: Visit) -> None:
        """Count that a connection has ended."""
        visit.network.open -= 1

    def _forget_some(self) -> None:
        """Look at the two that came longest ago, if there are too many."""
        for _ in range(2):
            if len(self._networks) <= MAX_NETWORKS:
                return
            name = next(iter(self._networks))
            network = self._networks.pop(name)
            if network.open:
                self._networks[name] = network


def network_of(address: str) -> str:
    """The address whose connections count together with this one's."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
