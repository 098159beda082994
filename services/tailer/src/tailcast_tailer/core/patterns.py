"""Which names are telemetry files, and what their sessions are called.

Pure: paths are texts with `/`, nothing is looked up. A pattern is a glob below the log
directory: `*` and `?` stay within a name, `**` is any number of directories, none too,
and none of them matches a leading dot.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


# Files with one of these extensions have lines of records, whatever the first one is.
LINE_EXTENSIONS = (".jsonl", ".ndjson")

_WILDCARD = re.compile(r"[*?\[]")
# A set of characters, in which a bracket that stands first is one of them, or a
# character: a bracket that nothing closes is one too, so nothing is taken back.
_PART = re.compile(r"\[!?+\]?+[^\]]*+\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A glob, split where its wildcards begin."""

    # Directories before the first wildcard, below the log directory; may be empty.
    fixed: str
    # Matches what comes below `fixed`.
    expression: re.Pattern[str]
    # How many directories below `fixed` a match can lie; None without limit.
    depth: int | None
    # The glob that `expression` was made from.
    rest: str


def compile_pattern(text: str) -> Pattern:
    """Read a glob such as `telemetry/**/*.jsonl`.

    Raises:
        ValueError: it is not a valid pattern.
    """
    segments = [segment for segment in text.split("/") if segment not in ("", ".")]
    if segments[-1:] == ["**"]:
        segments.append("*")
    count = 0
    while count < len(segments) - 1 and not _WILDCARD.search(segments[count]):
        count += 1
    rest = segments[count:]
    expression = "".join(_directory(segment) for segment in rest[:-1])
    expression += _name(rest[-1]) if rest else ""
    depth = None if "**" in rest else len(rest) - 1
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise ValueError(f"{text} is no pattern: {error.msg}") from None
    return Pattern("/".join(segments[:count]), compiled, depth, "/".join(rest))


def _directory(segment: str) -> str:
    return r"(?:[^/.][^/]*/)*" if segment == "**" else _name(segment) + "/"


def _name(segment: str) -> str:
    hidden = r"(?!\.)" if segment[0] in "*?[" else ""
    return hidden + _PART.sub(_translated, segment)


def _translated(match: re.Match[str]) -> str:
    text = match[0]
    if text == "*":
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if len(text) > 1:
        is_negated = text[1] == "!"
        inner = re.sub(r"([\\\[\]^])", r"\\\1", text[1 + is_negated : -1])
        return f"[{'^' if is_negated else ''}{inner}]"
    return re.escape(text)


def without_extension(path: str) -> str:
    """`runs/a.b.jsonl` without its last extension; a name that is only one keeps it."""
    directory, slash, name = path.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return directory + slash + (stem if dot and stem else name)


class Name(NamedTuple):
    """A file that is to become a session."""

    # The file's path, as the file system has it.
    path: str
    # Its path below what was asked to be watched.
    below: str


class Refusal(NamedTuple):
    """A file that cannot become one, and the reason, in words for people."""

    path: str
    reason: str


class SessionNames:
    """Which path has which session ID; the first that asks keeps it."""

    def __init__(self, *, prefix: str) -> None:
        self._prefix = prefix
        # Name by session ID.
        self._names: dict[str, Name] = {}

    def claim(self, name: Name) -> str | Refusal:
        """Give the file its session ID, with its extension where it must differ."""
        session = self._prefix + without_extension(name.below)
        if session.startswith("!"):
            return Refusal(name.path, 'a session ID must not begin with "!"')
        if not _is_utf8(session):
            return Refusal(name.path, "its name is not UTF-8")
        holder = self._names.get(session)
        if holder is not None and _differ_in_extension(holder, name):
            session = self._prefix + name.below
            holder = self._names.get(session)
        if holder is not None and holder.path != name.path:
            return Refusal(name.path, f"session {session} is {holder.path} already")
        self._names[session] = name
        return session


def in_claiming_order(names: Iterable[Name]) -> list[Name]:
    """The order in which names that are found together claim, the same every time."""
    return sorted(
        names,
        key=lambda name: (not name.path.endswith(LINE_EXTENSIONS), name.path),
    )


def _differ_in_extension(one: Name, other: Name) -> bool:
    return one.path != other.path and (
        without_extension(one.path) == without_extension(other.path)
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
