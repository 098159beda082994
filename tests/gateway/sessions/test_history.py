"""Pages of a session as they are read for who asks for history."""

import asyncio
from typing import Any

import pytest

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.pages import Page
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume
from tailcast_gateway.sessions.history import FIRST_ENTRIES, Pages
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.subscription import AtStep, Begin, Last
from tailcast_index.meaning import Rules
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID
from tests.gateway.entries import cursor
from tests.gateway.sessions.rig import Sessions
from tests.gateway.stored import store


class Rig(Sessions):
    """Pages over a broker in memory."""

    def __init__(self) -> None:
        super().__init__()
        search = Search(self.broker, rules=Rules(("o",), ()), now_ms=lambda: 0)
        reads = Reads(self.broker, search=search, instruments=self.instruments)
        self.pages = Pages(
            self.broker, reads, isolation=SessionIsolation(Instruments())
        )

    async def after(
        self, at: Cursor, *, limit: int = 100, max_bytes: int = 10**6
    ) -> Page:
        """The page that follows a place."""
        return await self.pages.after("a", at, limit=limit, max_bytes=max_bytes)

    async def before(
        self, at: Cursor | None, *, limit: int = 100, max_bytes: int = 10**6
    ) -> Page:
        """The page that ends at a place."""
        return await self.pages.before("a", at, limit=limit, max_bytes=max_bytes)

    async def store(self, *offsets: int, **fields: Any) -> None:
        """Records of the session."""
        await store(self.broker, "a", *offsets, **fields)


def has(page: Page) -> list[int]:
    """The offsets of a page's records."""
    return [entry.id.offset for entry in page.records]


def is_empty_at(page: Page, place: Cursor) -> bool:
    """Whether a page has nothing and tells nothing, and its place stays."""
    return page._replace(records=()) == Page(place, place) and not page.records


def reason(page: Page) -> str:
    """Why a gap or a rewind is told."""
    (told,) = page.told.values()
    return str(told["reason"])


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_forward(limit: int) -> None:
    """Each follows the one before it, and together they are the session."""
    rig = Rig()
    offsets = [*range(10, 510, 10)]
    await rig.store(*offsets)
    found: list[int] = []
    page = await rig.after(NOTHING, limit=limit)
    found += has(page)
    while page.more:
        assert len(page.records) == limit
        last = page.cursor
        page = await rig.after(last, limit=limit)
        assert page.prev == last
        found += has(page)
    assert found == offsets
    assert page.cursor == cursor("1-500")


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_backward(limit: int) -> None:
    """From the end, each ends where the one after it begins."""
    rig = Rig()
    offsets = [*range(10, 510, 10)]
    await rig.store(*offsets)
    page = await rig.before(None, limit=limit)
    assert page.cursor == cursor("1-500")
    found = has(page)
    while page.more:
        assert len(page.records) == limit
        first = page.prev
        page = await rig.before(first, limit=limit)
        assert page.cursor == first
        found = has(page) + found
    assert found == offsets


async def test_a_page_is_bounded_in_bytes() -> None:
    """One record at least, however large; else as many as begin within the bound."""
    rig = Rig()
    await rig.store(*range(10, 310, 10), record=b'{"x":"%b"}' % (b"x" * 992))
    for bound, count in ((1, 1), (1_000, 1), (1_001, 2), (9_999, 10), (20_000, 20)):
        assert len((await rig.after(NOTHING, max_bytes=bound)).records) == count
        assert len((await rig.before(None, max_bytes=bound)).records) == count


async def test_few_entries_are_read_before_their_size_is_known() -> None:
    """What they weigh says how many follow: memory is bounded by the page's bytes."""
    rig = Rig()
    await rig.store(*range(10, 10_010, 10), record=b'{"x":"%b"}' % (b"x" * 992))
    page = await rig.after(NOTHING, limit=1_000, max_bytes=50_000)
    assert len(page.records) == 50
    first, second = (limit for _, limit in rig.broker.pages)
    assert first <= FIRST_ENTRIES + 2
    assert first + second < 60


async def test_a_page_whose_records_are_smaller_than_the_first_ones() -> None:
    """It is filled all the same, in as many reads as it takes."""
    rig = Rig()
    large, small = [*range(10, 210, 10)], [*range(210, 1_210, 10)]
    await rig.store(*large, record=b'{"x":"%b"}' % (b"x" * 992))
    await rig.store(*small)
    await rig.store(*[at + 1_200 for at in large], record=b'{"x":"%b"}' % (b"x" * 992))
    page = await rig.after(NOTHING, limit=110, max_bytes=40_000)
    assert has(page) == [*large, *small[:90]]
    page = await rig.before(None, limit=110, max_bytes=40_000)
    assert has(page) == [*small[-90:], *[at + 1_200 for at in large]]


async def test_a_page_of_nothing() -> None:
    """Of a session that is not there, and at the end of one that is."""
    rig = Rig()
    for page in (await rig.after(NOTHING), await rig.before(None)):
        assert is_empty_at(page, NOTHING)
    await rig.store(10)
    assert is_empty_at(await rig.after(cursor("1-10")), cursor("1-10"))
    assert has(await rig.before(BEGINNING_CURSOR)) == []


async def test_a_generation_is_told_by_the_page_that_it_begins() -> None:
    """The one before ends there, in either direction."""
    rig = Rig()
    await rig.store(10, 20)
    await rig.store(10, generation=2)
    first = await rig.after(NOTHING)
    assert (has(first), first.told, first.more) == ([10, 20], {}, True)
    second = await rig.after(first.cursor)
    assert (has(second), [*second.told], second.more) == ([10], ["rewind"], False)
    last = await rig.before(None)
    assert (has(last), [*last.told], last.more) == ([10], ["rewind"], True)
    assert has(await rig.before(last.prev)) == [10, 20]


