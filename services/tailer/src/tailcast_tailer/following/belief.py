"""What is believed to be stored of one session, until the broker says otherwise.

Each append begins there, and is refused if something else is stored. Then the broker is
asked again, as after an append of which nobody knows what became.
"""

from collections.abc import Callable

from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    SessionState,
    StoredPosition,
)
from tailcast_tailer.appending.appender import Addition, Stored, stored_of
from tailcast_tailer.following.context import FollowerContext


# Between two repairs of a session whose stream and state contradict each other.
MENDED_EVERY_SECONDS = 60.0


class Belief:
    """What one session is believed to have."""

    def __init__(
        self,
        session: str,
        context: FollowerContext,
        *,
        on_begun_elsewhere: Callable[[], None],
    ) -> None:
        """`on_begun_elsewhere`: called when another tailer has begun a generation."""
        self._session = session
        self._context = context
        self._on_begun_elsewhere = on_begun_elsewhere
        # None: ask the broker first.
        self.stored: Stored | None = None
        # What was believed before, to tell how much the broker forgot.
        self._before: StoredPosition | None = None
        # The broker said that stream and state contradict each other.
        self._is_diverged = False
        # When stream and state were made anew last.
        self._mended_at: float | None = None
        # When something was last appended, steady seconds; None: not here.
        self.appended_at: float | None = None

    @property
    def position(self) -> StoredPosition | None:
        """The position that should be stored; None if it will be asked for anyway."""
        return None if self.stored is None else self.stored.position

    @property
    def incarnation(self) -> str:
        """The life of the stream, if this tailer appended last to it; else ""."""
        stored = self.stored
        is_ours = stored is not None and stored.owner == self._context.appender.owner
        return stored.position.incarnation if stored is not None and is_ours else ""

    @property
    def was_known(self) -> bool:
        """Whether the session was there before, as far as this tailer knows."""
        return self._before is not None and self._before != NOTHING_STORED

    @property
    def is_diverged(self) -> bool:
        """Whether stream and state contradict each other: they are to be mended."""
        is_unsound = self.stored is not None and not self.stored.is_sound
        return self._is_diverged or is_unsound

    def forget(self) -> None:
        """Have the broker asked before the next append."""
        if self.stored is not None:
            self._before = self.stored.position
            self.stored = None

    def deleted(self) -> None:
        """Nothing is stored any more, and that was intended."""
        self.stored = self._before = None

    def change(self, before: Stored, after: Stored | None) -> None:
        """What was stored has become this; None: nobody knows what."""
        if after is None:
            self.forget()
        elif after is not before:
            self.stored = after

    def know(self, state: SessionState | None, *, activity_ms: int) -> Stored:
        """Take what is stored, as the broker said it just now.

        Args:
            state: the state of the session; None: there is none.
            activity_ms: when the file changed last, Unix milliseconds.
        """
        stored = Stored() if state is None else stored_of(state)
        before = self._before
        if before is not None and before.generation < stored.position.generation:
            self._on_begun_elsewhere()
        if before is not None and before.generation == stored.position.generation:
            forgotten = before.offset - stored.position.offset
            if forgotten > 0:
                self._context.instruments.session_healed(self._session, forgotten)
        elif before is not None and not stored.position.generation:
            self._context.instruments.session_healed(self._session, before.offset)
        # Before the first look nothing says when the file changed.
        changed_ms = activity_ms if state is None else state.updated_ms
        self._context.appender.note(
            self._session, stored, activity_ms=min(activity_ms, changed_ms)
        )
        self.stored = stored
        return stored

    def appended(self, stored: Stored) -> None:
        """An append was made: this is stored now."""
        self.stored = stored
        self._before = stored.position
        self.appended_at = self._context.clock()

    def refused(self, outcome: Appended) -> None:
        """An append was refused: something else is stored than was believed."""
        self._context.instruments.append_conflicted(self._session)
        self._is_diverged = outcome is Appended.DIVERGED
        self.forget()

    async def append(self, path: str, before: Stored, addition: Addition) -> bool:
        """Append to what is believed to be stored; whether that was so.

        Raises BrokerError, and CannotBeTaken.
        """
        outcome, stored = await self._context.appender.append(
            self._session, path, before, addition
        )
        if outcome is Appended.DONE:
            self.appended(stored)
            return True
        self.refused(outcome)
        return False

    @property
    def may_mend_in(self) -> float:
        """Seconds until stream and state may be made anew once more."""
        if self._mended_at is None:
            return 0.0
        return max(0.0, self._mended_at + MENDED_EVERY_SECONDS - self._context.clock())

    async def mend(self, stored: Stored) -> None:
        """Delete stream and state, which contradict each other, to build them anew."""
        if await self._context.writer.discard(
            self._session, stored.position, keeps_edits=True
        ):
            self._mended_at = self._context.clock()
            self._context.instruments.session_diverged(self._session)
        self._before = stored.position
        self._is_diverged = False
