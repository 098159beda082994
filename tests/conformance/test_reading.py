"""Reading, listing, listening: all adapters answer alike."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tailcast_streams.births import UNCOUNTED, came_after
from tailcast_streams.entries import Document, Kind, NewEntry, NewRejection, Rejection
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.notification import Moved, parse_moved
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID, digest
from tailcast_streams.pushes import Push
from tailcast_streams.session_state import Appended, Batch, StoredEnd
from tests.conformance.batches import append, first_batch, record, rejection
from tests.conformance.conftest import Adapter
from tests.hints import heard_of
from tests.patience import PATIENCE_SECONDS


async def _stored(adapter: Adapter, session: str = "s") -> None:
    entries = [record(30, b'{"n":1}'), record(60, b'{"n":2}'), record(90, b'{"n":3}')]
    await adapter.append(first_batch(*entries, session=session, offset=90))


async def test_pages_forward_and_backward(adapter: Adapter) -> None:
    """Pages begin beside an ID, never with it, and hold at most the limit."""
    await _stored(adapter)

    after = await adapter.read_after("s", EntryID(1, 30), limit=1)
    before = await adapter.read_before("s", EntryID(1, 90), limit=2)
    newest = await adapter.read_before("s", None, limit=1)

    assert [entry.id.offset for entry in after] == [60]
    assert [entry.id.offset for entry in before] == [60, 30]
    assert [entry.id.offset for entry in newest] == [90]


async def test_an_entry_is_found_by_its_very_id(adapter: Adapter) -> None:
    """An ID between two entries is nobody's."""
    await _stored(adapter)

    found = await adapter.find("s", EntryID(1, 60))

    assert found is not None
    assert found.cursor == Cursor(EntryID(1, 60), digest(b'{"n":2}'))
    assert await adapter.find("s", EntryID(1, 61)) is None
    assert await adapter.find("other", EntryID(1, 60)) is None
    ids = [EntryID(1, 60), EntryID(1, 61), EntryID(1, 60)]
    assert await adapter.find_all("s", ids) == [found, None, found]
    assert await adapter.find_all("s", []) == []


async def test_rejected_lines_are_read_in_pages(adapter: Adapter) -> None:
    """Each with where its line is in the file, oldest first."""
    await adapter.append(first_batch(record(30)))
    lines = (rejection(35), NewRejection(40, "not UTF-8", 4, b"\xffabc"))
    await append(adapter, offset=40, rejections=lines)

    first = await adapter.read_rejected("s", BEFORE_ALL, limit=1)
    rest = await adapter.read_rejected("s", first[0].id, limit=9)

    assert first == [Rejection(EntryID(1, 35), "not JSON", 30, 4, "junk")]
    assert rest == [Rejection(EntryID(1, 40), "not UTF-8", 35, 4, "\ufffdabc")]
    assert await adapter.read_rejected("other", BEFORE_ALL, limit=9) == []


async def test_sessions_without_news_are_left_out(adapter: Adapter) -> None:
    """One call reads what is new in many sessions."""
    await _stored(adapter, "a")
    await _stored(adapter, "b")

    found = await adapter.read_many_after(
        {"a": EntryID(1, 60), "b": EntryID(1, 90), "c": BEFORE_ALL}, limit=10
    )

    assert list(found) == ["a"]
    assert [entry.record for entry in found["a"]] == [b'{"n":3}']


async def test_a_head_has_both_ends_and_the_state(adapter: Adapter) -> None:
    """What a window is opened with; nothing of an unknown session."""
    await _stored(adapter)

    head, unknown = await adapter.heads(["s", "unknown"])

    assert head.state is not None
    assert head.state.position.offset == 90
    assert head.oldest is not None
    assert head.oldest.kind is Kind.MARKER
    assert head.newest is not None
    assert head.newest.record == b'{"n":3}'
    assert (unknown.state, unknown.oldest, unknown.cursor) == (None, None, None)


async def test_the_head_of_an_emptied_stream_is_proved_by_the_state(
    adapter: Adapter,
) -> None:
    """The cursor of a client that has everything outlives the entries."""
    await adapter.append(first_batch(record(30)))
    await append(adapter, record(60, b"{}"), offset=60, fields={"last_digest": 7})
    await adapter.trim("s", EntryID(1, 61))

    (head,) = await adapter.heads(["s"])

    assert head.newest is None
    assert head.cursor == Cursor(EntryID(1, 60), 7)


