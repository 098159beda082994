from tailcast_gateway.views.globs import has_wildcards
from tailcast_gateway.views.subscription import (
    AtStep,
    AtTime,
    Begin,
    Last,
    Rule,
    Subscription,
)
from tailcast_gateway.views.view import PLAIN, View


def rule(text: str, *, included: bool = True, start: Begin | Last = Begin.NOW) -> Rule:
    """A rule; a glob if it looks like one."""
    return Rule(text, has_wildcards(text), included, start)


def test_the_newest_match_decides() -> None:
    """Literal or glob, taken in or left out."""
    some = Subscription([rule("*"), rule("b*", included=False), rule("b1")])
    assert some.matches("a")
    assert not some.matches("b2")
    assert some.matches("b1")
    assert some.literals() == ["b1"]
    assert some.has_globs()
    assert Subscription([rule("a"), rule("a*", included=False)]).literals() == []


def test_what_is_nothing() -> None:
    """No rules, or only such that leave out."""
    assert not Subscription()
    assert not Subscription([rule("a", included=False)])
    assert not Subscription().matches("a")
    assert not Subscription().has_globs()


def test_adding() -> None:
    """A rule with the same text replaces the older one."""
    some = Subscription([rule("a"), rule("b")])
    more = Subscription(some.rules_with([rule("a", start=Last(3))]))
    assert [one.text for one in more.rules] == ["b", "a"]
    found = more.rule_for("a")
    assert found is not None
    assert found.start == Last(3)


def test_taking_away() -> None:
    """What was named goes; what a glob still matches is left out."""
    some = Subscription([rule("a"), rule("b"), rule("run_*")])
    left = some.without([("a", False)])
    assert [one.text for one in left.rules] == ["b", "run_*"]
    left = some.without([("run_1", False)])
    assert not left.matches("run_1")
    assert left.matches("run_2")
    left = some.without([("run_*", True)])
    assert not left.matches("run_2")
    assert left.matches("a")
    assert some.without([("a", False), ("b", False), ("run_*", True)]).rules == ()


def test_taking_away_one_after_the_other() -> None:
    """What was left out stays so when something else is left out."""
    left = Subscription([rule("*")])
    for name in ("a", "b", "c"):
        left = left.without([(name, False)])
    assert not any(map(left.matches, "abc"))
    assert left.matches("d")


def test_forms() -> None:
    """The newest rule that matches gives it; what is not wanted has none of its own."""
    view = View(max_rate=5.0)
    rules = [
        Rule("a*", True, True, Begin.NOW),
        Rule("ab", False, True, Begin.NOW, view),
    ]
    subscription = Subscription(rules)
    assert subscription.view_for("ab") is view
    assert subscription.view_for("ac") is subscription.view_for("b") is PLAIN


def test_starts_of_different_kinds_are_different() -> None:
    """The last two records are not step two: nobody may get one for the other."""
    assert len({Last(2), AtStep(2), AtTime(2)}) == 3
    assert Last(2) == Last(2)
