"""Divides answers with many items into messages that are short enough for the client.

Pure. Sizes are those that the items have on the client's wire. What an item means, and
which client gets it, is decided elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from tailcast_gateway.delivery.core.encoding import ENVELOPE_BYTES, stand_in, told
from tailcast_gateway.protocol.answers import Message, Pulse, heartbeat, with_id
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.protocol.client_messages import History, MessageID
from tailcast_gateway.protocol.limits import SEVERAL_BYTES, portions
from tailcast_gateway.protocol.links import record_link, session_link
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.sessions.core.pages import Page, cut
from tailcast_streams.births import Birth
from tailcast_streams.position import Cursor


# The most bytes that an item takes besides its own: a comma, a colon, or a header of
# MessagePack. And the most that a message has besides its fields: these and `more`.
_ITEM_BYTES = 8
_MORE_BYTES = 32


def room_for(wire: Wire, fields: Message) -> int:
    """How many bytes the items of a message may take, besides these fields."""
    return wire.limits.several - wire.overhead_bytes - wire.size_of(fields)


def lists(
    wire: Wire,
    fields: Message,
    name: str,
    items: Iterable[Mapping[str, object]],
    *,
    is_last: bool = True,
) -> Iterator[Message]:
    """Messages with lists of items; all but the last have `"more": true`.

    Args:
        wire: the wire that encodes the messages.
        fields: the other fields of each message.
        name: the field that has the list.
        items: the items of all lists together.
        is_last: whether the last of these messages ends the answer.
    """
    room = room_for(wire, {**fields, name: []}) - _MORE_BYTES

    def size_of(item: Mapping[str, object]) -> int:
        return wire.size_of(item) + _ITEM_BYTES

    for part, more in portions(items, size_of, room=room):
        yield {**fields, name: part, "more": more or not is_last}


def snapshot_within(
    wire: Wire, fields: Message, snapshot: Mapping[str, object]
) -> Mapping[str, object]:
    """A snapshot that fits into a message.

    If it is too long for any message, it has a link in place of its values.

    Args:
        wire: the wire that encodes the message.
        fields: the other fields of the message.
        snapshot: the snapshot of one session.
    """
    size = wire.size_of(snapshot)
    around = wire.overhead_bytes + wire.size_of(fields) + _MORE_BYTES
    if size + around <= wire.limits.single:
        return snapshot
    left = {**snapshot, "data": None, "metrics": None, "truncated": True}
    if "config" in snapshot:
        left["config"] = None
    if isinstance(emergencies := snapshot.get("emergencies"), dict):
        left["emergencies"] = {**emergencies, "latest": None}
    return {**left, "url": session_link(str(snapshot["sessionId"])), "bytes": size}


def history_page(wire: Wire, message: History, page: Page) -> bytes:
    """The frame of a page, with as many of its records as fit into one message."""
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
    cursors: Iterable[tuple[str, Cursor]],
    wire: Wire,
    *,
    at: Birth,
    id: MessageID,
    is_last: bool = True,
) -> Iterator[Message]:
    """Messages that say at which cursor the client is in each of several sessions."""
    fields: Message = {"type": "positions", "at": str(at), **with_id(id)}
    return _tables(wire, fields, cursors, is_last=is_last)


def closing(cursors: Iterable[tuple[str, Cursor]], wire: Wire) -> Iterator[Message]:
    """Messages with the last cursors of a client, before its connection is closed."""
    return _tables(wire, {"type": "closing"}, cursors, is_last=True)


def heartbeats(
    wire: Wire,
    places: Iterable[tuple[str, str | None, str]],
    *,
    timestamp: str,
    pulse: Pulse,
    replica: str,
) -> Iterator[Message]:
    """Heartbeats with the sessions that changed: one, or more if one is too small.

    Args:
        wire: the wire that encodes the messages.
        places: each session, the client's cursor or None if unknown, and its head.
        timestamp: the time now.
        pulse: how the feed of the client's sessions is.
        replica: the name of this replica.
    """
    nothing: dict[str, str] = {}
    empty = heartbeat(
        timestamp=timestamp,
        pulse=pulse,
        replica=replica,
        cursors=nothing,
        heads=nothing,
    )
    room = room_for(wire, empty) - _MORE_BYTES

    def size_of(place: tuple[str, str | None, str]) -> int:
        return wire.size_of((place[0], *place)) + 2 * _ITEM_BYTES

    for part, _ in portions(places, size_of, room=room):
        yield heartbeat(
            timestamp=timestamp,
            pulse=pulse,
            replica=replica,
            cursors={name: cursor for name, cursor, _ in part if cursor is not None},
            heads={name: head for name, _, head in part},
        )


def answer_within(wire: Wire, fields: Message) -> Message:
    """An answer; without the list of sessions, if that is too long for a message."""
    names = fields.get("sessionIds")
    if not isinstance(names, list) or len(cast(list[str], names)) == 1:
        return fields
    if wire.size_of(fields) + wire.overhead_bytes <= wire.limits.several:
        return fields
    return {name: value for name, value in fields.items() if name != "sessionIds"}


def _tables(
    wire: Wire,
    fields: Message,
    cursors: Iterable[tuple[str, Cursor]],
    *,
    is_last: bool,
) -> Iterator[Message]:
    """Messages with cursors by session; all but the last have `"more": true`.

    They are no longer than what a client may send, as it sends them back.
    """
    too_much = max(0, wire.limits.several - SEVERAL_BYTES)
    room = room_for(wire, {**fields, "cursors": {}}) - _MORE_BYTES - too_much
    places = ((session, told(cursor)) for session, cursor in cursors)

    def size_of(place: tuple[str, str | None]) -> int:
        return wire.size_of(place) + _ITEM_BYTES

    for part, more in portions(places, size_of, room=room):
        yield {**fields, "cursors": dict(part), "more": more or not is_last}
