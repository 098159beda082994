"""Which sessions are contested, by what tailers claim and answer."""

from tailcast_streams.claims import Claim, contests


CLAIM = Claim("a {b}", "two:/logs", "one:/logs", "t1")


def test_contested_is_what_two_present_tailers_see() -> None:
    """The owner first; who is gone counts for nothing."""
    seen = CLAIM._replace(seen="t0")
    third = seen._replace(claimant="three:/logs")
    everybody = {"one:/logs", "two:/logs", "three:/logs"}
    both = {"a {b}": ["one:/logs", "three:/logs", "two:/logs"]}
    assert contests([seen, third], everybody) == both
    assert contests([CLAIM], everybody) == {}
    assert contests([seen], {"two:/logs"}) == contests([seen], {"one:/logs"}) == {}
