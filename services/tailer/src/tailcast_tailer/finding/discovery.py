"""Which files there are to follow, by listing again and again what there is.

Knows which paths are watched, and lets the survey look at them in a thread; notes what
became of each path.
"""

# ruff: noqa: PTH112  # paths are texts, as in the tree

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tailcast_streams.session_state import Origin
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.core.patterns import compile_pattern
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.session_names import root_names
from tailcast_tailer.core.stored_sessions import StoredSessions
from tailcast_tailer.core.texts import as_text
from tailcast_tailer.files.threads import Run
from tailcast_tailer.finding.candidates import FileKind, WatchedRoot
from tailcast_tailer.finding.directory_tree import DirectoryTree
from tailcast_tailer.finding.listing import Known, Listing
from tailcast_tailer.finding.survey import Survey
from tailcast_tailer.instruments import Instruments


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
        step_keys: Sequence[str],
        time_keys: Sequence[str],
        part_names: PartNames,
        owner: str,
        origins: Callable[[], Awaitable[Mapping[str, Origin]]],
        known_of: Callable[[str], Known | None],
        instruments: Instruments,
        run: Run,
    ) -> None:
        """Prepare.

        Args:
            part_names: which files are parts of a run.
            owner: this tailer's name.
            origins: asks the broker which files its sessions are of.
            known_of: what the session of a path has of its files, None if that is not
                known.
            run: runs blocking work in order, never two at once.
        """
        self._instruments = instruments
        self._session_prefix = session_prefix
        self._step_keys = step_keys
        self._time_keys = time_keys
        self._part_names = part_names
        self._owner = owner
        self._origins = origins
        self._known_of = known_of
        self._run = run
        self.register = Register()
        self._roots: list[WatchedRoot] = []
        # Single files that were named, and what their names begin with.
        self._files: list[tuple[str, str]] = []
        # Paths that were named and that nothing has yet, likewise.
        self._awaited: list[tuple[str, str]] = []
        # What the operating system is asked to watch: whole trees, single files.
        self._watched_trees: list[str] = []
        self._watched_files: list[str] = []
        self._watched_later: list[str] = []
        # Paths that hints named since the last listing.
        self._changed: set[str] = set()
        # Paths that are followed no longer.
        self._forgotten: set[str] = set()
        # None before the broker said which sessions it has.
        self._survey: Survey | None = None
        if paths:
            self._add_paths(paths)
        else:
            self._add_patterns(log_dir, FileKind.TELEMETRY, telemetry_patterns)
            self._add_patterns(log_dir, FileKind.DOCUMENT, emergency_patterns)

    def run_of(self, path: str) -> str | None:
        """The path of the run that a file is a part of; None if it is of its own."""
        return self._part_names.run_of(path)

    @property
    def watched(self) -> list[str]:
        """The watched directories and files, and what may be either."""
        return [*self._watched_trees, *self._watched_files, *self._watched_later]

    @property
    def looks_at(self) -> str:
        """The watched directory that is gone through now, "" if that is not known."""
        return "" if self._survey is None else as_text(self._survey.looks_at)

    @property
    def due(self) -> float:
        """When there is something to look at again, as `list_new` counts seconds."""
        return 0.0 if self._survey is None else self._survey.due

    @property
    def watched_trees(self) -> list[str]:
        """The directories that are looked through, whole; some may be none."""
        return [*self._watched_trees, *self._watched_later]

    @property
    def directories(self) -> list[str]:
        """The directories that must be seen for a file to count as absent."""
        # What nothing has yet may be a mount: the directory above it tells nothing.
        return [*self.watched_trees, *map(os.path.dirname, self._watched_files)]

    def _add_patterns(
        self, log_dir: str, kind: FileKind, patterns: Sequence[str]
    ) -> None:
        compiled = [compile_pattern(text) for text in patterns]
        directories = [str(Path(log_dir, pattern.fixed)) for pattern in compiled]
        # Patterns below one directory share its names.
        distinct = list(dict.fromkeys(directories))
        names = dict(zip(distinct, root_names(distinct), strict=True))
        for pattern, directory in zip(compiled, directories, strict=True):
            is_telemetry = kind is FileKind.TELEMETRY
            self._roots.append(
                WatchedRoot(
                    DirectoryTree(directory, depth=pattern.depth),
                    kind,
                    accepts=_matcher(pattern.expression.fullmatch),
                    base=directory if is_telemetry else log_dir,
                    name=names[directory] if is_telemetry else "",
                )
            )
            self._watched_trees.append(directory)

    def _add_paths(self, paths: Sequence[str]) -> None:
        distinct = list(dict.fromkeys(paths))
        for path, name in zip(distinct, root_names(distinct), strict=True):
            if os.path.isdir(path):
                tree = DirectoryTree(path, depth=None)
                root = WatchedRoot(
                    tree, FileKind.TELEMETRY, accepts=None, base=path, name=name
                )
                self._roots.append(root)
                self._watched_trees.append(path)
            elif not os.path.lexists(path):
                self._instruments.path_missing(path)
                self._awaited.append((path, name))
                self._watched_later.append(path)
            else:
                self._files.append((path, name))
                self._watched_files.append(path)

    def changed(self, path: str) -> None:
        """List the directory of a path that is not followed, as it changed."""
        self._changed.add(path)

    def is_named(self, path: str) -> bool:
        """Whether somebody asked for this very file, so that it is waited for."""
        return path in self._watched_files or path in self._watched_later

    def forget(self, paths: Iterable[str]) -> None:
        """These are followed no longer: return them again when they are there again."""
        self._forgotten.update(paths)

    async def list_new(self, now: float) -> Listing:
        """What is new since the last listing. Raises BrokerError before the first."""
        if self._survey is None:
            self._survey = await self._make_survey()
        changed, self._changed = self._changed, set()
        forgotten, self._forgotten = self._forgotten, set()
        try:
            look = partial(self._survey.look, changed, now, forgotten=forgotten)
            listing = await self._run(look)
        except BaseException:
            self._changed |= changed
            self._forgotten |= forgotten
            raise
        if listing.suspects:
            known = [(one, self._known_of(one.before)) for one in listing.suspects]
            settled = await self._run(partial(self._survey.settle, known, now))
            listing = listing.followed_by(settled)
        self._note(listing)
        return listing

    async def _make_survey(self) -> Survey:
        stored = StoredSessions(await self._origins(), owner=self._owner)
        return Survey(
            self._roots,
            self._files,
            self._awaited,
            prefix=self._session_prefix,
            step_keys=self._step_keys,
            time_keys=self._time_keys,
            part_names=self._part_names,
            stored=stored,
        )

    def _note(self, listing: Listing) -> None:
        for path in listing.gone:
            self.register.forget(as_text(path))
        for source in listing.sources:
            self.register.note(source)
        for path, reason in listing.unseen:
            self._instruments.cannot_see(path, reason)
        for path, error in listing.failed:
            self._instruments.defect(path, error)


def _matcher(fullmatch: Callable[[str], object]) -> Callable[[str], bool]:
    return lambda path: fullmatch(path) is not None
