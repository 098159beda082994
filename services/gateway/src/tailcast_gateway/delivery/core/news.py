"""What the index of a session has told, and what of it is new to those who watch.

Pure. The index is later than the records: that a run fell back is known a second or two
after its first record was delivered. So a client that has passed that place is told
where it is now, and one that has not is told in the place itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tailcast_index.fold import News, Rewind
from tailcast_streams.position import EntryID


class NewMetrics(NamedTuple):
    """Metrics that have come, or that there are."""

    # The names of the latest that have come, and how many others have come with them.
    names: Sequence[str]
    others: int
    # How many the session has now.
    of: int


class SessionNews:
    """What is known of one session by its index."""

    __slots__ = (
        "_metrics",
        "_must_count",
        "_since",
        "indexed_to",
        "looked_at",
        "rewinds",
    )

    def __init__(self, since: EntryID, *, is_new: bool) -> None:
        """Begin to watch.

        Args:
            since: the session's end; what the index says of entries up to here is old.
            is_new: whether the session has no records yet.
        """
        self._since = since
        # How many metrics are known to those who watch; None before the index was read.
        self._metrics = 0 if is_new else None
        # Whether somebody who watches may know of fewer.
        self._must_count = not is_new
        # Where the run fell back, by place; None before the index was read.
        self.rewinds: Sequence[Rewind] | None = None
        # Up to where the index went, and when it was read last, monotonic seconds.
        self.indexed_to = since
        self.looked_at = 0.0

    def pass_over(self, end: EntryID) -> None:
        """Note that nobody watched up to here."""
        self._since = self.indexed_to = end
        self.rewinds = None

    def count_again(self) -> None:
        """Note that somebody has begun to watch, who may know of fewer metrics."""
        self._must_count = True

    def note(self, found: News | None, end: EntryID) -> list[Rewind]:
        """Take what was read of the index; returns the fall-backs that are new.

        Args:
            found: what was read; None without an index.
            end: the last entry that is delivered here.
        """
        if found is None:
            self.rewinds = self.rewinds or ()
            return []
        self.indexed_to = max(self.indexed_to, found.to)
        known = self.rewinds or ()
        told = [one for one in found.rewinds if one.id <= end]
        self.rewinds = sorted(told, key=lambda one: one.id)
        return [
            one for one in self.rewinds if one.id > self._since and one not in known
        ]

    def new_metrics(self, found: News) -> NewMetrics | None:
        """What is to be told of the session's metrics; None for nothing.

        Without names if none has come since this was last asked: then whoever has just
        begun to watch sees by their number if some came before that.
        """
        before, self._metrics = self._metrics, max(self._metrics or 0, found.metrics)
        count = 0 if before is None else self._metrics - before
        if count == 0 and not self._must_count:
            return None
        self._must_count = False
        names = found.newest[-count:] if count else ()
        return NewMetrics(names, count - len(names), self._metrics)

    def within(self, after: EntryID, to: EntryID) -> list[Rewind]:
        """The fall-backs whose first record lies behind one entry, up to another."""
        return [one for one in self.rewinds or () if after < one.id <= to]
