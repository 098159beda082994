"""Which sessions are to be read, and in which order. Pure.

A session that moves is read at the next tick, together with all others that moved since
the last one; one that had little to read then is left out of the tick after that. A
session that has more than one page goes on between the ticks, behind those that are
ready.
"""

from collections.abc import Iterable


class Queue:
    """Sessions by name; each is in it once."""

    def __init__(self) -> None:
        # When those that moved since the last tick did so first, in this order.
        self._waiting: dict[str, float] = {}
        # Those that the next tick leaves out.
        self._skipped: set[str] = set()
        # Those that can be read now, in this order.
        self._ready: dict[str, None] = {}
        # Those that cannot be read until a time.
        self._aside: dict[str, float] = {}
        # Since when what has moved is not in the index, by session.
        self._since: dict[str, float] = {}
        # When files were written last, as notifications said, Unix milliseconds.
        self._written_ms: dict[str, int] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there will be nothing to read before a session moves."""
        return not (self._waiting or self._skipped or self._ready or self._aside)

    @property
    def has_moved(self) -> bool:
        """Whether a session moved since the last tick."""
        return bool(self._waiting)

    @property
    def behind(self) -> int:
        """How many sessions have moved beyond their index."""
        return len(self._since)

    @property
    def aside(self) -> int:
        """How many of them cannot be read now."""
        return len(self._aside)

    def lag_seconds(self, now: float) -> float:
        """How long the one that waited longest has waited."""
        return max(0.0, now - min(self._since.values(), default=now))

    def moved(self, session: str, now: float, *, written_ms: int = 0) -> None:
        """Note that a session has, or may have, entries that are not in its index."""
        self._since.setdefault(session, now)
        if written_ms:
            self._written_ms[session] = written_ms
        if session not in self._ready and session not in self._aside:
            self._waiting.setdefault(session, now)

    def tick(self, now: float) -> None:
        """Make ready whatever moved, before what has been ready for longer."""
        back = [session for session, until in self._aside.items() if until <= now]
        for session in back:
            del self._aside[session]
        moved, self._waiting = self._waiting, {}
        for session in self._skipped & moved.keys():
            self._waiting[session] = moved.pop(session)
        self._skipped = set()
        self._ready = dict.fromkeys([*moved, *self._ready, *back])

    def take(self, limit: int) -> list[str]:
        """The next sessions to read."""
        taken = [session for session, _ in zip(self._ready, range(limit), strict=False)]
        for session in taken:
            del self._ready[session]
        return taken

    def again(self, sessions: Iterable[str]) -> None:
        """Put sessions behind all that are ready: they have more."""
        for session in sessions:
            if session not in self._aside:
                self._waiting.pop(session, None)
                self._ready[session] = None

    def put_aside(self, session: str, *, until: float) -> None:
        """Leave a session alone until a time."""
        self._waiting.pop(session, None)
        self._ready.pop(session, None)
        self._aside[session] = until

    def done(self, session: str, *, was_little: bool = False) -> None:
        """Note that the index has all that was read, and that there was no more.

        What came meanwhile may be missing: a session that moves all the time is behind
        by that, and not since it moved first. After little it is left alone for longer.
        """
        if was_little:
            self._skipped.add(session)
        if session in self._waiting:
            self._since[session] = self._waiting[session]
        elif session not in self._ready:
            self._since.pop(session, None)

    def take_written_ms(self, session: str) -> int:
        """When its file was written last; 0 if nobody said so since the last call."""
        return self._written_ms.pop(session, 0)

    def forget(self, session: str) -> None:
        """Know nothing more of a session."""
        for known in (
            self._waiting, self._ready, self._aside, self._since, self._written_ms
        ):  # fmt: skip  # one name a line would hide what they are
            known.pop(session, None)
        self._skipped.discard(session)
