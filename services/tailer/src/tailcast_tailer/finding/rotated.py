"""Whether a file with a name that rotation gives is the past of another. Blocking.

Most are: they were renamed, and their lines are told by the session of the path that
they had. But some programs begin a file under such a name and go on in it, so that
nobody would ever tell of it; that one is a session of its own. No line is told twice: a
file is one only if the session of the path has not read it, and will not.
"""

from enum import Enum, auto

from tailcast_tailer.core.proofs import HEAD_BYTES
from tailcast_tailer.core.rotated_names import is_compressed
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    glimpse,
    read_regular,
)
from tailcast_tailer.files.known_files import was_read
from tailcast_tailer.files.rotation import LATE_NS
from tailcast_tailer.files.session_file import is_at
from tailcast_tailer.finding.candidates import Candidate
from tailcast_tailer.finding.listing import Known


# A file that is the past of a path by its name, and by what was read before it, is a
# session if it was not read after so long.
AWAITED_SECONDS = 60.0
# One whose path nothing has is a session once it was written to so long after it was
# found: what was just renamed may be written to for a moment.
WRITTEN_NS = 10_000_000_000


class Fate(Enum):
    """What a file with such a name is."""

    # For good.
    PAST = auto()
    # For all that can be seen yet.
    PERHAPS_PAST = auto()
    # A session of its own.
    OWN = auto()


def fate_of(
    candidate: Candidate,
    base: str,
    known: Known | None,
    now: float,
    *,
    is_followed: bool,
    has_sibling: bool,
) -> Fate:
    """What a file is that is called as if it was rotated away. Raises CannotBeSeen.

    Args:
        candidate: the file.
        base: the path that it would have had.
        known: what the session of that path has of its files; None if nothing is known
            of it.
        now: by a steady clock.
        is_followed: whether that path is followed by now.
        has_sibling: whether another file that is called so is a session of its own.
    """
    path = candidate.path
    if is_compressed(path) or (known is not None and is_known(path, known)):
        return Fate.PAST
    seen = glimpse(path)
    if seen.size == 0 or (known is not None and known.held == seen.identity):
        return Fate.PERHAPS_PAST
    newest = _glimpse(base)
    if newest is None or (newest.size == 0 and not is_followed):
        is_written = seen.mtime_ns - candidate.changed_ns >= WRITTEN_NS
        is_own = has_sibling or (is_written and (known or not is_followed))
        return Fate.OWN if is_own else Fate.PERHAPS_PAST
    later_ns = seen.mtime_ns - newest.mtime_ns
    if newest.size == 0 or 0 <= later_ns <= LATE_NS:
        return Fate.PERHAPS_PAST
    if later_ns < 0:
        return Fate.PAST
    if _begin_alike(path, base):
        # Who keeps a copy calls it so, too.
        return Fate.PERHAPS_PAST
    if not is_followed:
        return Fate.OWN
    return Fate.OWN if _is_left(candidate, base, known, now) else Fate.PERHAPS_PAST


def is_known(path: str, known: Known) -> bool:
    """Whether a session has read the file of a path, whole or not."""
    return is_at(path, known.place) or was_read(path, known.past)


def _is_left(candidate: Candidate, base: str, known: Known | None, now: float) -> bool:
    """Whether the session of a path will not read this file any more.

    It goes from rotated files to what has the path, and never back.
    """
    if known is None:
        return False
    if is_at(base, known.place):
        return True
    if candidate.awaited_since is None:
        candidate.awaited_since = now
    return now - candidate.awaited_since >= AWAITED_SECONDS


def _begin_alike(one: str, other: str) -> bool:
    first, second = (read_regular(path, most=HEAD_BYTES) for path in (one, other))
    shown = min(len(first), len(second))
    return first[:shown] == second[:shown]


def _glimpse(path: str) -> Glimpse | None:
    try:
        return glimpse(path)
    except CannotBeSeen as error:
        if error.is_absent:
            return None
        raise
