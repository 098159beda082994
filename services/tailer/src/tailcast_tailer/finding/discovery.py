"""Which files there are to follow, by listing again and again what there is.

A file is opened here only if its name does not show what it is.
"""

# ruff: noqa: PTH112, PTH119  # paths are texts, as in the tree

import os
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tailcast_streams.nesting import TOO_DEEP
from tailcast_streams.record import Invalid, parse_record
from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.patterns import (
    LINE_EXTENSIONS,
    Name,
    Refusal,
    SessionNames,
    compile_pattern,
    in_claiming_order,
)
from tailcast_tailer.core.records import BYTE_ORDER_MARK
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.texts import as_text
from tailcast_tailer.files.file_system import CannotBeSeen, glimpse, read_regular
from tailcast_tailer.files.threads import Run
from tailcast_tailer.finding.directory_tree import DirectoryTree
from tailcast_tailer.instruments import Instruments


# How much of a file is read to see whether it has lines of records.
SNIFFED_BYTES = 65_536

FOLLOWED, REFUSED = SourceState.FOLLOWED, SourceState.REFUSED
RENAME = "rename it"


class FileKind(Enum):
    """What a file is followed as."""

    TELEMETRY = "telemetry"
    # One emergency, the whole file.
    DOCUMENT = "document"


class Found(NamedTuple):
    """A file to follow."""

    kind: FileKind
    path: str
    # The session ID, or a document's path below the log directory.
    name: str
    # The device that it seems to be on; None where that is not known.
    device: int | None = None


class _Root:
    """A watched directory, and which files below it are followed."""

    def __init__(
        self,
        tree: DirectoryTree,
        kind: FileKind,
        accepts: Callable[[str], bool] | None,
        base: str,
    ) -> None:
        self.tree = tree
        self.kind = kind
        # By the path below the root; None: by what the file holds.
        self.accepts = accepts
        # What names are relative to.
        self.base = base
        # Files that have not shown yet what they are, by their size then.
        self.undecided: dict[str, int] = {}


class _Listing(NamedTuple):
    """What a listing came to."""

    found: list[Found]
    refused: list[Refusal]
    # Paths that cannot be read now, and why.
    unseen: list[tuple[str, str]]

    def cannot_see(self, path: str, reason: str) -> None:
        """A path cannot be read now."""
        self.unseen.append((path, reason))


