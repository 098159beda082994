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


def test_a_tailer_whose_own_file_waits_stands_alone() -> None:
    """Until another one claims the session too."""
    waits = CLAIM._replace(claimant="one:/logs", seen="t1")
    assert contests([waits], {"one:/logs"}) == {"a {b}": ["one:/logs"]}
    both = [waits, CLAIM._replace(seen="t0")]
    owners = ["one:/logs", "two:/logs"]
    assert contests(both, set(owners)) == {"a {b}": owners}
