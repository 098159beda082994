"""Which of the entries that were read make a page."""

import json
from collections.abc import Sequence

from tailcast_gateway.protocol.client_messages import Subscribe
from tailcast_gateway.sessions.core.pages import (
    Page,
    backward,
    body,
    cut,
    forward,
    moved,
    shaped,
    size_to_read,
)
from tailcast_gateway.sessions.core.verdicts import Replaced, Resume, Trimmed, Wait
from tailcast_gateway.views.view import Views
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING
from tests.gateway.entries import chain, cursor, entry, marker


def ahead(
    entries: Sequence[Entry],
    *,
    after: str = "1-0",
    limit: int = 9,
    max_bytes: int = 999,
    is_end: bool = True,
) -> Page | None:
    """A page that follows a place."""
    place = cursor(after, b"" if after == "1-0" else None)
    return forward(entries, place, limit=limit, max_bytes=max_bytes, is_end=is_end)


def behind(
    entries: Sequence[Entry],
    *,
    limit: int = 9,
    max_bytes: int = 999,
    is_end: bool = True,
) -> Page | None:
    """A page that ends at the last of these."""
    place = entries[-1].cursor if entries else NOTHING
    return backward(
        entries[::-1], place, limit=limit, max_bytes=max_bytes, is_end=is_end
    )


def offsets(page: Page | None) -> list[int]:
    """Where a page's records are."""
    assert page is not None
    return [one.id.offset for one in page.records]


def test_forward_is_bounded_by_number_and_by_size() -> None:
    """At least one record is in it, and `more` says whether that is all."""
    entries = chain(10, 20, 30)
    whole = ahead(entries)
    assert whole == Page(BEGINNING_CURSOR, cursor("1-30"), entries)
    for page in (ahead(entries, limit=2), ahead(entries, max_bytes=9)):
        assert offsets(page) == [10, 20]
        assert page is not None
        assert (page.cursor, page.more) == (cursor("1-20"), True)
    assert offsets(ahead(entries, max_bytes=1)) == [10]
    assert ahead([]) == Page(BEGINNING_CURSOR, BEGINNING_CURSOR, [])


def test_more_must_be_read_to_say() -> None:
    """A page is made when it is full, or when there is nothing more."""
    entries = chain(10, 20)
    assert ahead(entries, is_end=False) is None
    assert offsets(ahead(entries, limit=1, is_end=False)) == [10]
    assert behind(entries, is_end=False) is None
    assert offsets(behind(entries, limit=1, is_end=False)) == [20]
    assert behind([], is_end=False) is None


def test_the_opening_marker_is_told_to_nobody() -> None:
    """The stream's first marker begins nothing anew."""
    entries = [marker(), *chain(10)]
    page = forward(entries, NOTHING, limit=9, max_bytes=99, is_end=True)
    assert page is not None
    assert (offsets(page), dict(page.told)) == ([10], {})
    back = behind(entries)
    assert back is not None
    assert (offsets(back), dict(back.told), back.more) == ([10], {}, False)
    assert back.prev.id == NOTHING.id


def test_a_page_ends_before_a_mark_and_the_next_begins_with_it() -> None:
    """In either direction."""
    rewind = marker("2-0", "1-20", reason="replaced", complete="1", step="7")
    entries = [*chain(10, 20), rewind, *chain(5, generation=2, previous="2-0")]
    first = ahead(entries)
    assert first is not None
    assert (offsets(first), first.more) == ([10, 20], True)
    second = forward(entries[2:], first.cursor, limit=9, max_bytes=99, is_end=True)
    told = {
        "rewind": {
            "cursor": "2-0-00000000", "generation": "2", "reason": "replaced",
            "step": 7, "complete": True,
        }
    }  # fmt: skip  # one glance
    assert second is not None
    assert (offsets(second), second.told) == ([5], told)
    back = behind(entries)
    assert back is not None
    assert (offsets(back), back.told, back.more) == ([5], told, True)
    assert back.prev == first.cursor


def test_a_gap_at_the_oldest_that_is_kept() -> None:
    """Its place has no proof, and before it there may be nothing."""
    gap = entry("1-40", "1-30", b"", Kind.GAP, {"reason": "odd"})
    page = behind([gap, *chain(50, previous="1-40")])
    assert page is not None
    assert page.told["gap"] == {
        "from": "1-30-00000000", "to": "1-40-00000000", "reason": "file_lost",
    }  # fmt: skip  # one glance
    assert (str(page.prev), page.more) == ("1-30-00000000", True)
    first = behind([entry("1-40", "1-0", b"", Kind.GAP, {"reason": "trimmed"})])
    assert first is not None
    assert (first.told["gap"]["reason"], first.more) == ("trimmed", False)


