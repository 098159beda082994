"""How those who are not live are served, over a broker in memory."""

import asyncio

import pytest

from tailcast_gateway.delivery.catch_up import SLICES_IN_TURN
from tailcast_gateway.delivery.core.allowance import Allowance
from tailcast_gateway.delivery.core.channel import (
    Client,
    Wanted,
)
from tailcast_gateway.delivery.core.encoding import SLICE_BYTES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING
from tests.gateway.delivery.chase import Chase, kinds
from tests.gateway.entries import cursor, entry
from tests.gateway.stage import (
    records,
    socket_of,
    told,
    written,
)


pytestmark = pytest.mark.usefixtures("prompt")


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


async def of_many(stage: Chase, count: int, size: int = 0) -> Client:
    """A client that lacks one record of some size in each of so many sessions."""
    client = Client(socket_of(stage.client()))
    names = [f"s{number}" for number in range(count)]
    for name in names:
        channel = stage.watch(name)
        record = b'{"o":10,"x":"%s"}' % (b"x" * size)
        stage.come(channel, [entry("1-10", "1-0", record)])
        # Others were told already where the run fell back.
        await stage.learn(channel)
    starts: dict[str, Wanted] = dict.fromkeys(names, BEGINNING_CURSOR)
    stage.subscribe(client, *names, starts=starts)
    return client


async def turns_with_records(stage: Chase, client: Client) -> list[int]:
    """How many records it is given in each turn in which it is given any."""
    given = list[int]()
    for _ in range(100):
        await stage.turns(1)
        if count := len(records(told(client))):
            given.append(count)
    return given


async def test_small_slices_of_many_sessions_share_a_turn() -> None:
    """As many as one may have; others have theirs in between."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    client = await of_many(stage, 2 * SLICES_IN_TURN + 1)
    given = await turns_with_records(stage, client)
    assert given == [SLICES_IN_TURN, SLICES_IN_TURN, 1]
    assert not client.followers


@pytest.mark.parametrize("why", ["large", "allowance"])
async def test_slices_that_have_a_turn_of_their_own(why: str) -> None:
    """Large ones, and those after which the client may have to answer."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    client = await of_many(stage, 3, size=SLICE_BYTES if why == "large" else 0)
    if why == "allowance":
        client.allowance = Allowance()
    assert await turns_with_records(stage, client) == [1, 1, 1]


async def test_a_turn_ends_before_what_has_to_be_read() -> None:
    """That is read for the client then."""
    stage = Chase(window_bytes=10**7, total_window_bytes=10**8)
    await stage.broker.store("s1", 10)
    client = await of_many(stage, 3)
    stage.hub.channels["s1"].window.shrink(0)
    assert await turns_with_records(stage, client) == [1, 1, 1]


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
