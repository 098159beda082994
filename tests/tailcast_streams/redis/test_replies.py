"""What replies mean, those of foreign hands too."""

import re

import pytest

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import UNREADABLE_GAP, Entry, Kind, Rejection
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.connection import script
from tailcast_streams.redis.core.replies import (
    HEAD_FIELDS,
    ORIGIN_FIELDS,
    STATE_FIELDS,
    activity_of,
    are_names,
    birth_of,
    end_of,
    entries_of,
    head_state_of,
    is_of_documents,
    origin_of,
    position_of,
    rejections_of,
    stored_state_of,
)
from tailcast_streams.session_state import (
    SPOILED_STATE,
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
)


def test_a_rejection() -> None:
    """As the append wrote it; what somebody else wrote has nothing to say."""
    fields = [b"why", b"not JSON", b"offset", b"30", b"length", b"4", b"line", b"\xffx"]
    assert rejections_of([[b"1-35", fields], [b"1-40", [b"x", b"y"]]]) == [
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
    (entry,) = entries_of([[b"5-1", [b"r", b"{}", b"k", b"?", b"by", b"hand"]]])
    assert entry == Entry(EntryID(5, 1), BEFORE_ALL, Kind.RECORD, b"{}", {"by": "hand"})


@pytest.mark.parametrize("kind", [[], [b"k", b"e"]], ids=["record", "emergency"])
@pytest.mark.parametrize(
    "record",
    [
        b"", b"[1]", b"1", b"null", b'"a"', b"{", b"{}}", b"{},{}", b'{"a":NaN}',
        b'{"a":-Infinity}', b'{"a":01}', b'{"a":"\xff"}', b'{"a":"\x01"}',
        b'{"\xed\xa0\x80":1}', b'{"a":"\\ud800"}', b'</script><b>}],"x":',
        b'{"a":' * 100_000, b'{"a":\n1}', b'{"a":1,}', b"{'a':1}", b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip  # one text a line would hide what they are
def test_what_is_no_record_is_a_gap(record: bytes, kind: list[bytes]) -> None:
    """Among others, which stay: it would spoil the message that it goes out in."""
    reply = [
        [b"1-30", [b"r", b'{"a":"\xc3\xa9"}', b"p", b"1-0"]],
        [b"1-60", [b"r", record, b"p", b"1-30", *kind]],
        [b"1-90", [b"r", b"{}", b"p", b"1-60"]],
    ]
    first, gap, last = entries_of(reply)
    assert (first.kind, last.kind) == (Kind.RECORD, Kind.RECORD)
    assert gap == Entry(EntryID(1, 60), EntryID(1, 30), Kind.GAP, b"", UNREADABLE_GAP)


def test_a_missing_position_is_nothing() -> None:
    """What the script answers for an unknown session."""
    reply = [b"", b"", b"", b"", b"", b"0-0", b""]
    assert position_of(reply) == StoredPosition()
    assert end_of(reply) == StoredEnd()


def test_a_position_of_no_life_was_written_by_another_program() -> None:
    """It is none that a tailer wrote, so that it is made anew."""
    reply = [b"", b"1", b"30", b"1-30", b"", b"0-0", b""]
    assert position_of(reply).last_id == SPOILED_STATE


def test_a_position_is_compared_with_the_streams_own_end() -> None:
    """Whose ID other programs may have written; what is none is before all."""
    reply = [b"", b"", b"", b"", b"", b"1-60", b""]
    assert position_of(reply).stream_last_id == EntryID(1, 60)
    reply[5] = b"1-x"
    assert position_of(reply).stream_last_id == BEFORE_ALL


def in_order(**fields: bytes) -> list[bytes | None]:
    """Some fields of a state as `state.lua` answers them; None where one is missing."""
    return [fields.get(name) for name in STATE_FIELDS]


def test_the_script_asks_for_the_fields_in_their_order() -> None:
    """What it answers has no names."""
    asked = re.findall("'([a-z_]+)'", script("state"))
    assert asked == [*STATE_FIELDS]


@pytest.mark.parametrize(
    "text", [b"1" * 25, b"9" * 5_000, b"inf", b"1e9", b"x", b"", b"many"]
)
def test_a_state_with_spoilt_numbers_reads_as_zero(text: bytes) -> None:
    """Somebody wrote it by hand, or no client can be told it."""
    state = stored_state_of([b"1-1", in_order(records=text, updated_ms=text)])
    assert state is not None
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


def test_a_heads_position_lacks_the_streams_own_last_id() -> None:
    """That is not in the hash."""
    known = {"incarnation": b"i", "generation": b"2", "last_id": b"2-7"}
    state = head_state_of([known.get(name) for name in HEAD_FIELDS])
    assert state is not None
    assert state.position == StoredPosition("i", 2, 0, EntryID(2, 7))


def test_what_is_stored_of_a_session() -> None:
    """Its state with the stream's own last ID; that one alone is something too."""
    fields = in_order(
        incarnation=b"i", generation=b"2", last_id=b"2-7", records=b"3", owner=b"h:l",
        latest_emergency_id=b"1-5", birth=b"0a1b2c3d-7", past=b"p",
    )  # fmt: skip  # as a call
    state = stored_state_of([b"2-9", fields])
    assert state == SessionState(
        StoredPosition("i", 2, 0, EntryID(2, 7), stream_last_id=EntryID(2, 9)),
        records=3,
        owner="h:l",
        latest_emergency_id=EntryID(1, 5),
        birth=Birth("0a1b2c3d", 7),
        past="p",
    )
    agreed = stored_state_of([b"2-7", fields])
    assert agreed is not None
    assert not agreed.position.is_diverged
    assert stored_state_of([b"0-0", in_order()]) is None
    assert stored_state_of([b"2-9", in_order()]) is not None


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


@pytest.mark.parametrize(
    ("stored", "activity_ms"),
    [
        ([None, b"7", b"9"], 7),
        ([None, b"0", b"9"], 9),
        ([None, None, b"9"], 9),
        ([b"5", b"7", b"9"], 0),
        ([None, b"rubbish", b"-3"], 0),
        ([None, None, None], 0),
    ],
)
def test_a_state_says_when_its_session_moved(
    stored: list[bytes | None], activity_ms: int
) -> None:
    """By its file, or by its last append; one that is not kept never did."""
    assert activity_of(stored) == activity_ms


def test_names_of_sessions_are_texts() -> None:
    """Others were written by another program."""
    assert are_names([])
    assert are_names([b"a", "ü".encode()])
    assert not are_names([b"a", b"\xff"])


@pytest.mark.parametrize(
    ("last_id", "is_ours"),
    [(b"0-0", True), (b"1-7", True), (b"1796072928138-0", False)],
)
def test_the_stream_of_documents_has_one_generation(
    last_id: bytes, *, is_ours: bool
) -> None:
    """IDs that the broker made itself are of another program."""
    assert is_of_documents({b"last-generated-id": last_id}) == is_ours
