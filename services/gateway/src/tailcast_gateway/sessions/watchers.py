"""Who watches sessions, as those see it who read them: the port of delivery.

Pure. All that is read of a watched session is told here, in one step of the event loop;
`delivery` implements it. What never lives here: which clients these are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tailcast_gateway.protocol.wires import Fields
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_streams.entries import Entry
from tailcast_streams.session_state import Head


class Watchers(Protocol):
    """Is told what is stored of watched sessions, and says which are wanted."""

    @property
    def isolation(self) -> SessionIsolation:
        """Takes what fails over one session."""
        ...

    @property
    def watched(self) -> Mapping[str, Watched]:
        """The watched sessions."""
        ...

    def is_still(self, watched: Watched, epoch: int) -> bool:
        """Whether a session is watched yet, and its window not begun anew since."""
        ...

    def is_wanted(self, session: str) -> bool:
        """Whether a client wants a session that is not watched yet."""
        ...

    def is_watched(self, session: str) -> bool:
        """Whether any client wants a watched session."""
        ...

    def waited_for(self) -> Iterable[str]:
        """Watched sessions of which clients wait for them to get somewhere."""
        ...

    def open(self, session: str, head: Head) -> Watched:
        """Begin to watch a session at its head."""
        ...

    def close(self, watched: Watched) -> None:
        """Watch a session no more."""
        ...

    def created(self, watched: Watched, head: Head) -> None:
        """A session that had no state has one: it is read from its beginning."""
        ...

    def deliver(
        self, watched: Watched, entries: Sequence[Entry], *, now: float
    ) -> None:
        """Take entries that follow the window's end; `now` is in monotonic seconds."""
        ...

    def reset(self, watched: Watched, head: Head) -> None:
        """What is stored is not what the window follows on from: begin it anew."""
        ...

    def compared(self, watched: Watched) -> None:
        """A session was compared with what is stored, and nothing is missing here."""
        ...

    def tell(self, session: str, message: Fields) -> None:
        """Send a message to all who want a watched session."""
        ...

    def measure(self) -> None:
        """Say in metrics what is watched, and by how many."""
        ...
