"""However a file comes, and whoever reads it again, its lines are read alike."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.forms import Form, form_of
from tailcast_tailer.core.reading import take_lines
from tailcast_tailer.core.records import Reading, Rules, followed_by


TIME = "2026-11-25T12:00:00.123456789Z"
STRICT = Rules(1_000)
LENIENT = STRICT._replace(passes_text=True)


def read(data: bytes, rules: Rules = LENIENT) -> Reading:
    """Read a whole file."""
    texts = data.split(b"\n")[:-1]
    return take_lines(texts, data, 0, Form(), rules, max_lines=100).reading


def records(data: bytes, rules: Rules = LENIENT) -> list[bytes]:
    """The records of a file that has nothing else."""
    reading = read(data, rules)
    assert not reading.rejections
    return [entry.record for entry in reading.entries]


def told(data: bytes, rules: Rules = LENIENT) -> tuple[int, int, int]:
    """How many records, rejections and lines of text."""
    reading = read(data, rules)
    return len(reading.entries), len(reading.rejections), reading.text


def docker(text: str) -> bytes:
    """A line as Docker writes it."""
    line = {"log": text, "stream": "stdout", "time": TIME}
    return json.dumps(line).encode() + b"\n"


def cri(text: str, tag: str = "F") -> bytes:
    """A line as a CRI engine writes it."""
    return f"{TIME} stdout {tag} {text}\n".encode()


def test_text_between_records_is_passed_over() -> None:
    """In a file that may have some; what was meant for a record is rejected."""
    data = b'Loading\n{"step":1}\n{\'a\': 1}\n[12:00] ok\n\xff\n{"step":2}\n{"step":\n'
    assert told(data) == (2, 1, 4)
    assert told(data, STRICT) == (2, 5, 0)
    assert told(b'{"step":1}\nconfig: {"lr":1}\n') == (1, 0, 1)


@pytest.mark.parametrize("rules", [STRICT, LENIENT])
def test_a_header_is_neither(rules: Rules) -> None:
    """At the file's head alone."""
    for header in (b'# {"version":1}\n', b'// {"version":1}\n'):
        assert told(header + b'{"step":1}\n', rules) == (1, 0, 0)
    assert told(b'{"step":1}\n# {"version":1}\n', STRICT) == (2, 1, 0)


def test_the_first_rejection_names_what_the_file_is() -> None:
    """Also where text is passed over; the others say what is wrong with them."""
    data = json.dumps([{"step": 1}, {"step": 2}], indent=1).encode() + b"\n"
    [first, *others] = read(data, STRICT).rejections
    assert first.reason == (
        "no lines of JSON objects in UTF-8: the file is a JSON array: each object must"
        " be on a line of its own"
    )
    assert others
    assert all(other.reason.startswith("not JSON") for other in others)
    [first] = read(b"\x1f\x8b\x08x\nabc\n").rejections
    assert first.reason.endswith("the file is compressed with gzip")


@pytest.mark.parametrize("rules", [STRICT, LENIENT])
@pytest.mark.parametrize(
    "prefix", [b"INFO:root:", b"[rank0] ", b"2026-11-25 12:00:00,123 - {a} - "]
)
def test_a_prefix_is_taken_away(rules: Rules, prefix: bytes) -> None:
    """The record is what its writer wrote, whatever stands before it."""
    lines = [prefix + b'{"step":%d, "loss":0.50}' % step for step in range(300)]
    data = b"".join(line + b"\n" for line in lines)
    reading = read(data, rules)
    assert [entry.record for entry in reading.entries] == [
        line.removeprefix(prefix) for line in lines
    ]
    ends = [entry.offset for entry in reading.entries]
    assert all(data[end - 1 : end] == b"\n" for end in ends)
    assert not reading.rejections
    with_text = data + prefix + b"done\n" + prefix + b'{"a":"{"step":9}\n'
    assert told(with_text) == (301, 0, 1)
    assert told(with_text, STRICT) == (301, 1, 0)


