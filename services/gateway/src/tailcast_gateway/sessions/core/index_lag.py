"""How far the indexes are behind their streams, by what indexers say of themselves.

Pure; times are arguments, in monotonic seconds. Each indexer says every two seconds how
late it is. While nobody can be asked, the lag grows from what was said last; if no
indexer is there, nobody knows it.
"""

from collections.abc import Sequence
from typing import Final

from tailcast_streams.indexers import Indexer


# How often indexers are asked for, and how old what they said is at most then.
ASK_SECONDS: Final = 2.0
SAID_SECONDS: Final = 2 * ASK_SECONDS


class IndexLag:
    """The indexers, as they were found last."""

    def __init__(self) -> None:
        # Those that were there, None before the first look, and when that was.
        self._indexers: Sequence[Indexer] | None = None
        self._looked_at = 0.0

    def found(self, indexers: Sequence[Indexer], now: float) -> None:
        """Note which indexers are there."""
        self._indexers, self._looked_at = indexers, now

    @property
    def indexers(self) -> Sequence[Indexer] | None:
        """Those that were there when that was last known, None if it never was."""
        return self._indexers

    def milliseconds(self, now: float) -> int | None:
        """How late the latest of them is; None if none is there, or none is known."""
        if not self._indexers:
            return None
        unknown = max(0.0, now - self._looked_at - SAID_SECONDS)
        return max(one.lag_ms for one in self._indexers) + round(1_000 * unknown)
