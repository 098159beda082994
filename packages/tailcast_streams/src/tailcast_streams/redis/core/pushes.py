"""Reads what `append.lua` says to whoever watches a session. Pure.

The first line is `<incarnation> <generation> <ID> <digest> <Unix ms>` and, for each
entry, its kind and offset: ID and digest are those of the entry before. Then come the
records, a line each, as they are JSON on one line.
"""

from tailcast_streams.entries import Entry, Kind
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.pushes import Push
from tailcast_streams.redis.core.replies import are_sound


def push_of(session: str, data: bytes) -> Push | None:
    """A push of a session; None if it is not one that can be read."""
    first, *records = data.split(b"\n")
    try:
        life, generation, id, digest, written_ms, *places = first.decode().split(" ")
        after = Cursor(EntryID.parse(id), int(digest))
        entries: list[Entry] = []
        previous = after.id
        for place, record in zip(places, records, strict=True):
            kind = Kind.EMERGENCY if place.startswith("e") else Kind.RECORD
            at = EntryID(int(generation), int(place.removeprefix("e")))
            entries.append(Entry(at, previous, kind, record))
            previous = at
        push = Push(session, life, after, int(written_ms), tuple(entries))
    # (What cannot be decoded is a ValueError too.)
    except (InvalidPosition, ValueError):
        return None
    return push if are_sound(records) else None
