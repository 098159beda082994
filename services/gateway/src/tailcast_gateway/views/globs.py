"""Patterns of session IDs, compiled so that none takes long.

Pure.
"""

import re
from typing import Final


EVERYTHING: Final = "*"
_GLOB_PART: Final = re.compile(r"\\(.)|([*?])|([^\\*?]+)|(\\$)", re.DOTALL)


def compiled(glob: str) -> re.Pattern[str] | None:
    r"""A glob as a regular expression; None for `*`, which matches everything.

    `*` matches any characters, slashes too, `?` one character, and `\` takes the next
    character literally. The text between two `*` is matched at the first possible place
    and never tried at another one (atomic groups), so no glob takes long.
    """
    if glob == EVERYTHING:
        return None
    fixed = [""]
    for match in _GLOB_PART.finditer(glob):
        escaped, wildcard, literal, last = match.groups()
        if wildcard == "*":
            fixed.append("")
        elif wildcard:
            fixed[-1] += "."
        else:
            fixed[-1] += re.escape(escaped or literal or last)
    first, *middle = fixed
    if not middle:
        return re.compile(first, re.DOTALL)
    end = middle.pop()
    between = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{between}.*{end}", re.DOTALL)


def count_wildcards(glob: str) -> int:
    """How many wildcards a glob has, escaped ones too."""
    return glob.count("*") + glob.count("?")


def has_wildcards(text: str) -> bool:
    r"""Whether a text of `sessionIds` is more than a literal name."""
    return any(character in text for character in "*?\\")
