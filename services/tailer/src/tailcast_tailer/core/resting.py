"""When what stands behind a file's last newline rests, and is looked at as it is.

Pure; time is an argument, in seconds of any steady clock. A writer that puts the
newline before each line, or ends without one, leaves a whole line that nothing ends.
"""

from typing import NamedTuple

from tailcast_tailer.core.progress import still_seconds


class Rest(NamedTuple):
    """What is held back of a file, and how the file looks meanwhile."""

    # Bytes behind what was taken.
    held_bytes: int
    size: int
    mtime_ns: int
    # Since when it looks so.
    since: float
    # It was looked at when it had rested: nothing comes of it until it changes.
    is_settled: bool = False


def resting(before: Rest | None, seen: Rest) -> Rest | None:
    """What is remembered of a file after a look; None while nothing is held back."""
    if not seen.held_bytes:
        return None
    is_same = before is not None and seen[:3] == before[:3]
    return before if is_same else seen


def rested_at(rest: Rest | None, *, is_network: bool) -> float | None:
    """When what is held back has rested; None if nothing is to come of it."""
    if rest is None or rest.is_settled:
        return None
    return rest.since + still_seconds(is_network=is_network)
