"""What is wrong is found in what a gateway knows, with what mends it."""

from typing import Any

import pytest

from tailcast_gateway.http.core.problems import (
    MAX_OF_KIND,
    MAX_PROBLEMS,
    Facts,
    Problem,
    Seen,
    find_problems,
)
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_streams.sources import UNMATCHED, Overview, Root, Source, SourceState


HERE = Overview("a:/logs", {SourceState.FOLLOWED: 1}, 1, (), 1)


def found(
    *sources: Source,
    overviews: tuple[Overview, ...] = (HERE,),
    sessions: tuple[dict[str, object], ...] = (),
    **facts: Any,
) -> list[Problem]:
    """The problems of a gateway to which all else is well."""
    listed = [("a:/logs", source) for source in sources]
    seen = Seen(overviews=overviews, listed=listed, sessions=sessions)
    given: dict[str, Any] = {"feed": "fresh", "seen": seen}
    given |= facts
    problems, has_more = find_problems(Facts(**given))
    assert not has_more
    return problems


def test_nothing_is_wrong() -> None:
    """A file that is followed, and one that nobody means."""
    left = Source("/logs/config.json", SourceState.LEFT_OUT, reason="data")
    unmatched = Source("/logs/notes.txt", SourceState.LEFT_OUT, reason=UNMATCHED)
    waiting = Source("/logs/b", SourceState.WAITING, reason="no record yet")
    session: dict[str, object] = {"sessionId": "a", "rejected": 0}
    assert found(left, unmatched, waiting, sessions=(session,)) == []


@pytest.mark.parametrize(
    ("facts", "kind", "reason"),
    [
        ({"refusal": "NOPERM", "feed": "down"}, "broker", "the broker refuses: NOPERM"),
        ({"feed": "stale"}, "broker", "the broker does not answer now"),
        ({"feed": "down"}, "broker", "there is no broker"),
        ({"seen": None}, "broker", "the broker does not answer"),
        ({"connections": 1}, "full", "all 1 connections are taken"),
        ({"silent": ["b:/logs"]}, "tailer", "its sessions run, and it is not there"),
        ({"overviews": ()}, "tailer", "no tailer has said"),
        ({"indexers": 0}, "indexer", "no indexer is there"),
        ({"indexers": 1, "index_lag_ms": 10_001}, "indexer", "the indexes are 10 s"),
        ({"indexers": 0, "feed": "stale"}, "broker", "the broker does not answer now"),
    ],
)
def test_of_services(facts: dict[str, Any], kind: str, reason: str) -> None:
    """Each is said once."""
    (problem,) = found(**facts)
    assert problem.kind == kind
    assert problem.reason.startswith(reason)
    assert problem.mend


def test_of_files() -> None:
    """The gravest first."""
    roots = (
        Root("/none", reason="no such directory", mend="make it"),
        Root("/new", reason="being looked at"),
        Root("/logs", files=3),
    )
    overview = Overview("a:/logs", {SourceState.FOLLOWED: 9}, 5, roots, 1)
    problems = found(
        Source("/logs/.x", SourceState.LEFT_OUT, reason="hidden", mend="tailcast up x"),
        Source("/logs/r", SourceState.REFUSED, reason="unreadable"),
        Source("/logs/w", SourceState.WAITING, reason="text", mend="write records"),
        Source("/logs/1.jsonl", SourceState.LEFT_OUT, reason=UNMATCHED),
        Source("/logs/2.jsonl", SourceState.LEFT_OUT, reason=UNMATCHED),
        Source("/3.ndjson", SourceState.LEFT_OUT, reason=UNMATCHED),
        overviews=(overview,),
        sessions=(
            {"sessionId": "c", "owners": ["a", "b"], "contested": True},
            {"sessionId": "d", "owners": ["a"], "contested": True},
            {"sessionId": "h", "partialBytes": 7},
            {"sessionId": "j", "rejected": 2},
        ),
    )
    assert [(one.kind, one.about) for one in problems] == [
        ("directory", "/none"),
        ("refused", "/logs/r"),
        ("contested", "c"),
        ("contested", "d"),
        ("held_back", "h"),
        ("rejected", "j"),
        ("waiting", "/logs/w"),
        ("left_out", "/logs/.x"),
        ("left_out", "/logs/1.jsonl"),
        ("left_out", "/3.ndjson"),
        ("unlisted", "a:/logs"),
    ]
    unmatched = problems[8]
    assert unmatched.reason == "it matches no pattern, nor do 1 others beside it"
    assert unmatched.mend.startswith("tailcast up /logs, ")
    assert problems[1].fields == {
        "kind": "refused", "about": "/logs/r", "reason": "unreadable",
    }  # fmt: skip  # one glance


def test_of_many_the_first_are_told() -> None:
    """Some of each kind, and so many of all; that there are more is said."""
    sessions = [
        {"sessionId": str(at), "owners": ["a"], "partialBytes": 1, "rejected": 1}
        for at in range(MAX_OF_KIND + 1)
    ]
    listed = [
        ("a", Source(f"/{at}", state, reason="r", mend="m"))
        for at in range(MAX_OF_KIND)
        for state in (SourceState.REFUSED, SourceState.WAITING, SourceState.LEFT_OUT)
    ]
    for several, count in ((sessions[:1], 3 + 60), (sessions, 100)):
        seen = Seen(overviews=[HERE], listed=listed, sessions=several)
        problems, has_more = find_problems(Facts(feed="fresh", seen=seen))
        assert len(problems) == min(count, MAX_PROBLEMS)
        assert has_more is (several is sessions)


def test_what_a_grant_shows() -> None:
    """Of sessions those that it allows; of tailers and paths all or nothing."""
    sessions: list[dict[str, object]] = [
        {"sessionId": name, "rejected": 1} for name in ("a", "b")
    ]
    refused = ("a:/logs", Source("/logs/b", SourceState.REFUSED, reason="no"))
    seen = Seen(overviews=(HERE,), listed=[refused], sessions=sessions)
    assert seen.within(EVERYTHING_GRANTED) is seen
    some = seen.within(Grant(globs=("a",)))
    problems, _ = find_problems(Facts(feed="fresh", seen=some, sees_tailers=False))
    assert [(one.kind, one.about) for one in problems] == [("rejected", "a")]
