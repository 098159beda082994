"""Takes what is pushed of watched sessions, where that proves as much as to read it.

A push names the life of its stream, and the entry behind which it was appended with
that entry's digest. If that is the window's end, it is what a read would give. Else the
session is read, as if nothing had been pushed: so it does not matter whether a push was
lost, came twice, or in another order.
"""

from collections.abc import Callable, Sequence

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_streams.broker import Notified
from tailcast_streams.entries import Entry
from tailcast_streams.pushes import Push


class Pushes:
    """The pushes of one replica."""

    def __init__(
        self,
        watchers: Watchers,
        *,
        is_to_be_read: Callable[[str], bool],
        mark: Callable[[str], None],
        take: Callable[[Watched, Sequence[Entry], int], None],
        instruments: Instruments,
    ) -> None:
        """Prepare.

        Args:
            watchers: has the watched sessions.
            is_to_be_read: whether a session is to be read anyway.
            mark: has a session read.
            take: takes new entries of a session, of which the newest was written at a
                time, Unix milliseconds.
            instruments: is told what was pushed.
        """
        self._watchers = watchers
        self._is_to_be_read = is_to_be_read
        self._mark = mark
        self._take = take
        self._instruments = instruments
        # Whoever listens now.
        self._line: Notified | None = None
        # Sessions of what has come together, whose next notification says nothing new.
        self._taken: set[str] = set()

    def begin(self, line: Notified) -> None:
        """Hear what is pushed to whoever listens now."""
        self._line = line

    def end(self) -> None:
        """Hear nothing until it is listened to anew."""
        self._line = None

    def watch(self, session: str) -> None:
        """Have a watched session that has moved pushed from now on."""
        if self._line is not None:
            self._line.watch(session)

    def forget(self, session: str) -> None:
        """Have it pushed no more."""
        if self._line is not None:
            self._line.unwatch(session)

    def came(self, push: Push) -> None:
        """Take a push, or have its session read."""
        session = push.session
        watched = self._watchers.watched.get(session)
        if watched is None:
            self.forget(session)
            return
        is_next = (
            push.after == watched.window.end
            and push.incarnation == watched.incarnation
            and bool(push.entries)
        )
        if is_next and not self._is_to_be_read(session):
            self._take(watched, push.entries, push.written_ms)
            self._taken.add(session)
            self._instruments.push_taken()
        else:
            self._instruments.push_passed_over()
            self._mark(session)

    def is_told_already(self, session: str) -> bool:
        """Whether a notification is that of a push which was just taken."""
        if session in self._taken:
            self._taken.discard(session)
            return True
        return False

    def settle(self) -> None:
        """Take what is told from here on for news: this lot was handled."""
        self._taken.clear()