async def test_an_end_is_told_with_its_proof(adapter: Adapter) -> None:
    """Of many sessions at once: what the state has, and the stream's own last ID."""
    await adapter.append(first_batch(record(30)))
    await append(adapter, record(60, b"{}"), offset=60, fields={"last_digest": 7})
    await adapter.trim("s", EntryID(1, 61))

    end, unknown = await adapter.ends(["s", "unknown"])

    assert end.incarnation == (await adapter.positions(["s"]))[0].incarnation != ""
    assert end.cursor == Cursor(EntryID(1, 60), 7)
    assert end.stream_last_id == EntryID(1, 60)
    assert unknown == StoredEnd()


async def test_activity_only_moves_forward(adapter: Adapter) -> None:
    """The list of sessions can be asked for what moved since."""
    await adapter.touch({"a": 1_000, "b": 5_000})
    await adapter.touch({"a": 500})
    await adapter.touch({})

    assert await adapter.sessions() == {"a": 1_000, "b": 5_000}
    assert await adapter.sessions(active_since_ms=2_000) == {"b": 5_000}


async def test_old_sessions_are_listed_and_struck_off(adapter: Adapter) -> None:
    """The list can be asked for what has not moved since; both ends count."""
    await adapter.touch({"a": 1_000, "b": 5_000, "c": 6_000})

    old = await adapter.sessions(active_until_ms=5_000)
    await adapter.unlist("a")
    await adapter.unlist("unknown")

    assert old == {"a": 1_000, "b": 5_000}
    assert await adapter.sessions() == {"b": 5_000, "c": 6_000}


async def test_the_latest_sessions_are_read_without_the_others(
    adapter: Adapter,
) -> None:
    """So many, and those that moved with the last of them; all if they are fewer."""
    await adapter.touch({"a": 1_000, "b": 5_000, "c": 5_000, "d": 6_000})

    assert await adapter.latest_sessions(1) == {"d": 6_000}
    assert await adapter.latest_sessions(2) == {"b": 5_000, "c": 5_000, "d": 6_000}
    assert await adapter.latest_sessions(5) == await adapter.sessions()
    before = await adapter.latest_sessions(1, active_until_ms=5_000)
    assert before == {"b": 5_000, "c": 5_000}
    assert await adapter.latest_sessions(9, active_until_ms=999) == {}


async def test_sessions_are_listed_by_their_names(adapter: Adapter) -> None:
    """Those that are there."""
    await adapter.touch({"a": 1_000, "b": 5_000})

    assert await adapter.activity(["b", "none"]) == {"b": 5_000}
    assert await adapter.activity([]) == {}


async def test_presence_ends_by_itself(adapter: Adapter) -> None:
    """A tailer that says nothing more is gone when its time is over."""
    await adapter.hold_presence("host:logs", seconds=600)
    await adapter.hold_presence("other:logs", seconds=0.001)

    assert await adapter.is_present("host:logs")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await adapter.is_present("other:logs"):
            await asyncio.sleep(0.001)
    assert not await adapter.is_present("nobody")
    asked = ["host:logs", "other:logs", "nobody"]
    assert await adapter.present(asked) == {"host:logs"}
    assert await adapter.present([]) == set()


async def test_a_tailer_falls_asleep_before_it_is_gone(adapter: Adapter) -> None:
    """One that gave no sign of late is there and not awake; old ones say nothing."""
    await adapter.hold_presence("awake", seconds=600, awake_seconds=600)
    await adapter.hold_presence("asleep", seconds=600, awake_seconds=0.001)
    await adapter.hold_presence("old", seconds=600)
    await adapter.hold_presence("gone", seconds=0.001, awake_seconds=600)
    asked = ["awake", "asleep", "old", "gone", "nobody"]

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await adapter.awake(asked) != {"awake", "old"}:
            await asyncio.sleep(0.001)
    assert await adapter.present(asked) == {"awake", "asleep", "old"}
    assert await adapter.awake([]) == set()

    await adapter.hold_presence("asleep", seconds=600, awake_seconds=600)
    assert await adapter.awake(["asleep"]) == {"asleep"}


