"""What all TCP connections of a gateway share: their bounds, their counts, a clock.

Each connection is counted from when it is accepted until it is gone, by what it is used
for. If there are more than there may be, a few are let in all the same: they are told
to come again, and may ask how the gateway is. Beyond these one is closed at once.
"""

import asyncio
import itertools
import resource
from collections.abc import Iterable
from enum import Enum
from typing import Final, Protocol

from tailcast_gateway.connections.core.addresses import Addresses, Visit
from tailcast_gateway.connections.core.proxies import Proxies
from tailcast_gateway.limits import DEFAULT_QUOTAS, Limit, Quotas
from tailcast_gateway.scheduling.scheduler import Scheduler


# How many connections beyond the bound are answered, and how many descriptors are kept
# for them: for whoever asks how the gateway is, and for the broker.
RESERVE: Final = 64
# How many of these are kept for accepting what is closed at once.
LAST_DESCRIPTORS: Final = 8
# How many whose time is over are ended in one step of the event loop.
ENDED_AT_ONCE: Final = 16


class Use(Enum):
    """What a connection is used for."""

    # It has not asked for anything yet.
    OPENING = "opening"
    HTTP = "http"
    WEBSOCKET = "websocket"
    EVENTS = "events"
    EXPORT = "export"


class Standing(Enum):
    """Whether there is room for a connection that was accepted."""

    FITS = "fits"
    # It is one too many: it is told to come again.
    SURPLUS = "surplus"
    # It is closed at once.
    REFUSED = "refused"


class EdgeInstruments(Protocol):
    """What an edge tells of itself."""

    def tcp_refused(self, reason: str, limit: int) -> None:
        """A connection was not let in, or only to be told to come again."""

    def request_refused(self, status: int) -> None:
        """A request was refused before it was looked at."""

    def limited(self, limit: Limit, *, address: str) -> None:
        """Somebody was beyond a limit."""


class Edge:
    """The bounds and the counts of one gateway's TCP connections."""

    def __init__(
        self,
        *,
        instruments: EdgeInstruments,
        max_connections: int = 20_000,
        handshake_timeout: float = 10.0,
        max_header_bytes: int = 16 * 1024,
        quotas: Quotas = DEFAULT_QUOTAS,
        trusted_proxies: Iterable[str] = (),
        max_descriptors: int | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        """Bound what strangers can open.

        Args:
            instruments: what counts and logs.
            max_connections: most connections; a few more are told to come again.
            handshake_timeout: seconds from the accept to the end of the headers.
            max_header_bytes: most bytes of a request's head, cookies apart.
            quotas: how much clients may ask for.
            trusted_proxies: addresses and networks whose forwarded headers count.
            max_descriptors: most descriptors of the process; by default its limit.
            scheduler: gives clients their turns; by default one of its own.
        """
        self.instruments = instruments
        self.max_connections = max_connections
        self.max_header_bytes = max_header_bytes
        self.quotas = quotas
        self.proxies = Proxies(trusted_proxies)
        self.scheduler = scheduler or Scheduler(on_used=_uncounted)
        # The connections of each address.
        self.addresses = Addresses(quotas)
        # Ends what does not say in time what it wants.
        self.patience = Patience(handshake_timeout)
        # Open connections, by what they are used for.
        self.counts = dict.fromkeys(Use, 0)
        self._max_descriptors = max_descriptors

    @property
    def open(self) -> int:
        """How many connections are open."""
        return sum(self.counts.values())

    def is_surplus(self, descriptor: int) -> bool:
        """Whether a connection that is open is one too many."""
        is_high = descriptor >= self._descriptors() - RESERVE
        return is_high or self.open > self.max_connections

    def came(self, descriptor: int) -> Standing:
        """Count a connection that was accepted, unless it is refused.

        A descriptor is the lowest number that is free: so its height says how many are
        taken, whoever took them.
        """
        taken = self.open + 1
        most = self._descriptors()
        if descriptor >= most - LAST_DESCRIPTORS:
            self.instruments.tcp_refused("descriptors", most)
            return Standing.REFUSED
        if taken > self.max_connections + RESERVE:
            self.instruments.tcp_refused("connections", self.max_connections)
            return Standing.REFUSED
        self.counts[Use.OPENING] += 1
        if descriptor >= most - RESERVE:
            self.instruments.tcp_refused("descriptors", most)
            return Standing.SURPLUS
        if taken > self.max_connections:
            return Standing.SURPLUS
        return Standing.FITS

    def turn(self, before: Use, now: Use) -> None:
        """Count that a connection is used for something else."""
        self.counts[before] -= 1
        self.counts[now] += 1

    def gone(self, use: Use, visit: Visit | None) -> None:
        """Count that a connection is closed; `visit` is how it counted."""
        self.counts[use] -= 1
        if visit is not None:
            self.addresses.leave(visit)

    def websocket_gone(self, visit: Visit | None) -> None:
        """Count that a WebSocket is closed."""
        self.gone(Use.WEBSOCKET, visit)

    def enter(self, host: str, now: float) -> Visit:
        """Count a connection of an address, and say so if it is one too many."""
        visit = self.addresses.enter(host, now)
        if visit.limit is not None:
            self.instruments.limited(visit.limit, address=host)
        return visit

    def _descriptors(self) -> int:
        if self._max_descriptors is None:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            is_bounded = soft != resource.RLIM_INFINITY
            self._max_descriptors = soft if is_bounded else 1 << 30
        return self._max_descriptors


def _uncounted(kind: str, used_ns: int) -> None:
    """Count nothing of what was used."""


class Waiting(Protocol):
    """Whoever may take only so long."""

    def ran_out(self) -> None:
        """Its time is over."""


class Patience:
    """Ends what takes too long; one timer for all who wait."""

    def __init__(self, seconds: float) -> None:
        # How long each may take.
        self.seconds = seconds
        # Until when each may take; the next to run out is the first.
        self._waiting: dict[Waiting, float] = {}
        # Whether it will look at them again.
        self._looks = False

    def begin(self, one: Waiting) -> None:
        """Give somebody time, who has none yet."""
        loop = asyncio.get_running_loop()
        self._waiting[one] = loop.time() + self.seconds
        if not self._looks:
            self._looks = True
            loop.call_later(self.seconds, self._look)

    def end(self, one: Waiting) -> None:
        """Forget somebody, whether or not they had time."""
        self._waiting.pop(one, None)

    def _look(self) -> None:
        """End those whose time is over, a few at a time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = itertools.takewhile(lambda one: self._waiting[one] <= now, self._waiting)
        over = list(itertools.islice(late, ENDED_AT_ONCE))
        for one in over:
            del self._waiting[one]
        self._looks = bool(self._waiting)
        if len(over) == ENDED_AT_ONCE and self._looks:
            loop.call_soon(self._look)
        elif self._looks:
            loop.call_at(next(iter(self._waiting.values())), self._look)
        for one in over:
            one.ran_out()
