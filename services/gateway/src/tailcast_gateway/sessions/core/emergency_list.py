"""All emergencies together, as clients list them: the newest first, page by page.

Pure. Those of session files are kept, or stand in a stream that no indexer has read
yet; those that are files of their own are in a stream of theirs. What is asked of them
is decided here; `sessions.emergencies` reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

import msgspec

from tailcast_gateway.protocol.client_messages import INVALID_CURSOR, InvalidMessage
from tailcast_gateway.protocol.links import record_link
from tailcast_gateway.views.grant import Grant
from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.emergencies import (
    Acknowledgement,
    Cuts,
    FoundEmergency,
    KeptEmergency,
    KeptHistory,
    Life,
    severity_of,
)
from tailcast_streams.entries import Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


class Order(NamedTuple):
    """By what emergencies are ordered."""

    time_ms: int
    # `!emergencies` for those that are files of their own.
    stream: str
    cursor: Cursor


class ListedEmergency(NamedTuple):
    """One emergency, without its record."""

    id: str
    # The session that it names, "" for none.
    session: str
    # The file that it is, "" for one of a session's file.
    path: str
    step: float | None
    severity: str
    order: Order
    # How it is kept; None for a file of its own.
    kept: KeptEmergency | None = None
    # Its record, if that need not be read.
    record: bytes | None = None


# The stream of an emergency, and where it is in it.
StreamPlace: TypeAlias = tuple[str, Cursor]


class KnownEmergencies(NamedTuple):
    """Those that are stored as emergencies."""

    by_place: Mapping[StreamPlace, ListedEmergency]
    # The oldest first.
    emergencies: Sequence[ListedEmergency]


class WantedEmergencies(NamedTuple):
    """Which emergencies are asked for."""

    # None for all, those that name no session included.
    sessions: Subscription | None = None
    severities: frozenset[str] = frozenset()
    since_ms: float | None = None
    # Whether those that name no session are asked for beside these sessions.
    with_general: bool = False
    # The first time that is not asked for.
    until_ms: float | None = None
    # None for both.
    acknowledged: bool | None = None
    rewound: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What is behind the index of a session."""

    incarnation: str
    found: Sequence[FoundEmergency] = ()
    cuts: Cuts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All emergencies at a moment."""

    # The oldest first.
    emergencies: Sequence[ListedEmergency] = ()
    lives: Mapping[str, Life] = field(default_factory=dict[str, Life])
    acknowledged: Mapping[str, Acknowledgement] = field(
        default_factory=dict[str, Acknowledgement]
    )
    # How many sessions have lines that were not looked through.
    behind: int = 0

    def is_rewound(self, one: ListedEmergency) -> bool:
        """Whether the file has lost the line of an emergency."""
        life = self.lives.get(one.session)
        return one.kept is not None and life is not None and not life.has(one.kept)

    def within(self, grant: Grant) -> "Listing":
        """What a grant allows of it."""
        if grant.is_all:
            return self
        some = [one for one in self.emergencies if grant.allows_of(one.session)]
        # Which sessions are behind is nobody's business who may not read them.
        return replace(self, emergencies=some, behind=0)

    def find(self, id: str) -> ListedEmergency | None:
        """The emergency with an ID."""
        return next((one for one in self.emergencies if one.id == id), None)

    def newest(
        self, wanted: WantedEmergencies, *, after: Order | None = None
    ) -> Iterator[ListedEmergency]:
        """Those that are asked for, the newest first, behind a place."""
        for one in reversed(self.emergencies):
            if (after is None or one.order < after) and self._is_wanted(one, wanted):
                yield one

    def _is_wanted(self, one: ListedEmergency, wanted: WantedEmergencies) -> bool:
        time_ms = one.order.time_ms
        return (
            concerns(wanted.sessions, one, with_general=wanted.with_general)
            and (not wanted.severities or one.severity in wanted.severities)
            and (wanted.since_ms is None or time_ms >= wanted.since_ms)
            and (wanted.until_ms is None or time_ms < wanted.until_ms)
            and wanted.acknowledged in (None, one.id in self.acknowledged)
            and wanted.rewound in (None, self.is_rewound(one))
        )


def concerns(
    sessions: Subscription | None, one: ListedEmergency, *, with_general: bool
) -> bool:
    """Whether an emergency is of one of these sessions, or names none."""
    if sessions is None:
        return True
    return sessions.matches(one.session) if one.session else with_general


def of_kept(kept: KeptEmergency, record: bytes | None = None) -> ListedEmergency:
    """One of a session's file."""
    return ListedEmergency(
        f"{kept.session}/{kept.cursor}",
        kept.session,
        "",
        kept.step,
        kept.severity,
        Order(kept.time_ms, kept.session, kept.cursor),
        kept,
        record,
    )


def of_found(session: str, incarnation: str, found: FoundEmergency) -> ListedEmergency:
    """One that is not kept yet."""
    time_ms = found.found_ms if found.time_ms is None else found.time_ms
    kept = KeptEmergency(
        session,
        found.cursor,
        incarnation,
        found.step,
        time_ms,
        severity_of(found.record),
    )
    return of_kept(kept, found.record)