async def test_a_document_is_taken_once_per_path_and_content(adapter: Adapter) -> None:
    """IDs are counted from 1; the same content under another path is another."""
    document = Document("emergency/a.json", "00ff", b'{"reason":"nan"}', "s", True, 17)

    assert await adapter.add_document(document)
    assert not await adapter.add_document(document)
    assert await adapter.add_document(document._replace(path="b.json", is_news=False))

    first, second = await adapter.read_after(EMERGENCIES, BEFORE_ALL, limit=10)
    assert (first.id, first.kind) == (EntryID(1, 1), Kind.EMERGENCY)
    assert first.record == b'{"reason":"nan"}'
    assert first.details == {
        "session": "s",
        "path": "emergency/a.json",
        "news": "1",
        "written": "17",
        "id": "emergency/a.json/00ff",
    }
    assert (second.id, second.previous) == (EntryID(1, 2), EntryID(1, 1))
    assert second.details is not None
    assert second.details["news"] == "0"


async def test_listeners_hear_what_moved(adapter: Adapter) -> None:
    """An append, a document and a note are heard in order, by name."""
    async with heard_of(adapter) as payloads, asyncio.timeout(PATIENCE_SECONDS):
        await _stored(adapter)
        await adapter.add_document(Document("a.json", "00", b"{}", "", True, 5))
        await adapter.notify("!canary")
        heard = [await anext(payloads) for _ in range(3)]

    assert heard == ["0 s", f"5 {EMERGENCIES}", "!canary"]


