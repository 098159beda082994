"""Which names are those of files that are there for a while only."""

import pytest

from tailcast_tailer.core.passing_names import why_passing


@pytest.mark.parametrize(
    "name",
    [
        "study.log.lock",
        "a.jsonl.tmp",
        "a.jsonl.tmp.4711",
        "a.jsonl.tmpAb3",
        "a.jsonl.swp",
        "a.jsonl~",
        "run.pid",
        "a.jsonl.1a2b3c4d.partial",
        "a.jsonl.6Ee8BDc1",
        "a.jsonl_.gstmp",
    ],
)
def test_locks_and_copies_in_progress(name: str) -> None:
    """Optuna's lock, and what rclone, aws, gsutil and editors write."""
    assert why_passing(name)


@pytest.mark.parametrize(
    "name", ["a.jsonl", "run.deadbeef", "a.20261128", "metrics.jsonl.1", "lock", "~"]
)
def test_names_of_runs(name: str) -> None:
    """They stay: a run may be called by a hash or a date."""
    assert not why_passing(name)
