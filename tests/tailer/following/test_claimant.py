"""Who may begin a session anew, and whether a tailer saw its files before."""

import pytest

from tailcast_streams.claims import Claim
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.following.claimant import ANSWER_SECONDS, Claimant
from tailcast_tailer.following.start_note import NOTE_SECONDS, StartNote
from tailcast_tailer.instruments import Instruments
from tests.tailer.single import Clock


class World:
    """One who asks, and an owner that is present."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.clock = Clock()
        self.claimant = Claimant(
            self.broker,
            owner="two",
            instruments=Instruments(clock=self.clock),
            clock=self.clock,
        )

    async def may(self, holder: str = "one") -> bool:
        """Whether the session may be begun anew."""
        return await self.claimant.may_begin_anew("a", holder)

    async def claim(self) -> Claim:
        """The claim that is made."""
        (claim,) = await self.broker.claims.read()
        return claim


@pytest.fixture
async def world() -> World:
    """Its owner is there."""
    made = World()
    for owner in ("one", "three"):
        await made.broker.hold_presence(owner, seconds=600)
    return made


async def test_nobody_is_asked_who_is_not_there(world: World) -> None:
    """Nor is it where nobody owns it, or this tailer itself."""
    for holder in ("", "two", "gone"):
        assert await world.may(holder)
    assert await world.broker.claims.read() == []
    await world.claimant.settle("a")


async def test_who_does_not_answer_in_time_loses_it(world: World) -> None:
    """Not before."""
    assert not await world.may()
    world.clock.now += ANSWER_SECONDS - 0.1
    assert not await world.may()
    world.clock.now += 0.2
    assert await world.may()
    await world.claimant.settle("a")
    assert await world.broker.claims.read() == []


async def test_who_answers_keeps_it_and_is_asked_again(world: World) -> None:
    """Each asking needs an answer of its own."""
    tokens = set[str]()
    for _ in range(3):
        assert not await world.may()
        claim = await world.claim()
        tokens.add(claim.token)
        await world.broker.claims.answer(claim)
        world.clock.now += ANSWER_SECONDS
    assert not await world.may()
    world.clock.now += ANSWER_SECONDS
    assert len(tokens) == 3
    assert await world.may()


async def test_time_without_a_broker_does_not_count(world: World) -> None:
    """Nor does a claim that it forgot: nobody could answer."""
    assert not await world.may()
    world.clock.now += ANSWER_SECONDS
    world.claimant.ask_again()
    assert not await world.may()
    world.broker.wipe()
    await world.broker.hold_presence("one", seconds=600)
    world.clock.now += ANSWER_SECONDS
    assert not await world.may()
    assert (await world.claim()).owner == "one"
    world.clock.now += ANSWER_SECONDS
    assert await world.may()


async def test_another_owner_is_asked_from_the_beginning(world: World) -> None:
    """What the one before answered, or not, says nothing of it."""
    assert not await world.may()
    await world.broker.claims.answer(await world.claim())
    world.clock.now += ANSWER_SECONDS
    assert not await world.may("three")
    claim = await world.claim()
    assert (claim.owner, claim.seen) == ("three", "")


async def test_what_the_broker_forgot_is_noted_again(world: World) -> None:
    """This life stays the first that it was; the next one is a later one."""

    def life() -> StartNote:
        return StartNote(world.broker, name="one", clock=world.clock)

    first = life()
    await first.note()
    world.broker.wipe()
    await first.note()
    assert not await world.broker.has_begun("one")
    world.clock.now += NOTE_SECONDS
    await first.note()
    assert await first.are_first()
    assert not await life().are_first()
