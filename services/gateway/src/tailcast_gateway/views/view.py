"""A view: how a client sees records, filtered, projected, conflated or sampled.

Pure. A view is compiled once and shared by all clients that ask for the same, and
these get the same bytes. What never lives here: subscriptions, and frames.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from msgspec import UNSET

from tailcast_gateway.limits import FILTER, FORMS
from tailcast_gateway.protocol.client_messages import (
    INVALID_FILTER,
    INVALID_MESSAGE,
    TOO_MANY_SUBSCRIPTIONS,
    InvalidMessage,
    Subscribe,
)
from tailcast_gateway.views.filters import (
    Filter,
    FilterTooLarge,
    InvalidFilter,
    parse_filter,
)
from tailcast_gateway.views.projection import (
    Index,
    InvalidProjection,
    Projection,
    index,
)
from tailcast_gateway.views.reading import Reading
from tailcast_index.meaning import Choice, Rules
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.metrics import UNREADABLE, RecordFields, read_fields
from tailcast_streams.times import FAR_MS


# The most distinct views in use in one replica: each new record is filtered and
# encoded once for each of them.
MAX_VIEWS = 1_000
# How much is filtered of live records at once, nodes of the filters times records: it
# takes some 5 ms. And how much of others, before somebody else has their turn.
FILTERED_AT_ONCE = 24_000
FILTERED_IN_TURN = 4_000


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class View:
    """How a client sees records; a field that is not set changes nothing.

    Compared by identity: `Views` makes each of them once.
    """

    # Which records are shown; emergencies, markers and gaps always are.
    where: Filter | None = None
    # Which metrics of them are shown.
    projection: Projection | None = None
    # The keys of steps and times, if these come beside the records: for sessions of
    # which no index says how they are read.
    index_keys: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    # How many live records a second are sent, 0 for all.
    max_rate: float = 0.0
    # How many records a replay is reduced to, 0 for all.
    max_points: int = 0

    @property
    def key(self) -> Hashable:
        """A key that is equal for views that show the same."""
        return (
            self.where,
            self.projection,
            self.index_keys,
            self.max_rate,
            self.max_points,
        )

    @property
    def is_contiguous(self) -> bool:
        """Whether no live record is left out, so that each frame continues the last."""
        return self.where is None and not self.max_rate

    @property
    def needs_reading(self) -> bool:
        """Whether it matters where the session's step and time are."""
        return self.projection is not None or self.index_keys is not None

    @property
    def filter_nodes(self) -> int:
        """What filtering a record costs: the nodes of the filter, 0 without one."""
        return 0 if self.where is None else self.where.nodes

    def index(
        self, records: Sequence[bytes], reading: Reading | None = None
    ) -> Index | None:
        """Steps and times of records, if the client asked for them."""
        if self.index_keys is None:
            return None
        step_keys, time_keys = self.index_keys
        return index(records, reading, step_keys=step_keys, time_keys=time_keys)


# Every record, as it was written.
PLAIN = View()


class DecodedEntries:
    """Entries that are shown in several views; each record is decoded only once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        # What those entries say that were decoded so far: the first ones.
        self._fields: list[RecordFields] = []
        # The entries that a view lets through, of the views that were asked for.
        self._wanted: dict[View, Sequence[Entry]] = {}

    def wanted(self, view: View) -> Sequence[Entry]:
        """The entries that a view lets through.

        A record that cannot be decoded passes every filter, so that none is lost
        in silence.
        """
        for _ in self.filter(view):
            pass
        return self._wanted[view]

    def filter(self, view: View) -> Iterator[None]:
        """Find what `wanted` returns, and let others have their turn meanwhile."""
        if view in self._wanted:
            return
        if view.where is None:
            self._wanted[view] = self.entries
            return
        matches, at_once = view.where.matches, FILTERED_IN_TURN // view.where.nodes
        wanted: list[Entry] = []
        for start in range(0, len(self.entries), at_once):
            if start:
                yield
            entries = self.entries[start : start + at_once]
            wanted += [
                entry
                for entry, fields in zip(
                    entries, self._decoded(start, len(entries)), strict=True
                )
                if entry.kind is not Kind.RECORD
                or fields is UNREADABLE
                or matches(fields)
            ]
        self._wanted[view] = wanted

    def _decoded(self, start: int, count: int) -> Sequence[RecordFields]:
        """What some entries say."""
        stop, known = start + count, len(self._fields)
        more = self.entries[known:stop]
        self._fields += [read_fields(entry.record) for entry in more]
        return self._fields[start:stop]


class Views:
    """Makes the views of a replica, each of them once."""

    def __init__(
        self,
        *,
        step_keys: Sequence[str] = STEP_KEYS,
        time_keys: Sequence[str] = TIME_KEYS,
        max_views: int = MAX_VIEWS,
        now_ms: Callable[[], int] = lambda: FAR_MS,
    ) -> None:
        # The keys of step and time, in the order in which they are tried.
        self.step_keys = tuple(step_keys)
        self.time_keys = tuple(time_keys)
        self._max_views = max_views
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        # The views that are in use now.
        self._known: WeakValueDictionary[Hashable, View] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._known)

    def view_of(self, message: Subscribe) -> View:
        """The view that a `subscribe` asks for. Raises InvalidMessage."""
        where, metrics = message.where, message.metrics
        view = View(
            where=None if where is UNSET else _filter(where, message),
            projection=None if metrics is UNSET else self._projection(metrics, message),
            index_keys=(self.step_keys, self.time_keys) if message.index else None,
            max_rate=0.0 if message.max_rate is UNSET else message.max_rate,
            max_points=0 if message.max_points is UNSET else message.max_points,
        )
        key = view.key
        if key == PLAIN.key:
            return PLAIN
        known = self._known.get(key)
        if known is not None:
            return known
        if len(self._known) >= self._max_views:
            raise InvalidMessage(
                TOO_MANY_SUBSCRIPTIONS,
                f"More than {self._max_views:,} distinct filters are in use here",
                message.id,
                limit=FORMS,
            )
        self._known[key] = view
        return view

    def reading(self, choice: Choice) -> Reading:
        """How the records of a session are read, by the choice of its index."""
        rules = Rules(self.step_keys, self.time_keys)
        return Reading(rules, choice, now_ms=self._now_ms)

    def _projection(self, metrics: Sequence[str], message: Subscribe) -> Projection:
        try:
            return Projection.of(
                metrics, step_keys=self.step_keys, time_keys=self.time_keys
            )
        except InvalidProjection as error:
            text = f"Invalid message: {error}"
            raise InvalidMessage(INVALID_MESSAGE, text, message.id) from None


def _filter(where: object, message: Subscribe) -> Filter:
    try:
        return parse_filter(where)
    except InvalidFilter as error:
        text = f"Invalid filter: {error}"
        limit = FILTER if isinstance(error, FilterTooLarge) else None
        raise InvalidMessage(INVALID_FILTER, text, message.id, limit=limit) from None
