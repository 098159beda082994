"""What is told of a run, in lists and snapshots alike."""

from dataclasses import replace

import pytest

from tailcast_gateway.sessions.core.catalogue import describe, size_bytes, snapshot
from tailcast_gateway.sessions.core.descriptions import Described
from tailcast_gateway.sessions.core.runs import (
    Known,
    ListedRun,
    SeenRun,
    active_ms,
    run_fields,
    status_of,
)
from tailcast_gateway.sessions.core.told import SeenSession
from tailcast_index.fold import LeftOut, Span, Sparkline, Summary
from tailcast_index.meaning import Choice
from tailcast_streams.session_state import Head
from tests.gateway.entries import head, marker


HOUR_MS = 3_600_000
NOTHING = Summary(
    steps=Span(), times=Span(), unread={}, choice=Choice(), left_out=LeftOut()
)


@pytest.mark.parametrize(
    ("updated_ms", "written_ms", "appended_ms", "expected"),
    [
        # It was read as it was written; or not before an hour later.
        (5 * HOUR_MS, 5 * HOUR_MS, 9 * HOUR_MS, 9 * HOUR_MS),
        (5 * HOUR_MS, 4 * HOUR_MS, 9 * HOUR_MS, 8 * HOUR_MS),
        # By the file's clock that is not yet; nothing is known; it is older than all.
        (5 * HOUR_MS, 6 * HOUR_MS, 9 * HOUR_MS, 9 * HOUR_MS),
        (5 * HOUR_MS, 0, 9 * HOUR_MS, 9 * HOUR_MS),
        (9 * HOUR_MS, 1, 2 * HOUR_MS, 0),
    ],
)
def test_activity_is_the_files_whoever_reads_it_when(
    updated_ms: int, written_ms: int, appended_ms: int, expected: int
) -> None:
    """By the broker's clock."""
    state = head([marker()]).state
    assert state is not None
    state = state._replace(
        updated_ms=updated_ms, written_ms=written_ms, appended_ms=appended_ms
    )
    assert active_ms(state) == expected


def test_a_run_pauses_as_it_always_did() -> None:
    """One that writes every ten minutes goes on after twenty."""
    slow = Known(replace(NOTHING, cadence_ms=600_000))
    assert status_of(slow, 0, 1_200_000) == "running"
    assert status_of(Known(), 0, 1_200_000) == "ended"
    assert status_of(Known(), 100, 0) == "running"


def test_an_old_file_has_ended_at_once() -> None:
    """In lists and snapshots; its activity is the file's."""
    state = head([marker()]).state
    assert state is not None
    now_ms = 9 * HOUR_MS
    old = state._replace(updated_ms=now_ms, written_ms=HOUR_MS, appended_ms=now_ms)
    known = Known(NOTHING)
    listed = ListedRun(Head(old, None, None), known)
    seen = SeenSession(
        state=old, cursor=None, metrics=b"{}", metrics_left_out=0, latest=b"",
        latest_emergency=b"",
    )  # fmt: skip  # one glance
    told = [
        describe("a", listed, listed_ms=now_ms, now_ms=now_ms),
        snapshot("a", SeenRun(seen, known), now_ms=now_ms),
    ]
    for one in told:
        assert (one["status"], one["lastActivity"]) == ("ended", HOUR_MS)
        assert one["rate"] == 0.0


def test_what_a_run_says_is_told() -> None:
    """Progress, its course, and what is said besides."""
    summary = replace(
        NOTHING, total_steps=250, eta_ms=5, config=b'{"lr":1}',
        spark=Sparkline("loss", (1, None, 0.5), 0.5),
    )  # fmt: skip  # one glance
    fields = run_fields(Known(summary), status="running", is_listed=True)
    assert fields.pop("config") is not None
    assert fields == {
        "totalSteps": 250, "etaMs": 5,
        "spark": {"metric": "loss", "values": [1, None, 0.5], "last": 0.5},
    }  # fmt: skip  # one glance
    assert run_fields(Known(summary), status="ended", is_listed=True)["etaMs"] is None
    described = Described(shared=({"max_steps": 9},))
    bare = run_fields(Known(None, described), status="running", is_listed=True)
    assert (bare["totalSteps"], bare["etaMs"], bare["spark"]) == (9, None, None)


def test_a_snapshot_is_as_long_as_all_that_it_says() -> None:
    """About."""
    state = head([marker()]).state
    assert state is not None
    seen = SeenSession(
        state=state, cursor=None, metrics=b"{}", metrics_left_out=0, latest=b"",
        latest_emergency=b"",
    )  # fmt: skip  # one glance
    described = Described(own=({"x": "y" * 500},), notes="z" * 500)
    summary = replace(NOTHING, config=b"c" * 500)
    more = size_bytes(SeenRun(seen, Known(summary, described)))
    assert 1_500 <= more - size_bytes(SeenRun(seen)) < 1_600
