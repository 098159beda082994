"""Where the records of one session have their step and their time, as its index says.

Pure. The index has chosen that by all records of the session. As long as no index says
it, each record is read by itself, by the ordered keys of the settings.
"""

from collections.abc import Callable, Sequence

from tailcast_index.meaning import Choice, Path, Reader, Rules
from tailcast_streams.metrics import read_fields
from tailcast_streams.record import Progress


class Reading:
    """Reads the steps and times of one session's records."""

    __slots__ = ("_now_ms", "_reader", "choice", "paths")

    def __init__(
        self, rules: Rules, choice: Choice, *, now_ms: Callable[[], int]
    ) -> None:
        """Read them by a choice.

        Args:
            rules: how steps and times are named.
            choice: that of the session.
            now_ms: returns the time, Unix milliseconds, by which times are plausible.
        """
        self.choice = choice
        # Where step and time are.
        self.paths: Sequence[Path] = [
            path for path in (choice.step, choice.time) if path is not None
        ]
        self._reader = Reader(rules, choice)
        self._now_ms = now_ms

    def progress(self, record: bytes) -> Progress:
        """The step and time of a record; None for what it has not, or has not so."""
        fields = read_fields(record)
        return Progress(*self._reader.place(fields, now_ms=self._now_ms()))
