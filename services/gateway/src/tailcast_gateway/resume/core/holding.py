"""What a client that names itself has provably received, and what is to be kept of it.

Pure; time comes in. By default what was sent before a ping counts once the peer has
answered: after a crash the tail since then comes again, and nothing is skipped. A
client that acknowledges by itself is believed, but for what was not sent to it; no
other command of it says that it has read anything. What never lives here: where a
client is, and how progress is saved.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import MAX_SESSIONS, Save, Saved
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


# Pings at which something was noted that may be on their way to one client.
MAX_PINGS = 4
# A hold is written anew so often though nothing changes, seconds: so it does not
# expire, and whoever lost it without being told learns it.
REFRESH_SECONDS = 60.0


class Note(NamedTuple):
    """Where a client was when a ping was sent."""

    # What number the ping has.
    number: int
    # When that was, on the clock of `Channel.changed_at`.
    made_at: float
    # What the client wanted then.
    subscription: Subscription
    # Ends of windows that changed since the client's last progress was kept. The client
    # was there unless `own` says otherwise. Shared by all clients that were noted then.
    changed: Mapping[str, Cursor]
    # Places of its own; None where that was not known, or could not be said.
    own: Mapping[str, Cursor | None]
    # Sessions that have to be noted again, whether they change or not.
    lagging: Collection[str]
    # Whether `changed` and `own` name all sessions that the client wanted.
    is_full: bool
    # Whether anything of a replay was given before it.
    is_progress: bool

    def cursors(self) -> dict[str, Cursor]:
        """Where it was in each session that has changed."""
        wants = self.subscription.matches
        shared = {
            session: cursor
            for session, cursor in self.changed.items()
            if session not in self.own and (session == EMERGENCIES or wants(session))
        }
        own = {name: place for name, place in self.own.items() if place is not None}
        return shared | own


class AckVerdict(Enum):
    """What an acknowledged cursor is worth, by its order alone."""

    # It lies beyond what was sent.
    UNSENT = "unsent"
    # It, or a later one, was acknowledged before.
    OLD = "old"
    # It is where the client is.
    PROVED = "proved"
    # It lies where things were sent: its digest has to prove that it is one of them.
    POSSIBLE = "possible"


class _Flight(NamedTuple):
    """A save that has not been answered yet."""

    save: Save
    note: Note | None
    # How often delivery had begun anew by then.
    beginnings: int


class Holding:
    """One connection's hold of a client: what is kept of it and what is not yet."""

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
        "kept_until",
        "lagging",
        "rival",
        "starts",
        "taker",
    )

    def __init__(self, client_id: str, taker: str) -> None:
        # What the client calls itself.
        self.client_id = client_id
        # What this connection calls itself where takeovers are told.
        self.taker = taker
        # The number that the broker gave, 0 before it did.
        self.hold = 0
        # The highest number that was heard of another hold while ours was asked for.
        self.rival = 0
        # Whether somebody says that the client is theirs: a save tells.
        self.is_doubted = False
        # Whether only the client's own acknowledgements count.
        self.is_manual = False
        # Whether delivery to it has begun under its name.
        self.has_begun = False
        # What is kept holds everything that had changed before this time.
        self.kept_until = 0.0
        # Sessions of which not all is kept that the client was sent by then.
        self.lagging: set[str] = set()
        # Whether the broker forgot what was kept: all places are to be noted.
        self.is_forgotten = False
        # How often in a row delivery began here and nothing was confirmed; and the same
        # as it is to be kept.
        self.starts = 0
        self._due_starts: int | None = None
        # What was noted at pings that were not answered, the oldest first.
        self._awaited: list[Note] = []
        # The latest that was answered and is not kept, and the latest of all.
        self._received: Note | None = None
        self._latest: Note | None = None
        # Other cursors that are not kept: where delivery began, what was acknowledged.
        self._due: dict[str, Cursor] = {}
        self._due_at: Birth | None = None
        self._forgets = False
        # At which moment delivery began, None if that is not known.
        self._begun_at: Birth | None = None
        # Where the client has acknowledged to be, or began, on this connection. Only
        # where its own word counts.
        self._acknowledged: dict[str, Cursor] = {}
        # Saves so far, the one under way, and when the last one was made.
        self._saves = 0
        self._flight: _Flight | None = None
        self._saved_at = 0.0
        # How often delivery began anew.
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
        """Delivery begins anew at these places; they are kept without being received.

        Args:
            places: by session.
            lagging: sessions that have to be noted, whether they change or not.
            at: the moment of it: sessions that come into being later are new to the
                client. None to leave that as it is.
            forgets: nothing else is kept of the client any more.
            starts: how often it began there with something to send, this time too.
        """
        if self._received is not None and not forgets:
            self._due |= self._received.cursors()
        # What is on its way says nothing of the new places.
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

    # Received by the pings that are answered.

    @property
    def takes_notes(self) -> bool:
        """Whether it may be noted at a ping where the client is."""
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

        Args: as in `Note`; all sessions are named if `is_forgotten`.
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
        """A ping and those before it are: what was sent before them is received.

        False if nothing was noted at them that was not known.
        """
        notes = [note for note in self._awaited if note.number <= number]
        if not notes:
            return False
        del self._awaited[: len(notes)]
        self._received = self._latest = notes[-1]
        if any(note.is_progress for note in notes):
            self._has_progressed()
        return True

    def _has_progressed(self) -> None:
        """Where delivery begins the next time is another place."""
        if self.starts:
            self.starts = self._due_starts = 0

    # Received by the client's own word.

    def judge_ack(
        self, session: str, cursor: Cursor, *, place: Cursor | None
    ) -> AckVerdict:
        """Judge an acknowledged cursor by where the client is, None if nowhere."""
        if place is None or cursor.id > place.id:
            return AckVerdict.UNSENT
        before = self._had(session)
        # Beyond where the client is now it is of a numbering that is no more.
        if before is not None and before.id <= place.id and cursor.id <= before.id:
            return AckVerdict.OLD if cursor.id < before.id else _same(cursor, before)
        return AckVerdict.PROVED if cursor == place else AckVerdict.POSSIBLE

    def acknowledge(self, session: str, cursor: Cursor) -> None:
        """The client has it, by its own word."""
        self._acknowledged.pop(session, None)
        if len(self._acknowledged) > MAX_SESSIONS:
            del self._acknowledged[next(iter(self._acknowledged))]
        self._acknowledged[session] = cursor
        self._due[session] = cursor
        self._has_progressed()

    def _had(self, session: str) -> Cursor | None:
        """Where the client was in a session, by its word or by a ping."""
        own, note = self._acknowledged.get(session), self._latest
        noted = None
        if note is not None:
            noted = note.own.get(session) or note.changed.get(session)
        if own is None or noted is None:
            return own or noted
        return max(own, noted)

    # Keeping it.

    @property
    def size(self) -> int:
        """How many cursors a save has now, at most."""
        note = self._received
        noted = 0 if note is None else len(note.changed) + len(note.own)
        return len(self._due) + noted

    def has_progress(self, now: float) -> bool:
        """Whether there is something to save, or it is time to say that it is held."""
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
        """What is to be kept; `saved` or `failed` has to follow."""
        note, self._received = self._received, None
        cursors, self._due = self._due, {}
        at, self._due_at = self._due_at, None
        starts, self._due_starts = self._due_starts, None
        if note is not None:
            cursors |= self._not_behind(note.cursors())
        self._saves += 1
        self._saved_at = now
        save = Save(
            self.client_id, self.hold, self._saves, cursors, at, self._forgets, starts
        )
        self._forgets, self.is_doubted = False, False
        self._flight = _Flight(save, note, self._beginnings)
        return save

    def _not_behind(self, noted: dict[str, Cursor]) -> dict[str, Cursor]:
        """What a ping says, but for what the client has said itself since."""
        for session, own in self._acknowledged.items():
            if session in noted and noted[session].id < own.id:
                del noted[session]
        return noted

    def saved(self, outcome: Saved) -> None:
        """The save was answered, and was not refused."""
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
        """The save may not have happened: it is to be made again."""
        flight, self._flight = self._flight, None
        assert flight is not None  # noqa: S101  # it is answered once
        # Nobody has told who holds the client: it is asked by the next save.
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
    """The same address again: another digest there is nothing that was sent."""
    return AckVerdict.OLD if cursor == before else AckVerdict.POSSIBLE
