"""Names of files that are parts of one run: numbers that rise.

Pure. Some writers begin a new file every so often: `000000.jsonl`, `000001.jsonl`, or
`FIRST-LAST-HASH.jsonl`. Such a run is one session, called by its folder. Its lines are
those of its parts in the order of their numbers. The name alone tells whether a file is
a part; which shapes of names do is fixed, and a setting adds more.
"""

import re
from collections.abc import Sequence

from tailcast_tailer.core.patterns import LINE_EXTENSIONS, compile_pattern


# What stands behind the name of a file in the folder of its further parts.
PARTS_FOLDER = ".parts"

_EXTENSION = "(?:" + "|".join(map(re.escape, LINE_EXTENSIONS)) + ")"
_SPAN = re.compile(rf"[0-9]+-[0-9]+-[0-9a-f]{{8,64}}{_EXTENSION}", re.ASCII)
# A number with a leading zero is counted; one without may be a job's, or a day.
_SHAPES = (
    re.compile(rf"0[0-9]{{4,}}{_EXTENSION}", re.ASCII),
    re.compile(rf"part-0[0-9]{{3,}}{_EXTENSION}", re.ASCII),
    _SPAN,
)
_IN_PARTS_FOLDER = re.compile(rf"[0-9]+{_EXTENSION}", re.ASCII)
_COUNTED = re.compile(r"((?:part-)?)([0-9]+)(\.[a-z]+)", re.ASCII)
_NUMBERS = re.compile("[0-9]+", re.ASCII)


class PartNames:
    """Which files are parts of a run."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """Prepare; `patterns` are more shapes of names.

        Raises:
            ValueError: one of them is no pattern for names.
        """
        self._shapes = (*_SHAPES, *map(_shape, patterns))

    def run_of(self, path: str) -> str | None:
        """The path of the run that a file is a part of; None if it is of its own.

        It is that of the folder, or of the file whose further parts these are.

        Args:
            path: an absolute path.
        """
        folder, _, name = path.rpartition("/")
        base = folder.removesuffix(PARTS_FOLDER)
        if base != folder and base.endswith(LINE_EXTENSIONS):
            return base if _IN_PARTS_FOLDER.fullmatch(name) else None
        if not _NUMBERS.search(name):
            return None
        return folder if any(one.fullmatch(name) for one in self._shapes) else None


def _shape(pattern: str) -> re.Pattern[str]:
    if "/" in pattern:
        raise ValueError(f"{pattern} has directories: the names of parts have none")
    return compile_pattern(pattern).expression


def part_order(name: str) -> tuple[tuple[int, ...], str]:
    """What a part's place among the others is compared by: its numbers."""
    numbers = tuple(map(int, _NUMBERS.findall(name)))
    # What follows the two of a span is a hash.
    return numbers[:2] if _SPAN.fullmatch(name) else numbers, name


def next_name(name: str) -> str | None:
    """The name of the part that follows, where the numbers are counted one by one."""
    match = _COUNTED.fullmatch(name)
    if match is None:
        return None
    before, number, extension = match.groups()
    return f"{before}{int(number) + 1:0{len(number)}d}{extension}"
