"""Which files the stored sessions are of."""

from tailcast_streams.session_state import Origin
from tailcast_tailer.core.stored_sessions import StoredSessions


def test_paths_of_other_machines_mean_nothing() -> None:
    """Those of a session without an owner may be ours."""
    stored = StoredSessions(
        {
            "a": Origin("/l/a.jsonl", "here:/l"),
            "b": Origin("/l/b.jsonl", "there:/l"),
            "c": Origin("/l/c.jsonl", ""),
        },
        owner="here:/other",
    )
    assert stored.session_of("/l/a.jsonl") == "a"
    assert stored.session_of("/l/b.jsonl") is None
    assert stored.origin_of("b") is None
    assert set(stored.paths) == {"/l/a.jsonl", "/l/c.jsonl"}


def test_of_two_sessions_of_one_path_the_later_goes_on() -> None:
    """It is the one that was appended to last."""
    stored = StoredSessions(
        {
            "new": Origin("/l/a.jsonl", "here:/l", 2),
            "old": Origin("/l/a.jsonl", "here:/l", 1),
        },
        owner="here:/l",
    )
    assert stored.session_of("/l/a.jsonl") == "new"
