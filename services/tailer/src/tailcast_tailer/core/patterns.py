"""Which paths match a pattern.

Pure: paths are texts with `/`, nothing is looked up. A pattern is a glob below the log
directory: `*` and `?` stay within a name, `**` is any number of directories, none too,
and none of them matches a leading dot.
"""

import re
from dataclasses import dataclass


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