def of_document(
    entry: Entry, *, step: float | None, time_ms: int | None
) -> ListedEmergency:
    """One that is a file of its own; without a time it has that of the file."""
    details = entry.details or {}
    path, written = details.get("path", ""), details.get("written", "")
    if time_ms is None:
        time_ms = int(written) if written.isdecimal() else 0
    return ListedEmergency(
        details.get("id") or f"{path}/{entry.cursor}",
        details.get("session", ""),
        path,
        step,
        severity_of(entry.record),
        Order(time_ms, EMERGENCIES, entry.cursor),
    )


def known_of(
    history: KeptHistory, documents: Iterable[ListedEmergency]
) -> KnownEmergencies:
    """What is stored, in its order."""
    kept = [of_kept(one) for one in history.kept]
    return KnownEmergencies(
        {one.order[1:]: one for one in kept},
        sorted([*documents, *kept], key=lambda one: one.order),
    )


def listing_of(
    history: KeptHistory,
    known: KnownEmergencies,
    tails: Mapping[str, Tail],
    *,
    behind: int = 0,
) -> Listing:
    """All of them together; what is kept and in a tail is there once."""
    found: dict[StreamPlace, ListedEmergency] = {}
    for session, tail in tails.items():
        for it in tail.found:
            one = of_found(session, tail.incarnation, it)
            same = known.by_place.get(one.order[1:])
            # One that is kept has the time at which it was first read.
            if same is None or same.kept is None or _differs(same.kept, tail):
                found[one.order[1:]] = one
    emergencies = known.emergencies
    if found:
        others = [one for one in emergencies if one.order[1:] not in found]
        emergencies = sorted([*others, *found.values()], key=lambda one: one.order)
    changed_lives = {
        session: lengthened(history.lives.get(session), tail)
        for session, tail in tails.items()
    }
    return Listing(
        emergencies=emergencies,
        lives={**history.lives, **changed_lives} if tails else history.lives,
        acknowledged=history.acknowledged,
        behind=behind,
    )


def _differs(kept: KeptEmergency, tail: Tail) -> bool:
    return kept.incarnation != tail.incarnation


def lengthened(life: Life | None, tail: Tail) -> Life:
    """A life with what is behind the index."""
    if life is None or life.incarnation != tail.incarnation:
        return Life(tail.incarnation, tuple(tail.cuts))
    return Life(life.incarnation, (*life.cuts, *tail.cuts))


def listed_emergency(
    one: ListedEmergency, record: bytes | None, listing: Listing
) -> dict[str, object]:
    """One emergency as `/api/emergencies` lists it.

    Args:
        one: the emergency.
        record: its record, None if that is too long or is not there any more.
        listing: what is known of all.
    """
    stream, cursor = one.order.stream, one.order.cursor
    fields: dict[str, object] = {"id": one.id}
    if one.session:
        fields["sessionId"] = one.session
    if one.path:
        fields["path"] = one.path
    fields |= {
        "cursor": str(cursor),
        "url": record_link(stream, cursor),
        "time": one.order.time_ms,
        "step": one.step,
        "severity": one.severity or None,
        "data": None if record is None else msgspec.Raw(record),
    }
    return fields | marks(one, listing)


def marks(one: ListedEmergency, listing: Listing) -> dict[str, object]:
    """What is said of an emergency only if it is so."""
    fields: dict[str, object] = {}
    if listing.is_rewound(one):
        fields["rewound"] = True
    if (acknowledgement := listing.acknowledged.get(one.id)) is not None:
        fields["acknowledged"] = acknowledgement_fields(acknowledgement)
    return fields


def acknowledgement_fields(one: Acknowledgement) -> dict[str, object]:
    """An acknowledgement as clients see it."""
    return {"who": one.who, "note": one.note, "at": one.at_ms}


def changed(
    before: Mapping[str, Acknowledgement], after: Mapping[str, Acknowledgement]
) -> dict[str, Acknowledgement | None]:
    """What was acknowledged since, and taken back (None), by the emergency's ID."""
    news: dict[str, Acknowledgement | None] = {
        id: one for id, one in after.items() if before.get(id) != one
    }
    return news | dict.fromkeys(id for id in before if id not in after)


def place_text(one: ListedEmergency) -> str:
    """The place behind an emergency, for the next page."""
    time_ms, stream, cursor = one.order
    return f"{time_ms}/{cursor}/{stream}"


def place_of(text: str) -> Order:
    """Read the same. Raises InvalidMessage and InvalidPosition."""
    time, _, rest = text.partition("/")
    cursor, slash, stream = rest.partition("/")
    if not (time.isascii() and time.isdigit() and slash):
        raise InvalidMessage(INVALID_CURSOR, f"no place of a page: {text[:64]!r}")
    return Order(int(time[:20]), stream, Cursor.parse(cursor))
