"""Who is told what the index of a session says, and when."""

from collections.abc import Sequence

from tailcast_gateway.delivery import index_news as module
from tailcast_gateway.delivery.core.channel import Channel, FollowerState
from tailcast_gateway.delivery.core.news import NewMetrics
from tailcast_gateway.delivery.index_news import IndexNews, metric_frame
from tailcast_gateway.protocol.client_messages import Subscribe
from tailcast_gateway.protocol.limits import limits_of
from tailcast_gateway.protocol.wires import JSON
from tailcast_gateway.views.subscription import Begin, Rule
from tailcast_gateway.views.view import Views
from tailcast_index.fold import News, Rewind
from tailcast_index.meaning import Choice
from tailcast_streams.position import EntryID
from tests.gateway.entries import chain, cursor, entry
from tests.gateway.stage import Stage, socket_of, told
from tests.properties.gateway_frames import payloads


class Indexes:
    """What indexes say, and which were read."""

    def __init__(self) -> None:
        self.says: dict[str, News] = {}
        self.asked: list[str] = []

    async def news(self, sessions: Sequence[str]) -> list[News | None]:
        """What they say."""
        self.asked += sessions
        return [self.says.get(session) for session in sessions]


class Looking(Stage):
    """A stage on whose sessions somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.indexes = Indexes()
        self.looks = IndexNews(
            self.hub,
            self.indexes,
            reading_of=Views().reading,
            clock=lambda: self.now,
            instruments=self.instruments,
        )

    def begun(self, session: str = "a", *, to: int = 30) -> Channel:
        """A session with records up to an offset, that have just come."""
        channel = self.watch(session)
        self.come(channel, chain(*range(10, to + 10, 10)), now=self.now)
        return channel

    def say(
        self, channel: Channel, *falls: int, metrics: Sequence[str] = (), to: int = 30
    ) -> None:
        """Have its index say this."""
        self.indexes.says[channel.session] = News(
            channel.incarnation,
            EntryID(1, to),
            tuple(Rewind(EntryID(1, at), 5, 9) for at in falls),
            len(metrics),
            tuple(metrics),
        )

    async def look(self) -> list[str]:
        """Look, a while later; returns what was read."""
        self.indexes.asked.clear()
        self.now += 1
        await self.looks.look()
        return self.indexes.asked


async def test_a_live_client_is_told_that_the_run_fell_back() -> None:
    """Once, with its own place, which does not move by that."""
    stage = Looking()
    channel = stage.begun()
    client = stage.client("a")
    stage.say(channel, 20)
    assert await stage.look() == ["a"]
    assert told(client) == [
        {
            "type": "rewind", "sessionId": "a", "cursor": str(cursor("1-30")),
            "generation": "1", "reason": "resumed", "step": 5, "complete": True,
            "before": 9, "at": "1-20-00000000",
        }
    ]  # fmt: skip  # one glance
    assert await stage.look() == []
    stage.follow_on(channel, 40, now=stage.now)
    told(client)
    assert await stage.look() == ["a"]
    assert told(client) == []


async def test_live_records_are_read_as_the_index_reads_them() -> None:
    """From the moment on at which that is known."""
    stage = Looking()
    channel = stage.begun()
    view = Views().view_of(Subscribe(index=True))
    client = stage.client(Rule("a", False, True, Begin.NOW, view))
    told(client)
    stage.indexes.says["a"] = News(
        channel.incarnation, EntryID(1, 30), (), 0, (), Choice(step=("nothing",))
    )
    stage.come(channel, [entry("1-40", "1-30", b'{"step":4}')], now=stage.now)
    assert [one["steps"] for one in told(client)] == [[4]]
    await stage.look()
    reading = channel.reading
    after = entry("1-50", "1-40", b'{"step":5,"nothing":6}')
    stage.come(channel, [after], now=stage.now)
    assert [one["steps"] for one in told(client)] == [[6]]
    await stage.looks.learn([channel])
    assert channel.reading is reading


async def test_who_has_not_passed_the_place_is_told_there() -> None:
    """And whose place is not known yet is told nothing."""
    stage = Looking()
    early, late, lost = (stage.client("a") for _ in range(3))
    channel = stage.begun()
    for client, at, state in (
        (early, "1-10", FollowerState.BEHIND),
        (late, "1-20", FollowerState.BEHIND),
        (lost, "1-30", FollowerState.LOOKING_UP),
    ):
        stage.followers.follow(client, channel, state, cursor=cursor(at))
        told(client)
    stage.say(channel, 20)
    await stage.look()
    assert (told(early), told(lost)) == ([], [])
    assert [one["cursor"] for one in told(late)] == [str(cursor("1-20"))]


async def test_who_does_not_read_misses_it() -> None:
    """It is counted."""
    stage = Looking()
    channel = stage.begun()
    client = stage.client("a")
    socket_of(client).paused = True
    stage.say(channel, 20)
    await stage.look()
    assert told(client) == []
    assert stage.counted("session_events_dropped") == 1


async def test_an_index_of_another_life_says_nothing() -> None:
    """It is of lines that are not there."""
    stage = Looking()
    channel = stage.begun()
    client = stage.client("a")
    stage.say(channel, 20)
    says = stage.indexes.says["a"]
    stage.indexes.says["a"] = says._replace(incarnation="another")
    await stage.look()
    assert told(client) == []
    assert channel.news.rewinds == ()


async def test_sessions_that_are_looked_at() -> None:
    """Those that moved and are watched, the one not looked at for longest first."""
    stage = Looking()
    stage.client("b", "c", "d")
    a, b, c, _ = (stage.begun(name) for name in "abcd")
    assert await stage.look() == ["d", "c", "b"]
    stage.say(b, to=30)
    stage.say(c, to=20)
    assert (await stage.look()) == ["d", "c", "b"]
    # `b` is known up to its end, and the others have rested for a while.
    assert (await stage.look()) == ["d", "c"]
    assert a.news.indexed_to == a.window.end.id
    stage.now += module.LAST_LOOK_SECONDS
    assert await stage.look() == []


async def test_many_sessions_take_turns() -> None:
    """A look has a bounded number."""
    stage = Looking()
    stage.client(Rule("*", True, True, Begin.NOW))
    for at in range(module.MAX_LOOKS + 3):
        stage.begun(f"s{at}")
    first = set(await stage.look())
    assert len(first) == module.MAX_LOOKS
    stage.now += 60
    again = await stage.look()
    assert set(again[:3]) == {f"s{at}" for at in range(module.MAX_LOOKS + 3)} - first


async def test_a_session_that_is_closed_meanwhile() -> None:
    """Nobody is there to be told."""
    stage = Looking()
    channel = stage.begun()
    client = stage.client("a")
    stage.say(channel, 20)
    stage.hub.close(channel)
    await stage.looks.learn([channel])
    assert (told(client), channel.news.rewinds) == ([], None)


async def test_metrics_are_told_to_those_who_asked() -> None:
    """When they have come, in one message."""
    stage = Looking()
    asked = stage.client(Rule("a", False, True, Begin.NOW, tells_metrics=True))
    other = stage.client("a")
    channel = stage.begun()
    stage.say(channel, metrics=["loss"], to=20)
    await stage.look()
    told(asked)
    told(other)
    stage.say(channel, metrics=["loss", "lr", "acc"], to=20)
    await stage.look()
    assert told(other) == []
    assert told(asked) == [
        {"type": "metric", "sessionId": "a", "names": ["lr", "acc"], "of": 3}
    ]


async def test_a_newcomer_is_told_how_many_metrics_there_are() -> None:
    """Though the session moves no more, and whatever came before the first look."""
    stage = Looking()
    stage.client("a")
    channel = stage.begun()
    stage.say(channel, metrics=["loss"])
    await stage.look()
    assert await stage.look() == []
    asks = Rule("a", False, True, Begin.NOW, tells_metrics=True)
    for rule in (asks, asks._replace(text="*", is_glob=True)):
        client = stage.client(rule)
        assert await stage.look() == ([] if rule.is_glob else ["a"])
        counts = [(one["names"], one["of"]) for one in told(client)]
        assert counts == ([] if rule.is_glob else [([], 1)])
        assert await stage.look() == []


async def test_a_newcomer_of_a_session_without_an_index_is_told_later() -> None:
    """When there is one; nothing is read again and again until then."""
    stage = Looking()
    channel = stage.begun()
    stage.hub.recent.clear()
    client = stage.client(Rule("a", False, True, Begin.NOW, tells_metrics=True))
    told(client)
    assert await stage.look() == ["a"]
    assert await stage.look() == []
    stage.say(channel, metrics=["loss"])
    stage.follow_on(channel, 40, now=stage.now)
    told(client)
    assert await stage.look() == ["a"]
    assert [(one["names"], one["of"]) for one in told(client)] == [([], 1)]


def test_a_message_has_as_many_names_as_fit() -> None:
    """The latest; the others are counted."""
    wire = JSON.bounded(limits_of(4_096))
    names = [f"{at:0200}" for at in range(100)]
    (payload,) = payloads(metric_frame(wire, "a", NewMetrics(names, 7, 300)))
    message = wire.json_of(payload)
    assert len(message) <= 4_096
    assert b'"' + names[-1].encode() + b'"' in message
    shown = message.count(b'"0')
    assert f'"namesLeftOut":{107 - shown}'.encode() in message
    assert shown > 10
