"""Which session IDs are like one that does not exist.

Pure. Most often a part of the name is missing, or a few characters are wrong. What it
costs is bounded: it compares a few hundred names, and only the likeliest of them by
their longest common parts.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final


# How many similar names are told, and the longest one of them.
MAX_SIMILAR: Final = 3
MAX_CHARACTERS: Final = 256
# How many names are compared at all, how many as a whole, and how similar they must be.
_COMPARED: Final = 150
_MATCHED: Final = 5
_LEAST_RATIO: Final = 0.6
# Shorter names are like too many others.
_LEAST_PART: Final = 3


def similar_to(session: str, names: Iterable[str]) -> list[str]:
    """The names most like a session's, the likest first; those given first count more.

    A name that contains the session's, or is contained in it, is the likest.
    """
    if not _LEAST_PART <= len(session) <= MAX_CHARACTERS:
        return []
    wanted = session.casefold()
    known = [name for name in names if 0 < len(name) <= MAX_CHARACTERS]
    found = [name for name in known if _contains(wanted, name.casefold())]
    if len(found) < MAX_SIMILAR:
        others = [name for name in known[:_COMPARED] if name not in found]
        found += _like(wanted, others)
    return found[:MAX_SIMILAR]


def _contains(one: str, other: str) -> bool:
    is_long = min(len(one), len(other)) >= _LEAST_PART
    return is_long and (one in other or other in one)


def _like(wanted: str, names: list[str]) -> list[str]:
    """Names that differ in some characters."""
    pairs = _pairs(wanted)

    def shared(name: str) -> float:
        others = _pairs(name.casefold())
        return len(pairs & others) / max(1, len(pairs | others))

    likeliest = sorted(names, key=shared, reverse=True)[:_MATCHED]
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    ratios: dict[str, float] = {}
    for name in likeliest:
        matcher.set_seq1(name.casefold())
        ratios[name] = matcher.ratio()
    like = [name for name in likeliest if ratios[name] >= _LEAST_RATIO]
    return sorted(like, key=lambda name: -ratios[name])


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
