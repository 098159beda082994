"""The interface between the readers of sessions and the clients that watch them.

Pure. `sessions` calls it with all that it reads of a watched session, each time in one
step of the event loop; `delivery` implements it. It names no clients.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tailcast_gateway.protocol.wires import Fields
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_streams.entries import Entry
from tailcast_streams.session_state import Head


class Watchers(Protocol):
    """Gets what is read of watched sessions, and says which sessions are wanted."""

    @property
    def isolation(self) -> SessionIsolation:
        """Confines failures to one session."""
        ...

    @property
    def watched(self) -> Mapping[str, Watched]:
        """The watched sessions."""
        ...

    def is_still(self, watched: Watched, epoch: int) -> bool:
        """Whether a session is still watched, and its window is still the same."""
        ...

    def is_wanted(self, session: str) -> bool:
        """Whether a client wants a session that is not watched yet."""
        ...

    def is_watched(self, session: str) -> bool:
        """Whether any client wants a watched session."""
        ...

    def waited_for(self) -> Iterable[str]:
        """Watched sessions that have clients waiting for a later place."""
        ...

    def open(self, session: str, head: Head) -> Watched:
        """Begin to watch a session at its head."""
        ...

    def close(self, watched: Watched) -> None:
        """Stop watching a session."""
        ...

    def created(self, watched: Watched, head: Head) -> None:
        """Note that a session was created; it is read from its beginning."""
        ...

    def deliver(
        self, watched: Watched, entries: Sequence[Entry], *, now: float
    ) -> None:
        """Add entries to the window and deliver them; `now` in monotonic seconds."""
        ...

    def reset(self, watched: Watched, head: Head) -> None:
        """Empty a window that does not fit the stream, and begin at the head."""
        ...

    def compared(self, watched: Watched) -> None:
        """Note that a session was compared with the stream."""
        ...

    def tell(self, session: str, message: Fields) -> None:
        """Send a message to all clients that want a watched session."""
        ...

    def measure(self) -> None:
        """Set the metrics of watched sessions, their clients and windows."""
        ...
