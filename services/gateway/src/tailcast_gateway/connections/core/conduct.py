"""How one client behaves: how many commands it sends, and how many that are none.

Pure; times are arguments, monotonic seconds. A client that sends too much is warned,
and told when to come again. It is sent away if it goes on. Warnings within one second
count once: what a client had sent before it could read the first one is no offence.
"""

from typing import Final

from tailcast_gateway.connections.core.token_bucket import TokenBucket, TokenRate
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.client_messages import (
    Ack,
    Auth,
    History,
    Sessions,
    Snapshot,
    Subscribe,
    Supported,
)


# So many warnings within this time are the last ones, seconds.
MAX_WARNINGS: Final = 3
WARNINGS_SECONDS: Final = 10.0
# Warnings within this time count once.
AT_ONCE_SECONDS: Final = 1.0
# The time to which the bound of invalid messages refers.
INVALID_SECONDS: Final = 10.0
# The longest time after which a client is told to come again.
MAX_WAIT_SECONDS: Final = 10.0

NAMES_AT_ONE: Final = 100


def cost_of(message: Supported) -> float:
    """What a command costs; a heartbeat costs 1."""
    match message:
        case Subscribe(more=True):
            return 1.0
        case Subscribe():
            return 5.0 + len(message.session_ids or ()) // NAMES_AT_ONE
        case History() | Sessions() | Snapshot() | Auth():
            return 10.0
        case Ack():
            # One may answer each message with records.
            return 0.1
        case _:
            return 1.0


class Conduct:
    """What one connection has sent lately."""

    __slots__ = ("_commands", "_free_at", "_invalid", "_quotas", "_warned_at")

    def __init__(self, quotas: Quotas, now: float) -> None:
        self._quotas = quotas
        rate = TokenRate(quotas.command_rate, quotas.command_burst)
        self._commands = TokenBucket(rate, now)
        # When those are served that were told to come again, if they do.
        self._free_at = now
        # When it was warned lately.
        self._warned_at: tuple[float, ...] = ()
        # None as long as all messages were valid.
        self._invalid: TokenBucket | None = None

    def refuse(self, message: Supported, now: float) -> float:
        """In how many seconds a command may come again; 0 if it may be carried out.

        Each is told another time, so that all who come at theirs are served.
        """
        cost = cost_of(message)
        wait = self._commands.take(cost, now)
        if not wait:
            return 0.0
        latest = now + MAX_WAIT_SECONDS
        self._free_at = max(self._free_at, now) + cost / self._quotas.command_rate
        self._free_at = min(self._free_at, latest)
        return max(wait, self._free_at - now)

    def warn(self, now: float) -> bool:
        """Note that it is warned; returns whether it has been warned often enough."""
        lately = [one for one in self._warned_at if now - one < WARNINGS_SECONDS]
        if not lately or now - lately[-1] >= AT_ONCE_SECONDS:
            lately.append(now)
        self._warned_at = tuple(lately)
        return len(lately) >= MAX_WARNINGS

    def note_invalid(self, now: float) -> int:
        """Note an invalid message; returns how many more may come, -1 for too many."""
        most = self._quotas.invalid_messages
        if self._invalid is None:
            self._invalid = TokenBucket(TokenRate(most / INVALID_SECONDS, most), now)
        if self._invalid.take(1.0, now):
            return -1
        return int(self._invalid.left(now))