async def test_listeners_may_hear_all_of_a_while_together(adapter: Adapter) -> None:
    """What comes while others are gathered is heard after that, and none is lost."""
    seconds = 0.2
    handed_on: asyncio.Queue[tuple[bool, list[str]]] = asyncio.Queue()
    has_gathered = asyncio.Event()

    def take(some: Sequence[str | Push]) -> None:
        if handed_on.empty():
            # Half of the time: on no clock has it passed after all of it has.
            asyncio.get_running_loop().call_later(seconds / 2, has_gathered.set)
        texts = [text for text in some if isinstance(text, str)]
        handed_on.put_nowait((has_gathered.is_set(), texts))

    async with (
        adapter.notifications(take, gather_seconds=seconds),
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        await adapter.notify("!0")
        before, heard = await handed_on.get()
        for number in range(1, 9):
            await adapter.notify(f"!{number}")
        after, some = await handed_on.get()
        heard += some
        while len(heard) < 9:
            heard += (await handed_on.get())[1]

    assert (before, after) == (False, True)
    assert heard == [f"!{number}" for number in range(9)]


async def test_listeners_hear_when_a_line_was_written(adapter: Adapter) -> None:
    """The time of the newest line goes with the name, which may have spaces."""
    async with heard_of(adapter) as payloads, asyncio.timeout(PATIENCE_SECONDS):
        batch = first_batch(record(30), session="a b 1")
        await adapter.append(replace(batch, written_ms=1_700_000_000_123))
        heard = await anext(payloads)

    assert parse_moved(heard) == Moved("a b 1", 1_700_000_000_123)


async def test_a_head_leaves_out_what_only_tailers_need(adapter: Adapter) -> None:
    """What a list of thousands needs, not how their files are known again."""
    await adapter.append(first_batch(record(30)))
    fields: dict[str, str | int | float | bytes] = {"head_proof": "x", "past": "y"}
    await append(adapter, record(60), offset=60, fields=fields)

    (head,) = await adapter.heads(["s"])

    assert head.state is not None
    assert (head.state.head_proof, head.state.past) == ("", "")
    assert head.state.records == 2


async def test_emergencies_are_counted(adapter: Adapter) -> None:
    """In the state as in a head, with the ID of the latest."""
    alarms = [
        NewEntry(offset, Kind.EMERGENCY, b'{"emergency":{"n":%d}}' % offset)
        for offset in (60, 90)
    ]
    await adapter.append(first_batch(record(30), *alarms, offset=90))
    await append(adapter, record(120), offset=120)

    state = await adapter.load("s")
    (head,) = await adapter.heads(["s"])

    assert state is not None
    assert head.state is not None
    for one in (state, head.state):
        assert (one.emergencies, one.records) == (2, 4)
        assert one.latest_emergency_id == EntryID(1, 90)


async def test_a_head_is_what_one_append_left(adapter: Adapter) -> None:
    """Place and counters belong together."""
    data = b'{"n":3}'
    await adapter.append(first_batch(record(30)))
    fields: dict[str, str | int | float | bytes] = {
        "last_digest": digest(data), "created_ms": 5, "updated_ms": 9,
        "appended_ms": 8, "text": 2, "partial_bytes": 7, "absent_since_ms": 10,
        "written_ms": 4,
    }  # fmt: skip  # one glance
    await append(adapter, record(60, data), offset=60, fields=fields)
    await adapter.append(first_batch(session="empty"))
    await adapter.trim("s", EntryID(1, 61))

    head, unknown, empty = await adapter.heads(["s", "unknown", "empty"])

    assert unknown.state is None
    assert head.cursor == Cursor(EntryID(1, 60), digest(data))
    state = head.state
    assert state is not None
    position = state.position
    assert (position.incarnation, position.generation, position.offset) == ("i1", 1, 60)
    assert (state.records, state.rejected, state.text) == (2, 0, 2)
    assert (state.created_ms, state.updated_ms, state.aged_from_ms) == (5, 9, 8)
    assert (state.gone_since_ms, state.partial_bytes, state.written_ms) == (10, 7, 4)
    assert empty.state is not None
    assert (empty.state.records, empty.state.written_ms) == (0, 0)
    assert empty.cursor == Cursor(EntryID(1, 0), 0)


async def test_sessions_are_counted_as_they_begin(adapter: Adapter) -> None:
    """Each is listed by then, and has a number above all that were given before."""
    assert await adapter.births() == UNCOUNTED
    first = await adapter.bear("a", activity_ms=7)
    assert await adapter.sessions() == {"a": 7}
    second = await adapter.bear("b", activity_ms=5)

    assert came_after(second, first)
    assert second.counter == first.counter
    assert await adapter.births() == second


async def test_a_session_keeps_its_number(adapter: Adapter) -> None:
    """With its state: it is gone with it, and the next life has another one."""
    birth = await adapter.bear("s", activity_ms=7)
    first = first_batch(record(30))
    await adapter.append(replace(first, fields={**first.fields, "birth": str(birth)}))
    await append(adapter, record(60), offset=60)

    (head,) = await adapter.heads(["s"])
    state = await adapter.load("s")

    assert head.state is not None
    assert state is not None
    assert head.state.birth == state.birth == birth
    assert came_after(await adapter.bear("s", activity_ms=9), birth)


async def test_appends_are_stamped_by_the_brokers_clock(adapter: Adapter) -> None:
    """Whatever the tailer's shows; what appends nothing makes nothing younger."""
    before_ms = await adapter.now_ms()
    await adapter.append(first_batch(record(30)))
    state = await adapter.load("s")
    assert state is not None
    assert before_ms <= state.appended_ms <= await adapter.now_ms()
    assert state.aged_from_ms == state.appended_ms

    stamp: dict[str, str | int | float | bytes] = {"appended_ms": 7, "updated_ms": 5}
    await append(adapter, record(60), offset=60, fields=stamp)
    state = await adapter.load("s")
    assert state is not None
    noted = Batch(
        session="s",
        expected=state.position,
        incarnation=state.position.incarnation,
        generation=1,
        offset=60,
        entries=(),
        fields={"absent_since_ms": 9},
    )
    assert await adapter.append(noted) is Appended.DONE
    (head,) = await adapter.heads(["s"])
    assert head.state is not None
    assert (head.state.appended_ms, head.state.aged_from_ms) == (7, 7)


async def test_what_version_0_1_appended_is_aged_by_its_clock(adapter: Adapter) -> None:
    """It did not say more."""
    old = first_batch(record(30))
    fields = {**old.fields, "appended_ms": 0, "updated_ms": 5}
    await adapter.append(replace(old, fields=fields))
    state = await adapter.load("s")
    assert state is not None
    assert state.aged_from_ms == 5


async def test_what_was_noted_of_a_tailer_stays(adapter: Adapter) -> None:
    """That it saw all files there were; of each tailer apart."""
    assert not await adapter.has_begun("one:/logs")
    await adapter.note_begun("one:/logs")
    await adapter.note_begun("one:/logs")
    assert await adapter.has_begun("one:/logs")
    assert not await adapter.has_begun("two:/logs")
