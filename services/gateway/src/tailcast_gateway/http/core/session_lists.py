"""Which sessions a list has, and in which order: the query of `/api/sessions`.

Pure. A page goes on behind the last session of the one before, by what it was sorted
by: sessions that move meanwhile may be missed, or come twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn, cast, get_args

import msgspec

from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, InvalidMessage
from tailcast_gateway.protocol.message_parts import Status


# The most sessions in one answer.
MAX_LISTED_SESSIONS: Final = 1_000
# The longest text that is looked for, characters.
MAX_QUERY_TEXT: Final = 256

# By what lists are sorted: the field, and whether its highest values come first.
ACTIVITY: Final = "activity"
NAME: Final = "name"
_FIELDS: Final = {
    "started": "firstTime",
    "records": "records",
    "step": "lastStep",
    "rate": "rate",
}
SORTS: Final = (ACTIVITY, NAME, *_FIELDS)
# Where `q` looks.
_TEXTS: Final = ("sessionId", "name", "project", "group", "notes")

_Fields = Mapping[str, object]


class Place(NamedTuple):
    """The place of a session in a list; places have the order of the list."""

    # Sessions without the value come last.
    is_without: bool
    # Lower comes first.
    value: float
    session: str


class SessionsWanted(NamedTuple):
    """Which sessions are asked for."""

    # The names of those that may be meant; None for any.
    sessions: frozenset[str] | None = None
    # Words that all must stand in a session's texts, in small letters.
    words: tuple[str, ...] = ()
    # None for any.
    statuses: frozenset[str] | None = None
    group: str | None = None
    # All of these must be there.
    tags: frozenset[str] = frozenset()
    is_pinned: bool | None = None
    sort: str = ACTIVITY
    # Behind which place the page begins; None for the first page.
    after: Place | None = None
    limit: int = MAX_LISTED_SESSIONS

    @property
    def takes_all(self) -> bool:
        """Whether none of those that may be meant is left out."""
        return self[1:6] == SessionsWanted()[1:6]

    def matches(self, fields: _Fields) -> bool:
        """Whether a session is asked for, by what lists say of it."""
        tags = cast(Sequence[str], fields.get("tags", ()))
        texts = [text for key in _TEXTS if isinstance(text := fields.get(key), str)]
        searched = "\n".join([*texts, *tags]).lower() if self.words else ""
        return (
            (self.statuses is None or fields.get("status") in self.statuses)
            and (self.group is None or fields.get("group") == self.group)
            and self.tags <= set(tags)
            and self.is_pinned in (None, bool(fields.get("pinned")))
            and all(word in searched for word in self.words)
        )

    @property
    def is_latest(self) -> bool:
        """Whether the page is those that moved last, whatever they are."""
        return self.sessions is None and self.takes_all and self.sort == ACTIVITY

    @property
    def until_ms(self) -> int | None:
        """When the first of the page may have been active, if it is sorted by that."""
        return None if self.after is None else int(-self.after.value)

    @property
    def is_sorted_by_list(self) -> bool:
        """Whether the order is known before anything of a session is read."""
        return self.sort in (ACTIVITY, NAME)

    def place_of(self, session: str, active_ms: float, fields: _Fields) -> Place:
        """The place of a session in the list."""
        if self.sort == NAME:
            return Place(is_without=False, value=0, session=session)
        value: Any = active_ms
        if self.sort != ACTIVITY:
            value = fields.get(_FIELDS[self.sort])
        if value is None:
            return Place(is_without=True, value=0, session=session)
        return Place(is_without=False, value=-value, session=session)

    def is_later(self, place: Place) -> bool:
        """Whether a place comes behind the pages before."""
        return self.after is None or place > self.after

    def ordered(self, active: Mapping[str, int]) -> list[str]:
        """The names that may be on the page, in order, by when they were active."""
        places = (self.place_of(name, at_ms, {}) for name, at_ms in active.items())
        return [place.session for place in sorted(filter(self.is_later, places))]


def sessions_wanted(
    *,
    sessions: Iterable[str] | None = None,
    q: str | None = None,
    statuses: Iterable[str] = (),
    group: str | None = None,
    tags: Iterable[str] = (),
    pinned: str | None = None,
    sort: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> SessionsWanted:
    """What the parameters of a query ask for. Raises InvalidMessage."""
    for text in (q, group, *tags):
        if text is not None and len(text) > MAX_QUERY_TEXT:
            _refuse(f"a text has at most {MAX_QUERY_TEXT} characters")
    wanted = frozenset(one for text in statuses for one in text.split(","))
    if wanted - {*get_args(Status)}:
        _refuse(f"status is one of {', '.join(get_args(Status))}")
    if pinned not in (None, "true", "false"):
        _refuse("pinned is true or false")
    if sort is not None and sort not in SORTS:
        _refuse(f"sort is one of {', '.join(SORTS)}")
    if limit is not None and limit > MAX_LISTED_SESSIONS:
        _refuse(f"limit is at most {MAX_LISTED_SESSIONS}")
    return SessionsWanted(
        sessions=None if sessions is None else frozenset(sessions),
        words=tuple((q or "").lower().split()),
        statuses=wanted or None,
        group=group,
        tags=frozenset(tags),
        is_pinned=None if pinned is None else pinned == "true",
        sort=sort or ACTIVITY,
        after=None if after is None else _place_in(after),
        limit=limit or MAX_LISTED_SESSIONS,
    )


def cursor_text(place: Place) -> str:
    """A place as clients send it back."""
    return msgspec.json.encode(place).decode()


def _place_in(text: str) -> Place:
    try:
        return Place(*msgspec.json.decode(text, type=tuple[bool, float, str]))
    except (msgspec.MsgspecError, UnicodeError):
        _refuse("after is the cursor of another page")


def _refuse(text: str) -> NoReturn:
    raise InvalidMessage(INVALID_MESSAGE, text)