def test_what_was_trimmed_before_a_page_is_told() -> None:
    """Whoever pages back hears that there is no more, and why."""
    page = behind(chain(30, 40, previous="1-20"))
    assert page is not None
    assert page.told["gap"]["to"] == str(page.prev) == "1-20-00000000"
    assert page.more is False


def test_backward_is_bounded_by_number_and_by_size() -> None:
    """The latest ones; `prev` is the place before them, proved."""
    entries = chain(10, 20, 30)
    for page in (behind(entries, limit=2), behind(entries, max_bytes=9)):
        assert offsets(page) == [20, 30]
        assert page is not None
        assert (page.prev, page.cursor) == (cursor("1-10"), cursor("1-30"))
        assert page.more is True
    empty = behind([])
    assert empty is not None
    assert (offsets(empty), empty.prev, empty.more) == ([], NOTHING, False)


def test_a_marker_without_words() -> None:
    """Somebody wrote it by hand: no step, no reason."""
    page = ahead([marker("2-0", "1-20", step="x")], after="1-20")
    assert page is not None
    assert page.told["rewind"]["step"] is None
    assert page.told["rewind"]["reason"] == "truncated"


def test_how_much_to_read_next() -> None:
    """By the size of what was read; never nothing, never more than is missing."""
    assert size_to_read([], limit=100, max_bytes=1_000) == 100
    entries = chain(10, 20)
    assert size_to_read(entries, limit=100, max_bytes=88) == 10
    assert size_to_read(entries, limit=5, max_bytes=9_999) == 3
    assert size_to_read(entries, limit=100, max_bytes=1) == 1


def test_what_became_of_a_cursor() -> None:
    """Where its page begins, and what is told of that."""
    asked, other = cursor("1-10"), cursor("1-30")
    assert moved(asked, Resume(other, is_proved=True)) == (other, {})
    assert moved(asked, Wait(is_file_long_enough=True)) == (asked, {})
    place, told = moved(asked, Trimmed(other))
    assert (place, told["gap"]["from"]) == (other, str(asked))
    assert told["gap"]["reason"] == "trimmed"
    _, told = moved(asked, Trimmed(asked, is_cursor_known=False))
    assert told["gap"]["reason"] == "unknown_cursor"
    _, told = moved(NOTHING, Trimmed(other, since=BEGINNING_CURSOR))
    assert told["gap"]["from"] == "1-0-00000000"
    place, told = moved(asked, Replaced(BEGINNING_CURSOR))
    assert (place, told["rewind"]["reason"]) == (BEGINNING_CURSOR, "replaced")


def test_records_in_a_form() -> None:
    """Projected; emergencies stay whole."""
    view = Views().view_of(Subscribe(metrics=["o"]))
    alarm = entry("1-5", "1-0", b'{"emergency":{},"x":1}', Kind.EMERGENCY)
    entries = [
        alarm,
        *chain(10, previous="1-5"),
        entry("1-20", "1-10", b'{"o":20,"x":1}'),
    ]
    assert shaped(entries, view) == [alarm.record, b'{"o":10}', b'{"o":20}']
    assert shaped(entries) == [one.record for one in entries]


def test_a_page_as_json() -> None:
    """Records as they are stored, between fields that are given."""
    page = ahead(chain(10, 20), limit=1)
    assert page is not None
    assert json.loads(body(page, sessionId="a")) == {
        "sessionId": "a", "data": [{"o": 10}], "prev": "1-0-00000000",
        "cursor": str(cursor("1-10")), "more": True,
    }  # fmt: skip  # one glance
    bare = json.loads(body(Page(NOTHING, NOTHING)))
    assert bare["cursor"] == bare["prev"] == "1-0-00000000"
    assert bare["more"] is False


def test_what_fits_of_a_page() -> None:
    """From the side that was asked for, so that the rest is the next page."""
    entries = chain(10, 20, 30)
    told = {"gap": {"from": "a"}}
    page = Page(cursor("1-5"), cursor("1-30"), entries, told)
    sizes = [10, 10, 10]
    assert cut(page, sizes, room=30, is_backward=False) is page
    ahead = cut(page, sizes, room=29, is_backward=False)
    assert ahead == Page(cursor("1-5"), cursor("1-20"), entries[:2], told, more=True)
    back = cut(page, sizes, room=29, is_backward=True)
    assert back == Page(cursor("1-10"), cursor("1-30"), entries[1:], more=True)
    for is_backward in (True, False):
        one = cut(page, sizes, room=1, is_backward=is_backward)
        assert len(one.records) == 1
    nothing = Page(cursor("1-5"), cursor("1-5"))
    assert cut(nothing, [], room=1, is_backward=True) is nothing