def test_what_a_container_wrote_is_read() -> None:
    """Records verbatim, in parts too, and everything else is text."""
    record = '{"step": 1, "text": "é\\n", "loss": 0.5}'
    data = docker(record + "\n") + docker("Loading\n") + docker("\n")
    data += docker(record[:9]) + docker(record[9:] + "\n")
    assert records(data, STRICT) == [record.encode()] * 2
    reading = read(data, STRICT)
    assert reading.text == 1
    assert reading.entries[-1].offset == len(data)
    data = cri("Loading") + cri(record) + cri(record[:9], "P") + cri(record[9:])
    assert records(data, STRICT) == [record.encode()] * 2


def test_a_broken_line_in_an_envelope() -> None:
    """Its places are within the file's line; the whole line's where it has parts."""
    data = cri('{"step":1}{"step":2}') + cri('{"a":"b{"step":3}')
    reading = read(data)
    ends = [entry.offset for entry in reading.entries]
    assert [json.loads(entry.record)["step"] for entry in reading.entries] == [1, 2, 3]
    assert all(one < other for one, other in pairwise(ends))
    assert ends[1:] == [len(cri('{"step":1}{"step":2}')), len(data)]
    [piece] = reading.rejections
    assert ends[1] < piece.offset < ends[2]
    other = cri("error").replace(b"stdout", b"stderr")
    data = cri('{"a":"' + "y" * 200, "P") + other + cri('b{"step":3}')
    [rejection] = read(data).rejections
    assert (rejection.offset, told(data)) == (len(data), (0, 1, 1))


def test_a_long_line_behind_a_prefix_is_rejected() -> None:
    """The prefix is no part of its length."""
    data = b'x {"a":"%b"}\n' % (b"y" * 992)
    assert told(data * 2) == (2, 0, 0)
    long = b'x {"a":"%b"}\n' % (b"y" * 993)
    assert told(data + long, STRICT) == (1, 1, 0)


def test_behind_the_head_nothing_changes_the_form() -> None:
    """What comes then is read by what the first lines told."""
    head = b'{"step":1}\n' * 20
    form = form_of(head, len(head))
    more = b'INFO {"step":2}\n{"step":3}\n'
    taken = take_lines(
        more.split(b"\n")[:-1], more, len(head), form, LENIENT, max_lines=9
    )
    assert [entry.record for entry in taken.reading.entries] == [b'{"step":3}']
    assert (taken.reading.text, taken.form, taken.end) == (
        1, form, len(head) + len(more),
    )  # fmt: skip  # one glance


LINE = st.sampled_from(
    [
        b'{"step":1}\n', b'INFO {"step":1}\n', b"text\n", b"\n", b'# {"v":1}\n',
        docker('{"step":1}\n'), docker('{"st'), docker('ep":1}\n'), docker("x\n"),
        cri('{"step":1}'), cri('{"st', "P"), cri('ep":1}'), cri("x"), b'{"step":1}{"s',
        b'{"a":{"b":1}\n', b"[\n", b"\x1f\x8b\n", b"\xef\xbb\xbf\n", b"\0\0\n",
    ]
)  # fmt: skip  # one glance


@given(st.lists(LINE, max_size=14).map(b"".join), st.data(), st.booleans())
def test_cuts_and_restarts_do_not_matter(
    data: bytes, chance: st.DataObject, restarts: bool
) -> None:
    """The same lines are the same entries, rejections and text."""
    data = data[: data.rfind(b"\n") + 1]
    rules = chance.draw(st.sampled_from([STRICT, LENIENT]))
    reading, form, at = Reading([], []), Form(), 0
    cuts = sorted(chance.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    for cut in [*cuts, len(data)]:
        chunk = data[at : data.rfind(b"\n", 0, cut) + 1]
        if restarts:
            form = form_of(data[:at], at)
        texts = chunk.split(b"\n")[:-1]
        some = take_lines(texts, chunk, at, form, rules, max_lines=2)
        while some.end < at + len(chunk) and not some.is_open:
            reading, form = followed_by(reading, some.reading), some.form
            chunk, at = chunk[some.end - at :], some.end
            texts = chunk.split(b"\n")[:-1]
            some = take_lines(texts, chunk, at, form, rules, max_lines=2)
        reading, form, at = followed_by(reading, some.reading), some.form, some.end
    whole = take_lines(data.split(b"\n")[:-1], data, 0, Form(), rules, max_lines=999)
    assert reading[:2] == whole.reading[:2]
    assert reading.text == whole.reading.text
    assert at == whole.end
