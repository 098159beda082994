"""Which tailers are silent, and who is told so."""

from collections.abc import Mapping, Sequence

from tailcast_gateway.sessions.tailers import RESTING_SECONDS, Tailers
from tailcast_streams.claims import Claim
from tests.gateway.sessions.rig import Sessions
from tests.gateway.stage import wants
from tests.gateway.stored import store


class Rig(Sessions):
    """Sessions, and who looks for their tailers."""

    def __init__(self) -> None:
        super().__init__()
        # What was told of sessions that several tailers have.
        self.contests: list[Mapping[str, Sequence[str]]] = []
        self.tailers = Tailers(
            self.broker,
            self.hub,
            on_contests=self.contests.append,
            clock=lambda: self.now,
            instruments=self.instruments,
        )

    async def owned(self, session: str, owner: str, *, active_at: float) -> None:
        """A session of a tailer, which appended last at a time."""
        channel = await self.stored(session, 10, owner=owner)
        channel.active_at = active_at

    def hears(self, *sessions: str) -> bool:
        """Whether who wants these is told that their feed is fresh."""
        return self.tailers.are_heard(wants(*sessions))

    @property
    def silent(self) -> float:
        """How many are silent, in metrics."""
        (line,) = (
            line
            for line in self.instruments.exposition().decode().splitlines()
            if line.startswith("tailcast_gateway_silent_tailers ")
        )
        return float(line.split()[1])


async def test_a_tailer_that_says_that_it_lives() -> None:
    """Its sessions are heard of, before anybody looked and after."""
    rig = Rig()
    await rig.owned("a", "here", active_at=1_000.0)
    assert rig.hears("a")
    await rig.broker.hold_presence("here", seconds=1_000)
    await rig.tailers.look()
    assert rig.hears("a")
    assert rig.silent == 0


async def test_whose_sessions_are_not_heard_of() -> None:
    """Those of the tailer that is silent: clients of others are told nothing."""
    rig = Rig()
    await rig.owned("a", "gone", active_at=1_000.0)
    await rig.owned("b", "here", active_at=1_000.0)
    await rig.broker.hold_presence("here", seconds=1_000)
    await rig.tailers.look()
    assert [rig.hears("a"), rig.hears("b"), rig.hears("a", "b"), rig.hears("*")] == [
        False, True, False, False,
    ]  # fmt: skip  # one glance
    assert rig.silent == 1


async def test_a_tailer_that_comes_back() -> None:
    """It is heard at the next look."""
    rig = Rig()
    await rig.owned("a", "t", active_at=1_000.0)
    await rig.tailers.look()
    await rig.broker.hold_presence("t", seconds=1_000)
    assert not rig.hears("a")
    await rig.tailers.look()
    assert rig.hears("a")


async def test_a_tailer_that_is_frozen() -> None:
    """It is silent while it is still present, before anybody may take its files."""
    rig = Rig()
    await rig.owned("a", "frozen", active_at=rig.now)
    await rig.broker.hold_presence("frozen", seconds=1_000, awake_seconds=0.0)
    await rig.tailers.listen()
    assert not rig.hears("a")
    await rig.broker.hold_presence("frozen", seconds=1_000, awake_seconds=1_000)
    await rig.tailers.listen()
    assert rig.hears("a")


async def test_who_has_the_files_is_asked_when_a_tailer_falls_silent() -> None:
    """And at each look, but not whenever it is listened for."""
    rig = Rig()
    await rig.owned("a", "gone", active_at=rig.now)
    await rig.broker.hold_presence("heir", seconds=1_000)
    await rig.tailers.listen()
    await store(rig.broker, "a", 20, owner="heir")
    await rig.tailers.listen()
    assert not rig.hears("a")
    await rig.tailers.look()
    assert rig.hears("a")


async def test_a_session_that_has_ended() -> None:
    """What rested long before its tailer fell silent is waited for by nobody."""
    rig = Rig()
    await rig.owned("a", "gone", active_at=rig.now - RESTING_SECONDS - 1)
    await rig.owned("b", "gone", active_at=rig.now - RESTING_SECONDS + 1)
    await rig.tailers.look()
    assert [rig.hears("a"), rig.hears("b")] == [True, False]


async def test_how_long_a_tailer_is_silent() -> None:
    """It counts from when that was found: a silence does not make its session rest."""
    rig = Rig()
    await rig.owned("a", "gone", active_at=rig.now)
    await rig.tailers.look()
    rig.now += 10 * RESTING_SECONDS
    await rig.tailers.look()
    assert not rig.hears("a")


async def test_another_tailer_took_the_file_over() -> None:
    """The owner is asked for again before anybody is told that it is silent."""
    rig = Rig()
    await rig.owned("a", "gone", active_at=rig.now)
    await rig.broker.hold_presence("heir", seconds=1_000)
    await store(rig.broker, "a", 20, owner="heir")
    await rig.tailers.look()
    assert rig.hears("a")
    assert rig.silent == 0
    assert rig.hub.watched["a"].owner == "heir"


async def test_a_session_whose_owner_cannot_be_read() -> None:
    """It counts as that of the tailer that is known, and others are asked for."""
    rig = Rig()
    for name in ("a", "b"):
        await rig.owned(name, "gone", active_at=rig.now)
    await rig.broker.hold_presence("heir", seconds=1_000)
    await store(rig.broker, "b", 20, owner="heir")
    rig.broker.refused.add("a")
    await rig.tailers.look()
    assert [rig.hears("a"), rig.hears("b")] == [False, True]


async def test_contests_are_of_tailers_that_are_there() -> None:
    """A claim of one that is gone is told as none."""
    rig = Rig()
    claim = Claim("a", claimant="other", owner="owner", token="1")
    await rig.broker.claims.ask(claim)
    await rig.broker.claims.answer(claim)
    await rig.broker.hold_presence("owner", seconds=1_000)
    await rig.tailers.look()
    await rig.broker.hold_presence("other", seconds=1_000)
    await rig.tailers.look()
    assert [dict(told) for told in rig.contests] == [{}, {"a": ["owner", "other"]}]
