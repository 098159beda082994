"""How deep is too deep: counted over bytes, strings and escapes known."""

import json
from collections.abc import Callable
from itertools import accumulate
from typing import cast

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.nesting import MAX_DEPTH, depth_of, has_too_deep, is_too_deep


def objects(levels: int) -> bytes:
    """Objects within each other, so many levels in all."""
    return b'{"":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def lists(levels: int) -> bytes:
    """An object with lists within each other, so many levels in all."""
    return b'{"":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b"1", 0),
        (b"{}", 1),
        (b'{"a":[{}],"b":[1]}', 3),
        (b'{"a":"[[[[{{{{"}', 1),
        (b'{"a":"\\"[[[","b":[]}', 2),
        (b'{"a":"\\\\","b":[]}', 2),
        (b'{"a":"\n\\\n[","b":[[]]}', 3),
        (b'{"a":"cut off [[[[', 1),
        (b'{"a":"cut off [[[[\\', 1),
        (b"]]]][", 0),
    ],
)
def test_brackets_outside_strings_are_counted(text: bytes, depth: int) -> None:
    """Those that are open at once."""
    assert depth_of(text) == depth


@pytest.mark.parametrize("make", [objects, lists])
def test_a_hundred_levels_are_allowed(make: Callable[[int], bytes]) -> None:
    """Of either kind, the top-level object the first."""
    assert not is_too_deep(make(MAX_DEPTH))
    assert is_too_deep(make(MAX_DEPTH + 1))


@pytest.mark.parametrize("make", [objects, lists])
def test_one_line_among_others_that_is_too_deep_is_found(
    make: Callable[[int], bytes],
) -> None:
    """Also the shortest that there is, and none where there are many brackets."""
    wide = b'{"a":[%b]}' % b",".join([b"[{}]"] * 200)
    for line, is_found in ((make(MAX_DEPTH), False), (make(MAX_DEPTH + 1), True)):
        lines = [b"", b'{"a":1}', wide, line, wide]
        assert has_too_deep(lines, b"\n".join(lines)) is is_found
        lines = [b'{"a":1}', line]
        assert has_too_deep(lines, b"\n".join(lines)) is is_found
    assert not has_too_deep([], b"")


def reference(text: bytes) -> int:
    """The plainest way to count: byte by byte."""
    depths = [0]
    in_string = False
    rest = iter(enumerate(text))
    for at, byte in rest:
        if byte == ord("\\") and text[at + 1 : at + 2] in {b"\\", b'"'}:
            next(rest)
        elif byte == ord('"'):
            in_string = not in_string
        elif byte in b"{}[]" and not in_string:
            depths.append(1 if byte in b"{[" else -1)
    return max(accumulate(depths))


@given(st.lists(st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b"\\", b"\n", b"a", b'":', b"\xff", b"[" * 40,
     b'{"":' * 60]
), max_size=30).map(b"".join))  # fmt: skip  # one glance
def test_any_bytes_are_counted_as_one_by_one(text: bytes) -> None:
    """JSON or not, in a line of its own or not."""
    assert depth_of(text) == reference(text)
    assert is_too_deep(text) is (reference(text) > MAX_DEPTH)


json_values = st.recursive(
    st.none() | st.text(st.sampled_from('[]{}"\\a')) | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("[{a"), inner),
    max_leaves=30,
)


def nesting_of(value: object) -> int:
    """How deep a decoded value is."""
    if isinstance(value, dict):
        inner = [*cast(dict[str, object], value).values()]
    elif isinstance(value, list):
        inner = cast(list[object], value)
    else:
        return 0
    return 1 + max(map(nesting_of, inner), default=0)


@given(json_values)
def test_json_is_as_deep_as_what_it_says(value: object) -> None:
    """Whatever its texts have in them."""
    assert depth_of(json.dumps(value).encode()) == nesting_of(value)


@given(
    st.lists(
        st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2).map(objects)
        | st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2).map(lists)
        | st.integers(0, 300).map(lambda count: b'{"a":"%b"}' % (b"[" * count))
        | st.integers(0, 300).map(
            lambda count: b'{"a":[%b]}' % (b"[]," * count + b"1")
        ),
        max_size=5,
    )
)
def test_lines_are_told_together_as_one_by_one(lines: list[bytes]) -> None:
    """The look at all of them leaves out none."""
    text = b"".join(line + b"\n" for line in lines)
    assert has_too_deep(lines, text) is any(map(is_too_deep, lines))
