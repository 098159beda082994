"""What tailers know of paths, as an answer."""

import pytest

from tailcast_gateway.sessions.core.source_list import (
    BEFORE_ALL_SOURCES,
    NO_TAILER,
    START_ONE,
    SourcePlace,
    source_page,
    with_any,
)
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.sources import Overview, Root, Source, SourceState


ROOT = Root("/logs", ("**/*.jsonl",), 2, "2 files, none is meant", "write to *.jsonl")
ONE = Overview("one", {SourceState.LEFT_OUT: 2}, 2, (ROOT,), 5)
TWO = Overview("two", {SourceState.FOLLOWED: 1, SourceState.REFUSED: 1}, 1)
LEFT_OUT = Source("/logs/a", SourceState.LEFT_OUT, "", "no records", "name it")
FOLLOWED = Source("/logs/b.jsonl", SourceState.FOLLOWED, "b")


def test_a_page_says_what_became_of_each_path() -> None:
    """With the numbers of all tailers, and where the next page begins."""
    page = source_page(
        [ONE, TWO],
        [("one", LEFT_OUT), ("two", FOLLOWED), ("two", LEFT_OUT)],
        after=BEFORE_ALL_SOURCES,
        limit=2,
    )
    assert page == {
        "counts": {"followed": 1, "waiting": 0, "refused": 1, "left_out": 2},
        "data": [
            {
                "path": "/logs/a",
                "state": "left_out",
                "reason": "no records",
                "mend": "name it",
                "tailer": "one",
            },
            {
                "path": "/logs/b.jsonl",
                "state": "followed",
                "sessionId": "b",
                "tailer": "two",
            },
        ],
        "cursor": '["two","/logs/b.jsonl"]',
        "more": True,
        "tailers": [
            {
                "name": "one",
                "counts": {"followed": 0, "waiting": 0, "refused": 0, "left_out": 2},
                "listed": 2,
                "lookedAt": 5,
                "roots": [
                    {
                        "path": "/logs",
                        "patterns": ["**/*.jsonl"],
                        "files": 2,
                        "reason": "2 files, none is meant",
                        "mend": "write to *.jsonl",
                    }
                ],
            },
            {
                "name": "two",
                "counts": {"followed": 1, "waiting": 0, "refused": 1, "left_out": 0},
                "listed": 1,
                "lookedAt": None,
                "roots": [],
            },
        ],
    }


def test_an_empty_list_says_why() -> None:
    """What was looked at and what mends it, each once; or that nobody looks."""
    told = {"after": BEFORE_ALL_SOURCES, "limit": 2}
    other = ROOT._replace(path="/more", reason="there is no such directory")
    fine = Root("/fine", (), 1)
    page = source_page([ONE._replace(roots=(ROOT, other, fine))], [], **told)  # type: ignore[arg-type]  # as a test has it
    assert page["reason"] == (
        "/logs: 2 files, none is meant; /more: there is no such directory"
    )
    assert page["mend"] == "write to *.jsonl"
    assert page["cursor"] is None

    nobody = source_page([], [], **told)  # type: ignore[arg-type]  # as above
    assert (nobody["reason"], nobody["mend"]) == (NO_TAILER, START_ONE)


def test_tailers_that_have_none_are_not_asked() -> None:
    """Nor are those before the place."""
    states = {SourceState.LEFT_OUT, SourceState.WAITING}
    assert with_any([ONE, TWO], states, after=BEFORE_ALL_SOURCES) == [ONE]
    assert with_any([ONE, TWO], tuple(SourceState), after=SourcePlace("on", "")) == [
        ONE,
        TWO,
    ]
    assert with_any([ONE, TWO], tuple(SourceState), after=SourcePlace("p", "/x")) == [
        TWO
    ]
    assert with_any([ONE, TWO], (), after=BEFORE_ALL_SOURCES) == []


def test_a_place_comes_back_as_it_was_given() -> None:
    """Whatever its path has."""
    place = SourcePlace('o"ne', "/logs/é\n,]")
    assert SourcePlace.parse(str(place)) == place
    page = source_page([TWO], [], after=place, limit=2)
    assert page["cursor"] == str(place)


@pytest.mark.parametrize(
    "text", ["", "[]", '["a"]', '["a",1]', "x", "[" * 9_999, "\ud800"]
)
def test_what_is_no_place(text: str) -> None:
    """It is refused, and said."""
    with pytest.raises(InvalidPosition, match="no place in the list"):
        SourcePlace.parse(text)
