"""What one tailer is to do, as values; what is not given has a default here.

Sizes are in bytes, times in seconds. Nothing is read from the environment: `app` makes
options from the settings, a program or a test makes its own.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tailcast_service.values import write_list
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_tailer.core.lifetime import DAY_SECONDS


MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one tailer."""

    # Which files: those below a directory that match patterns, or those that are named.
    log_dir: str = "logs"
    telemetry_patterns: Sequence[str] = ("telemetry/**/*.jsonl",)
    emergency_patterns: Sequence[str] = ("emergency/**/*.json",)
    paths: Sequence[str] = ()
    # Which names, besides those that are known, parts of one run have.
    part_patterns: Sequence[str] = ()
    # What stands before every session ID.
    session_prefix: str = ""
    # Where records keep their step and time.
    step_keys: Sequence[str] = STEP_KEYS
    time_keys: Sequence[str] = TIME_KEYS
    # Whether files that are there at the first start are read from their end.
    starts_at_end: bool = False
    # Longer lines are rejected.
    max_line_bytes: int = MEBIBYTE
    # How often active files are looked at; None: as their file system needs it.
    poll_interval: float | None = None
    # How much of each session, and of all together, the broker keeps, and how long.
    retention_bytes: int = 256 * MEBIBYTE
    retention_total_bytes: int = 2_048 * MEBIBYTE
    session_ttl: float = 30 * DAY_SECONDS
    # How many sessions the broker keeps, of all tailers.
    max_sessions: int = 100_000
    # How often all that should be stored is compared with what is.
    audit_interval: float = 30.0
    # The tailer's name in the broker, the same after a restart; empty: see `owner`.
    name: str = ""

    @property
    def absolute_log_dir(self) -> str:
        """The log directory; a link is not resolved, as it may point elsewhere soon."""
        return _absolute(self.log_dir)

    @property
    def absolute_paths(self) -> list[str]:
        """The paths that were named, links not resolved."""
        return [_absolute(path) for path in self.paths]

    @property
    def watched(self) -> list[str]:
        """The paths that were named, or the log directory."""
        return self.absolute_paths or [self.absolute_log_dir]

    @property
    def owner(self) -> str:
        """The tailer's name in the broker: by default the machine and what it watches.

        Two tailers on one machine that watch different paths have different names.
        """
        if self.name:
            return self.name
        watched = self.watched
        what = watched[0] if len(watched) == 1 else write_list(watched)
        name = f"{socket.gethostname()}:{what}"
        return name.encode(errors="backslashreplace").decode()


def _absolute(path: str) -> str:
    return str(Path(path).absolute())
