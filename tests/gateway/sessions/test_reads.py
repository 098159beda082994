"""Pages and places for those who are behind: found, shared, and bounded."""

import asyncio
from collections.abc import Sequence

import pytest

from tailcast_gateway.sessions.core.continuity import Continuity
from tailcast_gateway.sessions.core.verdicts import (
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.reads import (
    MAX_PAGE_ENTRIES,
    MAX_PAGE_READS,
    MAX_READS,
    REPLAY_PAGE_BYTES,
    Reads,
)
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.subscription import AtStep, Begin, Last
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Document, Entry
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID
from tests.gateway.entries import cursor, id_of
from tests.gateway.sessions.rig import Sessions, turns, until
from tests.gateway.stage import NOBODY
from tests.gateway.stored import store


class Rig(Sessions):
    """Sessions, and who reads pages and places of them."""

    def __init__(self) -> None:
        super().__init__(window_bytes=10_000)
        search = Search(self.broker, rules=Rules(("o",), ()), now_ms=lambda: 0)
        self.reads = Reads(self.broker, search=search, instruments=self.instruments)

    async def page(self, watched: Watched, at: Cursor) -> tuple[Continuity, list[int]]:
        """The page after a place: how it follows on, and which offsets it has."""
        return await self.reads.page(watched, at, offsets)


def offsets(
    _: Cursor, continuity: Continuity, entries: Sequence[Entry]
) -> tuple[Continuity, list[int]]:
    """What a test makes of a page."""
    return continuity, [entry.id.offset for entry in entries]


def resumes(verdict: Verdict) -> Cursor:
    """Where delivery goes on, which is proved."""
    assert isinstance(verdict, Resume)
    assert verdict.is_proved
    return verdict.cursor


# Sharing, and its bounds.


async def test_those_who_ask_for_the_same_meanwhile_share_one_read() -> None:
    """Whoever asks when it is over has it read anew: nothing is kept."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20)
    pages = await asyncio.gather(*[rig.page(channel, NOTHING) for _ in range(5)])
    assert pages == [(Continuity.PROVED, [0, 10, 20])] * 5
    assert len(rig.broker.pages) == 1
    await rig.page(channel, NOTHING)
    assert len(rig.broker.pages) == 2


async def test_pages_of_other_places_and_other_windows_are_not_shared() -> None:
    """What was read of a window that was begun anew since is void."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20)
    with rig.broker.silent():
        reads = [
            asyncio.ensure_future(rig.page(channel, at))
            for at in (NOTHING, cursor("1-10"))
        ]
        await turns()
        channel.epoch += 1
        reads.append(asyncio.ensure_future(rig.page(channel, NOTHING)))
        await turns()
    await asyncio.gather(*reads)
    assert len(rig.broker.pages) == 3


async def test_who_asked_first_goes_away() -> None:
    """The others still get what was being read for it."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    with rig.broker.silent():
        first = asyncio.ensure_future(rig.page(channel, NOTHING))
        await turns()
        other = asyncio.ensure_future(rig.page(channel, NOTHING))
        await turns()
        first.cancel()
        await turns()
    assert await other == (Continuity.PROVED, [0, 10])
    assert first.cancelled()
    assert len(rig.broker.pages) == 1


async def test_what_fails_is_told_to_all_who_share_it() -> None:
    """And the next one who asks has it tried again."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    with rig.broker.away():
        errors = await asyncio.gather(
            *[rig.page(channel, NOTHING) for _ in range(2)], return_exceptions=True
        )
    assert [type(error) for error in errors] == [BrokerUnavailable] * 2
    assert await rig.page(channel, NOTHING) == (Continuity.PROVED, [0, 10])


@pytest.mark.parametrize(
    ("is_of_pages", "most"), [(True, MAX_PAGE_READS), (False, MAX_READS)]
)
async def test_so_many_reads_at_once(is_of_pages: bool, most: int) -> None:  # a case
    """The others wait, whoever asked first being next; pages have few turns."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    rig.broker.pages.clear()
    places = [Cursor(EntryID(1, n), 0) for n in range(10, 10 + 2 * most)]

    async def read(place: Cursor) -> None:
        if is_of_pages:
            await rig.page(channel, place)
        else:
            await rig.reads.share(
                place, lambda: rig.broker.read_after("a", place.id, limit=1)
            )

    tasks: list[asyncio.Future[None]] = []
    with rig.broker.silent():
        for place in places:
            tasks.append(asyncio.ensure_future(read(place)))
            await turns(5)
        await turns()
        assert len(rig.broker.pages) == most
    await asyncio.gather(*tasks)
    asked = [after.offset for after, _ in rig.broker.pages]
    assert asked == sorted(asked)
    assert len(asked) == 2 * most


async def test_what_is_under_way_at_the_end() -> None:
    """It is ended, and whoever waits for it."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    with rig.broker.silent():
        read = asyncio.ensure_future(rig.page(channel, NOTHING))
        await turns()
        rig.reads.close()
        await asyncio.wait([read])
    assert read.cancelled()


# Pages.


async def test_a_page_says_how_it_follows_on() -> None:
    """From a place that is there, from one that was trimmed, and from none."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    assert await rig.page(channel, cursor("1-10")) == (Continuity.PROVED, [20, 30])
    assert await rig.page(channel, Cursor(id_of("1-10"), 1)) == (Continuity.BROKEN, [])
    await rig.broker.trim("a", EntryID(1, 20))
    assert await rig.page(channel, cursor("1-10")) == (Continuity.CHAINED, [20, 30])
    assert await rig.page(channel, BEGINNING_CURSOR) == (Continuity.BROKEN, [])


async def test_how_much_one_page_has() -> None:
    """By what records of the session weigh, as the pages before it showed."""
    rig = Rig()
    large = b'{"x":"%b"}' % (b"x" * 16_384)
    channel = await rig.stored("a", *range(10, 210, 10), record=large)
    channel.record_bytes = 1.0
    await rig.page(channel, NOTHING)
    await rig.page(channel, NOTHING)
    (_, first), (_, second) = rig.broker.pages
    assert first == MAX_PAGE_ENTRIES
    assert (second - 2) * len(large) <= 1.1 * REPLAY_PAGE_BYTES


# Places.


async def test_a_place_that_the_window_proves() -> None:
    """Nobody is asked."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    rig.follow_on(channel, 20, 30)
    rig.broker.pages.clear()
    assert resumes(await rig.reads.place(channel, cursor("1-20"))) == cursor("1-20")
    found = await rig.reads.place(channel, EntryID(1, 25))
    assert resumes(found) == cursor("1-20")
    assert (rig.broker.heads_of, rig.broker.pages) == ([], [])


async def test_a_place_that_is_looked_up() -> None:
    """It is proved by what is stored; another record there is another file's."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    assert resumes(await rig.reads.place(channel, cursor("1-10"))) == cursor("1-10")
    verdict = await rig.reads.place(channel, cursor("1-10", b"other"))
    assert isinstance(verdict, Replaced)
    assert verdict.marker.id == EntryID(1, 0)


async def test_a_place_that_the_tailer_has_not_got_to() -> None:
    """It is waited for; not for ever where the file itself is too short."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    ahead = cursor("1-99")
    before, after = await asyncio.gather(
        rig.reads.place(channel, ahead),
        rig.reads.place(channel, ahead, has_waited=True),
    )
    assert before == Wait(is_file_long_enough=False)
    assert isinstance(after, Replaced)


async def test_the_last_so_many_records() -> None:
    """Marks do not count; with fewer, all that there are."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20)
    await store(rig.broker, "a", 5, generation=2)
    assert resumes(await rig.reads.place(channel, Last(1))).id == EntryID(2, 0)
    assert resumes(await rig.reads.place(channel, Last(2))) == cursor("1-10")
    assert resumes(await rig.reads.place(channel, Last(3))).id == EntryID(1, 0)
    assert resumes(await rig.reads.place(channel, Last(99))) == NOTHING
    await rig.broker.trim("a", EntryID(1, 20))
    assert resumes(await rig.reads.place(channel, Last(99))).id == EntryID(1, 10)


async def test_the_last_records_of_nothing() -> None:
    """Delivery begins with what comes."""
    rig = Rig()
    channel = rig.watch("a", NOBODY)
    assert resumes(await rig.reads.place(channel, Last(9))) == NOTHING


async def test_the_beginning_that_is_kept() -> None:
    """Who asks for it is told no gap for what was trimmed before."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20)
    assert resumes(await rig.reads.place(channel, Begin.START)) == NOTHING
    await rig.broker.trim("a", EntryID(1, 20))
    found = await rig.reads.place(channel, Begin.START)
    assert resumes(found) == Cursor(EntryID(1, 10), 0)
    assert await rig.reads.look_up("a", NOTHING) == Trimmed(Cursor(EntryID(1, 10), 0))


async def test_a_place_by_step() -> None:
    """It is searched for among what is stored."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    assert resumes(await rig.reads.place(channel, AtStep(20))).id == EntryID(1, 10)


async def test_the_last_place_of_history() -> None:
    """The last entry that is not above an ID, whether one has that ID or not."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    for asked, found in (("1-20", "1-20"), ("1-29", "1-20"), ("1-99", "1-30")):
        channel.window.shrink(0)
        verdict = await rig.reads.place(channel, id_of(asked))
        assert resumes(verdict).id == id_of(found)


async def test_history_that_was_trimmed() -> None:
    """Delivery goes on where something is kept, which is told; or from there on."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    await rig.broker.trim("a", EntryID(1, 30))
    verdict = await rig.reads.place(channel, EntryID(1, 10))
    assert verdict == Trimmed(Cursor(EntryID(1, 20), 0))
    verdict = await rig.reads.place(channel, EntryID(1, 20))
    assert resumes(verdict) == Cursor(EntryID(1, 20), 0)
    await rig.broker.trim("a", EntryID(2, 0))
    verdict = await rig.reads.place(channel, EntryID(1, 20))
    assert verdict == Trimmed(cursor("1-30"))


async def test_history_of_a_session_that_the_broker_forgot() -> None:
    """It comes again."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    rig.broker.wipe()
    verdict = await rig.reads.place(channel, EntryID(1, 5))
    assert verdict == Wait(is_file_long_enough=True)


async def test_a_reader_whom_retention_overtook_again() -> None:
    """It goes on a tenth into what is kept, not where it would be overtaken again."""
    rig = Rig()
    channel = await rig.stored("a", *range(10, 1_010, 10))
    await rig.broker.trim("a", EntryID(1, 110))
    place = cursor("1-50")
    verdict = await rig.reads.place(channel, place)
    assert verdict == Trimmed(Cursor(EntryID(1, 100), 0))
    verdict = await rig.reads.place(channel, place, overtaken=True)
    assert verdict == Trimmed(cursor("1-200"))
    verdict = await rig.reads.place(channel, cursor("1-150"), overtaken=True)
    assert resumes(verdict) == cursor("1-150")


async def test_a_session_that_is_forgotten_while_a_place_is_looked_up() -> None:
    """It is judged by what is there now: no other file took its place."""
    rig = Rig()
    channel = await rig.stored("a", 10, 20, 30)
    channel.window.shrink(0)
    with rig.broker.silent():
        looking = asyncio.ensure_future(rig.reads.place(channel, cursor("1-20")))
        await until(lambda: bool(rig.broker.heads_of))
        await turns()
        rig.broker.wipe()
    assert await looking == Wait(is_file_long_enough=True)


async def test_a_place_of_a_session_that_nobody_watches() -> None:
    """It is found as well."""
    rig = Rig()
    await store(rig.broker, "a", 10, 20)
    assert resumes(await rig.reads.find("a", cursor("1-10"))) == cursor("1-10")
    assert resumes(await rig.reads.find("a", Begin.START)) == NOTHING
    assert resumes(await rig.reads.look_up("a", cursor("1-20"))) == cursor("1-20")


async def test_documents_have_no_state() -> None:
    """A place of theirs that is not there was counted in a broker that forgot."""
    rig = Rig()
    verdict = await rig.reads.look_up(EMERGENCIES, cursor("1-9"))
    assert verdict == Wait(is_file_long_enough=True)
    await rig.broker.add_document(Document("e.json", "00", b"{}", "", is_news=True))
    verdict = await rig.reads.look_up(EMERGENCIES, cursor("1-1", b"other"))
    assert verdict == Replaced(NOTHING)
    assert await rig.reads.look_up("a", cursor("1-1")) == Wait(is_file_long_enough=True)


async def test_the_head_is_read_once_for_all_who_ask() -> None:
    """Of one window."""
    rig = Rig()
    channel = await rig.stored("a", 10)
    heads = await asyncio.gather(*[rig.reads.head(channel) for _ in range(3)])
    assert {head.cursor for head in heads} == {cursor("1-10")}
    assert rig.broker.heads_of == [["a"]]
