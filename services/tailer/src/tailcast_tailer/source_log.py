"""What the tailer says of files that it does not follow: a few lines, never many.

A part of `instruments`. The list of all is kept in the broker, for gateways to show.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tailcast_streams.sources import Overview, Source, SourceState
from tailcast_tailer.meters import Meters


# Files of which it is logged, one by one, that they are not followed: so many a minute.
TOLD_FILES = 10
TOLD_FILES_SECONDS = 60.0


class SourceLog:
    """The log lines and the gauge about sources."""

    def __init__(self, log: Any, meters: Meters, *, clock: Callable[[], float]) -> None:
        self._log = log
        self._meters = meters
        self._clock = clock
        # When the minute began, and the files that were told in it.
        self._began_at = -TOLD_FILES_SECONDS
        self._told = 0
        # Those for which there was no line, since the latest one.
        self._untold = 0

    def counted(self, counts: Mapping[SourceState, int]) -> None:
        """So many paths are in each state."""
        for state, count in counts.items():
            self._meters.sources.labels(state.value).set(count)

    def listed(self, overview: Overview) -> None:
        """All names were gone through for the first time."""
        counts = {state.value: count for state, count in overview.counts.items()}
        self._log.info("files that are there", **counts)
        for root in overview.roots:
            if root.reason:
                self._log.warning(
                    "nothing is followed there",
                    path=root.path,
                    reason=root.reason,
                    mend=root.mend or None,
                )

    def changed(self, sources: Sequence[Source]) -> None:
        """It became known what becomes of these files."""
        others = [one for one in sources if one.state is not SourceState.FOLLOWED]
        if not others:
            return
        now = self._clock()
        if now - self._began_at >= TOLD_FILES_SECONDS:
            self._began_at, self._told = now, 0
        told = others[: TOLD_FILES - self._told]
        for one in told:
            self._log.info(
                "file is not followed",
                path=one.path,
                state=one.state.value,
                reason=one.reason,
                mend=one.mend or None,
            )
        self._told += len(told)
        self._untold += len(others) - len(told)
        if told and self._untold:
            self._log.info(
                "more files are not followed: /api/sources has all", files=self._untold
            )
            self._untold = 0
