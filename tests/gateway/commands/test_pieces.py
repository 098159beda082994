"""A `subscribe` in pieces is one `subscribe`, or none."""

from typing import Any

import pytest

from tailcast_gateway.commands.core.pieces import (
    MAX_PIECES_BYTES,
    PIECE_SECONDS,
    Pieces,
    Room,
)
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    TOO_LARGE,
    InvalidMessage,
    Subscribe,
)


def piece(*sessions: str, **fields: Any) -> Subscribe:
    """A piece with the cursors of these; all but the last have `more`."""
    cursors: dict[str, str | None] = {name: f"1-{len(name)}-0" for name in sessions}
    return Subscribe(cursors=cursors or None, **fields)


def error_of(pieces: Pieces, *, now: float = 0.0) -> str:
    """The code of what answers the last piece."""
    with pytest.raises(InvalidMessage) as refused:
        pieces.take(piece("z", id=7), 1, now)
    assert refused.value.id == 7
    return refused.value.code


def test_one_that_is_whole() -> None:
    """It is what it was."""
    whole = piece("a")
    assert Pieces(Room(0)).take(whole, 10, 0.0) is whole


def test_pieces_are_joined() -> None:
    """The last one counts, with what all of them name; room is given back."""
    room = Room(30)
    pieces = Pieces(room)
    assert pieces.take(piece("a", more=True, at="1.x"), 10, 0.0) is None
    assert pieces.take(piece("b", more=True, session_ids=["b"]), 10, 1.0) is None
    last = piece("a", session_ids=["c*"], id=3, index=True)
    whole = pieces.take(last, 10, 2.0)
    assert whole == Subscribe(
        id=3, index=True, at="1.x", session_ids=["b", "c*"],
        cursors={"a": "1-1-0", "b": "1-1-0"},
    )  # fmt: skip  # one glance
    assert room.take(30)
    assert pieces.take(last, 10, 3.0) is last


def test_pieces_without_names() -> None:
    """Nothing is named."""
    pieces = Pieces(Room())
    assert pieces.take(piece(more=True), 10, 0.0) is None
    assert pieces.take(piece(), 10, 0.0) == Subscribe()


def test_too_many_bytes() -> None:
    """Of one client, or of all together: nothing is kept, and the last one hears so."""
    room = Room(2 * MAX_PIECES_BYTES)
    one, other, third = Pieces(room), Pieces(room), Pieces(room)
    for pieces in (one, other):
        assert pieces.take(piece("a", more=True), MAX_PIECES_BYTES, 0.0) is None
    assert third.take(piece("a", more=True), 1, 0.0) is None
    assert third.take(piece("b", more=True), 1, 0.0) is None
    assert error_of(one) == error_of(third) == TOO_LARGE
    assert third.take(piece("a", more=True), 1, 0.0) is None
    assert third.take(piece("b"), 1, 0.0) is not None


def test_an_invalid_piece_spoils_the_others() -> None:
    """What it named would begin elsewhere, without a word."""
    pieces = Pieces(Room())
    pieces.spoil()
    assert pieces.take(piece("a"), 1, 0.0) is not None
    assert pieces.take(piece("a", more=True), 1, 0.0) is None
    pieces.spoil()
    assert pieces.take(piece("b", more=True), MAX_PIECES_BYTES, 0.0) is None
    assert error_of(pieces) == INVALID_MESSAGE


def test_pieces_that_are_late() -> None:
    """They are not kept for longer; the rest is refused."""
    room = Room(1)
    pieces = Pieces(room)
    assert pieces.take(piece("a", more=True), 1, 0.0) is None
    pieces.expire(PIECE_SECONDS)
    assert not room.take(1)
    pieces.expire(PIECE_SECONDS + 0.1)
    assert room.take(1)
    assert error_of(pieces, now=PIECE_SECONDS + 0.2) == INVALID_MESSAGE


def test_who_leaves_keeps_nothing() -> None:
    """Nor does the next `subscribe` belong to what came before."""
    room = Room(1)
    pieces = Pieces(room)
    assert pieces.take(piece("a", more=True), 1, 0.0) is None
    pieces.clear()
    assert room.take(1)
    assert pieces.take(piece("b"), 1, 0.0) == piece("b")
