"""Every line that is not blank becomes an entry or a rejection."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.entries import Kind, NewEntry, NewRejection
from tailcast_streams.record import needs_care
from tailcast_tailer.core.envelopes import Lines, lines_of
from tailcast_tailer.core.records import (
    TOGETHER,
    Reading,
    Rules,
    read_lines,
    take_apart,
    too_long,
)
from tests.tailer.harness import valid_lines


FIXTURES = Path(__file__).parents[1] / "fixtures"


def read(chunk: bytes, *, start: int = 0, max_line_bytes: int = 100) -> Reading:
    """Read a chunk of whole lines."""
    texts = chunk.split(b"\n")[:-1]
    return read_lines(lines_of(texts, start), chunk, Rules(max_line_bytes))


def test_records_and_emergencies_are_entries() -> None:
    """An entry has the offset after its line, and says whether it is an emergency."""
    reading = read(b'{"a":1}\r\n {"emergency":{}} \n', start=1_000)
    assert reading == Reading(
        [
            NewEntry(1_009, Kind.RECORD, b'{"a":1}'),
            NewEntry(1_028, Kind.EMERGENCY, b'{"emergency":{}}'),
        ],
        [],
    )


def test_blank_lines_are_neither() -> None:
    """White space alone, and a mark alone at the file's head, leave no trace."""
    assert read(b"\xef\xbb\xbf\n \t\r\n\n") == Reading([], [])


def test_byte_order_mark_is_removed_at_the_head_alone() -> None:
    """Elsewhere it makes the line no record."""
    assert read(b'\xef\xbb\xbf{"a":1}\n').entries[0].record == b'{"a":1}'
    assert read(b'\xef\xbb\xbf{"a":1}\n', start=10).rejections


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[]", "not a JSON object"),
        (b"\xfe\xfd", "not UTF-8"),
        (b'"' + b"x" * 100 + b'"', "longer than 100 bytes"),
        (b"\0\0", "a hole: NUL bytes alone"),
    ],
)
def test_rejections_say_why_and_where(line: bytes, reason: str) -> None:
    """A rejection has the line's end, its length, its head and a reason."""
    [rejection] = read(line + b"\n").rejections
    assert rejection == NewRejection(len(line) + 1, reason, len(line), line)


def test_leading_nuls_are_stripped() -> None:
    """What follows a hole within a line is read."""
    assert read(b'\0\0\0{"a":1}\n').entries == [NewEntry(11, Kind.RECORD, b'{"a":1}')]


def test_a_hole_is_no_part_of_a_lines_length() -> None:
    """However long it is, what follows is measured alone."""
    reading = read(b"\0" * 500 + b'{"a":1}\n')
    assert reading.entries == [NewEntry(508, Kind.RECORD, b'{"a":1}')]


def test_two_objects_on_a_line_are_two_records() -> None:
    """The first has the offset behind it, the last one the offset after the newline."""
    reading = read(b' {"a":1}  {"emergency":{}}{"a":2} \n', start=1_000)
    assert reading == Reading(
        [
            NewEntry(1_008, Kind.RECORD, b'{"a":1}'),
            NewEntry(1_026, Kind.EMERGENCY, b'{"emergency":{}}'),
            NewEntry(1_035, Kind.RECORD, b'{"a":2}'),
        ],
        [],
    )


def test_of_a_line_with_a_broken_piece_the_piece_alone_is_rejected() -> None:
    """It has an offset and a length of its own: as if a newline were behind it."""
    reading = read(b'\0\0{"a":1}{"b":"x{"a":NaN}{"c":\n', start=1_000)
    assert [(one.offset, one.record) for one in reading.entries] == [
        (1_009, b'{"a":1}')
    ]
    [piece] = reading.rejections
    assert (piece.offset - piece.length - 1, piece.length) == (1_009, 21)
    reading = read(b'{"b":"x{"a":NaN}\n', start=1_000)
    assert [(one.offset, one.record) for one in reading.entries] == [
        (1_017, b'{"a":"NaN"}')
    ]
    [piece] = reading.rejections
    assert piece.reason.startswith("not JSON: ")
    assert piece._replace(reason="") == NewRejection(1_008, "", 7, b'{"b":"x')


def test_an_object_on_a_broken_line_must_be_a_record_itself() -> None:
    """Else it is rejected with the piece."""
    reading = read(b'{"a":1}{"b":"\xff"}\n')
    assert [one.record for one in reading.entries] == [b'{"a":1}']
    assert [(one.reason, one.head) for one in reading.rejections] == [
        ("not UTF-8", b'{"b":"\xff"}')
    ]


def test_head_of_a_rejected_line_is_bounded() -> None:
    """At most four kibibytes of it are kept."""
    [rejection] = read(b"x" * 9_000 + b"\n", max_line_bytes=10_000).rejections
    assert (rejection.length, len(rejection.head)) == (9_000, 4_096)


def test_line_that_was_never_read_whole_is_rejected_by_its_length() -> None:
    """Of a line that was skipped, only the head is known."""
    rejection = too_long(20_001, 20_000, b"x" * 9_000, 100)
    reason = "longer than 100 bytes"
    assert rejection == NewRejection(20_001, reason, 20_000, b"x" * 4_096)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*")), ids=lambda path: path.name)
