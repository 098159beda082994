"""Which names match."""

import pytest

from tailcast_tailer.core.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fixed", "depth", "yes", "no"),
    [
        ("telemetry/**/*.jsonl", "telemetry", None,
         ["a.jsonl", "x/a.jsonl", "x/y/a.b.jsonl"],
         ["a.json", ".a.jsonl", ".x/a.jsonl", "x/.y/a.jsonl"]),
        ("*.jsonl", "", 0, ["a.jsonl"], ["x/a.jsonl", "ajsonl"]),
        ("runs/*/metrics.json", "runs", 1,
         ["x/metrics.json"], ["metrics.json", "x/y/metrics.json", "x/metricsAjson"]),
        ("a/b/c.jsonl", "a/b", 0, ["c.jsonl"], ["d.jsonl"]),
        ("./a//r?nk[0-3].jsonl", "a", 0,
         ["rank0.jsonl"], ["rank4.jsonl", "r/nk0.jsonl"]),
        ("[!a-c]*.jsonl", "", 0, ["d.jsonl"], ["a.jsonl", ".d.jsonl"]),
        ("x/**", "x", None, ["a", "b/a"], [".a"]),
        ("", "", -1, [], ["a"]),
    ],
)  # fmt: skip  # a table
def test_patterns(
    pattern: str, fixed: str, depth: int | None, yes: list[str], no: list[str]
) -> None:
    """A glob's fixed part, its depth, and what it matches below."""
    compiled = compile_pattern(pattern)
    assert (compiled.fixed, compiled.depth) == (fixed, depth)
    assert all(compiled.expression.fullmatch(path) for path in yes)
    assert not any(compiled.expression.fullmatch(path) for path in no)


@pytest.mark.parametrize("character", [chr(n) for n in range(32, 127) if n != 47])
def test_every_character_can_be_asked_for(character: str) -> None:
    """In brackets it stands for itself; alone if it is no wildcard."""
    name = f"a{character}b.jsonl"
    in_brackets = name if character in "!^" else f"a[{character}]b.jsonl"
    for pattern in (in_brackets, name):
        compiled = compile_pattern(f"*/{pattern}").expression
        assert compiled.fullmatch(f"x/{name}"), pattern
    others = compile_pattern(f"*/{in_brackets}").expression
    assert not others.fullmatch("x/a#b.jsonl") or character == "#"


@pytest.mark.parametrize("pattern", ["[!]", "[]", "a[", "[^]", "[!!]x", "[]]y"])
def test_a_bracket_that_nothing_closes_is_a_character(pattern: str) -> None:
    """As in a shell; one that stands first in a set belongs to it."""
    names = {"[!!]x": "ax", "[]]y": "]y", "[^]": "^"}
    assert compile_pattern(pattern).expression.fullmatch(names.get(pattern, pattern))


def test_what_is_no_pattern_is_told() -> None:
    """A range that goes backwards."""
    with pytest.raises(ValueError, match=r"\[z-a\] is no pattern: bad character range"):
        compile_pattern("*/[z-a]")
