"""A `subscribe` that comes in pieces, since its cursors are too long for one message.

No I/O and no clock. All pieces but the last have `more`. They are kept until the last
one comes, and what they name is added to it. If a piece is missing, the others are not
used either: the sessions that it named would begin at another place, without a word.
"""

from typing import Final

from msgspec.structs import replace

from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    TOO_LARGE,
    ErrorCode,
    InvalidMessage,
    Subscribe,
)


# How many bytes the pieces of one `subscribe` may have, and those of all connections
# that have not sent the last one yet.
MAX_PIECES_BYTES: Final = 8 * 1024 * 1024
MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
# How long the next piece may take, seconds.
PIECE_SECONDS: Final = 10.0


class Room:
    """How many bytes of pieces all connections of a replica may keep."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._left = max_bytes

    def take(self, size: int) -> bool:
        """Take room for a piece; False if there is none."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Give room back."""
        self._left += size


class Pieces:
    """The pieces that one connection has sent."""

    __slots__ = ("_at", "_kept", "_room", "_size", "_why")

    def __init__(self, room: Room) -> None:
        self._room = room
        # The pieces so far, and their bytes.
        self._kept: list[Subscribe] = []
        self._size = 0
        # When the last one came; None while the next `subscribe` is a whole one.
        self._at: float | None = None
        # Why the pieces cannot be used: the error of the last one; None if they can.
        self._why: tuple[ErrorCode, str] | None = None

    def take(self, message: Subscribe, size: int, now: float) -> Subscribe | None:
        """Take a `subscribe` of so many bytes; returns the whole one, if it is whole.

        Raises InvalidMessage for the last piece if some before it cannot be used.
        """
        if self._at is None and not message.more:
            return message
        self.expire(now)
        if self._why is None and not self._keep(message, size):
            self._spoil(TOO_LARGE, "Too many cursors: the pieces are too long together")
        if message.more:
            self._at = now
            return None
        kept, why = self._kept, self._why
        self.clear()
        if why is not None:
            raise InvalidMessage(*why, message.id)
        return _joined(kept)

    def spoil(self) -> None:
        """Note that an invalid message came, which may have been a piece."""
        if self._at is not None:
            text = "Invalid message: a piece of this subscribe was invalid"
            self._spoil(INVALID_MESSAGE, text)

    def expire(self, now: float) -> None:
        """Drop the pieces if the next one did not come in time."""
        if self._at is not None and now - self._at > PIECE_SECONDS:
            text = (
                f"Invalid message: its pieces are more than {PIECE_SECONDS:g} s apart"
            )
            self._spoil(INVALID_MESSAGE, text)

    def clear(self) -> None:
        """Drop all pieces."""
        self._drop()
        self._at = self._why = None

    def _keep(self, message: Subscribe, size: int) -> bool:
        if self._size + size > MAX_PIECES_BYTES or not self._room.take(size):
            return False
        self._kept.append(message)
        self._size += size
        return True

    def _spoil(self, code: ErrorCode, text: str) -> None:
        self._drop()
        if self._why is None:
            self._why = code, text

    def _drop(self) -> None:
        self._room.give_back(self._size)
        self._kept, self._size = [], 0


def _joined(pieces: list[Subscribe]) -> Subscribe:
    """The last piece, with what all of them name."""
    last = pieces[-1]
    cursors = {
        session: cursor
        for piece in pieces
        for session, cursor in (piece.cursors or {}).items()
    }
    names = [name for piece in pieces for name in piece.session_ids or ()]
    at = next((piece.at for piece in reversed(pieces) if piece.at is not None), None)
    return replace(
        last, more=False, cursors=cursors or None, session_ids=names or None, at=at
    )
