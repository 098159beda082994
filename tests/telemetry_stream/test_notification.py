"""What is said on the channel."""

import pytest

from telemetry_stream.notification import Moved, format_moved, parse_moved


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
