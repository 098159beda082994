"""What a marker cuts: which lines of before it the file does not have any more.

Pure values. A generation that keeps the first bytes of the file begins with the marker
`GENERATION-KEPT`: what stands behind them is gone. A file that was rotated away lies
elsewhere, whole; so the marker behind it cuts nothing, and what is rewritten later is
only the file that has the path since.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tailcast_streams.position import EntryID


# The detail of a marker before which the file was rotated.
ROTATED: Final = "rotated"
_TRUE: Final = "true"


class Cut(NamedTuple):
    """What is gone: of some generations, all that lies behind a byte."""

    generation: int
    # How many bytes of the file it keeps.
    kept: int
    # Generations before this one are of files that were rotated away.
    since: int = 0

    def has(self, id: EntryID) -> bool:
        """Whether the line of an entry is still there."""
        return not (
            self.since <= id.generation < self.generation and id.offset > self.kept
        )


def is_rotation(details: Mapping[str, str] | None) -> bool:
    """Whether the lines before a marker lie in a file that was rotated away."""
    return details is not None and details.get(ROTATED) == _TRUE


def rotation_details(details: Mapping[str, str]) -> dict[str, str]:
    """The details of a marker before which the file was rotated."""
    return {**details, ROTATED: _TRUE}


def cut_by(
    marker: EntryID, details: Mapping[str, str] | None, since: int
) -> Cut | None:
    """What a marker cuts; None if that is nothing.

    Args:
        marker: the marker, and
        details: what it says.
        since: the generation of the last rotation before it, 0 without one.
    """
    generation, kept = marker
    if generation <= 1 or is_rotation(details):
        return None
    return Cut(generation, kept, since)
