"""Where a reader of several sessions is, as the IDs of its events say it.

Pure. An ID names the cursors of all its sessions, in the order in which the address
names these. So whoever comes with it goes on in all of them, at any replica, whatever
was restarted meanwhile, and nobody has to store anything.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from tailcast_gateway.protocol.client_messages import INVALID_CURSOR, InvalidMessage
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import Cursor


# How many sessions one event stream has at most: each takes some 25 bytes of an ID.
MAX_EVENT_SESSIONS = 64

# No other line of an event begins so: data is on one line.
_ID = re.compile(rb"^id: (.*)\n", re.MULTILINE)
_AT = re.compile(r"0|[0-9a-f]{8}-[0-9]{1,16}")
_SEPARATOR = ","


class _Mark(msgspec.Struct):
    """What moved, as the wire says it."""

    cursors: dict[str, str | None] = msgspec.field(
        default_factory=dict[str, str | None]
    )
    at: str | None = None
    more: bool | None = None


_decode = msgspec.json.Decoder(_Mark).decode


class EventPlaces:
    """The cursors of one reader."""

    def __init__(self, sessions: Sequence[str], last_event_id: str | None) -> None:
        """Begin where an ID says, or before the first one. Raises InvalidMessage."""
        # By session; "" until there is one.
        self._cursors = dict.fromkeys(sessions, "")
        # The number of the latest session when the sessions were listed; "" until that
        # is known. An ID without it would not say what is new.
        self._at = ""
        if last_event_id is not None:
            self._read(last_event_id)

    @property
    def at(self) -> str:
        """The number of the latest session that was there; "" at the beginning."""
        return self._at

    @property
    def cursors(self) -> Mapping[str, str]:
        """Where it is in each session that it has been in."""
        return {name: cursor for name, cursor in self._cursors.items() if cursor}

    def with_ids(self, events: bytes) -> bytes:
        """Events with the reader's IDs, in place of what the wire says."""
        return _ID.sub(self._moved, events)

    def _moved(self, match: re.Match[bytes]) -> bytes:
        mark = _decode(match[1])
        for session, cursor in mark.cursors.items():
            if session in self._cursors:
                self._cursors[session] = cursor or ""
        if mark.at is not None and not mark.more:
            self._at = mark.at
        if not self._at:
            return b""
        id = _SEPARATOR.join((self._at, *self._cursors.values()))
        return b"id: %b\n" % id.encode()

    def _read(self, id: str) -> None:
        at, *cursors = id.split(_SEPARATOR)
        is_one = len(cursors) == len(self._cursors) and _AT.fullmatch(at) is not None
        if not (is_one and all(map(_is_cursor, cursors))):
            text = "the last event's ID is of another stream, or none"
            raise InvalidMessage(INVALID_CURSOR, text)
        self._at = at
        self._cursors = dict(zip(self._cursors, cursors, strict=True))


def _is_cursor(text: str) -> bool:
    """Whether it is one, or nothing."""
    try:
        return not text or bool(Cursor.parse(text))
    except InvalidPosition:
        return False
