"""The course of a run's main metric in few values: a line as small as a word.

It is the values that the metric had at every so-manieth record. When there are too many
of them, every other one is left out; so it costs next to nothing, and is the same
whatever the batches were.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tailcast_index.fold.figures import Figures
from tailcast_index.meaning import Value, rank_of


# How many points there are at most, the latest value included.
MAX_POINTS: Final = 32
# Beyond any number of records.
_NEVER: Final = 1 << 62


class Sparkline(NamedTuple):
    """The course of one metric; None where it had no value yet, or no finite one."""

    metric: str
    values: tuple[int | float | None, ...]
    # The latest value, whether it is finite or not; None if it is not known.
    last: Value | None


class Spark:
    """What is kept of the course of the main metric."""

    def __init__(self) -> None:
        self.metric: str | None = None
        # Values at the records that are multiples of `_every`.
        self._marks: list[int | float | None] = []
        self._every = 1
        # The record at which the next value is due.
        self.due = 1
        # How many metrics were compared with each other.
        self._compared = 0
        # The line as it was stored, if the figures do not have its metric; else None.
        self._stored: Sparkline | None = None

    def note(self, figures: Figures) -> None:
        """Note the value at the record that was due, which is in the figures."""
        self.choose(figures)
        last = None if self.metric is None else figures.last_of(self.metric)
        self._marks.append(_finite(last))
        if len(self._marks) == MAX_POINTS:
            self._marks = self._marks[1::2]
            self._every *= 2
        self.due = (len(self._marks) + 1) * self._every

    def choose(self, figures: Figures) -> None:
        """Compare the metrics that are new with the main one."""
        for name in figures.names_since(self._compared):
            self._compared += 1
            if self.metric is None or rank_of(name) < rank_of(self.metric):
                self.metric = name
                # A metric that is new had no values before.
                self._marks = [None] * len(self._marks)

    def line(self, figures: Figures, records: int) -> Sparkline | None:
        """All of it at so many records, with the latest value; None without metrics."""
        if self._stored is not None:
            return self._stored
        self.choose(figures)
        if self.metric is None:
            return None
        return self._with(figures.last_of(self.metric), records)

    def _with(self, last: Value | None, records: int) -> Sparkline:
        assert self.metric is not None  # noqa: S101  # it has a value
        latest = [_finite(last)] if records % self._every else []
        return Sparkline(self.metric, (*self._marks, *latest), last)

    def cut(self, figures: Figures, records: int) -> None:
        """Have the first so many records alone, which have these figures."""
        del self._marks[records // self._every :]
        self.due = (len(self._marks) + 1) * self._every
        if self.metric is not None and not figures.has(self.metric):
            self.metric = None
        self._compared = 0 if self.metric is None else len(figures)

    def dump(self, figures: Figures) -> list[Any] | None:
        """What `load` goes on from, besides the latest value; None for nothing."""
        self.choose(figures)
        is_known = self._marks or self.metric is not None
        return [self.metric, self._every, self._marks] if is_known else None

    def dump_latest(self, figures: Figures) -> list[Any] | None:
        """The latest value, which changes with each record; None for nothing."""
        return [figures.last_of(self.metric)] if self.metric is not None else None

    @classmethod
    def load(
        cls,
        dumped: Sequence[Any],
        latest: Sequence[Any],
        figures: Figures,
        *,
        records: int,
    ) -> "Spark":
        """Go on from what was dumped at so many records.

        If the figures do not have the main metric, the line stays as it was stored.
        """
        spark = cls()
        spark._compared = len(figures)
        spark.metric, spark._every, spark._marks = dumped or (None, 1, [])
        spark.due = (len(spark._marks) + 1) * spark._every
        if spark.metric is not None and not figures.has(spark.metric):
            spark.due = _NEVER
            spark._stored = spark._with(latest[0], records)
        return spark


def _finite(value: Value | None) -> int | float | None:
    return None if isinstance(value, str) else value
