"""Which sessions a list has, and in which order."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.http.core.session_lists import (
    SORTS,
    Place,
    SessionsWanted,
    cursor_text,
    sessions_wanted,
)
from tailcast_gateway.protocol.client_messages import InvalidMessage


FULL: dict[str, Any] = {
    "sessionId": "runs/A-1",
    "status": "running",
    "name": "Baseline",
    "project": "digits",
    "group": "g1",
    "notes": "lower LR",
    "tags": ["best", "paper"],
    "pinned": True,
}
BARE: dict[str, Any] = {"sessionId": "b", "status": "ended"}


@pytest.mark.parametrize(
    ("query", "takes"),
    [
        ({}, (True, True)),
        ({"q": ""}, (True, True)),
        ({"q": "a-1 BASE lr paper"}, (True, False)),
        ({"q": "a-1 other"}, (False, False)),
        ({"q": "b"}, (True, True)),
        ({"q": "digits"}, (True, False)),
        ({"statuses": ["ended"]}, (False, True)),
        ({"statuses": ["ended,stalled", "running"]}, (True, True)),
        ({"group": "g1"}, (True, False)),
        ({"group": "g"}, (False, False)),
        ({"tags": ["paper"]}, (True, False)),
        ({"tags": ["paper", "worst"]}, (False, False)),
        ({"pinned": "true"}, (True, False)),
        ({"pinned": "false"}, (False, True)),
    ],
)
def test_a_query_says_which(query: dict[str, Any], takes: tuple[bool, bool]) -> None:
    """By texts, the run's status, group, tags, and whether it is pinned."""
    listing = sessions_wanted(**query)
    assert (listing.matches(FULL), listing.matches(BARE)) == takes
    assert listing.takes_all is (not query or query == {"q": ""})


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"statuses": ["gone"]}, "status is one of running, stalled, ended"),
        ({"pinned": "yes"}, "true or false"),
        ({"sort": "best"}, "sort is one of activity, name"),
        ({"limit": 1_001}, "at most 1000"),
        ({"after": "x"}, "cursor"),
        ({"after": '[1,2,"a"]'}, "cursor"),
        ({"q": "x" * 257}, "256 characters"),
        ({"tags": ["x" * 257]}, "256 characters"),
    ],
)
def test_what_cannot_be_asked(query: dict[str, Any], why: str) -> None:
    """It says what can."""
    with pytest.raises(InvalidMessage, match=why):
        sessions_wanted(**query)


ROWS = st.dictionaries(
    st.text("abc/", min_size=1, max_size=3),
    st.tuples(st.integers(0, 5), st.none() | st.integers(-3, 3)),
    max_size=8,
)


@given(ROWS, st.sampled_from(SORTS))
def test_pages_have_each_session_once(
    rows: dict[str, tuple[int, int | None]], sort: str
) -> None:
    """In the order that was asked for, whatever is the same of several."""
    active = {name: at_ms for name, (at_ms, _) in rows.items()}
    fields = ("firstTime", "records", "lastStep", "rate")
    told: dict[str, dict[str, object]] = {
        name: {field: one for field in fields}  # noqa: C420  # its type is wider
        for name, (_, one) in rows.items()
    }
    seen: list[Place] = []
    after = None
    for _ in range(len(rows) + 1):
        listing = sessions_wanted(sort=sort, after=after, limit=2)
        places = [listing.place_of(n, active[n], told[n]) for n in rows]
        page = sorted(filter(listing.is_later, places))[:2]
        if not page:
            break
        if listing.is_sorted_by_list:
            assert listing.ordered(active)[:2] == [one.session for one in page]
        seen += page
        after = cursor_text(page[-1])
    assert sorted(one.session for one in seen) == sorted(rows)
    assert seen == sorted(seen)
    if sort == "name":
        assert [one.session for one in seen] == sorted(rows)
    elif sort != "activity":
        values = [rows[one.session][1] for one in seen]
        there = [one for one in values if one is not None]
        assert there == sorted(there, reverse=True)
        assert values[len(there) :] == [None] * (len(values) - len(there))


def test_the_latest_are_found_without_the_others() -> None:
    """Those of a page, unless some are named, or to be looked for, or sorted."""
    assert sessions_wanted().is_latest
    assert sessions_wanted().until_ms is None
    after = cursor_text(Place(is_without=False, value=-5, session="a"))
    assert sessions_wanted(after=after).is_latest
    assert sessions_wanted(after=after).until_ms == 5
    assert not sessions_wanted(sessions=["a"]).is_latest
    assert not sessions_wanted(q="b").is_latest
    assert not sessions_wanted(sort="name").is_latest
    assert sessions_wanted(sessions=["a"]).takes_all
    assert not sessions_wanted(sessions=["a"], q="b").takes_all


def test_the_first_page_is_of_all() -> None:
    """The latest first."""
    assert sessions_wanted() == SessionsWanted()
    assert SessionsWanted().ordered({"a": 1, "b": 3, "c": 2}) == ["b", "c", "a"]
