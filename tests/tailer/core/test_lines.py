"""Lines end at newlines, and nothing else makes them whole."""

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.lines import Split, Stop, split_lines


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        (b"", Split([], 100, Stop.END)),
        (b"partial", Split([], 100, Stop.END)),
        (b"a\n", Split([b"a"], 102, Stop.END)),
        (b"a\r\n\nb\npart", Split([b"a\r", b"", b"b"], 106, Stop.END)),
        (b"a\nb\nc\nd\n", Split([b"a", b"b", b"c"], 106, Stop.LIMIT)),
        (b"a\nb\nc\npartial", Split([b"a", b"b", b"c"], 106, Stop.END)),
        (b"a\nb\0c\nd\n", Split([b"a"], 102, Stop.NUL)),
        (b"\0\0\0", Split([], 100, Stop.NUL)),
        (b"a\nb\nc\nd\n\0", Split([b"a", b"b", b"c"], 106, Stop.LIMIT)),
    ],
)
def test_split(chunk: bytes, expected: Split) -> None:
    """Whole lines are taken up to the limit, a NUL, or the last newline."""
    assert split_lines(chunk, 100, max_lines=3) == expected


def test_nuls_that_stayed_are_bytes() -> None:
    """Once they are known for a hole, NULs are part of their line."""
    split = split_lines(b"a\0\nb\n", 0, max_lines=9, nuls_are_bytes=True)
    assert split == Split([b"a\0", b"b"], 5, Stop.END)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_cuts_do_not_matter(data: bytes, cuts: list[int]) -> None:
    """However a file arrives in pieces, its lines are the same."""
    data = data.replace(b"\0", b"\n")
    texts: list[bytes] = []
    end = 0
    for cut in [*sorted(cuts), len(data)]:
        split = split_lines(data[end:cut], end, max_lines=99)
        texts += split.texts
        end = split.end
    assert texts == data.split(b"\n")[:-1]
    assert end == data.rfind(b"\n") + 1
