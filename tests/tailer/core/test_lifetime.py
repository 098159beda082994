"""What becomes of a session that has not changed for long."""

import pytest

from tailcast_streams.session_state import NOTHING_STORED, SessionState
from tailcast_tailer.core.lifetime import ExpiryAction, judge_expiry


TTL_MS = 1_000
NOW_MS = 100_000


def action(
    *, activity: int = 0, updated: int = 0, since: int = 0, absent: bool | None = True
) -> ExpiryAction:
    """The judgement; times in milliseconds before now, 0 for never."""
    state = SessionState(
        position=NOTHING_STORED,
        updated_ms=NOW_MS - updated if updated else 0,
        absent_since_ms=NOW_MS - since if since else 0,
    )
    return judge_expiry(
        state,
        NOW_MS - activity if activity else 0,
        is_absent=absent,
        now_ms=NOW_MS,
        ttl_ms=TTL_MS,
    )


@pytest.mark.parametrize("absent", [True, False, None])
def test_young_sessions_are_kept(absent: bool | None) -> None:
    """By the file's change, or by the last append: an old file may just have come."""
    assert action(activity=999, updated=5_000, absent=absent) is ExpiryAction.KEEP
    assert action(activity=5_000, updated=999, absent=absent) is ExpiryAction.KEEP


@pytest.mark.parametrize("absent", [False, None])
def test_old_ones_are_emptied(absent: bool | None) -> None:
    """Whether the file is there, or cannot be seen."""
    assert action(activity=1_000, updated=1_000, absent=absent) is ExpiryAction.EMPTY


def test_absence_is_noted_once() -> None:
    """At first, and again if something was appended since it was noted."""
    assert action(activity=2_000, updated=2_000) is ExpiryAction.NOTE_ABSENCE
    assert (
        action(activity=2_000, updated=2_000, since=3_000) is ExpiryAction.NOTE_ABSENCE
    )
    assert action(activity=2_000, updated=2_000, since=999) is ExpiryAction.EMPTY


def test_a_file_that_is_back_is_no_longer_absent() -> None:
    """What was noted is taken back; if it cannot be told, it stays."""
    assert action(updated=2_000, since=500, absent=False) is ExpiryAction.FORGET_ABSENCE
    assert action(updated=2_000, since=500, absent=None) is ExpiryAction.EMPTY


def test_after_as_long_an_absence_everything_goes() -> None:
    """Not before."""
    assert action(updated=3_000, since=1_000) is ExpiryAction.DELETE
    assert action(updated=3_000, since=1_000, absent=None) is ExpiryAction.EMPTY
