"""Whatever is granted, subscribed to and written: a client gets what it may read."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from hypothesis import given, strategies as st

from tailcast_gateway.commands.renewing import Renewing
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.views.globs import compiled, has_wildcards
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, NOTHING_GRANTED, Grant
from tests.gateway.stage import Socket, Stage, told


SESSIONS: Final = ("a", "b", "ab", "b/a")
TEXTS: Final = st.sampled_from(["a", "b", "ab", "b/a", "a*", "*a", "b*", "?", "*"])
GRANTS: Final = st.one_of(
    st.just(EVERYTHING_GRANTED),
    st.just(NOTHING_GRANTED),
    st.lists(TEXTS, max_size=2).map(lambda globs: Grant(globs=tuple(globs))),
)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), GRANTS),
        st.tuples(st.just("subscribe"), st.lists(TEXTS, max_size=3)),
        st.tuples(st.just("write"), st.sampled_from(SESSIONS)),
    ),
    max_size=20,
)


class Opening:
    """A feed that watches all sessions already, and a list of them."""

    async def open(self, _names: list[str]) -> dict[str, Exception]:
        """Nothing is left to do."""
        return {}

    async def sessions(self) -> dict[str, int]:
        """All there are."""
        return dict.fromkeys(SESSIONS, 0)


def renewing_on(stage: Stage) -> Renewing:
    """What gives clients of a stage other grants."""
    opening = Opening()
    return Renewing(
        stored=opening,  # type: ignore[arg-type]  # all that it asks
        hub=stage.hub,
        feed=opening,  # type: ignore[arg-type]  # as above
    )


async def renew(
    renewing: Renewing, client: Client, grant: Grant, wanted: Iterable[str]
) -> None:
    """Give another grant: what is gone and was wanted is told once, nothing else."""
    await renewing.renew(client, grant)
    gone = [session for session in wanted if not grant.allows(session)]
    messages = told(client)
    assert {one["type"] for one in messages} <= {"revoked"}
    assert sorted(str(one["sessionId"]) for one in messages) == sorted(gone)


class Run:
    """One client's life, beside what it should get."""

    def __init__(self) -> None:
        self.stage = Stage()
        for session in SESSIONS:
            self.stage.watch(session)
        self.renewing = renewing_on(self.stage)
        self.client = Client(Socket(), grant=NOTHING_GRANTED)
        self.globs: list[str] = []
        self.offset = 1

    def wants(self, session: str) -> bool:
        """Whether a client of these rules and this grant gets a session."""

        def fits(text: str) -> bool:
            pattern = compiled(text) if has_wildcards(text) else None
            if pattern is None:
                return text in ("*", session)
            return pattern.matches(session)

        return any(map(fits, self.globs)) and self.client.grant.allows(session)

    def grant(self, grant: Grant) -> None:
        """Another grant."""
        wanted = [name for name in self.stage.hub.channels if self.wants(name)]
        asyncio.run(renew(self.renewing, self.client, grant, wanted))

    def subscribe(self, globs: list[str]) -> None:
        """Other rules."""
        self.globs = globs
        self.stage.subscribe(self.client, *globs)

    def write(self, session: str) -> None:
        """A record comes, and goes to the client if that may have it, and wants it."""
        self.offset += 1
        self.stage.follow_on(self.stage.hub.channels[session], self.offset)
        messages = told(self.client)
        if self.wants(session):
            (message,) = messages
            assert message["sessionId"] == session
            assert [one["o"] for one in message["data"]] == [self.offset]
        else:
            assert messages == []


@given(STEPS)
def test_nothing_outside_and_all_inside_the_grant(
    steps: list[tuple[str, object]],
) -> None:
    """Whichever order things happen in."""
    run = Run()
    for name, argument in steps:
        step: Callable[[object], None] = getattr(run, name)
        step(argument)
