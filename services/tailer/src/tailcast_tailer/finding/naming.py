"""Which session each followed file is. Blocking: it asks whether files exist.

A path that has a stream goes on with it; so does a file that was renamed. Any other
path is called by what it is, unless another file that exists is that session.
"""

# ruff: noqa: PTH110, PTH116  # paths are texts, as in the tree

import os
from collections.abc import Container

from tailcast_streams.session_state import Origin
from tailcast_tailer.core.rotated_names import rotated_of
from tailcast_tailer.core.session_names import session_names
from tailcast_tailer.core.stored_sessions import StoredSessions
from tailcast_tailer.core.texts import as_stored
from tailcast_tailer.files.file_system import CannotBeSeen, Identity
from tailcast_tailer.files.portions import Place
from tailcast_tailer.files.session_file import first_proof, is_at
from tailcast_tailer.finding.listing import Known


class Naming:
    """The sessions of one tailer's files."""

    def __init__(self, *, prefix: str, stored: StoredSessions) -> None:
        """Prepare.

        Args:
            prefix: what stands before the name of each session.
            stored: the sessions that the broker had at the start.
        """
        self._prefix = prefix
        self._stored = stored
        # Sessions by the paths of their files, and paths by sessions.
        self._sessions: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        # Where a renamed file was first, and where it is now.
        self._homes: dict[str, str] = {}
        # Sessions of files that are not at their stored path: by the file that the path
        # leads to, and by the first part of their head's proof.
        self._by_identity: dict[Identity, str] = {}
        self._by_head: dict[str, list[str]] = {}

    def session_of(self, path: str) -> str | None:
        """The session of a followed path; None if it is not followed."""
        return self._sessions.get(path)

    def has_stored(self, path: str) -> bool:
        """Whether the path had a session when the tailer started."""
        return self._stored.session_of(as_stored(path)) is not None

    def follow(self, path: str, session: str) -> None:
        """The file of this path is this session."""
        self._sessions[path], self._paths[session] = session, path

    def forget(self, path: str) -> None:
        """The file is gone, for so long that it is a new one if it comes back."""
        session = self._sessions.pop(path, None)
        if session is not None:
            self._paths.pop(session, None)

    def known_session(self, path: str, identity: Identity | None) -> str | None:
        """The session that a file was before, there or elsewhere; None if it is new."""
        stored = self._stored.session_of(as_stored(path))
        if stored is not None and self._paths.get(stored) in (None, path):
            return stored
        return self._orphan(path, identity)

    def proven_session(self, path: str, identity: Identity | None) -> str | None:
        """The session that a file was before by its bytes, whatever its path was."""
        stored = self._stored.session_of(as_stored(path))
        if stored is not None and self._paths.get(stored) in (None, path):
            known = self.known_files(path)
            if known is not None and is_at(path, known.place):
                return stored
        return self._orphan(path, identity)

    def new_session(self, path: str, below: str, root: str) -> str:
        """What the session of a new file is called.

        Args:
            path: the file's.
            below: its path below its root.
            root: what stands before the names of this root.
        """
        names = session_names(below, path, root=root, prefix=self._prefix)
        return next((one for one in names if self._is_free(one, path)), names[-1])

    def _is_free(self, session: str, path: str) -> bool:
        """Whether no other file that exists is this session."""
        holder = self._paths.get(session)
        if holder is None:
            origin = self._stored.origin_of(session)
            holder = "" if origin is None else origin.path
        if not holder or holder == path:
            return True
        return not os.path.exists(holder) or is_same_file(holder, path)

    def known_files(self, path: str) -> Known | None:
        """What the session of a path had of its files when the tailer started."""
        session = self._stored.session_of(as_stored(path))
        origin = None if session is None else self._stored.origin_of(session)
        return None if origin is None else _known(origin)

    # Files that were renamed.

    def home_of(self, path: str) -> str | None:
        """Where the file is now that had this path first; None if it has it still."""
        return self._homes.get(path)

    def move(self, before: str, path: str) -> str:
        """A followed file was renamed; its session."""
        session = self._sessions.pop(before)
        self.follow(path, session)
        home = next((one for one, at in self._homes.items() if at == before), before)
        self._homes.pop(home, None)
        if home != path:
            self._homes[home] = path
        return session

    def find_orphans(self, there: Container[str]) -> None:
        """Learn which stored sessions have no file at their path, of those there."""
        for path, session in self._stored.paths.items():
            # Another file may have a name that rotation gives.
            is_moved = path in there and rotated_of(path) is not None
            if not session.startswith(self._prefix) or (path in there and not is_moved):
                continue
            try:
                found = None if is_moved else os.stat(path)
            except OSError:
                found = None
            if found is None:
                origin = self._stored.origin_of(session)
                if origin is not None and origin.head_proof:
                    head = origin.head_proof.partition(",")[0]
                    self._by_head.setdefault(head, []).append(session)
            else:
                identity = Identity(found.st_dev, found.st_ino)
                self._by_identity[identity] = session

    def _orphan(self, path: str, identity: Identity | None) -> str | None:
        """The session of a file that had another path when it was read last."""
        if identity is not None:
            session = self._by_identity.get(identity)
            if session is not None and session not in self._paths:
                return session
        if not self._by_head:
            return None
        try:
            sessions = self._by_head.get(first_proof(path), [])
        except CannotBeSeen:
            return None
        for session in sessions:
            origin = self._stored.origin_of(session)
            if origin is None or session in self._paths:
                continue
            if is_at(path, _known(origin).place):
                return session
        return None


def _known(origin: Origin) -> Known:
    place = Place(origin.offset, origin.head_proof, origin.marker_proof)
    return Known(place, origin.past)


def is_same_file(one: str, other: str) -> bool:
    """Whether two paths lead to one real file."""
    try:
        return os.path.samestat(os.stat(one), os.stat(other))
    except OSError:
        return False
