import re

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.views.globs import compiled, literal


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("run_*", ["run_", "run_1", "run_a/b"], ["run", "a_run_1"]),
        ("a?c", ["abc", "a/c"], ["ac", "abbc", "abd"]),
        (r"a\*", ["a*"], ["ab"]),
        (r"a\?*", ["a?", "a?b"], ["ab"]),
        ("a\\", ["a\\"], ["a"]),
        ("*x*y*z", ["xyz", "1x2y3z", "xyzxyz"], ["xzy", "xy"]),
        ("a.b*", ["a.b", "a.bc"], ["axb"]),
        ("**", ["", "a"], []),
        ("*a", ["a", "aa"], ["ab"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("*a?c*", ["abc", "1a/c2", "abbabc"], ["ac", "abbcb", "ca"]),
        ("*?a?b", ["1a2b", "aaabb"], ["a2b", "1a2c"]),
        ("?*??", ["abc", "abcd"], ["ab", ""]),
        ("*??*x", ["abx", "abcx"], ["ax"]),
        ("*a*?b*", ["a1b", "aa1bc"], ["xxa", "a1"]),
    ],
)
def test_globs(glob: str, yes: list[str], no: list[str]) -> None:
    """C8: stars cross slashes, question marks are one of any, backslashes escape."""
    pattern = compiled(glob)
    assert pattern is not None
    assert [text for text in yes if not pattern.matches(text)] == []
    assert [text for text in no if pattern.matches(text)] == []


@given(st.text("ab*?\\", max_size=6), st.text("ab*?\\", max_size=6))
def test_a_literal_matches_its_name_alone(name: str, other: str) -> None:
    """Whatever characters of globs the name has."""
    pattern = compiled(literal(name))
    assert pattern is not None
    assert pattern.matches(name)
    assert pattern.matches(other) == (other == name)


def test_a_star_matches_everything() -> None:
    """So it needs no pattern."""
    assert compiled("*") is None


# Few characters, so that much of what is drawn nearly matches; one is beyond the BMP.
_NAMES = st.text("ab\n\U0001f600", max_size=12)
_GLOBS = st.text("ab*?\\\n\U0001f600", max_size=10).filter("*".__ne__)


@given(_GLOBS, _NAMES)
def test_it_matches_as_a_regular_expression_would(glob: str, name: str) -> None:
    """As one that tries everything."""
    pattern = compiled(glob)
    assert pattern is not None
    tokens = re.findall(r"\\.|.", glob, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    expression = "".join(
        wild.get(one) or re.escape(one[1:] if len(one) > 1 else one) for one in tokens
    )
    is_match = re.fullmatch(expression, name, re.DOTALL) is not None
    assert pattern.matches(name) is is_match


@pytest.mark.parametrize("glob", ["*a" * 400 + "b", "*a?" * 300 + "b", "*?" * 600])
def test_globs_that_nearly_match_are_answered(glob: str) -> None:
    """A pattern that tried each way to match would not come to an end."""
    pattern = compiled(glob)
    assert pattern is not None
    assert not pattern.matches("a" * 500)
