"""Which files were read whole."""

from hypothesis import given, strategies as st

from tailcast_tailer.core.past_files import (
    MOST_FILES,
    PastFile,
    head_of,
    marker_of,
    past_file,
    read_past,
    remember,
)
from tailcast_tailer.core.proofs import prove_head, prove_marker


@given(st.binary(min_size=1, max_size=9_000), st.binary(max_size=50))
def test_a_file_is_known_again_whatever_follows(data: bytes, more: bytes) -> None:
    """By the proofs that the session has of it."""
    known = past_file(len(data), prove_head(data), prove_marker(data))
    grown = data + more
    assert head_of(grown[:4_096], len(data)) == known.head
    assert marker_of(grown[: len(data)]) == known.marker


def test_the_latest_are_remembered() -> None:
    """A hundred of them, each once."""
    text = ""
    for number in range(150):
        text = remember(text, PastFile(number, "aa", "bb"))
    text = remember(text, PastFile(70, "aa", "bb"))
    offsets = [one.offset for one in read_past(text)]
    assert offsets == [*range(50, 70), *range(71, 150), 70]
    assert len(offsets) == MOST_FILES
    assert len(text) < 8_192


def test_what_cannot_be_read_is_nothing() -> None:
    """A text of another version, or none."""
    assert read_past("") == read_past("x:y:z 12 1:2") == []
    assert read_past("12::aa") == [PastFile(12, "", "aa")]
