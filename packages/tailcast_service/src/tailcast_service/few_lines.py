"""A log that many files cannot flood: of one kind of line so many a minute.

Knows nothing of what is told. Lines for developers (debug) are not counted.
"""

from collections.abc import Callable
from typing import Any, Protocol


# Lines of one kind that are written within this time.
MOST_LINES = 20
WITHIN_SECONDS = 60.0


class Log(Protocol):
    """What lines are written to."""

    def debug(self, event: str, **fields: Any) -> None:
        """A line for developers."""

    def info(self, event: str, **fields: Any) -> None:
        """A line of no consequence."""

    def warning(self, event: str, **fields: Any) -> None:
        """A line that somebody should read."""

    def error(self, event: str, **fields: Any) -> None:
        """A line after which somebody should act."""


class FewLines:
    """Writes lines, and counts those beyond the bound for the next one to tell."""

    def __init__(self, log: Log, *, clock: Callable[[], float]) -> None:
        """`clock` in monotonic seconds."""
        self._log = log
        self._clock = clock
        # By kind: when its time began, how many lines it had since, and how many of
        # them were not written.
        self._kinds: dict[str, tuple[float, int, int]] = {}

    def debug(self, event: str, **fields: Any) -> None:
        """A line for developers."""
        self._log.debug(event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        """Something happened."""
        self._write(self._log.info, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Somebody should know."""
        self._write(self._log.warning, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Somebody should act."""
        self._write(self._log.error, event, fields)

    def _write(
        self, write: Callable[..., None], event: str, fields: dict[str, Any]
    ) -> None:
        now = self._clock()
        began, lines, unwritten = self._kinds.get(event, (now, 0, 0))
        if now - began >= WITHIN_SECONDS:
            began, lines = now, 0
        if lines >= MOST_LINES:
            self._kinds[event] = (began, lines, unwritten + 1)
            return
        self._kinds[event] = (began, lines + 1, 0)
        if unwritten:
            fields["not_logged_before"] = unwritten
        if lines + 1 == MOST_LINES:
            fields["more"] = "are counted, not logged, for a minute"
        write(event, **fields)
