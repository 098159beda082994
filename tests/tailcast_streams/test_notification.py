"""What is said on the channel."""

import pytest

from tailcast_streams.notification import (
    Moved,
    format_moved,
    heard,
    parse_moved,
    tag_of,
)


@pytest.mark.parametrize("session", ["a", "with spaces 12", "", "!emergencies", "1 2"])
def test_what_is_said_is_understood(session: str) -> None:
    """Whatever a session is called: only the first space parts."""
    assert parse_moved(format_moved(session, 1_700_000_000_000)) == Moved(
        session, 1_700_000_000_000
    )


@pytest.mark.parametrize("payload", ["!canary:x:1", "!emergencies", "!"])
def test_notes_name_no_session(payload: str) -> None:
    """They begin with an exclamation mark."""
    assert parse_moved(payload) is None


@pytest.mark.parametrize("payload", ["session", "my session", "", "\u00b2 a", "-1 a"])
def test_a_name_alone_is_a_hint_without_a_time(payload: str) -> None:
    """By hand, with `redis-cli PUBLISH`."""
    assert parse_moved(payload) == Moved(payload, 0)


def test_a_time_is_never_too_long_to_read() -> None:
    """Python refuses thousands of digits."""
    moved = parse_moved("9" * 5_000 + " a")
    assert moved is not None
    assert moved.session == "a"


OURS = tag_of("00112233aabbccdd")


@pytest.mark.parametrize(
    "text", ["5 a", "0 a b", "!taken:7:r:c", "!canary:x:1", "", "! 0123456789abcdef 1"]
)
def test_what_an_installation_says_is_heard_by_it_alone(text: str) -> None:
    """Whatever it says, in whatever database its keys are."""
    said = (OURS + text).encode()
    assert heard(said, OURS.encode()) == text.encode()
    assert heard(said, tag_of("ffeeddccbbaa9988").encode()) is None


@pytest.mark.parametrize(
    "text", ["5 a", "!taken:1764344383000000:0123456789abcdef.1:board", "!", "",
    "!canary:0123456789abcdef:1", "session"],
)  # fmt: skip  # what version 0.1 says, and people
def test_what_names_no_installation_is_a_hint(text: str) -> None:
    """It may be ours; who hears it looks into the broker."""
    assert heard(text.encode(), OURS.encode()) == text.encode()
