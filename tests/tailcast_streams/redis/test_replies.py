"""What replies mean, those of foreign hands too."""

import pytest

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import Entry, Kind, Rejection
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.core.replies import (
    HEAD_FIELDS,
    ORIGIN_FIELDS,
    birth_of,
    end_of,
    entries_of,
    head_state_of,
    origin_of,
    position_of,
    rejection_of,
    state_of,
    whole_state_of,
)
from tailcast_streams.session_state import (
    Origin,
    StoredEnd,
    StoredPosition,
)


def test_a_rejection() -> None:
    """As the append wrote it; what somebody else wrote has nothing to say."""
    fields = [b"why", b"not JSON", b"offset", b"30", b"length", b"4", b"line", b"\xffx"]
    entries = entries_of([[b"1-35", fields], [b"1-40", [b"x", b"y"]]])
    assert [rejection_of(entry) for entry in entries] == [
        Rejection(EntryID(1, 35), "not JSON", 30, 4, "\ufffdx"),
        Rejection(EntryID(1, 40), "", 0, 0, ""),
    ]


def test_the_chain_is_read_from_each_entry() -> None:
    """Whether the predecessor was in the reply or not."""
    reply = [
        [b"1-30", [b"r", b"{}", b"p", b"1-0"]],
        [b"1-60", [b"r", b"{}", b"p", b"1-30"]],
        [b"1-90", [b"r", b"{}", b"p", b"1-61"]],
    ]
    assert [entry.previous for entry in entries_of(reply)] == [
        EntryID(1, 0),
        EntryID(1, 30),
        EntryID(1, 61),
    ]


def test_an_entry_of_other_hands_is_still_an_entry() -> None:
    """Without `p` it follows on from nothing; an unknown kind is a record."""
    (entry,) = entries_of([[b"5-1", [b"by", b"hand", b"k", b"?", b"p", b"x"]]])
    assert entry == Entry(EntryID(5, 1), BEFORE_ALL, Kind.RECORD, b"", {"by": "hand"})


def test_a_missing_position_is_nothing() -> None:
    """What the script answers for an unknown session."""
    reply = [b"", b"", b"", b"", b"", b"0-0", b""]
    assert position_of(reply) == StoredPosition()
    assert end_of(reply) == StoredEnd()


@pytest.mark.parametrize("text", [b"", b"many"])
def test_a_state_with_spoilt_numbers_reads_as_zero(text: bytes) -> None:
    """An operator's slip is no crash."""
    state = state_of({b"size": text}, StoredPosition())
    assert state.size == 0


def test_a_state_keeps_its_fields() -> None:
    """Numbers and texts; what version 0.1 stored besides is passed over."""
    state = state_of(
        {b"records": b"7", b"owner": b"h:l", b"latest": b"{}", b"last_step": b"2.5"},
        StoredPosition(),
    )
    assert (state.records, state.owner) == (7, "h:l")
    assert Kind.RECORD.value == ""


@pytest.mark.parametrize("text", [b"1" * 25, b"9" * 5_000, b"inf", b"1e9", b"x", b""])
def test_what_no_client_can_be_told_is_no_number(text: bytes) -> None:
    """Somebody wrote it by hand."""
    names = (b"records", b"updated_ms")
    state = state_of(dict.fromkeys(names, text), StoredPosition())
    assert (state.records, state.updated_ms) == (0, 0)


def test_a_heads_state_is_read_by_its_fields() -> None:
    """Values in the order of `HEAD_FIELDS`; none at all is no state."""
    values = [b"5" if name == "records" else None for name in HEAD_FIELDS]
    state = head_state_of(values)
    assert state is not None
    assert (state.records, state.rejected, state.position) == (
        5,
        0,
        StoredPosition(),
    )
    assert head_state_of([None] * len(HEAD_FIELDS)) is None


def test_a_whole_state_has_its_position() -> None:
    """But for the stream's own last ID, which is not in the hash."""
    fields = {b"incarnation": b"i", b"generation": b"2", b"last_id": b"2-7"}
    state = whole_state_of({**fields, b"records": b"3"})
    assert state.position == StoredPosition("i", 2, 0, EntryID(2, 7))
    assert state.records == 3


@pytest.mark.parametrize(
    ("values", "birth"),
    [
        ([b"0a1b2c3d", b"7"], Birth("0a1b2c3d", 7)),
        ([None, b"7"], UNCOUNTED),
        ([b"0a1b2c3d", None], UNCOUNTED),
        ([b"0a1b2c3d", b"by hand"], UNCOUNTED),
    ],
)
def test_a_birth_is_whole_or_none(values: list[bytes | None], birth: Birth) -> None:
    """A name and a number; what somebody wrote by hand counts nothing."""
    assert birth_of(values) == birth


def test_which_file_a_session_is_of() -> None:
    """As its state has it; a session without a state is of none."""
    values = [b"i", b"a.jsonl", b"here:logs", b"7", b"x", b"head", b"marker", b"past"]
    origin = Origin("a.jsonl", "here:logs", 7, 0, "head", "marker", "past")
    assert origin_of(values) == origin
    assert origin_of([None] * len(ORIGIN_FIELDS)) is None
