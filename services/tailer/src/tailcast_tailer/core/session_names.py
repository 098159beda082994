"""What the session of a file is called: a function of its path and of the roots.

Pure. Whatever else there is, in whatever order it appears, and however often a tailer
starts, a path has the same name (P11). Only a name that is taken by another file, which
the register tells, makes a path take the next of its names.
"""

from collections.abc import Sequence
from hashlib import sha256

from tailcast_tailer.core.patterns import LINE_EXTENSIONS
from tailcast_tailer.core.texts import as_text


def root_names(roots: Sequence[str]) -> list[str]:
    """What stands before the names below each root, "" if there is only one.

    Args:
        roots: absolute paths, each different.

    Returns:
        For each root the shortest end of its path that no other root has.
    """
    if len(roots) < 2:  # noqa: PLR2004  # one root needs nothing to tell it apart
        return ["" for _ in roots]
    ends = [_ends(root) for root in roots]
    return [
        next(
            (end for end in own if sum(end in other for other in ends) == 1),
            own[-1] if own else "",
        )
        for own in ends
    ]


def session_names(below: str, path: str, *, root: str, prefix: str) -> list[str]:
    """The names that the session of a file may have, the first one first.

    Args:
        below: the file's path below its root.
        path: its whole path, which tells apart what no name does.
        root: what `root_names` gives for its root.
        prefix: what stands before the name of each session of this tailer.
    """
    before = prefix + root + ("/" if root and below else "")
    first = _text(before + _without_line_extension(below))
    number = sha256(path.encode(errors="surrogateescape")).hexdigest()[:8]
    names = [first, _text(before + below), f"{first}~{number}"]
    return list(dict.fromkeys(names))


def _ends(path: str) -> list[str]:
    """All ends of a path, the shortest first: `c`, `b/c`, `a/b/c`."""
    parts = [part for part in path.split("/") if part]
    return ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]


def _without_line_extension(path: str) -> str:
    for extension in LINE_EXTENSIONS:
        stem = path.removesuffix(extension)
        if stem != path and not stem.endswith("/") and stem:
            return stem
    return path


def _text(name: str) -> str:
    text = as_text(name)
    # Names that begin with "!" are those of streams that are no session.
    return rf"\x21{text[1:]}" if text.startswith("!") else text
