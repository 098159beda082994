"""What there is below the roots, and what becomes of each file. Blocking.

All of it is one job: it owns the trees, the candidates and the names. A real file is
one session, by whatever paths it can be reached: what is a link, or a second name, is
left out; and a file that was renamed goes on as the session that it was.
"""

# ruff: noqa: PTH112, PTH116, PTH119, PTH120  # paths are texts, as in the tree

import math
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain

from tailcast_streams.sources import UNMATCHED, Source, SourceState
from tailcast_tailer.core.beside import TOLD_BESIDE, is_beside
from tailcast_tailer.core.heads import Nature
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.core.passing_names import why_passing
from tailcast_tailer.core.patterns import LINE_EXTENSIONS
from tailcast_tailer.core.rotated_names import (
    dated_of,
    number_of,
    rotated_of,
    rotated_of_day,
)
from tailcast_tailer.core.stored_sessions import StoredSessions
from tailcast_tailer.core.texts import as_text
from tailcast_tailer.files.file_system import CannotBeSeen, Identity
from tailcast_tailer.files.rotation import proven_past
from tailcast_tailer.files.session_file import is_at
from tailcast_tailer.finding.candidates import (
    NEVER_RUNS,
    Candidate,
    FileKind,
    WatchedRoot,
    judge_file,
    run_below,
)
from tailcast_tailer.finding.directory_tree import Changes, DirectoryTree
from tailcast_tailer.finding.listing import (
    Found,
    Known,
    Listing,
    Moved,
    Suspect,
    new_listing,
)
from tailcast_tailer.finding.naming import Naming, is_same_file
from tailcast_tailer.finding.rotated import AWAITED_SECONDS, Fate, fate_of, is_known


# Files that are gone, and are known again if they are found under another name.
MOST_LOST = 10_000


