"""Whatever is granted while a client catches up: it gets all that it may read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from hypothesis import given, settings, strategies as st

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_gateway.views.subscription import Begin
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEGINNING_CURSOR, Cursor
from tests.gateway.delivery.chase import Chase
from tests.gateway.delivery.test_hub_grants import (
    GRANTS,
    SESSIONS,
    TEXTS,
    renew,
    renewing_on,
)
from tests.gateway.stage import NOBODY, Socket, rule, told, wants


# Records that a session has, and those that come: so far apart.
STEP: Final = 10
FIRST: Final = range(STEP, 8 * STEP, STEP)
STARTS: Final = st.sampled_from([Begin.START, Begin.NOW])
# How many turns of the loop a replay takes from its beginning to its end.
TURNS: Final = st.integers(0, 24)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), GRANTS),
        st.tuples(st.just("subscribe"), st.lists(TEXTS, max_size=2), STARTS),
        st.tuples(st.just("write"), st.sampled_from(SESSIONS)),
        st.tuples(st.just("pass_turns"), TURNS),
        st.tuples(st.just("let_read"), st.booleans()),
        st.tuples(st.just("cut_short"), st.lists(TEXTS, max_size=2), TURNS, GRANTS),
        st.tuples(st.just("reconnect")),
    ),
    max_size=20,
)


class Run:
    """One client over several connections, beside what it should get."""

    def __init__(self) -> None:
        self.stage = Chase()
        self.renewing = renewing_on(self.stage)
        self.client = Client(Socket(), grant=EVERYTHING_GRANTED)
        self.subscription = wants()
        # By session that the client gets: after which place its next records follow;
        # None before the first of them.
        self.places: dict[str, str | None] = {}
        self.offsets: dict[str, int] = dict.fromkeys(SESSIONS, 0)

    async def store(self, session: str, *offsets: int) -> None:
        """Records come into being, and are delivered."""
        broker = self.stage.broker
        await broker.store(session, *offsets)
        self.offsets[session] = offsets[-1]
        channel = self.stage.hub.channels[session]
        channel.note_state((await broker.heads([session]))[0])
        end = channel.window.end.id
        # By itself this waits for nothing.
        new = await MemoryBroker.read_after(broker, session, end, limit=99)
        self.stage.come(channel, new)
        # Whoever is behind needs pages.
        channel.window.shrink(0)

    def wanted(self) -> dict[str, Begin]:
        """The sessions that the client is to get, and where each begins."""
        within = self.subscription.within(self.client.grant)
        rules = {session: within.rule_for(session) for session in SESSIONS}
        return {
            session: one.start
            for session, one in rules.items()
            if one is not None and isinstance(one.start, Begin)
        }

    def note_wanted(self) -> None:
        """What is wanted now and was not begins; what is not any more has no place."""
        wanted = self.wanted()
        self.places = {
            session: self.places.get(
                session, str(BEGINNING_CURSOR) if start is Begin.START else None
            )
            for session, start in wanted.items()
        }

    def take(self) -> None:
        """What has come is of a session that the client may read, and follows on."""
        for message in told(self.client):
            session = message["sessionId"]
            assert session in self.places, message
            if message["type"] == "telemetry":
                place = self.places[session]
                assert place in (None, message["prev"]), message
            else:
                assert message["type"] == "caught_up", message
            self.places[session] = message["cursor"]

    async def grant(self, grant: Grant) -> None:
        """Another grant."""
        self.take()
        await renew(self.renewing, self.client, grant, self.places)
        self.note_wanted()

    async def subscribe(self, texts: list[str], start: Begin) -> None:
        """Other rules."""
        self.take()
        self.subscription = wants(*(rule(text, start) for text in texts))
        self.stage.hub.subscribe(self.client, self.subscription, {})
        self.note_wanted()

    async def write(self, session: str) -> None:
        """A record comes."""
        await self.store(session, self.offsets[session] + STEP)

    async def pass_turns(self, count: int) -> None:
        """Some of what is due is done."""
        await self.stage.turns(count)

    async def cut_short(self, texts: list[str], turns: int, grant: Grant) -> None:
        """Another grant comes in the midst of a replay."""
        await self.subscribe(texts, Begin.START)
        await self.pass_turns(turns)
        await self.grant(grant)

    async def let_read(self, can_read: bool) -> None:
        """Whether pages come that are being read."""
        if can_read:
            self.stage.broker.reads_on.set()
        else:
            self.stage.broker.reads_on.clear()

    async def reconnect(self) -> None:
        """The client leaves, and goes on elsewhere where it was."""
        self.take()
        self.stage.hub.leave(self.client)
        self.client = Client(Socket(), grant=self.client.grant)
        starts = {
            session: Cursor.parse(place)
            for session, place in self.places.items()
            if place is not None
        }
        self.stage.hub.subscribe(self.client, self.subscription, starts)

    async def end(self) -> None:
        """All comes that is to come, and one more record of each session."""
        await self.let_read(True)
        await self.stage.quiet()
        self.take()
        for session in SESSIONS:
            await self.write(session)
        await self.stage.quiet()
        self.take()
        for session, place in self.places.items():
            assert place is not None, session
            assert place.split("-")[1] == str(self.offsets[session]), session


async def play(steps: list[tuple[str, *tuple[object, ...]]]) -> None:
    """Carry out all steps, and hold what the client gets against what it should."""
    run = Run()
    for session in SESSIONS:
        run.stage.watch(session, NOBODY)
        await run.store(session, *FIRST)
    for name, *arguments in steps:
        step: Callable[..., Awaitable[None]] = getattr(run, name)
        await step(*arguments)
    await run.end()


@settings(max_examples=200)
@given(STEPS)
def test_a_replay_is_within_the_grant_and_has_all_of_it(
    steps: list[tuple[str, *tuple[object, ...]]],
) -> None:
    """Through renewals, other subscriptions and resumes, whenever they come."""
    asyncio.run(play(steps))
