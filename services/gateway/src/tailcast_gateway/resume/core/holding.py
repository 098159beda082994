"""What a named client has provably received, and what must be saved of that.

Pure; times are arguments. By default all that was sent before a ping counts as received
when the ping is answered. So after a crash the records since then come again, and none
is skipped. Or a client acknowledges by itself: then its acknowledgements alone count,
as far as the records were sent to it. Where a client is, is known in `places`, and
progress is saved in `saver`.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import MAX_SESSIONS, Save, Saved
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


# How many noted pings may be unanswered by one client.
MAX_PINGS = 4
# A hold is saved after this many seconds even if nothing changes. So it does not
# expire, and a connection that has lost its client without a notice finds that out.
REFRESH_SECONDS = 60.0


class Note(NamedTuple):
    """Where a client was when a ping was sent."""

    # The number of the ping.
    number: int
    # When the note was made, on the clock of `Channel.changed_at`.
    made_at: float
    # The client's subscription then.
    subscription: Subscription
    # The ends of windows that changed since the client's last saved progress. The
    # client was there, unless `own` has another place. Shared by all notes of that
    # moment.
    changed: Mapping[str, Cursor]
    # The client's own places; None for a place that was not known.
    own: Mapping[str, Cursor | None]
    # Sessions that must be noted again, even if they do not change.
    lagging: Collection[str]
    # Whether `changed` and `own` name all sessions that the client wanted.
    is_full: bool
    # Whether a part of a replay was sent before the ping.
    is_progress: bool

    def cursors(self) -> dict[str, Cursor]:
        """The places of the client in the sessions that changed."""
        wants = self.subscription.matches
        shared = {
            session: cursor
            for session, cursor in self.changed.items()
            if session not in self.own and (session == EMERGENCIES or wants(session))
        }
        own = {name: place for name, place in self.own.items() if place is not None}
        return shared | own


class AckVerdict(Enum):
    """The verdict on an acknowledged cursor, by its order alone."""

    # It is beyond the last record that was sent.
    UNSENT = "unsent"
    # It, or a later one, was acknowledged before.
    OLD = "old"
    # It is the client's place.
    PROVED = "proved"
    # It is within what was sent; its digest must prove that it is a record's cursor.
    POSSIBLE = "possible"


class _Flight(NamedTuple):
    """A save that has not been answered yet."""

    save: Save
    note: Note | None
    # How often delivery had begun again by then.
    beginnings: int


class Holding:
    """One connection's hold on a client: its progress, saved and not yet saved."""

    __slots__ = (
        "_acknowledged",
        "_awaited",
        "_beginnings",
        "_begun_at",
        "_due",
        "_due_at",
        "_due_starts",
        "_flight",
        "_forgets",
        "_latest",
        "_received",
        "_saved_at",
        "_saves",
        "client_id",
        "has_begun",
        "hold",
        "is_doubted",
        "is_forgotten",
        "is_manual",
        "is_proven",
        "kept_until",
        "lagging",
        "rival",
        "starts",
        "taker",
    )

    def __init__(self, client_id: str, taker: str) -> None:
        # The name of the client.
        self.client_id = client_id
        # The name of this connection in announcements of takeovers.
        self.taker = taker
        # The number of this hold, from the broker; 0 before it has one.
        self.hold = 0
        # The highest number of another hold that was announced while ours was taken.
        self.rival = 0
        # Whether another connection claims the client; the next save finds that out.
        self.is_doubted = False
        # Whether only the client's own acknowledgements count.
        self.is_manual = False
        # Whether the client has confirmed a position on this connection.
        self.is_proven = False
        # Whether delivery has begun to the client under its name.
        self.has_begun = False
        # All changes before this time are saved.
        self.kept_until = 0.0
        # The sessions whose changes before that time are not all saved.
        self.lagging: set[str] = set()
        # Whether the broker has lost the client's cursors: all must be noted again.
        self.is_forgotten = False
        # How often in a row delivery began here without a confirmation, and this number
        # if it must be saved.
        self.starts = 0
        self._due_starts: int | None = None
        # The notes at pings that are not answered, the oldest first.
        self._awaited: list[Note] = []
        # The note of the latest answered ping, if not saved yet; and in any case.
        self._received: Note | None = None
        self._latest: Note | None = None
        # Other cursors to be saved: where delivery began, and acknowledged ones.
        self._due: dict[str, Cursor] = {}
        self._due_at: Birth | None = None
        self._forgets = False
        # The moment at which delivery began, None if unknown.
        self._begun_at: Birth | None = None
        # The places that the client has acknowledged on this connection, or where it
        # began. Only used if it acknowledges by itself.
        self._acknowledged: dict[str, Cursor] = {}
        # The number of saves, the one that runs now, and when the last one was made.
        self._saves = 0
        self._flight: _Flight | None = None
        self._saved_at = 0.0
        # How often delivery began again.
        self._beginnings = 0

    # Where delivery begins.

    def begin(
        self,
        places: Mapping[str, Cursor],
        *,
        lagging: Collection[str],
        at: Birth | None,
        forgets: bool,
        starts: int = 0,
    ) -> None:
        """Note that delivery begins at these places, which are saved at once.

        Args:
            places: the places, by session.
            lagging: the sessions that must be noted even if they do not change.
            at: the moment of the beginning: sessions that are created later are new
                to the client. None to leave that as it is.
            forgets: whether all else that is stored for the client is dropped.
            starts: how often it began there with records to send, with this time.
        """
        if self._received is not None and not forgets:
            self._due |= self._received.cursors()
        # Pings that were sent before say nothing about the new places.
        self._received = self._latest = None
        self._awaited.clear()
        if forgets:
            self.starts, self._due_starts = 0, None
        if starts != self.starts:
            self.starts = self._due_starts = starts
        self._beginnings += 1
        self.has_begun = True
        if forgets:
            self._forgets = True
            self._due, self._acknowledged = {}, {}
        self._due |= places
        self._due_at = at if at is not None or forgets else self._due_at
        self._begun_at = at if at is not None or forgets else self._begun_at
        self.lagging |= set(lagging)
        if self.is_manual:
            self._acknowledged |= places

    # What was received, by answered pings.

    @property
    def takes_notes(self) -> bool:
        """Whether the client's places may be noted at the next ping."""
        return self.has_begun and not self.is_manual and len(self._awaited) < MAX_PINGS

    def note(
        self,
        number: int,
        *,
        now: float,
        subscription: Subscription,
        changed: Mapping[str, Cursor],
        own: Mapping[str, Cursor | None],
        lagging: Collection[str],
        is_progress: bool,
    ) -> None:
        """Note where the client is as the ping of this number is sent.

        The arguments are those of `Note`; all sessions are named if `is_forgotten`.
        """
        self._awaited.append(
            Note(
                number,
                now,
                subscription,
                changed,
                own,
                lagging,
                self.is_forgotten,
                is_progress,
            )
        )

    def answered(self, number: int) -> bool:
        """Note that a ping was answered: all that was sent before it is received.

        Returns False if there is no note of this ping or an earlier one.
        """
        notes = [note for note in self._awaited if note.number <= number]
        if not notes:
            return False
        del self._awaited[: len(notes)]
        self._received = self._latest = notes[-1]
        self.is_proven = True
        if any(note.is_progress for note in notes):
            self._has_progressed()
        return True

    def _has_progressed(self) -> None:
        """Note that delivery would now begin at another place than last time."""
        if self.starts:
            self.starts = self._due_starts = 0

    # What was received, by the client's acknowledgements.

    def judge_ack(
        self, session: str, cursor: Cursor, *, place: Cursor | None
    ) -> AckVerdict:
        """Judge an acknowledged cursor by the client's place, None without one."""
        if place is None or cursor.id > place.id:
            return AckVerdict.UNSENT
        before = self._had(session)
        # An earlier place beyond the present one is from before a renumbering.
        if before is not None and before.id <= place.id and cursor.id <= before.id:
            return AckVerdict.OLD if cursor.id < before.id else _same(cursor, before)
        return AckVerdict.PROVED if cursor == place else AckVerdict.POSSIBLE

    def acknowledge(self, session: str, cursor: Cursor) -> None:
        """Note a cursor that the client has acknowledged."""
        self._acknowledged.pop(session, None)
        if len(self._acknowledged) > MAX_SESSIONS:
            del self._acknowledged[next(iter(self._acknowledged))]
        self._acknowledged[session] = cursor
        self.is_proven = True
        self._due[session] = cursor
        self._has_progressed()

    def _had(self, session: str) -> Cursor | None:
        """The client's last known place in a session, by acknowledgement or ping."""
        own, note = self._acknowledged.get(session), self._latest
        noted = None
        if note is not None:
            noted = note.own.get(session) or note.changed.get(session)
        if own is None or noted is None:
            return own or noted
        return max(own, noted)

    # Saving the progress.

    @property
    def size(self) -> int:
        """The most cursors that a save would have now."""
        note = self._received
        noted = 0 if note is None else len(note.changed) + len(note.own)
        return len(self._due) + noted

    def has_progress(self, now: float) -> bool:
        """Whether there is something to save, or the hold must be renewed."""
        return (
            bool(self._due)
            or self._received is not None
            or self._due_at is not None
            or self._due_starts is not None
            or self._forgets
            or self.is_doubted
            or now - self._saved_at >= REFRESH_SECONDS
        )

    def next_save(self, now: float) -> Save:
        """The next save; the caller must then call `saved` or `failed`."""
        note, self._received = self._received, None
        cursors, self._due = self._due, {}
        at, self._due_at = self._due_at, None
        starts, self._due_starts = self._due_starts, None
        if note is not None:
            cursors |= self._not_behind(note.cursors())
        self._saves += 1
        self._saved_at = now
        save = Save(
            self.client_id,
            self.hold,
            self._saves,
            cursors,
            at,
            self._forgets,
            starts,
            self.is_proven,
        )
        self._forgets, self.is_doubted = False, False
        self._flight = _Flight(save, note, self._beginnings)
        return save

    def _not_behind(self, noted: dict[str, Cursor]) -> dict[str, Cursor]:
        """The noted places without those that a later acknowledgement passed."""
        for session, own in self._acknowledged.items():
            if session in noted and noted[session].id < own.id:
                del noted[session]
        return noted

    def saved(self, outcome: Saved) -> None:
        """Note that the save was done; call it only if it was not refused."""
        flight, self._flight = self._flight, None
        assert flight is not None  # noqa: S101  # it is answered once
        if flight.note is not None and flight.note.is_full:
            self.is_forgotten = False
        if outcome is Saved.ANEW and not flight.save.forgets:
            self._forgotten()
        if flight.note is not None and flight.beginnings == self._beginnings:
            self.kept_until = flight.note.made_at
            self.lagging = set(flight.note.lagging)

    def _forgotten(self) -> None:
        self._due_at = self._begun_at
        if self.is_manual:
            self._due = {**self._acknowledged, **self._due}
        else:
            self.is_forgotten = True

    def failed(self) -> None:
        """Note that the save may not have happened: it must be made again."""
        flight, self._flight = self._flight, None
        assert flight is not None  # noqa: S101  # it is answered once
        # It is unknown whether the client is still held; the next save finds out.
        self.is_doubted = True
        if self._forgets:
            return
        save = flight.save
        self._due = {**save.cursors, **self._due}
        if self._due_at is None:
            self._due_at = save.at
        if self._due_starts is None:
            self._due_starts = save.starts
        self._forgets = save.forgets


def _same(cursor: Cursor, before: Cursor) -> AckVerdict:
    """The verdict on a repeated ID: with another digest it must be looked up."""
    return AckVerdict.OLD if cursor == before else AckVerdict.POSSIBLE
