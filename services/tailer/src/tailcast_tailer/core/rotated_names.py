"""Names that programs give to a file when they put it aside and begin a new one.

Pure. `logrotate`, Python's handlers and loguru rename `a.jsonl` when it is large or the
day is over. A name that only rotation gives is *strong*: the file is the past of
`a.jsonl`, and no session of its own. A *weak* one may be a run's own name as well.
"""

import re
from collections.abc import Iterable


# Files of these kinds are rotated; `model.v2.1` is none.
_LINES = r"(?P<base>.*[^/]\.(?:jsonl|ndjson|json|log|out|err|txt))"
_COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
_COMPRESSED = rf"(?:{'|'.join(map(re.escape, _COMPRESSIONS))})?"
_DAY = r"(?P<day>[12][0-9]{3}-?[01][0-9]-?[0-3][0-9](?:[-_T.][0-9][-_:.0-9]*)?)"
_NUMBER = r"(?P<number>[1-9][0-9]{0,3})"
_STRONG = re.compile(
    rf"{_LINES}(?:\.{_NUMBER}|[-.]{_DAY}){_COMPRESSED}", re.ASCII | re.DOTALL
)
# What a strong name ends with: a digit, or what stands between those of a day.
_STRONG_ENDS = (*"0123456789-_:.", *_COMPRESSIONS)
_WEAK = re.compile(
    rf"(?P<stem>.*[^/])(?:\.{_NUMBER}|[-._]{_DAY})(?P<extension>\.[a-z]+)",
    re.ASCII | re.DOTALL,
)


def rotated_of(path: str) -> str | None:
    """The path whose past a file with a strong name is; None for other names.

    `a.jsonl.1`, `a.log.2.gz`, `a.jsonl-20261128`, `a.jsonl.2026-11-28_14-30`.
    """
    if not path.endswith(_STRONG_ENDS):
        # So are nearly all names, and each of them is asked.
        return None
    match = _STRONG.fullmatch(path)
    return None if match is None else match["base"]


def dated_of(path: str) -> str | None:
    """The path whose past a file with a weak name may be; None for other names.

    `a-20261128.jsonl`, `a.2026-11-28_14-14-52_270992.jsonl`, `a.1.jsonl`.
    """
    match = _WEAK.fullmatch(path)
    return None if match is None else match["stem"] + match["extension"]


def way_of(path: str) -> str | None:
    """How a weak name is made; those that are made alike are of one way.

    Args:
        path: a weak name.
    """
    match = _WEAK.fullmatch(path)
    if match is None:
        return None
    if match["number"] is not None:
        return "number"
    return re.sub("[0-9]", "0", path[match.end("stem") : match.start("extension")])


def in_rotation_order(paths: Iterable[str]) -> list[str]:
    """Rotated files, the oldest first: by their days, or by numbers that fall.

    Args:
        paths: strong or weak names of the past of one file; those of one day, or
            number, stay in the order in which they are.
    """
    return sorted(paths, key=_age)


def number_of(path: str) -> int | None:
    """How many files were rotated since this one, and this one; None without a number.

    Args:
        path: a strong or weak name.
    """
    match = _STRONG.fullmatch(path) or _WEAK.fullmatch(path)
    return int(match["number"]) if match is not None and match["number"] else None


def is_compressed(path: str) -> bool:
    """Whether its lines cannot be read as they stand."""
    return path.endswith(_COMPRESSIONS)


def _age(path: str) -> tuple[int, tuple[int, ...], str]:
    match = _STRONG.fullmatch(path) or _WEAK.fullmatch(path)
    if match is None:
        return (2, (), path)
    if match["number"] is not None:
        return (1, (-int(match["number"]),), "")
    return (0, tuple(map(int, re.findall("[0-9]+", match["day"]))), "")