class Discovery:
    """Finds files below the log directory by patterns, or the paths that were named."""

    def __init__(
        self,
        *,
        log_dir: str,
        telemetry_patterns: Sequence[str],
        emergency_patterns: Sequence[str],
        paths: Sequence[str],
        session_prefix: str,
        instruments: Instruments,
        jobs: Callable[[], Run],
    ) -> None:
        """Prepare; `jobs` makes what runs blocking work in order, never two at once."""
        self._instruments = instruments
        # What became of each path.
        self.register = Register()
        # These jobs own the trees, the names, and the set of known paths.
        self._list_names = jobs()
        self._names = SessionNames(prefix=session_prefix)
        # Single files that were named and not returned yet.
        self._files: list[str] = []
        self._roots: list[_Root] = []
        # What the operating system is asked to watch: whole trees, single directories.
        self._watched_trees: list[str] = []
        self._watched_files: list[str] = []
        # Paths that were returned by earlier listings.
        self._known: set[str] = set()
        # Paths that hints named since the last listing.
        self._changed: set[str] = set()
        if paths:
            self._add_paths(paths)
        else:
            self._add_patterns(log_dir, FileKind.TELEMETRY, telemetry_patterns)
            self._add_patterns(log_dir, FileKind.DOCUMENT, emergency_patterns)

    @property
    def watched(self) -> list[str]:
        """The watched directories and files."""
        return [*self._watched_trees, *self._watched_files]

    @property
    def watched_trees(self) -> list[str]:
        """The directories that are looked through, whole."""
        return list(self._watched_trees)

    @property
    def directories(self) -> list[str]:
        """The directories that must be seen for a file to count as absent."""
        return [*self._watched_trees, *map(os.path.dirname, self._watched_files)]

    def _add_patterns(
        self, log_dir: str, kind: FileKind, patterns: Sequence[str]
    ) -> None:
        for text in patterns:
            pattern = compile_pattern(text)
            directory = str(Path(log_dir, pattern.fixed))
            tree = DirectoryTree(directory, depth=pattern.depth)
            base = directory if kind is FileKind.TELEMETRY else log_dir
            self._roots.append(
                _Root(tree, kind, _matcher(pattern.expression.fullmatch), base)
            )
            self._watched_trees.append(directory)

    def _add_paths(self, paths: Sequence[str]) -> None:
        for path in paths:
            if os.path.isdir(path):
                tree = DirectoryTree(path, depth=None)
                self._roots.append(_Root(tree, FileKind.TELEMETRY, None, path))
                self._watched_trees.append(path)
            else:
                if not os.path.lexists(path):
                    self._instruments.path_missing(path)
                self._files.append(path)
                self._watched_files.append(path)

    def changed(self, path: str) -> None:
        """List the directory of a path that is not followed, as it changed."""
        self._changed.add(path)

    async def list_new(self, now: float) -> list[Found]:
        """The files that no earlier listing returned; refused ones are logged."""
        changed, self._changed = self._changed, set()
        try:
            listing = await self._list_names(partial(self._list, changed, now))
        except BaseException:
            self._changed |= changed
            raise
        for path, reason in listing.unseen:
            self._instruments.cannot_see(path, reason)
        for found in listing.found:
            session = found.name if found.kind is FileKind.TELEMETRY else ""
            self.register.note(Source(as_text(found.path), FOLLOWED, session))
        for refusal in listing.refused:
            self.register.note(
                Source(as_text(refusal.path), REFUSED, "", refusal.reason, RENAME)
            )
            self._instruments.path_refused(refusal.path, refusal.reason)
        return listing.found

    # What the listing does, in its thread, with what is its alone.

    def _list(self, changed: set[str], now: float) -> _Listing:
        listing = _Listing([], [], [])
        for root in self._roots:
            for path in changed:
                root.tree.changed(path)
        names = [Name(path, os.path.basename(path)) for path in self._files]
        self._files = []
        devices: dict[str, int | None] = {}
        documents: list[Found] = []
        for root in self._roots:
            for path in self._new_below(root, now, listing):
                below = os.path.relpath(path, root.base)
                devices[path] = root.tree.device_of(path)
                if root.kind is FileKind.TELEMETRY:
                    names.append(Name(path, below))
                else:
                    documents.append(
                        Found(FileKind.DOCUMENT, path, below, devices[path])
                    )
                self._known.add(path)
        for name in in_claiming_order(names):
            session = self._names.claim(name)
            if isinstance(session, Refusal):
                listing.refused.append(session)
            else:
                device = devices.get(name.path)
                found = Found(FileKind.TELEMETRY, name.path, session, device)
                listing.found.append(found)
        listing.found.extend(documents)
        return listing

    def _new_below(self, root: _Root, now: float, listing: _Listing) -> list[str]:
        paths = list(root.tree.new_files(now, on_error=listing.cannot_see))
        if root.accepts is None:
            return [
                path
                for path in [*paths, *root.undecided]
                if path not in self._known and self._has_records(root, path, listing)
            ]
        start = len(root.tree.root.rstrip("/")) + 1
        return [
            path
            for path in paths
            if path not in self._known and root.accepts(path[start:])
        ]

    def _has_records(self, root: _Root, path: str, listing: _Listing) -> bool:
        """Whether the file has lines of records; undecided ones are asked again."""
        if path.endswith(LINE_EXTENSIONS):
            return True
        try:
            size = glimpse(path).size
            if root.undecided.get(path) == size:
                return False
            verdict = first_line_is_record(read_regular(path, most=SNIFFED_BYTES))
        except CannotBeSeen as error:
            listing.cannot_see(path, str(error))
            return False
        if verdict is None:
            root.undecided[path] = size
        else:
            root.undecided.pop(path, None)
        return verdict is True


def first_line_is_record(head: bytes) -> bool | None:
    """Whether a file with these first bytes has records; None: not known yet."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    line, newline, _ = text.partition(b"\n")
    if not newline:
        return None if len(head) < SNIFFED_BYTES else False
    found = parse_record(line.strip())
    # One that is rejected for its depth alone is a line of records all the same.
    return not isinstance(found, Invalid) or found.reason == TOO_DEEP


def _matcher(fullmatch: Callable[[str], object]) -> Callable[[str], bool]:
    return lambda path: fullmatch(path) is not None