class Survey:
    """Everything that is below the roots of one tailer."""

    def __init__(
        self,
        roots: Sequence[WatchedRoot],
        files: Sequence[tuple[str, str]],
        awaited: Sequence[tuple[str, str]] = (),
        *,
        prefix: str,
        step_keys: Sequence[str],
        time_keys: Sequence[str],
        part_names: PartNames,
        stored: StoredSessions,
    ) -> None:
        """Prepare.

        Args:
            roots: the directories.
            files: single files that were named: path, and what their names begin with.
            awaited: paths that nothing had yet, likewise: they become what they turn
                out to be.
            prefix: what stands before the name of each session.
            step_keys: where records have their step.
            time_keys: where records have their time.
            part_names: which files are parts of a run.
            stored: the sessions that the broker had at the start.
        """
        self._roots = [*roots]
        self._files = dict(files)
        self._awaited = dict(awaited)
        self._keys = (step_keys, time_keys)
        self._part_names = part_names
        self._naming = Naming(prefix=prefix, stored=stored)
        # Every file that is there, by path, and the paths of each real file.
        self._there: dict[str, Candidate] = {}
        self._paths_of: dict[Identity, list[str]] = {}
        # Those that are to be judged again.
        self._undecided: dict[str, Candidate] = {}
        # The latest paths of followed files that are gone, by which file it was.
        self._lost: OrderedDict[Identity, str] = OrderedDict()
        self._is_first = True
        # The past of paths by weak names, as far as it was asked for by this look.
        self._past_of: dict[str, frozenset[str]] = {}
        # The root that is gone through, for whoever asks meanwhile; "" while none is.
        self.looks_at = ""
        # Runs that are written as numbered files, and were found by this look.
        self._runs_found: set[str] = set()
        # Paths that are followed since this look: nothing was read of them meanwhile.
        self._found_now: set[str] = set()
        # Sessions of their own whose names only rotation gives: their paths, and the
        # paths whose past they would be. Which file has each path with a number: one
        # with a day is given to no other file.
        self._own: set[str] = set()
        self._never_rotated: set[str] = set()
        self._numbered: dict[str, Identity] = {}

    def look(
        self, changed: Iterable[str], now: float, *, forgotten: Iterable[str] = ()
    ) -> Listing:
        """List what is due, and decide what becomes of each file.

        Args:
            changed: paths that are said to have changed.
            now: by a steady clock.
            forgotten: paths that are followed no longer, to be found anew.
        """
        self._runs_found.clear()
        self._found_now.clear()
        listing = new_listing()
        self._take_forgotten(forgotten, listing)
        pending = self._named(self._files) if self._is_first else []
        pending += self._take_awaited(listing)
        for path in changed:
            if (candidate := self._undecided.get(path)) is not None:
                candidate.has_changed()
        unmatched: dict[str, None] = {}
        for root in self._roots:
            self.looks_at = root.tree.root
            for path in changed:
                root.tree.changed(path)
            changes = root.tree.look(now)
            self._take_gone(changes, listing)
            self._take_hidden(root, changes, listing)
            pending += self._take_new(root, changes, unmatched)
        for path in unmatched:
            if path not in self._there:
                is_told = is_beside(os.path.basename(path))
                reason = TOLD_BESIDE if is_told else UNMATCHED
                self._tell(listing, path, SourceState.LEFT_OUT, reason)
        if self._is_first:
            self._is_first = False
            self._naming.find_orphans(self._there)
        pending += [one for one in self._undecided.values() if one.due <= now]
        for candidate in sorted(pending, key=self._order):
            root_of = candidate.root
            self.looks_at = "" if root_of is None else root_of.tree.root
            try:
                self._decide(candidate, listing, now)
            except Exception as error:  # noqa: BLE001  # the others are decided
                candidate.judge_later(now)
                self._undecided[candidate.path] = candidate
                listing.failed.append((candidate.path, error))
        return listing

    @property
    def due(self) -> float:
        """When something is to be looked at again; at once while something is awaited.

        By the clock of `look`, which is not running meanwhile.
        """
        if self._awaited:
            return 0.0
        trees = (root.tree.due for root in self._roots)
        judged = (candidate.due for candidate in self._undecided.values())
        return min(chain(trees, judged), default=math.inf)

    def settle(
        self, suspects: Sequence[tuple[Suspect, Known | None]], now: float
    ) -> Listing:
        """Decide about paths that may be renamed files.

        Args:
            suspects: each with what its session has of its files, None if that is not
                known now.
            now: by a steady clock.
        """
        listing = new_listing()
        self._past_of.clear()
        for suspect, said in suspects:
            candidate, before, is_past = suspect
            if is_past and self._rotated_from(candidate) == before:
                self._take_fate(candidate, before, said, listing, now, is_followed=True)
                continue
            if before in self._numbered:
                self._settle_own(suspect, said, listing, now)
                continue
            known = said or self._naming.known_files(before)
            is_same = known is not None and is_at(candidate.path, known.place)
            if is_same and not is_past:
                self._move(before, candidate.path, listing)
            elif is_same or (known is not None and is_known(candidate.path, known)):
                self._undecided.pop(candidate.path, None)
                reason = f"the past of {as_text(before)}"
                self._tell(listing, candidate.path, SourceState.LEFT_OUT, reason)
            elif is_past and (known is None or self._is_awaited(suspect, known, now)):
                reason = f"perhaps the past of {as_text(before)}"
                self._wait(candidate, listing, SourceState.WAITING, reason, now)
            else:
                self._decide(candidate, listing, now, may_have_moved=False)
        return listing

    def _is_awaited(self, suspect: Suspect, known: Known, now: float) -> bool:
        """Whether a file is the past of a path that is about to be read."""
        candidate, base, _ = suspect
        if candidate.awaited_since is None:
            candidate.awaited_since = now
        if now - candidate.awaited_since >= AWAITED_SECONDS:
            return False
        if base not in self._past_of:
            try:
                past = proven_past(base, known.place, known.past)
            except (CannotBeSeen, OSError):
                past = frozenset[str]()
            self._past_of[base] = past
        return candidate.path in self._past_of[base]

    # What the trees show.

    def _take_awaited(self, listing: Listing) -> list[Candidate]:
        """What nothing had before, and something has now: a directory, or a file."""
        files: list[str] = []
        for path, name in [*self._awaited.items()]:
            self.looks_at = path
            try:
                is_directory = stat.S_ISDIR(os.stat(path).st_mode)
            except OSError as error:
                if self._is_first:
                    reason = error.strerror or str(error)
                    mend = "it is followed when it is there: make it, or mount it"
                    self._tell(listing, path, SourceState.WAITING, reason, mend=mend)
                continue
            del self._awaited[path]
            if is_directory:
                tree = DirectoryTree(path, depth=None)
                kind = FileKind.TELEMETRY
                root = WatchedRoot(tree, kind, accepts=None, base=path, name=name)
                self._roots.append(root)
                listing.gone.append(path)
            else:
                self._files[path] = name
                files.append(path)
        return self._named(files)

    def _named(self, files: Iterable[str]) -> list[Candidate]:
        named: list[Candidate] = []
        for path in files:
            # Nothing is asked of it: it may be where nothing answers.
            candidate = Candidate(path, None, None, is_link=False)
            self._there[path] = candidate
            named.append(candidate)
        return named

    def _take_gone(self, changes: Changes, listing: Listing) -> None:
        for path in changes.gone:
            self._lose(path, listing)
        while len(self._lost) > MOST_LOST:
            _, path = self._lost.popitem(last=False)
            if path not in self._there:
                # It would not be known under another name any more.
                self._naming.forget(path)
        listing.unseen.extend(changes.unseen)
        for path, other in changes.doubled:
            reason = f"the same directory as {as_text(other)}"
            self._tell(listing, path, SourceState.LEFT_OUT, reason)

    def _take_forgotten(self, forgotten: Iterable[str], listing: Listing) -> None:
        for path in forgotten:
            if path in self._own:
                self._own.discard(path)
                self._numbered.pop(path, None)
                self._naming.forget(path)
            self._lose(path, listing)
            for root in self._roots:
                root.tree.forget(path)

    def _lose(self, path: str, listing: Listing) -> None:
        """Nothing has this path any more."""
        candidate = self._there.pop(path, None)
        self._undecided.pop(path, None)
        if candidate is not None and candidate.identity is not None:
            self._drop_path(candidate.identity, path)
            if self._naming.session_of(path) is not None:
                self._lost[candidate.identity] = path
        listing.gone.append(path)

    def _take_hidden(
        self, root: WatchedRoot, changes: Changes, listing: Listing
    ) -> None:
        if root.accepts is not None:
            return
        steps, times = self._keys
        for path in changes.hidden:
            if os.path.basename(path) in NEVER_RUNS:
                continue
            run = None
            if os.path.isdir(path):
                run = run_below(path, step_keys=steps, time_keys=times)
            elif path.endswith(LINE_EXTENSIONS):
                run = path
            if run is not None:
                where = as_text(os.path.dirname(run) if os.path.isdir(path) else run)
                self._tell(
                    listing, path, SourceState.LEFT_OUT, "hidden, but it has records",
                    mend=f"tailcast up {where}",
                )  # fmt: skip  # as a call

    def _take_new(
        self, root: WatchedRoot, changes: Changes, unmatched: dict[str, None]
    ) -> list[Candidate]:
        new: list[Candidate] = []
        for seen in changes.new:
            # A file that was rotated away belongs to the path that it had.
            before = rotated_of(seen.path)
            if not root.takes(seen.path) and not (before and root.takes(before)):
                unmatched[seen.path] = None
                continue
            known = self._there.get(seen.path)
            if known is not None and known.identity == seen.identity:
                continue
            if known is not None and known.identity is not None:
                # Another file has its path: what that was waited for is over.
                self._undecided.pop(seen.path, None)
                self._drop_path(known.identity, seen.path)
            candidate = Candidate(
                seen.path, root, seen.identity,
                is_link=seen.is_link, changed_ns=seen.changed_ns,
            )  # fmt: skip  # as a call
            self._there[seen.path] = candidate
            self._paths_of.setdefault(seen.identity, []).append(seen.path)
            new.append(candidate)
        return new

    def _drop_path(self, identity: Identity, path: str) -> None:
        paths = self._paths_of.get(identity, [])
        if path in paths:
            paths.remove(path)
        if not paths:
            self._paths_of.pop(identity, None)

    def _order(self, candidate: Candidate) -> tuple[bool, bool, str]:
        """What is decided first: no links, and what has a session already."""
        is_new = not self._naming.has_stored(candidate.path)
        return candidate.is_link, is_new, candidate.path

    # What becomes of a file.

    def _decide(
        self,
        candidate: Candidate,
        listing: Listing,
        now: float,
        *,
        may_have_moved: bool = True,
    ) -> None:
        path = candidate.path
        session = self._naming.session_of(path)
        if (run := self._run_of(candidate)) is not None:
            self._decide_part(candidate, run, listing, now)
        elif (base := self._rotated_from(candidate)) is not None:
            self._decide_rotated(candidate, base, listing, now)
        elif session is not None:
            self._found(candidate, session, listing)
        elif reason := self._why_not(candidate):
            self._undecided.pop(path, None)
            self._tell(listing, path, SourceState.LEFT_OUT, reason)
        elif candidate.root is not None and candidate.root.kind is FileKind.DOCUMENT:
            self._found(candidate, self._below(candidate, path), listing)
        elif (now_at := self._naming.home_of(path)) is not None:
            self._move(now_at, path, listing)
        elif may_have_moved and (before := self._before(candidate)) is not None:
            listing.suspects.append(Suspect(candidate, before))
        elif may_have_moved and (base := self._base_of(candidate)) is not None:
            listing.suspects.append(Suspect(candidate, base, is_past=True))
        elif (session := self._session_of(candidate, path, listing, now)) is not None:
            self._found(candidate, session, listing)

    def _decide_part(
        self, candidate: Candidate, run: str, listing: Listing, now: float
    ) -> None:
        """One of the numbered files of a run, which are one session."""
        session = self._naming.session_of(run)
        if session is None:
            session = self._session_of(candidate, run, listing, now)
        if session is not None and run not in self._runs_found:
            self._runs_found.add(run)
            self._found(candidate, session, listing, run=run)

    def _run_of(self, candidate: Candidate) -> str | None:
        """The path of the run that a file is a part of; None if it is of its own."""
        if candidate.root is None or candidate.root.kind is FileKind.DOCUMENT:
            return None
        return self._part_names.run_of(candidate.path)

    def _found(
        self,
        candidate: Candidate,
        name: str,
        listing: Listing,
        *,
        run: str | None = None,
    ) -> None:
        """Hand out a file, or the run that it is a part of."""
        path, root = candidate.path if run is None else run, candidate.root
        kind = FileKind.TELEMETRY if root is None else root.kind
        device = None if root is None else root.tree.device_of(candidate.path)
        found = Found(
            kind, path, name, device, has_parts=run is not None,
            changed_ns=candidate.changed_ns, only=self._numbered.get(path),
        )  # fmt: skip  # as a call
        listing.found.append(found)
        session = name if kind is FileKind.TELEMETRY else ""
        self._tell(listing, path, SourceState.FOLLOWED, session=session)

    def _move(self, before: str, path: str, listing: Listing) -> None:
        session = self._naming.move(before, path)
        self._undecided.pop(path, None)
        listing.moved.append(Moved(before, path))
        self._tell(listing, path, SourceState.FOLLOWED, session=session)
        if before in self._numbered:
            self._own.discard(before)
            self._own.add(path)
            self._numbered[path] = self._numbered.pop(before)
        elif before in self._there:
            reason = f"the past of {as_text(path)}"
            self._tell(listing, before, SourceState.LEFT_OUT, reason)

    # Files whose names only rotation gives.

    def _rotated_from(self, candidate: Candidate) -> str | None:
        """The path that a file was rotated away from by its name; None for others."""
        root = candidate.root
        if root is None or root.kind is not FileKind.TELEMETRY:
            return None
        base = rotated_of(candidate.path)
        if base is None or not root.takes(base):
            return None
        # A day's file that is a session of its own may be rotated itself.
        of_day = rotated_of_day(candidate.path)
        return of_day if of_day in self._own else base

    def _decide_rotated(
        self, candidate: Candidate, base: str, listing: Listing, now: float
    ) -> None:
        """The past of another file, or a session of its own."""
        path, identity = candidate.path, candidate.identity
        session = self._naming.session_of(path)
        if session is not None and path not in self._numbered:
            self._found(candidate, session, listing)
        elif (other := self._same_file(candidate)) is not None:
            self._undecided.pop(path, None)
            reason = f"the same file as {as_text(other)}"
            self._tell(listing, path, SourceState.LEFT_OUT, reason)
        elif (before := self._own_before(candidate)) is not None:
            listing.suspects.append(Suspect(candidate, before))
        elif self._naming.proven_session(path, identity) is not None:
            self._own_found(candidate, base, listing, now)
        elif self._is_to_come(base) or base in self._found_now:
            known = self._naming.known_files(base)
            self._take_fate(candidate, base, known, listing, now, is_followed=False)
        else:
            listing.suspects.append(Suspect(candidate, base, is_past=True))

    def _settle_own(
        self, suspect: Suspect, known: Known | None, listing: Listing, now: float
    ) -> None:
        """Decide whether a file is the session of its own that a path was."""
        candidate, before, _ = suspect
        path, session = candidate.path, self._naming.session_of(before)
        if known is None or session is None:
            reason = f"perhaps it was {as_text(before)}"
            self._wait(candidate, listing, SourceState.WAITING, reason, now)
        elif not (
            is_at(path, known.place)
            if known.place.offset
            else self._numbered[before] == candidate.identity
        ):
            candidate.is_other = True
            reason = "another file had its path"
            self._wait(candidate, listing, SourceState.WAITING, reason, now)
        elif before != path:
            self._move(before, path, listing)
        else:
            self._note_own(candidate)
            self._undecided.pop(path, None)
            self._found(candidate, session, listing)

    def _take_fate(
        self,
        candidate: Candidate,
        base: str,
        known: Known | None,
        listing: Listing,
        now: float,
        *,
        is_followed: bool,
    ) -> None:
        path = candidate.path
        fate = Fate.PERHAPS_PAST
        try:
            fate = fate_of(
                candidate, base, known, now,
                is_followed=is_followed,
                has_sibling=base in self._never_rotated,
            )  # fmt: skip  # as a call
        except CannotBeSeen as error:
            listing.unseen.append((path, str(error)))
        reason = f"the past of {as_text(base)}"
        if fate is Fate.OWN:
            self._own_found(candidate, base, listing, now)
        elif self._is_to_come(base):
            reason = f"{reason}, told with the first line of that"
            self._wait(candidate, listing, SourceState.WAITING, reason, now)
        elif fate is Fate.PAST:
            self._undecided.pop(path, None)
            self._tell(listing, path, SourceState.LEFT_OUT, reason)
        else:
            self._wait(candidate, listing, SourceState.LEFT_OUT, reason, now)

    def _own_found(
        self, candidate: Candidate, base: str, listing: Listing, now: float
    ) -> None:
        """It is a session of its own, if it is a run."""
        path = candidate.path
        session = self._session_of(candidate, path, listing, now)
        if session is not None:
            self._note_own(candidate)
            self._never_rotated.add(base)
            self._found(candidate, session, listing)

    def _note_own(self, candidate: Candidate) -> None:
        path, identity = candidate.path, candidate.identity
        self._own.add(path)
        if identity is not None and number_of(path) is not None:
            self._numbered[path] = identity

    def _own_before(self, candidate: Candidate) -> str | None:
        """Where this file may have been, a session of its own."""
        if candidate.is_other:
            return None
        path, identity = candidate.path, candidate.identity
        was_at = (at for at, one in self._numbered.items() if one == identity)
        return next(was_at, path if path in self._numbered else None)

    def _is_to_come(self, base: str) -> bool:
        """Whether no file is read at a path, and nothing there was left out."""
        if self._naming.session_of(base) is not None:
            return False
        now_there = self._there.get(base)
        return now_there is None or now_there.is_waiting

    def _why_not(self, candidate: Candidate) -> str:
        """Why such a file is no session; "" if it may be one."""
        if candidate.root is not None:
            if reason := why_passing(candidate.name):
                return reason
            if candidate.root.accepts is None and is_beside(candidate.name):
                # Whatever it holds, and whatever it will: it is not judged again.
                return TOLD_BESIDE
        other = self._same_file(candidate)
        return "" if other is None else f"the same file as {as_text(other)}"

    def _same_file(self, candidate: Candidate) -> str | None:
        """Another path of this very file that goes before this one."""
        if candidate.identity is None:
            return None
        for path in self._paths_of.get(candidate.identity, ()):
            if path == candidate.path:
                continue
            other = self._there[path]
            goes_before = self._naming.session_of(path) is not None or (
                candidate.is_link and not other.is_link
            )
            if goes_before and is_same_file(path, candidate.path):
                return path
        return None

    def _before(self, candidate: Candidate) -> str | None:
        """The path of a followed file that is gone, and was this real file."""
        if candidate.identity is None or candidate.is_link:
            return None
        for path in self._paths_of[candidate.identity]:
            # Its directory may not have been listed since.
            is_followed = self._naming.session_of(path) is not None
            if is_followed and not os.path.lexists(path):
                return path
        before = self._lost.get(candidate.identity)
        if before is None or before in self._there:
            return None
        return before if self._naming.session_of(before) is not None else None

    def _base_of(self, candidate: Candidate) -> str | None:
        """The followed path whose past a file may be by its name; None without one."""
        if candidate.root is None or self._naming.has_stored(candidate.path):
            return None
        for base in dated_of(candidate.path):
            if self._naming.session_of(base) or self._naming.has_stored(base):
                return base
        return None

    def _session_of(
        self, candidate: Candidate, path: str, listing: Listing, now: float
    ) -> str | None:
        """The session of a file that is to be followed; None if it is not, yet.

        `path` is that of the session: the candidate's own, or that of the run of which
        it is a part.
        """
        is_rotated = self._rotated_from(candidate) is not None
        known = (
            self._naming.proven_session if is_rotated else self._naming.known_session
        )
        session = known(path, candidate.identity)
        root = candidate.root
        if session is None:
            is_named = root is None or root.accepts is not None
            if not is_named and not self._is_run(candidate, listing, now):
                return None
            # What tells a named file apart from others has its own name at its end.
            before = os.path.dirname(self._files[path]) if root is None else root.name
            below = self._below(candidate, path)
            session = self._naming.new_session(path, below, before)
        self._undecided.pop(candidate.path, None)
        self._naming.follow(path, session)
        self._found_now.add(path)
        return session

    def _below(self, candidate: Candidate, path: str) -> str:
        root = candidate.root
        if root is None or path == root.base:
            return os.path.basename(path)
        return os.path.relpath(path, root.base)

    def _is_run(self, candidate: Candidate, listing: Listing, now: float) -> bool:
        steps, times = self._keys
        try:
            judged = judge_file(candidate, now, step_keys=steps, time_keys=times)
        except CannotBeSeen as error:
            listing.unseen.append((candidate.path, str(error)))
            self._wait(candidate, listing, SourceState.WAITING, str(error), now)
            return False
        if judged.nature is Nature.RUN:
            return True
        is_waiting = judged.nature is Nature.WAITING
        state = SourceState.WAITING if is_waiting else SourceState.LEFT_OUT
        self._wait(candidate, listing, state, judged.reason, now)
        return False

    def _wait(
        self,
        candidate: Candidate,
        listing: Listing,
        state: SourceState,
        reason: str,
        now: float,
    ) -> None:
        candidate.judge_later(now)
        candidate.is_waiting = state is SourceState.WAITING
        self._undecided[candidate.path] = candidate
        mend = f"name it to follow it: tailcast up {as_text(candidate.path)}"
        self._tell(listing, candidate.path, state, reason, mend=mend)

    @staticmethod
    def _tell(
        listing: Listing,
        path: str,
        state: SourceState,
        reason: str = "",
        *,
        session: str = "",
        mend: str = "",
    ) -> None:
        listing.sources.append(Source(as_text(path), state, session, reason, mend))
