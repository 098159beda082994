"""Entry IDs and cursors."""

import zlib

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import MAX_OFFSET, Cursor, EntryID, digest


numbers = st.integers(0, MAX_OFFSET)
ids = st.builds(EntryID, numbers, numbers)


@given(ids)
def test_an_entry_id_survives_its_text(id: EntryID) -> None:
    """What is written is what is read."""
    assert EntryID.parse(str(id)) == id


@given(ids, st.integers(0, 2**32 - 1))
def test_a_cursor_survives_its_text(id: EntryID, proof: int) -> None:
    """What is written is what is read."""
    assert Cursor.parse(str(Cursor(id, proof))) == Cursor(id, proof)


def test_a_cursor_is_its_id_and_eight_hex_digits() -> None:
    """The form that clients store."""
    assert str(Cursor(EntryID(2, 1024), 0xA1B2C)) == "2-1024-000a1b2c"


def test_generations_order_before_offsets() -> None:
    """A rewritten file's entries come after all of the old one's."""
    assert EntryID(1, 999) < EntryID(2, 0) < EntryID(2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "01-2",
        "1-٣",
        "1- 2",
        "1-2\n",
        f"1-{MAX_OFFSET + 1}",
    ],
)
def test_other_texts_are_no_entry_ids(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidPosition):
        EntryID.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "1-2", "1-2-", "1-2-0A1B2C3D", "1-2-0a1b2c3", "1-2-0a1b2c3d0", "$", "now"],
)
def test_other_texts_are_no_cursors(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidPosition):
        Cursor.parse(text)


def test_the_digest_is_the_crc_that_other_languages_have() -> None:
    """CRC-32/ISO-HDLC: its check value, and nothing for no bytes."""
    assert digest(b"123456789") == 0xCBF43926
    assert digest(b"") == 0
    assert digest(b"{}") == zlib.crc32(b"{}")
