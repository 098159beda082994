"""Patterns of session IDs. Neither compiling one nor matching with it takes long.

Pure. A glob is cut at each `*`. The first part must begin the name, the last one must
end it, and each part between them is searched behind the one before it, at its first
possible place and never at another one. So compiling takes time by the glob's length,
and nothing is tried twice. Regular expressions could do the same, but compiling
hundreds of them for one message holds up all other clients.
"""

from functools import lru_cache
from typing import Final


EVERYTHING: Final = "*"
# How many names are kept with the places of their characters.
_KEPT_NAMES: Final = 64
# How many globs are kept compiled: a subscription is made anew with each message, of
# globs that it had.
_KEPT_GLOBS: Final = 1_024


class Glob:
    """A compiled glob."""

    __slots__ = ("_first", "_last", "_least", "_middle")

    def __init__(self, parts: "list[_Part]") -> None:
        self._first = parts[0]
        # The part at the end; None if no `*` is before it, so it is the first one.
        self._last = parts[-1] if len(parts) > 1 else None
        self._middle = [part for part in parts[1:-1] if part.length]
        # How many characters a name has at least.
        self._least = sum([part.length for part in parts])

    def matches(self, name: str) -> bool:
        """Whether the whole name matches."""
        first, last = self._first, self._last
        if last is None:
            return len(name) == self._least and first.is_at(name, 0)
        end = len(name) - last.length
        if len(name) < self._least or not first.is_at(name, 0):
            return False
        if not last.is_at(name, end):
            return False
        at = first.length
        for part in self._middle:
            found = part.find(name, at, end)
            if found < 0:
                return False
            at = found + part.length
        return True


class _Part:
    """The text between two `*`, some of whose characters may be any (`?`)."""

    __slots__ = ("_fixed", "_text", "length")

    def __init__(self, characters: list[str | None]) -> None:
        self.length = len(characters)
        # The text, if all its characters are given.
        self._text: str | None = None
        # The characters that are given and their places, otherwise.
        self._fixed: list[tuple[int, str]] = []
        if None in characters:
            self._fixed = [(at, one) for at, one in enumerate(characters) if one]
        else:
            self._text = "".join(one for one in characters if one)

    def is_at(self, name: str, start: int) -> bool:
        """Whether a name has it at a place; the name does not end before it."""
        if self._text is not None:
            return name.startswith(self._text, start)
        return all(name[start + at] == one for at, one in self._fixed)

    def find(self, name: str, start: int, end: int) -> int:
        """The first place of a part of a name where it is, -1 without one."""
        if self._text is not None:
            return name.find(self._text, start, end)
        if start + self.length > end:
            return -1
        # One bit for each place at which it could be.
        bits = ((1 << (end - self.length + 1)) - 1) >> start << start
        places = _places_of(name)
        for at, one in self._fixed:
            bits &= places.get(one, 0) >> at
            if not bits:
                return -1
        return (bits & -bits).bit_length() - 1


@lru_cache(maxsize=_KEPT_NAMES)
def _places_of(name: str) -> dict[str, int]:
    """Where each character of a name is: a bit for each place."""
    places: dict[str, int] = {}
    for at, one in enumerate(name):
        places[one] = places.get(one, 0) | 1 << at
    return places


@lru_cache(maxsize=_KEPT_GLOBS)
def compiled(glob: str) -> Glob | None:
    r"""A glob, ready to match names; None for `*`, which matches everything.

    `*` matches any characters, slashes too, `?` one character, and `\` takes the next
    character literally. At the end of the glob `\` stands for itself.
    """
    if glob == EVERYTHING:
        return None
    parts: list[list[str | None]] = [[]]
    characters = iter(glob)
    for one in characters:
        if one == "*":
            parts.append([])
        elif one == "?":
            parts[-1].append(None)
        else:
            parts[-1].append(next(characters, one) if one == "\\" else one)
    return Glob([_Part(part) for part in parts])


def count_wildcards(glob: str) -> int:
    """How many wildcards a glob has, escaped ones too."""
    return glob.count("*") + glob.count("?")


def literal(name: str) -> str:
    """The glob that one name alone matches."""
    return "".join([f"\\{one}" if one in "*?\\" else one for one in name])


def has_wildcards(text: str) -> bool:
    r"""Whether a text of `sessionIds` is more than a literal name."""
    return any(character in text for character in "*?\\")