async def test_what_follows_a_place_that_was_trimmed() -> None:
    """The gap is told, and the page goes on after it; backwards it ends at it."""
    rig = Rig()
    await rig.store(10, 20, 30, 40)
    await rig.broker.trim("a", EntryID(1, 30))
    page = await rig.after(cursor("1-10"))
    assert (has(page), reason(page), page.more) == ([30, 40], "trimmed", False)
    page = await rig.before(cursor("1-10"))
    assert (has(page), reason(page)) == ([], "trimmed")
    page = await rig.before(None)
    assert has(page) == [30, 40]
    assert [*page.told] == ["gap"]


async def test_much_follows_a_place_that_was_trimmed() -> None:
    """The page that tells the gap says that there is more."""
    rig = Rig()
    await rig.store(*range(10, 510, 10))
    await rig.broker.trim("a", EntryID(1, 30))
    page = await rig.after(cursor("1-10"))
    assert (reason(page), page.more) == ("trimmed", True)
    assert has(await rig.after(page.cursor))[-1] == 500


async def test_what_follows_a_place_whose_neighbour_proves_it() -> None:
    """Its entry is trimmed and the next one names it: nothing is told."""
    rig = Rig()
    await rig.store(10, 20, 30)
    await rig.broker.trim("a", EntryID(1, 20))
    page = await rig.after(cursor("1-10"))
    assert (has(page), page.told) == ([20, 30], {})


async def test_a_place_of_another_file() -> None:
    """A rewind is told, and the page is from the beginning of what is there now."""
    rig = Rig()
    await rig.store(10, 20)
    other = cursor("1-10", b"other")
    page = await rig.after(other)
    assert (has(page), reason(page)) == ([10, 20], "replaced")
    page = await rig.before(other)
    assert (has(page), reason(page)) == ([], "replaced")
    assert page.cursor.id == EntryID(1, 0)


async def test_a_place_that_the_tailer_has_not_got_to() -> None:
    """Nothing contradicts it: the page is empty and its place stays."""
    rig = Rig()
    await rig.store(10)
    ahead = cursor("1-99")
    assert is_empty_at(await rig.after(ahead), ahead)
    assert is_empty_at(await rig.before(ahead), ahead)


async def test_generations_that_were_counted_anew() -> None:
    """A place has another ID now; its page is the same."""
    rig = Rig()
    await rig.store(10, 20, 30)
    page = await rig.before(cursor("7-20"))
    assert (has(page), page.cursor) == ([10, 20], cursor("1-20"))
    page = await rig.after(cursor("7-20"))
    assert (has(page), page.told) == ([30], {})


async def test_one_thing_is_told_by_one_page() -> None:
    """A place that was trimmed, before the beginning of a generation."""
    rig = Rig()
    await rig.store(10, 20)
    await rig.store(10, generation=2)
    await rig.broker.trim("a", EntryID(2, 0))
    first = await rig.after(cursor("1-10"))
    assert (has(first), [*first.told], first.more) == ([], ["gap"], True)
    second = await rig.after(first.cursor)
    assert (has(second), [*second.told], second.more) == ([10], ["rewind"], False)


@pytest.mark.parametrize("at", [5, FIRST_ENTRIES + 2, 50])
async def test_a_chain_that_breaks(at: int) -> None:
    """The page ends there: in what is read first, right behind it, and later."""
    rig = Rig()
    await rig.store(*range(10, 1_010, 10))
    del rig.broker._stored.streams["a"].entries[at]
    page = await rig.after(NOTHING)
    assert has(page) == [*range(10, at * 10, 10)]


async def test_those_who_ask_for_the_same_page_share_its_read() -> None:
    """In each direction; another bound is another page."""
    rig = Rig()
    await rig.store(10, 20, 30)
    pages = await asyncio.gather(
        *[rig.after(NOTHING, limit=2) for _ in range(3)], rig.after(NOTHING, limit=1)
    )
    assert [len(page.records) for page in pages] == [2, 2, 2, 1]
    assert len(rig.broker.pages) == 2


async def test_a_broker_that_is_away() -> None:
    """Who asks is told."""
    rig = Rig()
    with rig.broker.away():
        for page in (rig.after(NOTHING), rig.before(None)):
            with pytest.raises(BrokerUnavailable):
                await page


async def test_where_reading_begins() -> None:
    """Now is the head, whoever watches the session; all else is looked up."""
    rig = Rig()
    assert await rig.pages.find("a", Begin.NOW) == Resume(NOTHING, is_proved=True)
    await rig.store(10, 20)
    for place, found in (
        (Begin.NOW, "1-20"),
        (Last(1), "1-10"),
        (AtStep(20), "1-10"),
        (cursor("1-10"), "1-10"),
    ):
        verdict = await rig.pages.find("a", place)
        assert isinstance(verdict, Resume)
        assert verdict.cursor == cursor(found)
    await store(rig.broker, "b", 10, record=b"{}")
    assert await rig.pages.find("b", AtStep(1)) == NoValues("steps")


async def test_pages_before_an_entry_that_was_deleted() -> None:
    """The page says what is missing, and the next one goes on before it."""
    rig = Rig()
    await rig.store(10, 20, 30, 40)
    entries = rig.broker._stored.streams["a"].entries
    entries[:] = [one for one in entries if one.id.offset not in (20, 30)]
    page = await rig.before(Cursor(EntryID(1, 30), 0))
    assert (has(page), reason(page), page.prev) == ([], "trimmed", cursor("1-10"))
    assert page.more
    assert has(await rig.before(page.prev)) == [10]
    assert reason(await rig.before(cursor("1-20"))) == "trimmed"
