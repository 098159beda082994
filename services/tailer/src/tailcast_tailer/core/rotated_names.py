"""Names that programs give to a file when they put it aside and begin a new one.

Pure. `logrotate`, Python's handlers and loguru rename `a.jsonl` when it is large or the
day is over. A name that only rotation gives is *strong*: the file is the past of
`a.jsonl`, and no session of its own. A *weak* one may be a run's own name as well.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath


# Files of these kinds are rotated; `model.v2.1` is none.
_LINES = r"(?P<base>.*[^/]\.(?:jsonl|ndjson|json|log|out|err|txt))"
_COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
_COMPRESSED = rf"(?:{'|'.join(map(re.escape, _COMPRESSIONS))})?"
_DATE = "[12][0-9]{3}-?[01][0-9]-?[0-3][0-9]"
_DAY = rf"(?P<day>{_DATE}(?:[-_T.][0-9][-_:.0-9]*)?)"
_NUMBER = r"(?P<number>0|[1-9][0-9]{0,3})"
_STRONG = re.compile(
    rf"{_LINES}(?:\.{_NUMBER}|[-.]{_DAY}){_COMPRESSED}", re.ASCII | re.DOTALL
)
# What a strong name ends with: a digit, or what stands between those of a day.
_STRONG_ENDS = (*"0123456789-_:.", *_COMPRESSIONS)
_EXTENSION = r"(?P<extension>\.[a-z]+)"
# flexi_logger writes to this one, and gives it the next number.
_CURRENT = "CURRENT"
_OF_CURRENT = re.compile(
    rf"(?P<stem>.*_r)(?P<day>[0-9]{{5}}|{_DATE}[-_T.][-_:.0-9]+){_EXTENSION}",
    re.ASCII | re.DOTALL,
)
# By shape: what is left of a weak name without its day, or number.
_WEAK = (
    re.compile(
        rf"(?P<stem>.*?[^/])[-._]{_DAY}{_EXTENSION}",
        re.ASCII | re.DOTALL,
    ),
    re.compile(
        rf"(?P<stem>.*[^/])[-._]{_NUMBER}{_EXTENSION}",
        re.ASCII | re.DOTALL,
    ),
    re.compile(
        rf"(?P<stem>.*[^-._/0-9])(?P<number>[1-9][0-9]{{0,3}}){_EXTENSION}",
        re.ASCII | re.DOTALL,
    ),
    re.compile(
        rf"(?P<stem>(?:.*/)?)(?P<day>{_DATE}-[0-9]{{4}}-[0-9]{{2,}})"
        r"-(?P<extension>[^/]*\.[a-z]+)",
        re.ASCII | re.DOTALL,
    ),
    _OF_CURRENT,
)
# A number behind a day: some programs count up, others down.
_COUNTER = re.compile(rf"({_DATE})[-_.][0-9]{{1,4}}", re.ASCII)


def rotated_of(path: str) -> str | None:
    """The path whose past a file with a strong name is; None for other names.

    `a.jsonl.1`, `a.log.2.gz`, `a.jsonl-20261128`, `a.jsonl.2026-11-28_14-30`.
    """
    if not path.endswith(_STRONG_ENDS):
        # So are nearly all names, and each of them is asked.
        return None
    match = _STRONG.fullmatch(path)
    return None if match is None else match["base"]


def rotated_of_day(path: str) -> str | None:
    """The day's file whose past a numbered one is, if that is no past itself.

    `a.log.2026-11-28` of `a.log.2026-11-28.1`; None for other names.
    """
    of_day, _, number = path.rpartition(".")
    is_numbered = number.isascii() and number.isdecimal()
    return of_day if is_numbered and rotated_of(of_day) is not None else None


def dated_of(path: str) -> tuple[str, ...]:
    """The paths of one of which a file with a weak name may be the past.

    `a-20261128.jsonl`, `a.2026-11-28_14-14-52_270992.jsonl`, `a.1.jsonl`, `a1.jsonl`,
    `20261128-1405-01-a.jsonl`. That of `a.2026-11-28.1.jsonl` is `a.jsonl`, or
    `a.2026-11-28.jsonl`; that of `a_r00001.log` is `a_rCURRENT.log`.
    """
    bases = (
        f"{match['stem']}{_CURRENT * (match.re is _OF_CURRENT)}{match['extension']}"
        for match in _weak(path)
    )
    return tuple(dict.fromkeys(bases))


def part_of_names(path: str) -> str:
    """What is somewhere in the name of each file that may be the past of a path."""
    return PurePosixPath(path).stem.removesuffix(_CURRENT)


def way_of(path: str) -> str | None:
    """How a weak name is made; those that are made alike are of one way.

    Args:
        path: a weak name.
    """
    for match in _weak(path):
        shown = path[match.end("stem") : match.start("extension")]
        if "day" not in match.groupdict():
            return re.sub("[0-9]+", "number", shown)
        if counted := _COUNTER.fullmatch(match["day"]):
            return re.sub("[0-9]", "0", counted[1]) + "number"
        return re.sub("[0-9]", "0", shown)
    return None


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
    number = _shown(path).get("number")
    return None if number is None else int(number)


def is_next(name: str, before: str) -> bool:
    """Whether a name is another with the next number: `a.10.log` after `a.9.log`."""
    first, second = (re.split("([0-9]+)", one) for one in (before, name))
    if len(first) != len(second):
        return False
    differ = [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]]
    if len(differ) != 1 or not differ[0][0].isdecimal():
        return False
    return int(differ[0][1]) == int(differ[0][0]) + 1


def is_compressed(path: str) -> bool:
    """Whether its lines cannot be read as they stand."""
    return path.endswith(_COMPRESSIONS)


def _weak(path: str) -> Iterator[re.Match[str]]:
    matches = (shape.fullmatch(path) for shape in _WEAK)
    return (match for match in matches if match is not None)


def _shown(path: str) -> dict[str, str | None]:
    """The day or the number of a name; nothing of one that is neither."""
    match = _STRONG.fullmatch(path) or next(_weak(path), None)
    return {} if match is None else match.groupdict()


def _age(path: str) -> tuple[int, tuple[int, ...], str]:
    shown = _shown(path)
    number, day = shown.get("number"), shown.get("day")
    if number is not None:
        return (1, (-int(number),), "")
    if day is None:
        return (2, (), path)
    if counted := _COUNTER.fullmatch(day):
        day = counted[1]
    return (0, tuple(map(int, re.findall("[0-9]+", day))), "")
