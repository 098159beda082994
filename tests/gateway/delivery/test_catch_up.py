"""How those who are not live are served, over a broker in memory."""

import asyncio
from collections.abc import Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tailcast_gateway.delivery import catch_up as catch_up_module
from tailcast_gateway.delivery.catch_up import SHORT_FILE_SECONDS, CatchUp
from tailcast_gateway.delivery.core.allowance import Allowance
from tailcast_gateway.delivery.core.channel import (
    Channel,
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.delivery.core.encoding import SLICE_BYTES
from tailcast_gateway.sessions.core.verdicts import (
    NoValues,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.views.filters import Filter
from tailcast_gateway.views.sampling_budget import SamplingBudget
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_gateway.views.view import View
from tailcast_streams.entries import Entry, Kind, NewEntry
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Batch
from tests.gateway.entries import chain, cursor, entry, head, id_of, marker
from tests.gateway.stage import (
    NOBODY,
    Stage,
    records,
    rule,
    socket_of,
    told,
    written,
)


class Broker(MemoryBroker):
    """Keeps what pages were read."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[EntryID] = []
        # Pages are not read while it is clear.
        self.reads_on = asyncio.Event()
        self.reads_on.set()

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        self.pages.append(after)
        await self.reads_on.wait()
        return await super().read_after(session, after, limit=limit)

    async def store(self, session: str, *offsets: int, **fields: Any) -> None:
        """Append what a `chain` has, after a marker if it is the first."""
        (expected,) = await self.positions([session])
        is_first = not expected.generation
        new = [NewEntry(at, Kind.RECORD, b'{"o":%d}' % at) for at in offsets]
        if is_first:
            new.insert(0, NewEntry(0, Kind.MARKER, b""))
        await self.append(
            Batch(
                session=session,
                expected=expected,
                incarnation=expected.incarnation or "i",
                generation=max(1, expected.generation),
                offset=new[-1].offset,
                entries=new,
                fields=fields,
            )
        )


class Chase(Stage):
    """A stage that serves those who are behind."""

    def __init__(self, **sizes: int) -> None:
        super().__init__(**sizes)
        self.broker = Broker()
        self.now = 1_000.0
        # Clients that are to be pinged.
        self.pinged: list[Client] = []
        self.tasks: set[asyncio.Task[None]] = set()
        search = Search(self.broker, step_keys=["step"], time_keys=["time"])
        self.catch_up = CatchUp(
            self.followers,
            Reads(self.broker, search=search, instruments=self.instruments),
            SamplingBudget(step_keys=["step"], time_keys=["time"]),
            isolation=self.hub.isolation,
            ask=self.pinged.append,
            spawn=self.spawn,
            clock=lambda: self.now,
            timestamp=lambda: "now",
            instruments=self.instruments,
        )
        self.followers.pursuit = self.catch_up

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def quiet(self) -> None:
        """Wait until everybody is served."""
        while True:
            # What was called soon has been called after a turn of the loop.
            await asyncio.sleep(0)
            if self.tasks:
                await asyncio.wait(self.tasks)
            elif not any(one.is_being_served for one in self.hub.subscribers):
                return

    async def turns(self, count: int = 100) -> None:
        """Give the loop so many turns: enough for all that waits for no time."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def stored(self, *offsets: int, kept: int = 10**6, **fields: Any) -> Channel:
        """A session with these records, of which the window has some bytes."""
        await self.broker.store("a", *offsets, **fields)
        channel = self.watch("a", NOBODY)
        channel.note_state((await self.broker.heads(["a"]))[0])
        entries = await self.broker.read_after("a", NOTHING.id, limit=10**6)
        self.broker.pages.clear()
        self.come(channel, entries)
        channel.window.shrink(kept)
        return channel

    def follow(
        self, channel: Channel, at: Cursor, view: View | None = None, **fields: Any
    ) -> Follower:
        """A client that is behind, at a place."""
        one = rule(channel.session) if channel.session != EMERGENCIES else "a"
        if view is not None:
            one = rule(channel.session, view=view)
        client = self.client(one)
        if channel.session in client.followers:
            self.followers.remove(client.followers[channel.session])
        follower = self.followers.follow(client, channel, FollowerState.BEHIND)
        for name, value in fields.items():
            setattr(follower, name, value)
        self.followers.set_behind(follower, at)
        return follower


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once."""
    monkeypatch.setattr(catch_up_module, "CATCH_UP_RETRY_SECONDS", 0.0)


def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is not tried again while a test lasts."""
    monkeypatch.setattr(catch_up_module, "CATCH_UP_RETRY_SECONDS", 10_000.0)


def kinds(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Of which types messages are."""
    return [message["type"] for message in messages]


# Serving.


async def test_who_is_behind_is_served_from_the_window() -> None:
    """And is live then; nothing is read for it."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30)
    follower = stage.follow(channel, cursor("1-10"))
    await stage.quiet()
    messages = told(follower.client)
    assert records(messages) == [20, 30]
    assert kinds(messages) == ["telemetry"]
    assert not follower.client.followers
    assert not stage.broker.pages
    assert stage.counted("writes") == 1


async def test_who_is_far_behind_is_served_from_the_stream() -> None:
    """Up to the window, and from there on from it."""
    stage = Chase()
    channel = await stage.stored(*range(10, 100, 10), kept=0)
    stage.follow_on(channel, 100)
    await stage.broker.store("a", 100)
    follower = stage.follow(channel, NOTHING)
    await stage.quiet()
    assert records(told(follower.client)) == [*range(10, 110, 10)]
    assert not follower.client.followers
    assert len(stage.broker.pages) == 1


async def test_a_replay_says_so_and_is_over_when_it_is_caught_up() -> None:
    """At the window's end."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, cursor("1-10"), is_replay=True)
    await stage.quiet()
    first, last = told(follower.client)
    assert first["replayed"]
    assert (last["type"], last["cursor"]) == ("caught_up", str(cursor("1-20")))


async def test_sessions_take_turns() -> None:
    """A client's next session goes before the rest of one that was served."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    client, half = Client(socket_of(stage.client())), b"x" * SLICE_BYTES
    for session in "ab":
        channel = stage.watch(session)
        big = [
            entry("1-10", "1-0", b'{"o":10,"x":"%s"}' % half),
            entry("1-20", "1-10", b'{"o":20,"x":"%s"}' % half),
        ]
        stage.come(channel, big)
    starts: dict[str, Wanted] = dict.fromkeys("ab", BEGINNING_CURSOR)
    stage.subscribe(client, "a", "b", starts=starts)
    await stage.quiet()
    messages = [one for one in told(client) if one["type"] == "telemetry"]
    assert [one["sessionId"] for one in messages] == ["a", "b", "a", "b"]


async def test_a_socket_that_is_full_is_given_nothing() -> None:
    """It goes on when it takes more."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, cursor("1-10"))
    client = follower.client
    client.announcements.append(b"early")
    socket_of(client).paused = True
    await stage.quiet()
    assert written(client) == b""
    assert follower in client.behind
    socket_of(client).paused = False
    stage.catch_up.wake(client)
    await stage.quiet()
    first, *_ = socket_of(client).written
    assert first == b"early"
    assert not client.announcements
    assert not client.followers


async def test_a_socket_that_is_full_after_the_last_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is not live: it would be told that it is, beyond what it takes."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, cursor("1-10"), is_replay=True)
    socket = socket_of(follower.client)
    write = socket._write

    def fill(frames: bytes) -> None:
        write(frames)
        socket.paused = True

    monkeypatch.setattr(socket, "_write", fill)
    await stage.quiet()
    assert (follower.is_current, follower.cursor) == (True, cursor("1-20"))
    assert kinds(told(follower.client)) == ["telemetry"]
    socket.paused = False
    stage.catch_up.wake(follower.client)
    await stage.quiet()
    assert kinds(told(follower.client)) == ["caught_up"]
    assert not follower.is_current


async def test_who_has_left_is_not_served() -> None:
    """Neither in a turn that was due, nor in one that is asked for."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, cursor("1-10"))
    follower.client.is_closed = True
    await stage.quiet()
    stage.catch_up.wake(follower.client)
    assert not follower.client.is_being_served
    await stage.quiet()
    assert written(follower.client) == b""


async def test_a_client_has_one_turn_at_a_time() -> None:
    """However often it is woken."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    follower = stage.follow(channel, BEGINNING_CURSOR)
    for _ in range(3):
        stage.catch_up.wake(follower.client)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]
    assert len(stage.broker.pages) == 1


async def test_a_page_that_is_being_read_is_read_once() -> None:
    """Though its client is woken meanwhile."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    stage.broker.reads_on.clear()
    follower = stage.follow(channel, BEGINNING_CURSOR)
    await stage.turns()
    stage.catch_up.wake(follower.client)
    await stage.turns()
    assert len(stage.tasks) == 1
    stage.broker.reads_on.set()
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]


async def test_who_cannot_be_served_is_closed() -> None:
    """From the window or from the stream; nobody else suffers."""
    for kept in (10**6, 0):
        stage = Chase()
        channel = await stage.stored(10, 20, kept=kept)
        bad, good = (stage.follow(channel, BEGINNING_CURSOR) for _ in range(2))
        socket_of(bad.client).failure = LookupError("x")
        await stage.quiet()
        assert (bad.client.is_closed, good.client.is_closed) == (True, False)
        assert records(told(good.client)) == [10, 20]


# What becomes of a page that was read.


async def read_page(
    stage: Chase, channel: Channel, at: Cursor = BEGINNING_CURSOR
) -> Follower:
    """A follower for which a page is being read that is not there yet."""
    stage.broker.reads_on.clear()
    follower = stage.follow(channel, at)
    await stage.turns()
    assert stage.broker.pages
    return follower


async def come(stage: Chase) -> None:
    """Let the page come; what is to be read after it never does."""
    (task,) = stage.tasks
    stage.broker.reads_on.set()
    await asyncio.wait([task])


async def test_a_page_for_who_is_gone_is_dropped() -> None:
    """Closed or dropped."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    follower = await read_page(stage, channel)
    follower.client.is_closed = True
    await come(stage)
    other = await read_page(stage, channel)
    stage.hub.leave(other.client)
    other.client.is_closed = False
    await come(stage)
    assert written(follower.client) == written(other.client) == b""


async def test_a_page_for_a_socket_that_is_full_meanwhile_is_dropped() -> None:
    """It is read again when that takes more."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    follower = await read_page(stage, channel)
    socket_of(follower.client).paused = True
    await come(stage)
    await stage.quiet()
    assert written(follower.client) == b""
    assert follower.cursor == BEGINNING_CURSOR


@pytest.mark.parametrize("what", ["place", "epoch", "state"])
async def test_a_page_for_another_place_is_dropped(what: str) -> None:
    """Where its follower has been moved, or its session begun anew."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30, kept=0)
    follower = await read_page(stage, channel)
    if what == "place":
        follower.cursor = cursor("1-20")
    elif what == "epoch":
        channel.epoch += 1
    else:
        follower.pace = FollowerState.WAITING
        follower.client.behind.clear()
    await come(stage)
    assert written(follower.client) == b""


async def test_a_page_reaches_no_further_than_the_window() -> None:
    """What is beyond comes through that, to all at once."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    await stage.broker.store("a", 30)
    follower = stage.follow(channel, BEGINNING_CURSOR)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]
    assert not follower.is_current


async def test_what_has_come_into_the_window_is_taken_from_there() -> None:
    """Where it begins at the follower's place by now."""
    stage = Chase()
    await stage.broker.store("a", 10, 20)
    channel = stage.watch("a", head([marker("2-0", "1-20")]))
    follower = await read_page(stage, channel, cursor("1-10"))
    channel.window = stage.watch("b", head(chain(10))).window
    channel.window.extend(chain(20, 30, previous="1-10"))
    await come(stage)
    assert records(told(follower.client)) == [20, 30]


async def test_a_broker_that_is_away_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not before a pause."""
    never(monkeypatch)
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    stage.broker.failure = BrokerUnavailable("away")
    follower = stage.follow(channel, BEGINNING_CURSOR)
    await stage.turns()
    assert len(stage.broker.pages) == 1
    stage.broker.failure = None
    (task,) = stage.tasks
    task.cancel()
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]
    assert stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}') >= 1


async def test_a_page_is_asked_for_again_when_the_broker_is_back() -> None:
    """Without a word to the client."""
    stage = Chase()
    channel = await stage.stored(10, 20, kept=0)
    stage.broker.failure = BrokerUnavailable("away")
    follower = stage.follow(channel, BEGINNING_CURSOR)
    while len(stage.broker.pages) < 3:
        await asyncio.sleep(0)
    stage.broker.failure = None
    await stage.quiet()
    assert kinds(told(follower.client)) == ["telemetry"]
    assert not follower.client.is_closed


async def test_what_follows_may_have_been_trimmed() -> None:
    """A gap, and on after it; not at the oldest, which may be trimmed next."""
    stage = Chase()
    channel = await stage.stored(*range(10, 1_010, 10), kept=0)
    await stage.broker.trim("a", id_of("1-30"))
    follower = stage.follow(channel, cursor("1-10"))
    await stage.quiet()
    gap, *rest = told(follower.client)
    assert (gap["type"], gap["reason"]) == ("gap", "trimmed")
    assert gap["from"] == str(cursor("1-10"))
    found = records(rest)
    assert found == [*range(found[0], 1_010, 10)]
    assert Cursor.parse(gap["to"]).id == EntryID(1, found[0] - 10)
    assert 30 < found[0] < 200
    assert follower.failures == 0
    assert stage.asked.marked == ["a"]


async def test_who_comes_with_a_place_that_was_trimmed_goes_on_at_the_oldest() -> None:
    """Retention has not overtaken it."""
    stage = Chase()
    await stage.stored(*range(10, 1_010, 10), kept=0)
    await stage.broker.trim("a", id_of("1-30"))
    client = stage.client("a", starts={"a": cursor("1-10")})
    await stage.quiet()
    assert records(told(client)) == [*range(30, 1_010, 10)]


@pytest.mark.parametrize(("failures", "is_found"), [(1, True), (2, False)])
async def test_who_fails_again_and_again_is_looked_up_after_a_pause(
    monkeypatch: pytest.MonkeyPatch, failures: int, *, is_found: bool
) -> None:
    """The first time at once."""
    never(monkeypatch)
    stage = Chase()
    channel = await stage.stored(10, 20)
    follower = stage.follow(channel, NOTHING, failures=failures)
    stage.followers.look_up(follower, cursor("1-10"))
    await stage.turns()
    assert (follower.pace is not FollowerState.LOOKING_UP) is is_found
    for task in stage.tasks:
        task.cancel()


async def test_what_is_held_back_is_read_again_after_a_failure() -> None:
    """From where the client was told something last."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30, 40, kept=0)
    await stage.broker.trim("a", id_of("1-40"))
    view = View(max_points=2)
    follower = stage.follow(channel, cursor("1-20"), view, is_replay=True)
    samplers = SamplingBudget(step_keys=["step"], time_keys=["time"])
    follower.sampler = samplers.begin(view, cursor("1-10"), id_of("1-40"))
    await stage.quiet()
    gap = told(follower.client)[0]
    assert (gap["type"], gap["from"]) == ("gap", str(cursor("1-10")))


# What an allowance lets out.


async def test_who_has_to_answer_first_is_given_no_more() -> None:
    """Before that it is given what it may be, and asked."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30)
    follower = stage.follow(channel, BEGINNING_CURSOR)
    client = follower.client
    client.allowance = allowance = Allowance()
    allowance._quota = 8
    await stage.turns(1)
    assert records(told(client)) == [10]
    assert stage.pinged == [client]
    allowance.ask(1, stage.now)
    await stage.quiet()
    assert told(client) == []
    allowance.answered(1, stage.now)
    allowance._quota = 10**6
    stage.catch_up.wake(client)
    await stage.quiet()
    assert records(told(client)) == [20, 30]
    assert stage.pinged == [client]


async def test_of_a_page_it_is_given_as_much_as_it_may_be() -> None:
    """And the rest of it later."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30, kept=0)
    follower = stage.follow(channel, BEGINNING_CURSOR)
    follower.client.allowance = allowance = Allowance()
    allowance._quota = 8
    while not socket_of(follower.client).written:
        await asyncio.sleep(0)
    allowance.ask(1, stage.now)
    await stage.quiet()
    assert records(told(follower.client)) == [10]


async def test_a_large_allowance_makes_no_larger_slices() -> None:
    """Others have their turn between."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    channel = stage.watch("a")
    big = b'{"x":"%s"}' % (b"x" * SLICE_BYTES)
    stage.come(channel, [entry("1-10", "1-0", big), entry("1-20", "1-10", big)])
    follower = stage.follow(channel, BEGINNING_CURSOR)
    follower.client.allowance = allowance = Allowance()
    allowance._quota = 10**7
    await stage.quiet()
    assert len(socket_of(follower.client).written) == 2


# How it is told.


async def test_who_fell_behind_gets_the_newest_record_where_a_rate_is_set() -> None:
    """With what is no record, and how many records it stands for."""
    stage = Chase()
    channel = stage.watch("a")
    alarm = entry("1-15", "1-10", b'{"o":15}', Kind.EMERGENCY)
    later = chain(20, 30, previous="1-15")
    stage.come(channel, [*chain(10), alarm, *later])
    follower = stage.follow(channel, BEGINNING_CURSOR, View(max_rate=1.0))
    await stage.quiet()
    first, last = told(follower.client)
    assert (first["type"], "sampled" in first) == ("emergency", False)
    assert (records([last]), last["sampled"]) == ([30], {"of": 3})


async def test_a_replay_has_all_records_where_a_rate_is_set() -> None:
    """Rates are of live records."""
    stage = Chase()
    channel = await stage.stored(10, 20)
    view = View(max_rate=1.0)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    await stage.quiet()
    assert records(told(follower.client)) == [10, 20]


async def test_a_replay_is_reduced_and_what_came_since_is_not() -> None:
    """From the end that there was when it began."""
    stage = Chase()
    channel = await stage.stored(*range(10, 1_010, 10))
    view = View(max_points=2)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    stage.follow_on(channel, 1_010)
    end = EntryID(1, 1_000)
    budget = SamplingBudget(step_keys=["step"], time_keys=["time"])
    follower.sampler = budget.begin(view, BEGINNING_CURSOR, end)
    await stage.quiet()
    messages = told(follower.client)
    found = records(messages)
    assert len(found) < 20
    assert found[-2:] == [1_000, 1_010]
    assert found == sorted(set(found))
    counts = [one["sampled"]["of"] for one in messages if "sampled" in one]
    assert sum(counts) == 100
    assert all(one["replayed"] for one in messages if one["type"] == "telemetry")
    assert "sampled" not in messages[-2]


async def test_a_replay_that_has_been_reduced_is_so_no_more() -> None:
    """All that comes until it is over is told; nor is one that fell behind."""
    stage = Chase()
    channel = await stage.stored(*range(10, 510, 10))
    view = View(max_points=2)
    replayed = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    replayed.is_sampled = True
    behind = stage.follow(channel, BEGINNING_CURSOR, view)
    await stage.quiet()
    for follower in (replayed, behind):
        assert records(told(follower.client)) == [*range(10, 510, 10)]


async def test_a_reduced_replay_goes_on_over_pages() -> None:
    """With one sampler, until its end is reached."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    channel = stage.watch("a")
    half = b"x" * (SLICE_BYTES // 2)
    lines = [b'{"o":%d,"x":"%s"}' % (at, half) for at in range(10, 70, 10)]
    previous, entries = "1-0", list[Entry]()
    for at, line in zip(range(10, 70, 10), lines, strict=True):
        entries.append(entry(f"1-{at}", previous, line))
        previous = f"1-{at}"
    stage.come(channel, entries)
    view = View(max_points=2)
    follower = stage.follow(channel, BEGINNING_CURSOR, view, is_replay=True)
    await stage.quiet()
    messages = told(follower.client)
    found = records(messages)
    assert found[-1] == 60
    counts = [one["sampled"]["of"] for one in messages if "sampled" in one]
    assert sum(counts) == 6
    assert follower.is_sampled
    assert messages[-1]["type"] == "caught_up"


def document(offset: int, session: str, news: str = "1") -> Entry:
    """A whole-file emergency."""
    details = {"session": session, "id": f"i{offset}", "path": "p", "news": news}
    previous = f"1-{offset - 1}" if offset > 1 else "0-0"
    return entry(f"1-{offset}", previous, b"{}", Kind.EMERGENCY, details)


@pytest.mark.parametrize("is_replay", [True, False])
async def test_documents_are_those_that_concern_a_client(*, is_replay: bool) -> None:
    """What is no news is for those alone who asked for what was."""
    stage = Chase()
    channel = stage.watch(EMERGENCIES, NOBODY)
    stage.come(
        channel, [document(1, "a", news="0"), document(2, "a"), document(3, "b")]
    )
    follower = stage.follow(channel, NOTHING, is_replay=is_replay)
    await stage.quiet()
    found = [one["id"] for one in told(follower.client) if one["type"] == "emergency"]
    assert found == (["i1", "i2"] if is_replay else ["i2"])


async def test_what_is_held_back_by_a_filter_is_passed_over() -> None:
    """Nothing is written for it."""
    stage = Chase()
    channel = await stage.stored(10, 20)

    def matches(_fields: object) -> bool:
        return False

    nothing = cast(Filter, SimpleNamespace(matches=matches))
    follower = stage.follow(channel, BEGINNING_CURSOR, View(where=nothing))
    await stage.quiet()
    assert socket_of(follower.client).written == []
    assert not follower.is_current
    assert stage.counted("writes") == 0


# Sessions that are not there.


async def test_who_asks_for_a_session_that_is_not_there_is_told_so() -> None:
    """After the answer: there is nothing to replay."""
    stage = Chase()
    stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": Begin.START})
    assert told(client) == []
    await stage.turns(1)
    assert told(client) == [{"type": "caught_up", "sessionId": "a", "cursor": None}]


async def test_who_comes_with_the_beginning_of_a_session_that_is_not_there() -> None:
    """As who asks for all of it; then it gets the first record, as news."""
    stage = Chase()
    channel = stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": BEGINNING_CURSOR})
    await stage.quiet()
    assert told(client) == [{"type": "caught_up", "sessionId": "a", "cursor": None}]
    await stage.broker.store("a", 10)
    stage.hub.created(channel, (await stage.broker.heads(["a"]))[0])
    stage.come(channel, await stage.broker.read_after("a", NOTHING.id, limit=10))
    await stage.quiet()
    messages = told(client)
    assert (kinds(messages), records(messages)) == (["telemetry"], [10])
    assert "replayed" not in messages[0]


async def test_who_asks_for_one_that_comes_meanwhile_is_told_before() -> None:
    """Not of one that it does not want any more."""
    stage = Chase()
    channel = stage.watch("a", NOBODY)
    first, second = (stage.client("a", starts={"a": Begin.START}) for _ in range(2))
    stage.subscribe(second, "b")
    await stage.broker.store("a", 10)
    stage.hub.created(channel, (await stage.broker.heads(["a"]))[0])
    stage.come(channel, await stage.broker.read_after("a", NOTHING.id, limit=10))
    await stage.quiet()
    assert kinds(told(first)) == ["caught_up", "telemetry"]
    assert told(second) == []


async def test_who_cannot_be_told_that_there_is_nothing_is_closed() -> None:
    """Nobody else is."""
    stage = Chase()
    stage.watch("a", NOBODY)
    client = stage.client("a", starts={"a": Begin.START})
    socket_of(client).failure = LookupError("x")
    await stage.turns(1)
    assert client.is_closed


# Look-ups.


async def test_a_place_is_looked_up_and_served() -> None:
    """As many records as were asked for."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.quiet()
    messages = told(client)
    assert records(messages) == [20, 30]
    assert kinds(messages) == ["telemetry", "caught_up"]


async def test_a_place_is_asked_for_again_when_the_broker_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not before a pause."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    stage.broker.failure = BrokerUnavailable("away")
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    failed = stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
    assert failed > 1
    stage.broker.failure = None
    await stage.quiet()
    assert records(told(client)) == [20, 30]
    never(monkeypatch)
    stage.broker.failure = BrokerUnavailable("away")
    failed = stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
    stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    assert (
        stage.counted("broker_errors", '{code="",error="BrokerUnavailable"}')
        == failed + 1
    )
    for task in stage.tasks:
        task.cancel()


@pytest.mark.parametrize(
    ("what", "is_asked"),
    [
        ("closed", False),
        ("closed", True),
        ("found", False),
        ("found", True),
        ("gone", False),
        ("gone", True),
        ("other", True),
    ],
)
async def test_what_is_not_wanted_any_more_is_not_settled(
    what: str, *, is_asked: bool
) -> None:
    """Where its client has left, or wants another place, or has been told."""
    stage = Chase()
    await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    follower = client.followers["a"]
    if is_asked:
        await stage.turns(1)
    if what == "closed":
        client.is_closed = True
    elif what == "other":
        follower.wanted = Last(1)
    elif what == "found":
        follower.pace = FollowerState.BEHIND
    else:
        stage.followers.remove(follower)
    await stage.turns()
    assert follower.cursor == NOTHING
    assert written(client) == b""


async def test_a_verdict_on_another_life_of_a_session_is_void() -> None:
    """Who began that has it looked up anew."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns(1)
    channel.epoch += 1
    await stage.turns()
    assert client.followers["a"].pace is FollowerState.LOOKING_UP


async def test_a_verdict_on_a_life_that_began_while_the_broker_was_away() -> None:
    """Is good: it was asked for in it."""
    stage = Chase()
    channel = await stage.stored(10, 20, 30)
    stage.broker.failure = BrokerUnavailable("away")
    client = stage.client("a", starts={"a": Last(2)})
    await stage.turns()
    channel.epoch += 1
    stage.broker.failure = None
    await stage.quiet()
    assert records(told(client)) == [20, 30]


async def test_who_cannot_be_looked_up_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is nobody else's failure."""
    stage = Chase()
    await stage.stored(10)

    async def fail(*_: object, **__: object) -> Verdict:
        raise LookupError("x")

    monkeypatch.setattr(Reads, "place", fail)
    client = stage.client("a", starts={"a": Last(2)})
    await stage.quiet()
    assert client.is_closed


# Verdicts.


def judged(
    verdict: Verdict,
    wanted: Wanted = NOTHING,
    *,
    at: Cursor = NOTHING,
    is_answered: bool = False,
) -> tuple[Chase, Follower, list[dict[str, Any]]]:
    """A follower about which there is a verdict, and what it was told of it."""
    stage = Chase()
    stage.followers.pursuit = stage.asked
    channel = stage.watch("a", head(chain(10, 20, 30)))
    client = stage.client("a")
    follower = stage.followers.follow(
        client, channel, FollowerState.LOOKING_UP, cursor=at
    )
    stage.followers.look_up(follower, wanted)
    if is_answered:
        stage.catch_up.settle_if_asked(follower, verdict)
    else:
        stage.catch_up.settle(follower, verdict)
    return stage, follower, told(client)


def test_it_goes_on_where_it_was() -> None:
    """Without a word."""
    verdict = Resume(cursor("1-20"), is_proved=True)
    _, follower, messages = judged(verdict, cursor("1-20"))
    assert (follower.pace, follower.cursor) == (FollowerState.BEHIND, cursor("1-20"))
    assert messages == []


@pytest.mark.parametrize("place", [NOTHING, cursor("1-20")])
def test_it_hears_where_news_begins(place: Cursor) -> None:
    """When history has passed by, if there was any."""
    _, follower, messages = judged(Resume(place, is_proved=True), id_of("1-20"))
    assert follower.cursor == place
    assert messages == (
        []
        if place == NOTHING
        else [{"type": "caught_up", "sessionId": "a", "cursor": str(place)}]
    )


@pytest.mark.parametrize(
    ("now", "is_answered", "is_told"),
    [
        # Generations were counted anew: it has to know by which names places go.
        ("1-20", False, True),
        # The answer has said so.
        ("1-20", True, False),
        # The same place by the same name, and by a later one.
        ("3-20", False, False),
        ("4-20", False, False),
    ],
)
def test_it_hears_of_another_name_of_its_place(
    now: str, *, is_answered: bool, is_told: bool
) -> None:
    """Or it would take what follows for what it has had."""
    verdict = Resume(cursor(now), is_proved=True)
    _, _, messages = judged(verdict, cursor("3-20"), is_answered=is_answered)
    assert messages == (
        [{"type": "heartbeat", "timestamp": "now", "cursors": {"a": str(cursor(now))}}]
        if is_told
        else []
    )


def test_before_everything_is_no_other_name() -> None:
    """All comes again then, by names that are told with it."""
    _, _, messages = judged(Resume(NOTHING, is_proved=True), cursor("3-20"))
    assert messages == []


def test_it_begins_with_records_before_now() -> None:
    """Which no name was told of."""
    _, follower, messages = judged(Resume(cursor("1-10"), is_proved=True), Last(2))
    assert (follower.cursor, messages) == (cursor("1-10"), [])


@pytest.mark.parametrize(
    ("verdict", "wanted", "at", "since", "reason"),
    [
        (Trimmed(cursor("1-20")), cursor("1-5"), NOTHING, "1-5", "trimmed"),
        # What is looked up without a cursor stands where it was.
        (Trimmed(cursor("1-20")), Begin.START, cursor("1-7"), "1-7", "trimmed"),
        (
            Trimmed(cursor("1-20"), is_cursor_known=False),
            cursor("1-20"),
            NOTHING,
            "1-20",
            "unknown_cursor",
        ),
        (
            Trimmed(cursor("1-20"), since=cursor("1-10")),
            cursor("1-5"),
            NOTHING,
            "1-10",
            "trimmed",
        ),
    ],
)
def test_it_hears_of_what_cannot_be_had(
    verdict: Trimmed, wanted: Wanted, at: Cursor, since: str, reason: str
) -> None:
    """And goes on after that."""
    stage, follower, messages = judged(verdict, wanted, at=at)
    assert messages == [
        {
            "type": "gap",
            "sessionId": "a",
            "from": str(cursor(since)),
            "to": str(cursor("1-20")),
            "reason": reason,
        }
    ]
    assert follower.cursor == cursor("1-20")
    assert stage.counted("gaps") == 1


@pytest.mark.parametrize(
    ("before", "to", "is_told"),
    [
        ("1-10", "2-10", True),
        ("2-5", "2-10", False),
        # Who has had nothing yet has had no generation: the first is none anew.
        ("0-0", "1-10", False),
        ("0-0", "2-10", True),
    ],
)
def test_a_gap_with_the_beginning_of_a_generation_in_it(
    before: str, to: str, *, is_told: bool
) -> None:
    """It hears that there is another one."""
    _, _, messages = judged(Trimmed(cursor(to)), Cursor(id_of(before), 0))
    assert kinds(messages) == (["gap", "rewind"] if is_told else ["gap"])
    if is_told:
        assert messages[1]["cursor"] == str(cursor(to))
        assert messages[1]["generation"] == "2"


def test_another_file_is_under_the_name() -> None:
    """It begins with that one's beginning."""
    stage, follower, messages = judged(
        Replaced(Cursor(id_of("1-0"), 0)), cursor("1-99", b"other")
    )
    (rewind,) = messages
    assert (rewind["type"], rewind["reason"]) == ("rewind", "replaced")
    assert follower.cursor == BEGINNING_CURSOR
    assert stage.counted("rewinds") == 1


def test_a_session_of_several_without_steps() -> None:
    """Begins now, and its client hears that."""
    _, follower, messages = judged(NoValues("steps"), Begin.START)
    assert [(one["type"], one["code"]) for one in messages] == [
        ("error", "invalid_message")
    ]
    assert messages[0]["message"] == "a has no steps: it begins now"
    assert follower.cursor == cursor("1-30")


def test_a_place_that_is_answered_already_is_settled_once() -> None:
    """By whichever comes first."""
    stage, follower, _ = judged(Resume(cursor("1-20"), is_proved=True), cursor("1-20"))
    stage.catch_up.settle_if_asked(follower, Replaced(BEGINNING_CURSOR))
    assert told(follower.client) == []
    assert follower.cursor == cursor("1-20")


# Files that are too short.


def since(follower: Follower) -> float | None:
    """Since when it waits for its file to grow back."""
    return follower.waiting_since


def test_a_place_that_is_not_read_yet_is_waited_for() -> None:
    """However long that takes, as long as the file is long enough."""
    _, follower, messages = judged(Wait(is_file_long_enough=True), cursor("1-90"))
    assert (follower.pace, follower.wanted) == (FollowerState.WAITING, cursor("1-90"))
    assert since(follower) is None
    assert messages == []


def test_a_file_that_is_too_short_is_waited_for_from_when_it_was_found_so() -> None:
    """Until it was long enough in between."""
    stage, follower, _ = judged(Wait(is_file_long_enough=False), cursor("1-90"))
    assert since(follower) == 1_000.0
    stage.now += 10.0
    stage.catch_up.settle(follower, Wait(is_file_long_enough=False))
    assert since(follower) == 1_000.0
    stage.catch_up.settle(follower, Wait(is_file_long_enough=True))
    assert since(follower) is None


async def test_a_file_that_stays_too_short_is_another_one() -> None:
    """After so long, and not before."""
    stage = Chase()
    channel = await stage.stored(10, 20, size=20)
    client = stage.client("a", starts={"a": cursor("1-90")})
    await stage.quiet()
    assert client.followers["a"].pace is FollowerState.WAITING
    stage.now += SHORT_FILE_SECONDS - 1.0
    stage.hub.compared(channel)
    await stage.quiet()
    assert told(client) == []
    stage.now += 1.0
    stage.hub.compared(channel)
    await stage.quiet()
    assert kinds(told(client)) == ["rewind", "telemetry", "caught_up"]
