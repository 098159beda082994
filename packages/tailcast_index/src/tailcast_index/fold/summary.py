"""What a session's records say together, as a value."""

from dataclasses import dataclass
from typing import NamedTuple

from tailcast_index.fold.falls import Rewind
from tailcast_index.fold.figures import LeftOut
from tailcast_index.fold.pace import Status
from tailcast_index.fold.spark import Sparkline
from tailcast_index.meaning import Choice
from tailcast_streams.entries import Entry
from tailcast_streams.position import BEFORE_ALL, EntryID


# The reason of a gap: the stream had dropped these entries before they were folded.
TRIMMED = "trimmed"


class Gap(NamedTuple):
    """Entries, or bytes of the file, that are not in the figures."""

    # What is missing lies between these two, the last one included.
    after: EntryID
    to: EntryID
    # As in a gap's entry, or `TRIMMED`.
    reason: str


def gap_of(entry: Entry) -> Gap:
    """The gap that an entry tells of."""
    details = entry.details or {}
    after, to = entry.previous, entry.id
    return Gap(after, to, details.get("reason", ""))


class UnreadKey(NamedTuple):
    """A field that should be a step or a time and could not be read."""

    # How often, and one of the values, as JSON.
    times: int
    is_time: bool
    text: str


class Span(NamedTuple):
    """What a run has reached, in steps or in milliseconds; None until one was read."""

    first: float | None = None
    last: float | None = None
    highest: float | None = None


class News(NamedTuple):
    """What of an index is told to those who watch the session."""

    incarnation: str
    # Up to where the index goes.
    to: EntryID
    # Where the run fell back, the latest times.
    rewinds: tuple[Rewind, ...]
    # How many metrics there are, and the names of those that came last.
    metrics: int
    newest: tuple[str, ...]
    # How the records are read; None if that was not asked for, or is not known yet.
    choice: Choice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A session as it is with the entries that were folded."""

    # How many records there are, emergencies included.
    records: int = 0
    steps: Span
    times: Span
    # How many steps the run will have, None if no record says it.
    total_steps: int | None = None
    # When it will have them at its pace, from now on, milliseconds; None if unknown.
    eta_ms: int | None = None
    # The latest settings on its lines, a JSON object, b"" without; and how long they
    # are if they are too long to be kept, bytes.
    config: bytes = b""
    config_left_out: int = 0
    # The course of its main metric, None without metrics.
    spark: Sparkline | None = None
    # Records per second over the last ten seconds.
    rate: float = 0.0
    # When the run did something last, Unix milliseconds, and what follows from that.
    activity_ms: int = 0
    status: Status = "ended"
    # How long its pauses usually are, milliseconds.
    cadence_ms: int = 0
    # The latest record; b"" if it is too long to be kept here, or there is none.
    latest_id: EntryID = BEFORE_ALL
    latest: bytes = b""
    # How many emergencies there are, the latest of their IDs, and the latest one.
    emergencies: int = 0
    emergency_ids: tuple[EntryID, ...] = ()
    latest_emergency: bytes = b""
    # How often the run fell back, and the latest of these events.
    rewind_count: int = 0
    rewinds: tuple[Rewind, ...] = ()
    # What is missing in these figures: how often, and the latest of them.
    gap_count: int = 0
    gaps: tuple[Gap, ...] = ()
    # What could not be read, by its key; and how many values of other keys.
    unread: dict[str, UnreadKey]
    unread_others: int = 0
    # Behind which entries to look for a step and for a time; None while there is none.
    before_steps: EntryID | None = None
    before_times: EntryID | None = None
    # Up to which entry they were worked out from roll-ups, None if from no part so: the
    # file was cut back to records that the stream no longer had.
    approximate_to: EntryID | None = None
    # Which fields of the records are step and time.
    choice: Choice
    left_out: LeftOut
