"""Sessions that start, stall, resume and end."""

import pytest

from tailcast_gateway.sessions.core.activity import (
    ENDED_MS,
    STALLED_MS,
    Activity,
    Transition,
    status_after,
)


@pytest.mark.parametrize(
    ("idle_ms", "status"),
    [(0, "running"), (STALLED_MS, "stalled"), (ENDED_MS, "ended")],
)
def test_status(idle_ms: int, status: str) -> None:
    """By how long nothing has come."""
    assert status_after(idle_ms) == status


def test_a_life() -> None:
    """Each transition is told once."""
    activity = Activity()
    assert activity.moved("a", now_ms=0) == Transition("a", "started")
    assert activity.moved("a", now_ms=50_000) is None
    assert activity.due(now_ms=STALLED_MS) == []
    assert activity.due(now_ms=50_000 + STALLED_MS) == [Transition("a", "stalled")]
    assert activity.due(now_ms=50_000 + STALLED_MS) == []
    assert activity.moved("a", now_ms=200_000) == Transition("a", "resumed")
    assert activity.due(now_ms=200_000 + STALLED_MS) == [Transition("a", "stalled")]
    assert activity.due(now_ms=200_000 + ENDED_MS) == [Transition("a", "ended")]
    assert activity.due(now_ms=10**9) == []
    assert activity.moved("a", now_ms=10**9) == Transition("a", "resumed")


def test_sessions_that_were_there() -> None:
    """Nothing became of them by being watched; then they go on as they are."""
    activity = Activity()
    now_ms = 10**7
    activity.note("runs", last_ms=now_ms, now_ms=now_ms)
    activity.note("stalled", last_ms=now_ms - STALLED_MS, now_ms=now_ms)
    activity.note("ended", last_ms=0, now_ms=now_ms)
    activity.note("runs", last_ms=0, now_ms=now_ms)
    assert activity.due(now_ms=now_ms) == []
    assert activity.moved("runs", now_ms=now_ms) is None
    assert activity.moved("stalled", now_ms=now_ms) == Transition("stalled", "resumed")
    assert activity.moved("ended", now_ms=now_ms) == Transition("ended", "resumed")


def test_cost_follows_activity() -> None:
    """P8: sessions that idle are not looked at again, and nothing of them piles up."""
    activity = Activity()
    for at in range(1_000):
        activity.note(str(at), last_ms=0, now_ms=10**7)
    assert len(activity) == 0
    now_ms = 10**7
    for _ in range(100):
        activity.moved("a", now_ms=now_ms)
        now_ms += STALLED_MS
        assert activity.due(now_ms=now_ms) == [Transition("a", "stalled")]
        activity.moved("a", now_ms=now_ms)
    activity.due(now_ms=now_ms + STALLED_MS - 1)
    assert len(activity) < 20


def test_a_session_that_nobody_watches() -> None:
    """Nothing becomes of it any more."""
    activity = Activity()
    activity.moved("a", now_ms=0)
    assert activity.last_ms("a") == 0
    activity.moved("b", now_ms=7)
    assert activity.last_ms("b") == 7
    activity.forget("b")
    activity.forget("a")
    activity.forget("a")
    assert activity.last_ms("b") == 0
    assert activity.due(now_ms=10**9) == []
