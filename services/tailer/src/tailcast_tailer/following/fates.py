"""What keeps files from being followed, though they were found: for the register.

The turns of a file tell what troubles it, and when that is over. What weighs most is
what became of the file; with no trouble it is followed.
"""

from enum import IntEnum

from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.texts import as_text


# What mends it where there are too many sessions.
MAKE_ROOM = "raise TAILCAST_MAX_SESSIONS, and the broker's memory with it"
# What mends it where a file cannot be read.
LET_READ = "let the tailer read it; it tries again"


class Trouble(IntEnum):
    """What keeps a file from being followed; the first one weighs most."""

    UNSEEN = 1
    OLD = 2
    CROWDED = 3
    DISPUTED = 4
    # It is followed, later than it is written.
    CONTESTED = 5


_STATES = {
    Trouble.UNSEEN: SourceState.WAITING,
    Trouble.OLD: SourceState.LEFT_OUT,
    Trouble.CROWDED: SourceState.REFUSED,
    Trouble.DISPUTED: SourceState.REFUSED,
    Trouble.CONTESTED: SourceState.FOLLOWED,
}


class Fates:
    """The troubles of all files of one tailer."""

    def __init__(self, register: Register) -> None:
        self._register = register
        # By session: the reason of each trouble, and what mends it.
        self._troubles: dict[str, dict[Trouble, tuple[str, str]]] = {}

    def troubled(
        self, session: str, path: str, trouble: Trouble, reason: str, mend: str = ""
    ) -> None:
        """This keeps the file from being followed."""
        self._troubles.setdefault(session, {})[trouble] = (reason, mend)
        self._note(session, path)

    def fine(self, session: str, path: str, *troubles: Trouble) -> None:
        """These are over, if there were any."""
        known = self._troubles.get(session)
        if known is None or known.keys().isdisjoint(troubles):
            return
        for trouble in troubles:
            known.pop(trouble, None)
        if not known:
            del self._troubles[session]
        self._note(session, path)

    def forget(self, session: str) -> None:
        """Nothing has the path any more, as the listing says too."""
        self._troubles.pop(session, None)

    def _note(self, session: str, path: str) -> None:
        source = Source(as_text(path), SourceState.FOLLOWED, session)
        if known := self._troubles.get(session):
            trouble = min(known)
            reason, mend = known[trouble]
            source = source._replace(state=_STATES[trouble], reason=reason, mend=mend)
        self._register.note(source)
