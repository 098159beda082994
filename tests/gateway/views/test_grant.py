"""What a grant allows, and that a subscription is never wider."""

from hypothesis import given, strategies as st

from tailcast_gateway.views.globs import has_wildcards
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, NOTHING_GRANTED, Grant
from tailcast_gateway.views.subscription import Begin, Rule, Subscription


NAMES = st.text("ab/!", min_size=1, max_size=4)
GLOBS = st.text("ab/*?", min_size=1, max_size=4)


def rules_of(texts: list[str]) -> list[Rule]:
    """Rules of names and patterns."""
    return [Rule(one, has_wildcards(one), True, Begin.NOW) for one in texts]


def test_what_everybody_may_read() -> None:
    """All, also what belongs to no session; and nothing, before one is known."""
    assert EVERYTHING_GRANTED.is_all
    assert EVERYTHING_GRANTED.allows("!emergencies")
    assert EVERYTHING_GRANTED.allows_of("")
    assert not NOTHING_GRANTED.allows("a")
    assert not NOTHING_GRANTED.allows_of("")
    assert Grant(globs=("a", "*")).is_all


def test_some_sessions() -> None:
    """By patterns; what begins with an exclamation mark is none of them."""
    grant = Grant(globs=("team-a/*", "b"))
    allowed = [grant.allows(one) for one in ("team-a/x", "b", "bb", "team-b/x", "!b")]
    assert allowed == [True, True, False, False, False]
    assert grant.allows_of("b")
    assert not grant.allows_of("")


def test_when_a_connection_ends() -> None:
    """With the proof, unless that says another time."""
    assert Grant().ends_at is None
    assert Grant(expires_at=5.0).ends_at == 5.0
    assert Grant(expires_at=5.0, connection_ends_at=9.0).ends_at == 9.0


@given(texts=st.lists(GLOBS, max_size=4), globs=st.lists(GLOBS, max_size=3), name=NAMES)
def test_a_subscription_is_within_its_grant(
    texts: list[str], globs: list[str], name: str
) -> None:
    """It matches what its rules match and its grant allows: no more and no less."""
    grant = Grant(globs=tuple(globs))
    free = Subscription(rules_of(texts))
    bound = free.within(grant)
    assert bound.matches(name) == (free.matches(name) and grant.allows(name))
    assert bound.within(EVERYTHING_GRANTED).matches(name) == free.matches(name)
    assert all(grant.allows(one) for one in bound.literals())
    assert {*bound.literals(), *bound.refused()} == {*free.literals()}
    for other in (
        Subscription(bound.rules_with(rules_of(["a*"])), bound.grant),
        bound.without([("a", False)]),
        bound.nothing(),
    ):
        assert other.grant is grant
        assert not other.matches(name) or grant.allows(name)
