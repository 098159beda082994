"""What is said on the feed's channel of takeovers."""

import pytest

from tailcast_streams.births import UNCOUNTED
from tailcast_streams.client_cursors import (
    Kept,
    Takeover,
    takeover_note,
    takeover_of,
)
from tailcast_streams.position import BEGINNING_CURSOR


def test_a_note_is_read_as_it_was_written() -> None:
    """Whatever the client calls itself."""
    takeover = Takeover("!taken:1:x:", 7, "replica")

    assert takeover_of(takeover_note(takeover)) == takeover


@pytest.mark.parametrize(
    "payload",
    [
        "session",
        "!canary:1",
        "!taken:",
        "!taken:x:r:c",
        "!taken:7:c",
        "!taken:²:r:c",
        f"!taken:{'9' * 5_000}:r:c",
    ],
)
def test_other_payloads_are_no_takeovers(payload: str) -> None:
    """Sessions, canaries, and what somebody publishes by hand."""
    assert takeover_of(payload) is None


@pytest.mark.parametrize(
    ("kept", "is_known"),
    [
        (Kept(1, {}, None), False),
        (Kept(1, {"a": BEGINNING_CURSOR}, None), True),
        (Kept(1, {}, UNCOUNTED), True),
    ],
)
def test_who_is_known(kept: Kept, is_known: bool) -> None:  # a case
    """A client of which anything is kept."""
    assert kept.is_known is is_known