def test_shapes_of_real_producers(path: Path) -> None:
    """Each producer's lines arrive, with strings for what is no number in JSON."""
    data = path.read_bytes()
    reading = read(data, max_line_bytes=10_000)
    assert not reading.rejections
    assert [entry.offset for entry in reading.entries] == [
        end for end, _ in valid_lines(data)
    ]
    assert not any(b":NaN" in entry.record for entry in reading.entries)
    assert not any(needs_care(entry.record) for entry in reading.entries)


def test_many_lines_are_one_reading() -> None:
    """However many are looked at together, and whatever is among them."""
    lines = [b'{"n":%d}' % number for number in range(3 * TOGETHER + 5)]
    lines[TOGETHER + 3] = b"junk"
    lines[2 * TOGETHER + 1] = b'{"n":NaN,"other":1}'
    reading = read(b"".join(line + b"\n" for line in lines), start=7)
    assert len(reading.entries) == len(lines) - 1
    assert [one.length for one in reading.rejections] == [4]
    ends = [7 + len(b"\n".join(lines[: at + 1])) + 1 for at in range(len(lines))]
    offsets = [entry.offset for entry in reading.entries]
    assert sorted([*offsets, reading.rejections[0].offset]) == ends


def test_a_line_that_is_too_deep_is_rejected_among_others() -> None:
    """One hundred levels are taken, wherever they stand."""
    deep = [b'{"n":%b%b}' % (b"[" * levels, b"]" * levels) for levels in (99, 100)]
    lines = [b'{"n":1}'] * (TOGETHER - 1) + [*deep, b'{"n":2}']
    reading = read(b"".join(line + b"\n" for line in lines), max_line_bytes=1_000)
    assert [entry.record for entry in reading.entries] == [*lines[:-2], lines[-1]]
    assert [(one.reason, one.head) for one in reading.rejections] == [
        ("nested too deeply: more than 100 levels", deep[1])
    ]


def one_at_a_time(poison: set[bytes]) -> Callable[[Lines], Reading]:
    """What takes lines, and fails over some of them."""

    def take(lines: Lines) -> Reading:
        if found := sorted(poison.intersection(lines.texts)):
            raise ValueError(f"cannot read {found[0].decode()}\n\ud800" + "x" * 999)
        return read_lines(
            lines, b"".join(text + b"\n" for text in lines.texts), Rules(100)
        )

    return take


@given(
    st.lists(st.integers(0, 9).map(lambda n: b'{"n":%d}' % n), min_size=1),
    st.sets(st.integers(0, 9).map(lambda n: b'{"n":%d}' % n), max_size=3),
)
def test_a_line_at_fault_is_rejected_and_the_others_are_taken(
    lines: list[bytes], poison: set[bytes]
) -> None:
    """Each line comes to one of the two, at its place."""
    reading = take_apart(lines_of(lines, 50), one_at_a_time(poison))
    places = [(50 + 8 * (at + 1), line) for at, line in enumerate(lines)]
    assert [(one.offset, one.record) for one in reading.entries] == [
        place for place in places if place[1] not in poison
    ]
    assert [(one.offset, one.head) for one in reading.rejections] == [
        place for place in places if place[1] in poison
    ]
    for one in reading.rejections:
        said = f"could not be taken: ValueError: cannot read {one.head.decode()}"
        assert one.reason.startswith(said)
        assert one.reason.isprintable()
        assert len(one.reason) < 300


def test_want_of_memory_is_no_lines_fault() -> None:
    """Nor is what fails for several lines together alone."""

    def take(lines: Lines) -> Reading:
        raise MemoryError

    with pytest.raises(MemoryError):
        take_apart(lines_of([b"{}"], 0), take)

    def take_one(lines: Lines) -> Reading:
        [text], [end], _ = lines
        return Reading([NewEntry(end, Kind.RECORD, text)], [])

    reading = take_apart(lines_of([b"1", b"2", b"3"], 0), take_one)
    assert [entry.offset for entry in reading.entries] == [2, 4, 6]


LINES = st.lists(
    st.sampled_from(
        [
            b'{"step":1,"loss":0.5}', b' {"step":2,"loss":1}\r', b'{"loss":NaN}',
            b'{"emergency":{"value":1},"loss":2}', b'{"emergency":true}', b"[]", b"",
            b'{"a":{"b":1,"c":{"d":2}}}', b'{"a":%b%b}' % (b"[" * 100, b"]" * 100),
            b'{"a":%b%b}' % (b"[" * 99, b"]" * 99),
            b'{"telemetry":{"phi":1.5,"on":true}}',
            b'{"loss":"Infinity"}', b'{"n":18446744073709551616}', b'{"a":[{}',
            b"{}]}", b"{},{}", b"{}", b"  ", b"\0", b'\0{"loss":3}',
            b'{"loss":1}{"loss":2} x', b' {"a":"b{"loss":3}', b'{"a":1}{"b":',
        ]
    ),
    max_size=8,
)  # fmt: skip  # one glance


@given(LINES)
def test_lines_read_together_are_as_read_one_by_one(lines: list[bytes]) -> None:
    """Entries and rejections alike."""
    chunk = b"".join(line + b"\n" for line in lines)
    together = read(chunk, start=10, max_line_bytes=300)
    entries: list[NewEntry] = []
    rejections: list[NewRejection] = []
    at = 10
    for line in lines:
        one = read(line + b"\n", start=at, max_line_bytes=300)
        at += len(line) + 1
        entries += one.entries
        rejections += one.rejections
    assert (together.entries, together.rejections) == (entries, rejections)
