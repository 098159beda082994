"""Messages of many items, cut so that each is short enough for whoever gets it.

Pure. Items are counted as the client's wire writes them. What never lives here: what an
item is, and who is told.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from tailcast_gateway.delivery.core.encoding import ENVELOPE_BYTES, stand_in, told
from tailcast_gateway.protocol.answers import Message, heartbeat, with_id
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.protocol.client_messages import History, MessageID
from tailcast_gateway.protocol.limits import portions
from tailcast_gateway.protocol.links import record_link, session_link
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.sessions.core.pages import Page, cut
from tailcast_streams.births import Birth
from tailcast_streams.position import Cursor


# What an item takes beside its own bytes, and what a message has that its fields do not
# show: commas and colons, MessagePack's headers, `more`.
_ITEM_BYTES = 8
_MORE_BYTES = 32


def room_for(wire: Wire, fields: Message) -> int:
    """What the items of a message may weigh that has these fields besides."""
    return wire.limits.several - wire.overhead_bytes - wire.size_of(fields)


def lists(
    wire: Wire,
    fields: Message,
    name: str,
    items: Iterable[Mapping[str, object]],
    *,
    is_last: bool = True,
) -> Iterator[Message]:
    """Items as lists in messages, all but the last with `"more": true`.

    Args:
        wire: on which they go.
        fields: what each message has besides.
        name: the field that has the list.
        items: what is in it.
        is_last: whether nothing follows the last of these messages.
    """
    room = room_for(wire, {**fields, name: []}) - _MORE_BYTES

    def size_of(item: Mapping[str, object]) -> int:
        return wire.size_of(item) + _ITEM_BYTES

    for part, more in portions(items, size_of, room=room):
        yield {**fields, name: part, "more": more or not is_last}


def snapshot_within(
    wire: Wire, fields: Message, snapshot: Mapping[str, object]
) -> Mapping[str, object]:
    """A snapshot; without what makes it too long for any message, and where that is.

    Args:
        wire: on which it goes.
        fields: what its message has besides.
        snapshot: of one session.
    """
    size = wire.size_of(snapshot)
    around = wire.overhead_bytes + wire.size_of(fields) + _MORE_BYTES
    if size + around <= wire.limits.single:
        return snapshot
    left = {**snapshot, "data": None, "metrics": None, "truncated": True}
    if isinstance(emergencies := snapshot.get("emergencies"), dict):
        left["emergencies"] = {**emergencies, "latest": None}
    return {**left, "url": session_link(str(snapshot["sessionId"])), "bytes": size}


def history_page(wire: Wire, message: History, page: Page) -> bytes:
    """The frame of a page, as much of it as fits one message."""
    session, id = message.session_id, with_id(message.id)
    start: Message = {"type": "history", "sessionId": session}
    around = room_for(wire, {**start, **page.told, **id}) - ENVELOPE_BYTES
    items = wire.items([entry.record for entry in page.records])
    is_backward = message.after is None
    sizes = [len(item) + 1 for item in items]
    part = cut(page, sizes, room=around, is_backward=is_backward)
    count = len(part.records)
    items = items[len(items) - count :] if is_backward else items[:count]
    fields: Message = {
        "prev": str(shown(part.prev)),
        "cursor": str(shown(part.cursor)),
        "more": part.more,
        **part.told,
        **id,
    }
    spare = wire.limits.single - wire.limits.several
    if count == 1 and len(items[0]) > around + spare:
        fields["truncated"] = True
        entry = part.records[0]
        link = record_link(session, entry.cursor)
        items = stand_in(wire, link, len(entry.record))
    return wire.with_records(wire.start(start), items, fields)


def positions(
    cursors: Iterable[tuple[str, Cursor]], wire: Wire, *, at: Birth, id: MessageID
) -> Iterator[Message]:
    """Where each session of several is."""
    fields: Message = {"type": "positions", "at": str(at), **with_id(id)}
    return _tables(wire, fields, cursors)


def closing(cursors: Iterable[tuple[str, Cursor]], wire: Wire) -> Iterator[Message]:
    """What a client has been sent, before it is sent away."""
    return _tables(wire, {"type": "closing"}, cursors)


def heartbeats(
    wire: Wire,
    places: Iterable[tuple[str, str | None, str]],
    *,
    timestamp: str,
    is_fresh: bool,
) -> Iterator[Message]:
    """What changed of sessions, in heartbeats: one, unless that is too much.

    Args:
        wire: on which they go.
        places: a session, where the client is, None if that is not known, and its head.
        timestamp: as a heartbeat has it.
        is_fresh: likewise.
    """
    nothing: dict[str, str] = {}
    empty = heartbeat(
        timestamp=timestamp, is_fresh=is_fresh, cursors=nothing, heads=nothing
    )
    room = room_for(wire, empty) - _MORE_BYTES

    def size_of(place: tuple[str, str | None, str]) -> int:
        return wire.size_of((place[0], *place)) + 2 * _ITEM_BYTES

    for part, _ in portions(places, size_of, room=room):
        yield heartbeat(
            timestamp=timestamp,
            is_fresh=is_fresh,
            cursors={name: cursor for name, cursor, _ in part if cursor is not None},
            heads={name: head for name, _, head in part},
        )


def answer_within(wire: Wire, fields: Message) -> Message:
    """An answer; without the names that it repeats, if these are too long together."""
    names = fields.get("sessionIds")
    if not isinstance(names, list) or len(cast(list[str], names)) == 1:
        return fields
    if wire.size_of(fields) + wire.overhead_bytes <= wire.limits.several:
        return fields
    return {name: value for name, value in fields.items() if name != "sessionIds"}


def _tables(
    wire: Wire, fields: Message, cursors: Iterable[tuple[str, Cursor]]
) -> Iterator[Message]:
    """Cursors by session in messages, all but the last with `"more": true`."""
    room = room_for(wire, {**fields, "cursors": {}}) - _MORE_BYTES
    places = ((session, told(cursor)) for session, cursor in cursors)

    def size_of(place: tuple[str, str | None]) -> int:
        return wire.size_of(place) + _ITEM_BYTES

    for part, more in portions(places, size_of, room=room):
        yield {**fields, "cursors": dict(part), "more": more}
