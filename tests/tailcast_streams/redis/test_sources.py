"""What stands in the hash of a tailer's sources, written by us or by hand."""

import pytest

from tailcast_streams.redis.core.sources import (
    OVERVIEW_FIELD,
    overview_of,
    overview_text,
    source_text,
    sources_of,
)
from tailcast_streams.sources import Overview, Root, Source, SourceState


def test_a_source_is_compact_and_can_be_read_by_people() -> None:
    """What is empty is left out."""
    followed = Source("/logs/a.jsonl", SourceState.FOLLOWED, "a")
    left_out = Source("/logs/b", SourceState.LEFT_OUT, reason="no JSON", mend="name it")
    texts = {
        b"/logs/a.jsonl": b'{"state":"followed","session":"a"}',
        b"/logs/b": b'{"state":"left_out","reason":"no JSON","mend":"name it"}',
    }
    for source in (followed, left_out):
        assert source_text(source) == texts[source.path.encode()]
    assert sources_of(texts) == [followed, left_out]


def test_an_overview_comes_back_whole() -> None:
    """With its roots."""
    overview = Overview(
        "o", {SourceState.REFUSED: 2}, 1, (Root("/logs", ("**/*",), 3, "r", "m"),), 4
    )
    assert overview_of("o", overview_text(overview)) == overview
    assert overview_of("o", None) is None


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b'{"state":"lost"}', b'{"counts":{"a":1}}']
)
def test_what_was_written_by_hand_is_passed_over(text: bytes) -> None:
    """And so is what is no path."""
    assert sources_of({b"/logs/a": text}) == []
    assert overview_of("o", text) is None
    assert sources_of({OVERVIEW_FIELD.encode(): b'{"state":"followed"}'}) == []
