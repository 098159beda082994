"""Conflation: a limit on one session's live records a second; the newest are sent.

Pure; times are arguments. It decides which record waits, when it is due, and how many
records it represents. The timer is in `delivery.rate_timer`. Replays are not conflated
but sampled.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tailcast_gateway.protocol.limits import MAX_RATE, MIN_RATE
from tailcast_streams.entries import Entry, Kind


class Conflated(NamedTuple):
    """An entry to send."""

    entry: Entry
    # How many records it represents, itself included; 0 if it is not a record.
    of: int


class Conflation:
    """Sends the records of one session in one view at least an interval apart.

    Entries that are not records are sent at once. A record that waits is sent before
    such an entry and uses up the next interval. If that is used up already, the record
    is left out. So a second has at most `max_rate` records and one more, and over a
    longer time there are not more than `max_rate` a second.
    """

    __slots__ = ("_interval", "_next_at", "_of", "_waiting")

    def __init__(self, max_rate: float) -> None:
        """Raises ValueError unless the rate is from `MIN_RATE` to `MAX_RATE`."""
        if not MIN_RATE <= max_rate <= MAX_RATE:
            raise ValueError(f"a rate is from {MIN_RATE} to {MAX_RATE:g} a second")
        # Seconds between two records.
        self._interval = 1.0 / max_rate
        # When the next record may be sent, by the caller's clock.
        self._next_at = float("-inf")
        # The newest record that is not sent yet, and how many it represents.
        self._waiting: Entry | None = None
        self._of = 0

    @property
    def waiting(self) -> Entry | None:
        """The newest record that is not sent yet."""
        return self._waiting

    @property
    def due_at(self) -> float | None:
        """When to call `flush`, by the caller's clock; None while nothing waits."""
        return None if self._waiting is None else self._next_at

    def take(self, entries: Iterable[Entry], now: float) -> list[Conflated]:
        """Take new entries, in order; returns what must be sent at once, in order."""
        sent: list[Conflated] = []
        for entry in entries:
            if entry.kind is Kind.RECORD:
                self._waiting = entry
                self._of += 1
                continue
            if now >= self._next_at - self._interval:
                sent += self._release(now)
            self._waiting = None
            sent.append(Conflated(entry, 0))
        if now >= self._next_at:
            sent += self._release(now)
        return sent

    def flush(self, now: float) -> Conflated | None:
        """The record that is due; None if none waits or it is not due yet."""
        if now < self._next_at:
            return None
        released = self._release(now)
        return released[0] if released else None

    def _release(self, now: float) -> list[Conflated]:
        if self._waiting is None:
            return []
        conflated = Conflated(self._waiting, self._of)
        self._waiting, self._of = None, 0
        self._next_at = max(now, self._next_at) + self._interval
        return [conflated]
