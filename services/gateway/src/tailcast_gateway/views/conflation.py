"""Conflation: a limit on one session's live records a second; the newest are kept.

Pure; the clock's time comes in. Which record waits, when it is due and how many records
it stands for are decided here. What never lives here: timers, frames, replays (which
are sampled).
"""

from collections.abc import Iterable
from typing import NamedTuple

from tailcast_gateway.protocol.limits import MAX_RATE, MIN_RATE
from tailcast_streams.entries import Entry, Kind


class Conflated(NamedTuple):
    """An entry to send."""

    entry: Entry
    # How many records it stands for, itself included; 0 where it is no record.
    of: int


class Conflation:
    """Records of one session in one view, kept apart by at least an interval.

    What is no record passes at once. A record that waits goes before it, on the next
    interval's account, if that is still to be had; otherwise it is passed over. So no
    second has more than `max_rate` records and one, and in the long run none more.
    """

    __slots__ = ("_interval", "_next_at", "_of", "_waiting")

    def __init__(self, max_rate: float) -> None:
        """ValueError unless the rate is from `MIN_RATE` to `MAX_RATE` a second."""
        if not MIN_RATE <= max_rate <= MAX_RATE:
            raise ValueError(f"a rate is from {MIN_RATE} to {MAX_RATE:g} a second")
        # Seconds between two records.
        self._interval = 1.0 / max_rate
        # When the next record may go, by the caller's clock.
        self._next_at = float("-inf")
        # The newest record that has not gone, and how many it stands for.
        self._waiting: Entry | None = None
        self._of = 0

    @property
    def waiting(self) -> Entry | None:
        """The newest record that has not gone."""
        return self._waiting

    @property
    def due_at(self) -> float | None:
        """When to call `flush`, by the caller's clock; None while nothing waits."""
        return None if self._waiting is None else self._next_at

    def take(self, entries: Iterable[Entry], now: float) -> list[Conflated]:
        """Take new entries, in order; returns what is to be sent at once, in order."""
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
        """The record that is due; None if none is, or none yet."""
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
