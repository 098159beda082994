"""What `append.lua` says to whoever watches, as it is read."""

import pytest

from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.pushes import Push
from tailcast_streams.redis.core.pushes import push_of


FIRST = b"life 2 1-30 7 1700 40 e60"


def test_a_push() -> None:
    """Each entry names the one before it, the first the one that was there."""
    assert push_of("s", FIRST + b'\n{"a":1}\n{"b":2}') == Push(
        "s",
        "life",
        Cursor(EntryID(1, 30), 7),
        1_700,
        (
            Entry(EntryID(2, 40), EntryID(1, 30), Kind.RECORD, b'{"a":1}'),
            Entry(EntryID(2, 60), EntryID(2, 40), Kind.EMERGENCY, b'{"b":2}'),
        ),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"life 2",
        b"life 2 1-x 7 1700 40\n{}",
        b"life 2 1-30 x 1700 40\n{}",
        b"life 2 1-30 7 1700 x\n{}",
        FIRST + b"\n{}",
        FIRST + b"\n{}\n{}\n{}",
        FIRST + b"\n{}\nnone",
        FIRST + b'\n{}\n{"a":"\xff"}',
    ],
)
def test_what_is_no_push(data: bytes) -> None:
    """Whatever somebody says on the channel; nothing of it is taken."""
    assert push_of("s", data) is None
