"""A file's form is a function of its first lines."""

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.envelopes import Envelope
from tailcast_tailer.core.forms import (
    FORM_BYTES,
    TELLING_LINES,
    Form,
    form_after,
    form_of,
    is_header,
)


BARE = b'{"a":1}'
PREFIXED = b'INFO:root:{"a":1}'
DOCKER = b'{"log":"x\\n","stream":"stdout","time":"2026-11-25T12:00:00Z"}'
CRI = b"2026-11-25T12:00:00Z stderr F x"


def form_of_lines(*lines: bytes) -> Form:
    """The form of a file with these lines."""
    head = b"".join(line + b"\n" for line in lines)
    return form_of(head[:FORM_BYTES], len(head))


@pytest.mark.parametrize(
    ("lines", "envelope"),
    [
        ([], Envelope.NONE),
        ([BARE], Envelope.NONE),
        ([b"Loading", BARE, b"Done"], Envelope.NONE),
        ([b"", b" \t", DOCKER], Envelope.DOCKER),
        ([b"\xef\xbb\xbf" + DOCKER], Envelope.DOCKER),
        ([b"\0\0" + CRI + b"\r"], Envelope.CRI),
        # An engine writes all lines, or none.
        ([BARE, DOCKER, CRI], Envelope.NONE),
        ([PREFIXED], Envelope.PREFIX),
        ([b"Loading", PREFIXED, PREFIXED, BARE], Envelope.PREFIX),
        ([b'config: {"lr":1}', BARE, BARE], Envelope.NONE),
        # A header is no envelope, nor is what was cut off.
        ([b'# {"v":1}', b'# {"v":1}'], Envelope.PREFIX),
        ([b'# {"v":1}'], Envelope.NONE),
        ([b'{"a":"2026{"a":1}'], Envelope.NONE),
        # What comes behind the lines that tell changes nothing.
        ([BARE] * TELLING_LINES + [PREFIXED] * 99, Envelope.NONE),
        ([PREFIXED] * TELLING_LINES + [BARE] * 99, Envelope.PREFIX),
        ([b"x" * 900] * 99 + [PREFIXED], Envelope.NONE),
    ],
)
def test_forms(lines: list[bytes], envelope: Envelope) -> None:
    """An engine's is told by the first line, a prefix by most that have an object."""
    assert form_of_lines(*lines).envelope is envelope


def test_what_tells_is_bounded() -> None:
    """In lines that have an object, and in bytes."""
    assert not form_of_lines(BARE).is_settled
    assert form_of_lines(*[BARE] * TELLING_LINES).is_settled
    assert form_of_lines(DOCKER).is_settled
    assert form_of_lines(*[b"x" * 900] * 99).is_settled
    assert form_of(b"x" * FORM_BYTES, FORM_BYTES).is_settled


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'# {"v":1}', True), (b'//{"v":1}', True), (b'#{"t":0.5}', True),
        (b"# text", False), (b'x {"v":1}', False), (b'{"v":1}', False),
    ],
)  # fmt: skip  # one glance
def test_headers(line: bytes, expected: bool) -> None:
    """A comment with an object."""
    assert is_header(line) is expected


LINES = st.lists(
    st.sampled_from([BARE, PREFIXED, DOCKER, CRI, b"", b"text", b'{"a":', b'# {"v":1}'])
)


@given(LINES, LINES)
def test_what_comes_later_changes_no_earlier_line(
    lines: list[bytes], later: list[bytes]
) -> None:
    """Read one by one or from the beginning again, each line finds the same form."""
    form, at = Form(), 0
    for line in lines:
        at += len(line) + 1
        form = form_after(form, line, at)
    assert form == form_of_lines(*lines)
    if form.is_settled:
        assert form_of_lines(*lines, *later) == form
