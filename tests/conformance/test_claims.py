"""What tailers say to each other about a session, on every broker."""

from tailcast_streams.claims import Claim
from tests.conformance.conftest import Adapter


CLAIM = Claim("a {b}", "two:/logs", "one:/logs", "t1")


async def test_a_claim_is_there_until_it_is_withdrawn(adapter: Adapter) -> None:
    """One for each session and claimant; an answer stays with a later asking."""
    claims = adapter.claims
    assert await claims.read() == []
    other = CLAIM._replace(claimant="three:/logs")
    await claims.ask(other)
    await claims.ask(CLAIM)
    assert await claims.read() == [other, CLAIM]
    await claims.answer(CLAIM)
    answered = CLAIM._replace(seen="t1")
    assert await claims.read() == [other, answered]
    assert answered.is_answered
    again = CLAIM._replace(token="t2")
    await claims.ask(again)
    assert await claims.read() == [other, again._replace(seen="t1")]
    assert not again._replace(seen="t1").is_answered
    await claims.withdraw(CLAIM.session, CLAIM.claimant)
    await claims.withdraw(CLAIM.session, CLAIM.claimant)
    assert await claims.read() == [other]
    # One that is asked anew begins without an answer.
    await claims.ask(CLAIM)
    assert await claims.read() == [other, CLAIM]


async def test_an_answer_to_what_was_withdrawn_is_none(adapter: Adapter) -> None:
    """It may come late."""
    await adapter.claims.ask(CLAIM)
    await adapter.claims.withdraw(CLAIM.session, CLAIM.claimant)
    await adapter.claims.answer(CLAIM)
    await adapter.claims.ask(CLAIM)
    assert await adapter.claims.read() == [CLAIM]
