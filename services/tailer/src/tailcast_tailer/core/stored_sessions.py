"""Which files the sessions in the broker are of, as they stood when a tailer started.

Pure. A path that has a session keeps it, whatever it would be called today.
"""

from collections.abc import Mapping

from tailcast_streams.session_state import Origin


class StoredSessions:
    """The sessions of this machine, by the paths of their files."""

    def __init__(self, origins: Mapping[str, Origin], *, owner: str) -> None:
        """Read them; `owner` is this tailer: paths of other machines mean nothing."""
        machine = owner.partition(":")[0]
        # A session that was given up has no owner: its path may be of any machine.
        self._origins = {
            session: origin
            for session, origin in origins.items()
            if origin.owner.partition(":")[0] in ("", machine)
        }
        self._by_path: dict[str, str] = {}
        for session, origin in sorted(
            self._origins.items(), key=lambda item: (item[1].updated_ms, item[0])
        ):
            # Where two have one path, the later one goes on.
            self._by_path[origin.path] = session

    def session_of(self, path: str) -> str | None:
        """The session that was read from this path; None if there is none."""
        return self._by_path.get(path)

    def origin_of(self, session: str) -> Origin | None:
        """Which file the session is of; None if nothing is stored of it."""
        return self._origins.get(session)

    @property
    def paths(self) -> Mapping[str, str]:
        """All paths, with their sessions."""
        return self._by_path
